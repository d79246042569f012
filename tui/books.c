/* The runbooks on disk; see books.h. */
#include "tui/books.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"

static bool folder(const char *path, char *dir, size_t cap)
{
	autofree char *real = realpath(path, NULL);
	if (!real || access(real, R_OK | X_OK) != 0)
		return false;
	return snprintf(dir, cap, "%s", real) < (int)cap;
}

void books_find(char *dir, size_t cap)
{
	static const char *const beside[] = { "../share/rustbox/runbooks", "../runbooks", "../../runbooks" };
	char self[PATH_MAX], path[PATH_MAX + 64];
	const char *named = getenv("RUSTBOX_RUNBOOKS");
	if (named && *named && folder(named, dir, cap))
		return;
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	char *slash = n > 0 ? (self[n] = '\0', strrchr(self, '/')) : NULL;
	for (size_t i = 0; slash && i < sizeof beside / sizeof *beside; i++) {
		(void)snprintf(path, sizeof path, "%.*s/%s", (int)(slash - self), self, beside[i]);
		if (folder(path, dir, cap))
			return;
	}
	if (!folder(RUSTBOX_DATADIR "/runbooks", dir, cap))
		dir[0] = '\0';
}

static int add_page(struct model *m, int dirfd, const char *file, size_t name_len, struct err *e)
{
	autofree char *text = NULL;
	char name[NAME_MAX + 1];
	ssize_t n = kfile_read_all(dirfd, file, &text);
	if (n < 0)
		return err_set(e, (int)-n, "read the runbook %.80s", file);
	(void)snprintf(name, sizeof name, "%.*s", (int)name_len, file);
	return model_add_runbook(m, name, text, e);
}

static int only_pages(const struct dirent *d)
{
	const char *dot = strrchr(d->d_name, '.');
	return d->d_name[0] != '.' && dot && strcmp(dot, ".md") == 0 && strcmp(d->d_name, "README.md") != 0;
}

/* The page that `p` and a digit opens comes first, the others by name. */
static int in_order(const struct dirent **a, const struct dirent **b)
{
	static const char first[] = "cleanup-failure.md";
	int a_first = strcmp((*a)->d_name, first) == 0, b_first = strcmp((*b)->d_name, first) == 0;
	return a_first != b_first ? b_first - a_first : strcmp((*a)->d_name, (*b)->d_name);
}

int books_load(struct model *m, const char *dir, struct err *e)
{
	if (!*dir)
		return err_say(e, ENOENT, "no runbooks here: p opens nothing ($RUSTBOX_RUNBOOKS names their folder)");
	autofd int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent **found = NULL;
	int n = dirfd < 0 ? -1 : scandirat(dirfd, ".", &found, only_pages, in_order);
	if (n < 0)
		return err_set(e, errno, "read the runbooks in %.100s", dir);
	int bad = 0;
	for (int i = 0; i < n; i++) {
		int r = add_page(m, dirfd, found[i]->d_name, (size_t)(strrchr(found[i]->d_name, '.') - found[i]->d_name), e);
		bad = bad ? bad : r;
		free(found[i]);
	}
	free(found);
	return bad;
}
