/*
 * Theory of operation. Recursion dies on 10,000 levels, a stack of descriptors on a thousand. So the tree is
 * flattened as it is eaten: files of a directory are unlinked, its subdirectories are renamed up into the top
 * directory under names nobody has, and it is removed empty. Three descriptors, one pass over every entry, and an
 * interrupted run leaves a flatter tree that the next run finishes.
 *
 * Why it cannot be led astray: every step names one component below a held descriptor; directories are opened
 * with openat2 so that neither a symbolic link nor a mount is ever entered, not even a bind mount of the same file
 * system (which st_dev cannot tell); rename refuses a mount point (EBUSY) and another mount (EXDEV). Immutable and
 * append-only flags are cleared by descriptor, and only on EPERM, on what is inside.
 */
#include "sandbox/box/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "probes/base/clock.h"
#include "probes/base/own.h"
#include "probes/base/text.h"
#include "sandbox/kernel/sys.h"

enum { TELL_EVERY = 512, NAME_TRIES = 64 };
static const uint64_t beneath = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;

struct walk {
	int top;
	uint64_t serial, seed; /* for names in the top directory */
	uint64_t done;
	const struct tree_watch *watch;
	struct err *e;
};

static int fail(struct walk *w, int r, const char *what, const char *name)
{
	char safe[128];
	(void)text_escape(name, safe, sizeof safe);
	if (r == -EXDEV || r == -EBUSY)
		return err_say(w->e, EBUSY, "%s '%s': a mount is on it; unmount it first", what, safe);
	return err_set(w->e, -r, "%s '%s'", what, safe);
}

static void count(struct walk *w)
{
	if (++w->done % TELL_EVERY == 0 && w->watch && w->watch->tell)
		w->watch->tell(w->watch->arg, w->done);
}

static int open_dir(int at, const char *name)
{
	return sys_openat2(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, beneath);
}

/* True when flags stood in the way and no longer do. */
static bool unlock_fd(int fd)
{
	unsigned flags;
	const unsigned barred = FS_IMMUTABLE_FL | FS_APPEND_FL;
	return sys_get_attributes(fd, &flags) == 0 && (flags & barred) && sys_set_attributes(fd, flags & ~barred) == 0;
}

static bool unlock_entry(int at, const char *name)
{
	struct stat st; /* opening a device or a fifo could do things: only files and directories carry the flags */
	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
		return false;
	autofd int fd = sys_openat2(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0, beneath);
	return fd >= 0 && unlock_fd(fd);
}

/* Both the entry and the directory that holds it can be locked: EPERM alone does not say which. */
static bool unlock_both(int at, const char *name)
{
	bool entry = unlock_entry(at, name), holder = unlock_fd(at);
	return entry || holder;
}

static int unlink_entry(int at, const char *name, int flags)
{
	int r = sys_unlinkat(at, name, flags);
	return r == -EPERM && unlock_both(at, name) ? sys_unlinkat(at, name, flags) : r;
}

/* Moves a subdirectory up into the top directory, under a name that is free. */
static int lift(struct walk *w, int at, const char *name)
{
	char to[64];
	int r = -EEXIST;
	bool unlocked = false;
	for (int i = 0; i < NAME_TRIES && r == -EEXIST; i++) {
		(void)snprintf(to, sizeof to, ".rustbox-trash-%llx-%llx", (unsigned long long)w->seed,
			       (unsigned long long)w->serial++);
		r = sys_renameat2(at, name, w->top, to, RENAME_NOREPLACE);
		if (r == -EPERM && !unlocked && (unlocked = unlock_both(at, name)))
			r = -EEXIST; /* once more, under the next name */
	}
	return r;
}

static bool dots(const char *name)
{
	return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

/* DT_UNKNOWN costs a stat; everything that is not a directory is one unlink. */
static bool is_dir(int at, const struct dirent *d)
{
	struct stat st;
	if (d->d_type != DT_UNKNOWN)
		return d->d_type == DT_DIR;
	return fstatat(at, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/* Empties one directory that is not the top: files go, directories move up. */
static int empty_one(struct walk *w, int fd)
{
	bool found = true;
	autodir DIR *dir = fdopendir(sys_fcntl(fd, F_DUPFD_CLOEXEC, 0));
	if (!dir)
		return fail(w, -errno, "list", ".");
	while (found) { /* until a pass finds nothing: some file systems skip entries while others are removed */
		found = false;
		rewinddir(dir);
		for (struct dirent *d; (d = readdir(dir));) {
			if (dots(d->d_name))
				continue;
			bool sub = is_dir(fd, d);
			int r = sub ? lift(w, fd, d->d_name) : unlink_entry(fd, d->d_name, 0);
			if (r < 0 && r != -ENOENT)
				return fail(w, r, sub ? "move up" : "unlink", d->d_name);
			if (!sub)
				count(w);
			found = true;
		}
	}
	return 0;
}

static int remove_sub(struct walk *w, const char *name)
{
	autofd int fd = open_dir(w->top, name);
	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return fail(w, fd, "open", name);
	int r = empty_one(w, fd);
	if (r < 0)
		return r;
	r = unlink_entry(w->top, name, AT_REMOVEDIR);
	if (r < 0 && r != -ENOENT)
		return fail(w, r, "remove", name);
	count(w);
	return 0;
}

static int empty_top(struct walk *w)
{
	bool found = true;
	autodir DIR *dir = fdopendir(sys_fcntl(w->top, F_DUPFD_CLOEXEC, 0));
	if (!dir)
		return fail(w, -errno, "list", ".");
	while (found) {
		found = false;
		rewinddir(dir);
		for (struct dirent *d; (d = readdir(dir));) {
			if (dots(d->d_name))
				continue;
			bool sub = is_dir(w->top, d);
			int r = sub ? remove_sub(w, d->d_name) : unlink_entry(w->top, d->d_name, 0);
			if (r < 0 && r != -ENOENT)
				return sub ? r : fail(w, r, "unlink", d->d_name);
			if (!sub)
				count(w);
			found = true;
		}
	}
	return 0;
}

int tree_remove(int parent_fd, const char *name, dev_t dev, ino_t inode, const struct tree_watch *watch,
		uint64_t *entries, struct err *e)
{
	struct stat st;
	struct err mine = { 0 };
	autofd int top = open_dir(parent_fd, name);
	struct walk w = { .top = top, .seed = clock_mono_ns(), .watch = watch, .e = &mine };
	if (top == -ENOENT)
		return err_say(e, ENOENT, "it is gone already");
	int r = top < 0 ? fail(&w, top, "open", name) : 0;
	if (r == 0 && fstat(top, &st) < 0)
		r = fail(&w, -errno, "look at", name);
	if (r == 0 && (st.st_dev != dev || st.st_ino != inode))
		return err_say(e, ENOENT, "another directory has its name now; left alone");
	if (r == 0)
		r = empty_top(&w);
	if (r == 0) {
		r = unlink_entry(parent_fd, name, AT_REMOVEDIR);
		r = r == -ENOENT ? 0 : r < 0 ? fail(&w, r, "remove", name) : 0;
	}
	*entries = w.done;
	if (r < 0 && e)
		*e = mine;
	return r;
}
