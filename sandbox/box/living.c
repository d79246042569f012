/* See living.h. */
#include "sandbox/box/living.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "probes/base/own.h"
#include "sandbox/box/reclaim_mount.h"
#include "sandbox/kernel/sys.h"

static int no_such(const char *box, struct err *e)
{
	return err_say(e, ENOENT, "there is no box %s: run `rustbox init --box-id %s`", box, box);
}

int living_enter(const struct paths *paths, const char *box, struct claim *ret, struct err *e)
{
	char path[PATH_ROOM + 80];
	struct stat st;
	paths_ledger(paths, box, path);
	int fd = sys_openat(AT_FDCWD, path, O_RDWR | O_APPEND | O_NOFOLLOW, 0);
	if (fd == -ENOENT)
		return no_such(box, e);
	if (fd < 0)
		return err_set(e, -fd, "open %s", path);
	ret->fd = fd;
	(void)snprintf(ret->box, sizeof ret->box, "%s", box);
	/* The keeper's lock is another kind and another open file: asking for it tells whether the box lives. */
	if (sys_flock(fd, LOCK_SH | LOCK_NB) == 0) {
		if (fstat(fd, &st) == 0 && st.st_size == 0) /* ledgers of boxes that ended stay, empty */
			return no_such(box, e);
		return err_say(e, EOWNERDEAD, "box %s has lost its keeper: run `rustbox health --recover --cleanup`, then "
			       "`rustbox init --box-id %s`", box, box);
	}
	int r = sys_ofd_lock(fd, F_WRLCK);
	if (r == -EAGAIN || r == -EACCES)
		return err_say(e, EBUSY, "box %s is in use by another run: wait for its end", box);
	return r < 0 ? err_set(e, -r, "lock box %s", box) : 0;
}

static bool records(const struct ledger *l, const char *path, const char *id)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct ledger_entry *at = &l->v[i];
		if (at->kind == RES_MOUNT && !at->gone && at->identity && strcmp(at->name, path) == 0 &&
		    strcmp(at->identity, id) == 0)
			return true;
	}
	return false;
}

int living_root(const struct paths *paths, const struct claim *entered, uid_t *uid, struct err *e)
{
	autoarena struct arena a = { 0 };
	char path[PATH_ROOM + 80], id[MOUNT_ID_ROOM];
	struct ledger ledger;
	struct stat st;
	int r = claim_read(entered, &a, &ledger, e);
	if (r < 0)
		return r;
	paths_box_root(paths, entered->box, path);
	autofd int fd = sys_openat2(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0, RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(e, fd < 0 ? -fd : errno, "open %s", path);
	r = reclaim_mount_id_at(fd, "", id);
	if (r < 0 || !records(&ledger, path, id) || st.st_uid < paths->uid_base || st.st_uid >= paths->uid_base + UID_POOL)
		return err_say(e, EBADF, "%s is not the file system that the ledger of box %s records: run `rustbox cleanup "
			       "--box-id %s`, then init", path, entered->box, entered->box);
	*uid = st.st_uid;
	return take_fd(&fd);
}
