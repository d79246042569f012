/* See nest.h. */
#include "sandbox/box/nest.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "probes/base/clock.h"
#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "sandbox/kernel/dirs.h"
#include "sandbox/kernel/rootfs.h"
#include "sandbox/kernel/sys.h"

enum { BUSY_MS = 2000, BUSY_STEP_MS = 5 };

/* Which namespace: the file's number, which another one may get once this one is dead, and where the kernel has it
 * (Linux 6.12) the id that is given once in a boot. */
struct identity {
	uint64_t inode, id;
};

/* struct mnt_ns_info of Linux 6.12, newer than Debian 12's headers; ioctl_nsfs(2). */
struct mounts_info {
	uint32_t size, mounts;
	uint64_t id;
};
#define GET_MOUNTS_INFO _IOR(NSIO, 10, struct mounts_info)

static int identify(int fd, struct identity *ret, struct err *e)
{
	struct stat st;
	struct statfs fs;
	struct mounts_info info = { .size = sizeof info };
	if (fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0)
		return err_set(e, errno, "look at the nest");
	if (fs.f_type != NSFS_MAGIC || ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNS)
		return err_say(e, EBADF, "the nest is no mount namespace here");
	if (ioctl(fd, GET_MOUNTS_INFO, &info) < 0)
		info.id = 0;
	else if (info.mounts != 1)
		return err_say(e, EEXIST, "the nest has %u mounts, not its root alone", info.mounts);
	*ret = (struct identity){ st.st_ino, info.id };
	return 0;
}

static const char record_format[] = "rustbox-nest 1 %llu %llu\n";

static void record_text(const struct identity *i, char out[static 80])
{
	(void)snprintf(out, 80, record_format, (unsigned long long)i->inode, (unsigned long long)i->id);
}

static int open_ns(int dir, struct err *e)
{
	char is[80], must[80];
	struct identity identity;
	ssize_t n = kfile_read(dir, "record", must, sizeof must);
	if (n == -ENOENT)
		return err_say(e, ENOENT, "the nest was not finished");
	autofd int ns = n < 0 ? (int)n : sys_openat(dir, "ns", O_RDONLY | O_NOFOLLOW, 0);
	if (ns < 0)
		return err_set(e, -ns, "read the nest");
	int r = identify(ns, &identity, e);
	if (r < 0)
		return r;
	record_text(&identity, is);
	return strcmp(is, must) == 0 ? take_fd(&ns) : err_say(e, ESTALE, "the nest is not the recorded one");
}

int nest_open(const struct paths *p, struct err *e)
{
	autofd int dir = sys_openat(AT_FDCWD, p->of[PATH_NEST], O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (dir == -ENOENT)
		return err_say(e, ENOENT, "this host is not prepared");
	return dir < 0 ? err_set(e, -dir, "open %s", p->of[PATH_NEST]) : open_ns(dir, e);
}

/* ---- making and removing ---- */

/* -ELOOP: the kernel takes the nest for older than the namespace it would be kept in. */
static int keep(int dir, int ns, struct err *e)
{
	autofd int tree = sys_open_tree(ns, "", AT_EMPTY_PATH | OPEN_TREE_CLONE);
	int r = tree < 0 ? tree : sys_move_mount(tree, "", dir, "ns", MOVE_MOUNT_F_EMPTY_PATH);
	return r < 0 ? err_set(e, -r, "keep the nest") : 0;
}

/* Since Linux 6.18 each processor numbers namespaces from a batch of its own, and what is newer is told by the number:
 * anywhere but in the first namespace of a host it takes the right processor. */
static int make_and_keep(int dir, const char *stage_dir, struct identity *ret, struct err *e)
{
	unsigned cpus = (unsigned)sysconf(_SC_NPROCESSORS_CONF);
	int r = -ELOOP;
	for (unsigned cpu = 0; r < 0 && cpu < cpus; cpu++) {
		autofd int ns = rootfs_nest(stage_dir, cpu, e);
		r = ns < 0 ? ns : keep(dir, ns, e);
		if (r == 0)
			return identify(ns, ret, e);
	}
	return r;
}

static int fill(int dir, const char *stage_dir, struct err *e)
{
	char text[80];
	struct identity identity;
	int r = sys_mknodat(dir, "ns", S_IFREG | 0400, 0);
	if (r < 0)
		return err_set(e, -r, "make a place for the nest");
	r = make_and_keep(dir, stage_dir, &identity, e);
	if (r < 0)
		return r;
	record_text(&identity, text);
	autofd int record = sys_openat(dir, "record", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0400);
	r = record < 0 ? record : sys_write_all(record, text, strlen(text));
	return r < 0 ? err_set(e, -r, "record the nest") : 0;
}

int nest_make(const struct paths *p, struct err *e)
{
	const char *path = p->of[PATH_NEST];
	int r = nest_remove(p, e);
	if (r == 0)
		r = dirs_make(p, PATH_EMPTY, 0700, e);
	if (r == 0)
		r = dirs_make(p, PATH_NEST, 0700, e);
	if (r < 0)
		return r;
	autofd int dir = rootfs_workspace("size=16k,nr_inodes=8,mode=0700", 0, e);
	if (dir < 0)
		return dir;
	/* Private, and left out where a box is given all of /run: no box is to see what others begin in. */
	struct mount_attr alone = { .propagation = MS_UNBINDABLE };
	r = sys_move_mount(dir, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH);
	if (r == 0)
		r = sys_mount_setattr(dir, "", AT_EMPTY_PATH, &alone);
	if (r < 0)
		return err_set(e, -r, "mount %s", path);
	return fill(dir, p->of[PATH_EMPTY], e);
}

/* The namespace's file is busy while a run has it open, some microseconds; without the record nobody opens it anew. */
static int unmount(const char *path, struct err *e)
{
	uint64_t until = clock_mono_ns() + BUSY_MS * NS_PER_MS;
	int r;
	while ((r = sys_umount2(path, UMOUNT_NOFOLLOW)) == -EBUSY && clock_mono_ns() < until)
		(void)poll(NULL, 0, BUSY_STEP_MS);
	return r == 0 || r == -EINVAL || r == -ENOENT ? 0 : err_set(e, -r, "unmount %s", path);
}

int nest_remove(const struct paths *p, struct err *e)
{
	const char *path = p->of[PATH_NEST];
	char inside[PATH_ROOM + 8];
	(void)snprintf(inside, sizeof inside, "%s/record", path);
	int r = sys_unlinkat(AT_FDCWD, inside, 0);
	if (r < 0 && r != -ENOENT)
		return err_set(e, -r, "remove %s", inside);
	(void)snprintf(inside, sizeof inside, "%s/ns", path);
	r = unmount(inside, e);
	if (r == 0)
		r = unmount(path, e);
	if (r < 0)
		return r;
	r = sys_unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
	return r < 0 && r != -ENOENT ? err_set(e, -r, "remove %s", path) : 0;
}
