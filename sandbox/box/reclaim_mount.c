/*
 * Unmounts exactly one mount. The name is only a way to it: the child enters the parent directory (a descriptor
 * on the mount itself would make it busy), compares the unique id of what is on the name, unmounts that name there,
 * and then asks by id whether it is gone. If another mount lies on top, that one is not touched.
 */
#include "sandbox/box/reclaim_mount.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "probes/base/own.h"
#include "probes/statx.h"
#include "sandbox/box/reclaim_acts.h"
#include "sandbox/box/reclaim_child.h"
#include "sandbox/kernel/sys.h"

/* The last close of a killed holder is done a moment after its death. */
enum { BUSY_TRIES = 6, BUSY_NAP_MS = 5 };

struct umount_act {
	const struct scope *scope;
	const char *id, *path;
	bool lazy;
};

int reclaim_mount_id_at(int dirfd, const char *name, char id[static MOUNT_ID_ROOM])
{
	struct identity found;
	int r = identity_at(dirfd, name, *name ? AT_SYMLINK_NOFOLLOW : AT_EMPTY_PATH, &found);
	if (r < 0)
		return r;
	if (!found.mount_root || !found.mount)
		return -EINVAL;
	(void)snprintf(id, MOUNT_ID_ROOM, "%s%llu", found.unique ? "" : "o", (unsigned long long)found.mount);
	return 0;
}

static int enter_parent(const char *path, const char **base, struct err *e)
{
	char parent[4096];
	const char *slash = strrchr(path, '/');
	if (!slash || !slash[1] || (size_t)(slash - path) >= sizeof parent)
		return err_say(e, EINVAL, "not a path below a directory");
	(void)snprintf(parent, sizeof parent, "%.*s", slash == path ? 1 : (int)(slash - path), path);
	autofd int fd = sys_openat2(AT_FDCWD, parent, O_PATH | O_DIRECTORY, 0,
				    RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
	if (fd < 0)
		return err_set(e, -fd, "open its parent directory");
	int r = sys_fchdir(fd);
	if (r < 0)
		return err_set(e, -r, "enter its parent directory");
	*base = slash + 1;
	return 0;
}

/* What is on the name now, against the one that is meant: 0 it is the one; -ENOENT gone; -EEXIST covered. */
static int look_again(const struct umount_act *act, const char *base, struct err *e)
{
	char id[MOUNT_ID_ROOM];
	int r = reclaim_mount_id_at(AT_FDCWD, base, id);
	if (r == 0 && strcmp(id, act->id) == 0)
		return 0;
	int there = reclaim_mount_there(act->scope, act->id);
	if (there < 0)
		return err_set(e, -there, "ask for the mount by its id");
	if (there == 0)
		return err_say(e, ENOENT, "it is gone already");
	if (r < 0)
		return err_set(e, -r, "look at the mount point");
	return err_say(e, EEXIST, "another mount (id %s) lies on top of it", id);
}

static int umount_in_child(void *arg, struct child_voice *voice, struct err *e)
{
	const struct umount_act *act = arg;
	const char *base;
	(void)voice;
	int r = enter_parent(act->path, &base, e);
	if (r < 0 && reclaim_mount_there(act->scope, act->id) == 0)
		return err_say(e, ENOENT, "it is gone already");
	if (r == 0)
		r = look_again(act, base, e);
	if (r < 0)
		return r;
	int nap = BUSY_NAP_MS;
	for (int i = 0; i < BUSY_TRIES; i++, nap *= 2) {
		r = sys_umount2(base, UMOUNT_NOFOLLOW | (act->lazy ? MNT_DETACH : 0));
		if (r != -EBUSY || act->lazy)
			break;
		(void)poll(NULL, 0, nap);
	}
	if (r < 0)
		return err_set(e, -r, "umount");
	int there = reclaim_mount_there(act->scope, act->id);
	if (there < 0)
		return err_set(e, -there, "ask whether it is gone");
	return there ? err_say(e, EIO, "the kernel said yes, but the mount is still there") : 0;
}

static int umount_once(const struct reclaim_item *item, const struct reclaim_how *how, bool lazy, struct err *e)
{
	struct umount_act act = { .scope = how->scope, .id = item->of.id, .path = item->of.name, .lazy = lazy };
	return child_do(umount_in_child, &act, how->umount_ms ? how->umount_ms : UMOUNT_MS, NULL, NULL, e);
}

/* Recorded before it is done: after a detach only the ledger knows that there is something to watch. */
static int record_ghost(const struct paths *paths, struct reclaim_item *item, struct claim *box, struct err *e)
{
	char identity[32];
	autoarena struct arena a = { 0 };
	struct ledger l;
	unsigned seq = 0;
	bool known = false;
	(void)snprintf(identity, sizeof identity, "%u:%u", item->of.mount.major, item->of.mount.minor);
	int r = box->fd < 0 ? claim_open(paths, item->of.box, box, e) : 0; /* a box that never had a ledger needs one now */
	r = r < 0 ? r : claim_read(box, &a, &l, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < l.n; i++)
		if (!l.v[i].gone && l.v[i].kind == RES_MOUNT && strcmp(l.v[i].name, item->of.name) == 0)
			seq = l.v[i].seq, known = l.v[i].identity != NULL;
	if (!seq)
		r = claim_own(box, RES_MOUNT, item->of.name, &seq, e);
	if (r == 0 && !known) /* by its id a ghost is sure; device numbers of memory file systems are soon used again */
		r = claim_is(box, seq, item->of.id, e);
	return r < 0 ? r : claim_ghost(box, seq, identity, e);
}

static void detach(struct reclaim_item *item, const struct reclaim_how *how, struct claim *box)
{
	struct err e = { 0 };
	int r = record_ghost(how->scope->paths, item, box, &e);
	if (r < 0) {
		reclaim_set(item, RECLAIM_BUSY, EBUSY, "busy, and not detached: %s", e.text);
		return;
	}
	r = umount_once(item, how, true, &e);
	item->ghost = r == 0;
	if (r < 0)
		reclaim_set(item, RECLAIM_FAILED, r, "%s", e.text);
	else
		reclaim_set(item, RECLAIM_RELEASED, 0, "detached: a ghost until its last holder ends");
}

void reclaim_mount(struct reclaim_item *item, const struct reclaim_how *how, struct claim *box)
{
	struct err e = { 0 };
	int r = umount_once(item, how, false, &e);
	if (r == 0)
		reclaim_set(item, RECLAIM_RELEASED, 0, "%s", "");
	else if (r == -ENOENT)
		reclaim_set(item, RECLAIM_GONE, 0, "%s", e.text);
	else if ((r == -EBUSY || r == -ETIMEDOUT) && how->lazy)
		detach(item, how, box);
	else
		reclaim_set(item, r == -EBUSY ? RECLAIM_BUSY : RECLAIM_FAILED, r, "%s", e.text);
	/* After a detach that was refused, its reason is what the operator needs; the holders he knows. */
	if (item->outcome == RECLAIM_BUSY && how->holders && !how->lazy)
		how->holders(how->arg, item);
}
