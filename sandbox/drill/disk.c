/* The loop device of a drill; see disk.h. */
#include "sandbox/drill/disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <linux/major.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "probes/base/paths.h"
#include "sandbox/kernel/sys.h"

enum { TRIES = 8 };

/* Places are numbered in each network namespace (their sockets are), devices are the whole machine's. */
static void mark_of(const char *root, char *out)
{
	struct stat st = { 0 };
	(void)stat("/proc/self/ns/net", &st);
	(void)snprintf(out, LO_NAME_SIZE, "rustbox %.30s @%llu", root, (unsigned long long)st.st_ino);
}

int disk_attach(const char *root, char *node, unsigned cap)
{
	char image[PATH_ROOM + 20];
	struct loop_config config = { .info = { .lo_flags = LO_FLAGS_AUTOCLEAR } };
	(void)snprintf(image, sizeof image, "%.250s/drill/image", root);
	mark_of(root, (char *)config.info.lo_file_name);
	autofd int control = sys_openat(AT_FDCWD, "/dev/loop-control", O_RDWR, 0);
	autofd int file = sys_openat(AT_FDCWD, image, O_RDWR, 0);
	if (control < 0 || file < 0)
		return control < 0 ? control : file;
	config.fd = (unsigned)file;
	for (int i = 0; i < TRIES; i++) { /* somebody else may take the free one first */
		int n = ioctl(control, LOOP_CTL_GET_FREE);
		if (n < 0)
			return -errno;
		(void)snprintf(node, cap, "%.250s/drill/loop%d", root, n);
		int r = sys_mknodat(AT_FDCWD, node, S_IFBLK | 0600, makedev(LOOP_MAJOR, (unsigned)n));
		autofd int loop = r < 0 && r != -EEXIST ? r : sys_openat(AT_FDCWD, node, O_RDWR, 0);
		if (loop < 0)
			return loop;
		if (ioctl(loop, LOOP_CONFIGURE, &config) == 0)
			return take_fd(&loop);
	}
	return -EBUSY;
}

/* The same file system appears again, frozen as it is; a mount that nobody else sees is enough to thaw it. */
static void thaw(const char *node)
{
	autofd int fs = sys_fsopen("ext4");
	if (fs < 0 || sys_fsconfig_string(fs, "source", node) < 0 || sys_fsconfig_create(fs) < 0)
		return;
	autofd int mount = sys_fsmount(fs, 0);
	autofd int root = mount < 0 ? mount : sys_openat(mount, ".", O_RDONLY | O_DIRECTORY, 0);
	if (root >= 0)
		(void)ioctl(root, FITHAW, 0); /* fails when it is not frozen: then nothing is in the way */
}

/* The node stands in a tmpfs without a path, so that no /dev is needed and nothing is left of it. */
static bool is_ours(unsigned number, const char *mark, int nodes, char node[40])
{
	struct loop_info64 info;
	char name[16];
	(void)snprintf(name, sizeof name, "%u", number);
	(void)snprintf(node, 40, "/proc/self/fd/%d/%.12s", nodes, name);
	if (sys_mknodat(nodes, name, S_IFBLK | 0600, makedev(LOOP_MAJOR, number)) < 0)
		return false;
	autofd int loop = sys_openat(nodes, name, O_RDONLY, 0);
	return loop >= 0 && ioctl(loop, LOOP_GET_STATUS64, &info) == 0 &&
	       strncmp((char *)info.lo_file_name, mark, LO_NAME_SIZE) == 0;
}

/* Its image's path ends as ours do: nobody else's device is opened even to look. */
static bool may_be_ours(const char *device, const char *root)
{
	char path[PATH_ROOM], file[PATH_ROOM * 4] = "", end[60];
	(void)snprintf(path, sizeof path, "/sys/block/%.40s/loop/backing_file", device);
	(void)snprintf(end, sizeof end, "%.30s/drill/image\n", strrchr(root, '/'));
	ssize_t n = kfile_read(AT_FDCWD, path, file, sizeof file);
	return n >= (ssize_t)strlen(end) && strcmp(file + n - strlen(end), end) == 0;
}

static int make_nodes(void)
{
	autofd int fs = sys_fsopen("tmpfs");
	int r = fs < 0 ? fs : sys_fsconfig_create(fs);
	return r < 0 ? r : sys_fsmount(fs, 0);
}

int disk_release(const char *root, struct err *e)
{
	char mark[LO_NAME_SIZE], node[40];
	int left = 0;
	autodir DIR *blocks = opendir("/sys/block");
	autofd int nodes = -1;
	mark_of(root, mark);
	for (const struct dirent *d; blocks && (d = readdir(blocks));) {
		if (strncmp(d->d_name, "loop", 4) != 0 || !may_be_ours(d->d_name, root))
			continue;
		nodes = nodes < 0 ? make_nodes() : nodes;
		if (nodes < 0)
			return err_set(e, -nodes, "look at %s", d->d_name);
		if (!is_ours((unsigned)strtoul(d->d_name + 4, NULL, 10), mark, nodes, node))
			continue;
		thaw(node);
		left = err_say(e, EBUSY, "%s, the drill's disk, is still in use", d->d_name);
	}
	return left;
}
