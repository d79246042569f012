/*
 * What is in a box; see exchange.h. The walk keeps a stack of open directories, not a recursion, so that depth costs
 * descriptors and is bounded by their number: a program can make more levels than any caller can hold, and what is
 * deeper is said to be there, not shown.
 */
#include "sandbox/box/exchange.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "probes/base/own.h"
#include "probes/base/text.h"
#include "sandbox/kernel/sys.h"

static const uint64_t beneath = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;

struct listing {
	void (*each)(void *, const struct exchange_entry *);
	void *arg;
	DIR *open[EXCHANGE_DEPTH];
	size_t len[EXCHANGE_DEPTH]; /* of the path up to that directory, its slash included */
	int depth;
	size_t entries;
	bool incomplete;
	char path[EXCHANGE_DEPTH * 256 + 8];
};

static char type_of(mode_t mode)
{
	static const struct {
		mode_t kind;
		char letter;
	} kinds[] = { { S_IFREG, '-' }, { S_IFDIR, 'd' }, { S_IFLNK, 'l' }, { S_IFIFO, 'p' },
		      { S_IFSOCK, 's' }, { S_IFCHR, 'c' }, { S_IFBLK, 'b' } };
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if ((mode & S_IFMT) == kinds[i].kind)
			return kinds[i].letter;
	return '?';
}

static void show(struct listing *l, const struct stat *st)
{
	const struct exchange_entry entry = { .path = l->path, .type = type_of(st->st_mode), .mode = st->st_mode & 07777,
					      .names = (unsigned)st->st_nlink, .size = (uint64_t)st->st_size };
	l->entries++;
	l->each(l->arg, &entry);
}

static int push(struct listing *l, int fd, size_t len)
{
	if (l->depth == EXCHANGE_DEPTH) {
		l->incomplete = true;
		(void)close(fd);
		return 0;
	}
	DIR *d = fdopendir(fd);
	if (!d) {
		int r = -errno;
		(void)close(fd);
		return r;
	}
	l->open[l->depth] = d;
	l->len[l->depth++] = len;
	return 0;
}

/* A directory that is another's mount, or was swapped for a link since we looked, does not open: told, not entered. */
static int enter(struct listing *l, int at, const char *name)
{
	size_t len = strlen(l->path);
	int fd = sys_openat2(at, name, O_RDONLY | O_DIRECTORY | O_NONBLOCK, 0, beneath);
	if (fd < 0) {
		l->incomplete = true;
		return fd == -EMFILE || fd == -ENFILE ? fd : 0;
	}
	l->path[len] = '/';
	return push(l, fd, len + 1);
}

static int next(struct listing *l)
{
	DIR *d = l->open[l->depth - 1];
	size_t len = l->len[l->depth - 1];
	struct stat st;
	errno = 0;
	const struct dirent *entry = readdir(d);
	if (!entry) {
		int r = -errno;
		(void)closedir(d);
		l->depth--;
		return r;
	}
	const char *name = entry->d_name;
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return 0;
	(void)snprintf(l->path + len, sizeof l->path - len, "%s", name);
	if (fstatat(dirfd(d), name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	show(l, &st);
	return S_ISDIR(st.st_mode) ? enter(l, dirfd(d), name) : 0;
}

int exchange_list(const struct exchange *x, const char *inside, void (*each)(void *arg, const struct exchange_entry *),
		  void *arg, bool *incomplete, struct err *e)
{
	autofree struct listing *l = calloc(1, sizeof *l);
	char shown[120];
	struct stat st;
	if (!l)
		return err_set(e, ENOMEM, "list");
	l->each = each;
	l->arg = arg;
	(void)text_escape(inside, shown, sizeof shown);
	autofd int at = sys_openat2(x->root_fd, inside, O_PATH | O_NOFOLLOW, 0, beneath);
	if (at < 0 && at == -ELOOP)
		return err_say(e, ELOOP, "'%s': a symbolic link is in the path, and is not followed", shown);
	if (at < 0 || fstat(at, &st) < 0)
		return err_set(e, at < 0 ? -at : errno, "'%s'", shown);
	int r = 0;
	if (S_ISDIR(st.st_mode)) {
		int fd = sys_openat2(at, ".", O_RDONLY | O_DIRECTORY, 0, beneath);
		r = fd < 0 ? fd : push(l, fd, 0);
	} else {
		(void)snprintf(l->path, sizeof l->path, "%s", inside);
		show(l, &st);
	}
	while (r == 0 && l->depth && l->entries < EXCHANGE_ENTRIES)
		r = next(l);
	l->incomplete |= l->depth > 0;
	while (l->depth)
		(void)closedir(l->open[--l->depth]);
	*incomplete = l->incomplete;
	return r < 0 ? err_set(e, -r, "list '%s'", shown) : 0;
}
