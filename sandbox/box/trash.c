/* Deleted, but not yet gone; see trash.h. */
#include "sandbox/box/trash.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "probes/base/own.h"
#include "probes/base/text.h"
#include "sandbox/box/reclaim_child.h"
#include "sandbox/box/tree.h"
#include "sandbox/kernel/sys.h"

static const char prefix[] = ".rustbox-trash-", ours[] = "rustbox-";
static const uint64_t beneath = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;

bool trash_has_room(const struct paths *p)
{
	struct statvfs v;
	return statvfs(p->of[PATH_WORK], &v) == 0 && v.f_bavail >= v.f_blocks / 10 && v.f_favail >= v.f_files / 10;
}

static int open_work(const struct paths *p, struct err *e)
{
	int work = sys_openat(AT_FDCWD, p->of[PATH_WORK], O_RDONLY | O_DIRECTORY, 0);
	return work < 0 ? err_set(e, -work, "open %s", p->of[PATH_WORK]) : work;
}

/* Is `name` this directory, itself and not something mounted on it? */
static bool is_it(int work, const char *name, const struct dirid *id)
{
	autofd int fd = sys_openat2(work, name, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0, beneath);
	return fd >= 0 && dirid_is(id, fd, "");
}

int trash_put(const struct paths *p, const char *name, const struct dirid *id, uint64_t until, struct err *e)
{
	char to[160];
	autofd int work = open_work(p, e);
	if (work < 0)
		return work;
	if (strncmp(name, ours, sizeof ours - 1) != 0 || !text_is_box_name(name + sizeof ours - 1))
		return err_say(e, EINVAL, "not a box's directory");
	if (!is_it(work, name, id))
		return err_say(e, ENOENT, "it is gone, or another directory has its name now");
	(void)snprintf(to, sizeof to, "%s%llu-%s", prefix, (unsigned long long)until, name + sizeof ours - 1);
	int r = sys_renameat2(work, name, work, to, RENAME_NOREPLACE);
	if (r < 0)
		return err_set(e, -r, "move it to the trash");
	if (is_it(work, to, id))
		return 0;
	(void)!sys_renameat2(work, to, work, name, RENAME_NOREPLACE); /* another took its name in between */
	return err_say(e, ENOENT, "another directory has its name now; left alone");
}

/* ".rustbox-trash-UNTIL-BOX": the box, and until when; NULL when it is no name of ours. */
static const char *parse(const char *name, uint64_t *until)
{
	unsigned long long at = 0;
	int end = 0;
	if (strncmp(name, prefix, sizeof prefix - 1) != 0 || sscanf(name + sizeof prefix - 1, "%20llu-%n", &at, &end) != 1 || !end)
		return NULL;
	const char *box = name + sizeof prefix - 1 + end;
	*until = at;
	return text_is_box_name(box) ? box : NULL;
}

int trash_undo(const struct paths *p, const struct dirid *id, char *back, size_t cap, struct err *e)
{
	int work = open_work(p, e);
	if (work < 0)
		return work;
	autodir DIR *dir = fdopendir(work);
	if (!dir) {
		(void)close(work);
		return err_set(e, ENOMEM, "list %s", p->of[PATH_WORK]);
	}
	for (struct dirent *d; (d = readdir(dir));) {
		char to[100];
		uint64_t until;
		const char *box = parse(d->d_name, &until);
		if (!box || !is_it(work, d->d_name, id))
			continue;
		(void)snprintf(to, sizeof to, "%s%s", ours, box);
		int r = sys_renameat2(work, d->d_name, work, to, RENAME_NOREPLACE);
		if (r < 0)
			return err_set(e, -r, r == -EEXIST ? "%s exists again: it stays in the trash" : "bring back %s", to);
		(void)snprintf(back, cap, "%s/%s", p->of[PATH_WORK], to);
		return 0;
	}
	return err_say(e, ENOENT, "not in the trash: it is kept for %d minutes", TRASH_S / 60);
}

struct expiry {
	const char *work, *name;
	dev_t dev;
	ino_t inode;
};

static int remove_in_child(void *arg, struct child_voice *voice, struct err *e)
{
	const struct expiry *x = arg;
	uint64_t entries;
	(void)voice;
	autofd int work = sys_openat(AT_FDCWD, x->work, O_PATH | O_DIRECTORY, 0);
	return work < 0 ? err_set(e, -work, "open %s", x->work) : tree_remove(work, x->name, x->dev, x->inode, NULL, &entries, e);
}

size_t trash_expire(const struct paths *p, uint64_t now, unsigned ms)
{
	struct err e = { 0 };
	size_t left = 0;
	int work = open_work(p, &e);
	autodir DIR *dir = work < 0 ? NULL : fdopendir(work);
	for (struct dirent *d; dir && (d = readdir(dir));) {
		struct expiry x = { .work = p->of[PATH_WORK], .name = d->d_name };
		struct stat st;
		uint64_t until;
		if (!parse(d->d_name, &until) || until > now || fstatat(work, d->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(st.st_mode))
			continue;
		x.dev = st.st_dev;
		x.inode = st.st_ino;
		int r = child_do(remove_in_child, &x, ms, NULL, NULL, &e);
		left += r < 0 && r != -ENOENT;
	}
	return left;
}
