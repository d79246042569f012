/*
 * See rootfs.h. Targets are reached by openat2 beneath the new root without following links: a row may lie
 * below a directory bound from the host, whose contents nobody vouches for.
 */
#include "sandbox/kernel/rootfs.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "probes/base/own.h"
#include "sandbox/kernel/sys.h"

enum { BENEATH = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS, TARGET_ROOM = 4096 };

static unsigned attributes(unsigned long flags)
{
	return (flags & MS_RDONLY ? MOUNT_ATTR_RDONLY : 0) | (flags & MS_NOSUID ? MOUNT_ATTR_NOSUID : 0) |
	       (flags & MS_NODEV ? MOUNT_ATTR_NODEV : 0) | (flags & MS_NOEXEC ? MOUNT_ATTR_NOEXEC : 0);
}

/* "size=64M,mode=0755" one by one; a word without '=' is a flag. */
static int configure(int fs, const char *data)
{
	char copy[512];
	if (strlen(data) >= sizeof copy)
		return -E2BIG;
	(void)strcpy(copy, data);
	char *save = NULL;
	for (char *word = strtok_r(copy, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		char *value = strchr(word, '=');
		if (value)
			*value++ = '\0';
		int r = value ? sys_fsconfig_string(fs, word, value) : sys_fsconfig_flag(fs, word);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A new file system, not attached anywhere yet. owner (uid_t)-1: root's. */
static int new_fs(const char *type, const char *data, uid_t owner, unsigned attr)
{
	autofd int fs = sys_fsopen(type);
	if (fs < 0)
		return fs;
	int r = data ? configure(fs, data) : 0;
	if (r == 0 && owner != (uid_t)-1) {
		char id[16];
		(void)snprintf(id, sizeof id, "%u", (unsigned)owner);
		r = sys_fsconfig_string(fs, "uid", id);
		if (r == 0)
			r = sys_fsconfig_string(fs, "gid", id);
	}
	if (r == 0)
		r = sys_fsconfig_create(fs);
	return r < 0 ? r : sys_fsmount(fs, attr);
}

int rootfs_workspace(const char *data, uid_t uid, struct err *e)
{
	int fd = new_fs("tmpfs", data, uid, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	return fd < 0 ? err_set(e, -fd, "make the workspace (tmpfs %s)", data) : fd;
}

static int open_beneath(int root, const char *path, int flags)
{
	return sys_openat2(root, path, flags, 0, BENEATH);
}

/* The directory that holds `target`, made as needed; *leaf is its last component. */
static int open_parent(int root, const char *target, char room[static TARGET_ROOM], const char **leaf)
{
	if (strlen(target) >= TARGET_ROOM || !*target)
		return -ENAMETOOLONG;
	(void)strcpy(room, target);
	int at = open_beneath(root, ".", O_PATH | O_DIRECTORY);
	char *from = room;
	for (char *slash = strchr(from, '/'); at >= 0 && slash; slash = strchr(from, '/')) {
		*slash = '\0';
		autofd int above = at;
		at = open_beneath(above, from, O_PATH | O_DIRECTORY);
		if (at == -ENOENT) {
			int r = sys_mkdirat(above, from, 0755);
			at = r < 0 ? r : open_beneath(above, from, O_PATH | O_DIRECTORY);
		}
		from = slash + 1;
	}
	*leaf = from;
	return at;
}

/* Where a mount goes: a directory or an empty file, made when missing. */
static int open_target(int root, const char *target, bool directory)
{
	char room[TARGET_ROOM];
	const char *leaf;
	autofd int parent = open_parent(root, target, room, &leaf);
	if (parent < 0)
		return parent;
	int fd = open_beneath(parent, leaf, O_PATH);
	if (fd != -ENOENT)
		return fd;
	int r = directory ? sys_mkdirat(parent, leaf, 0755) : sys_mknodat(parent, leaf, S_IFREG | 0644, 0);
	return r < 0 ? r : open_beneath(parent, leaf, O_PATH);
}

static int attach(int mount, int root, const char *target, bool directory)
{
	autofd int at = open_target(root, target, directory);
	if (at < 0)
		return at;
	return sys_move_mount(mount, "", at, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

static int make_entry(int root, const struct mount_row *row)
{
	char room[TARGET_ROOM];
	const char *leaf;
	autofd int parent = open_parent(root, row->target, room, &leaf);
	if (parent < 0)
		return parent;
	int r = 0;
	if (row->kind == MOUNT_SYMLINK)
		return sys_symlinkat(row->source, parent, leaf);
	if (row->kind == MOUNT_NODE)
		r = sys_mknodat(parent, leaf, S_IFCHR | row->mode, makedev(row->major, row->minor));
	else
		r = sys_mkdirat(parent, leaf, row->mode);
	if (r == -EEXIST && row->kind == MOUNT_DIR)
		r = 0;
	return r < 0 ? r : sys_fchmodat(parent, leaf, row->mode); /* whatever the umask was */
}

static int bind(int root, const struct mount_row *row)
{
	unsigned deep = row->flags & MS_REC ? AT_RECURSIVE : 0;
	autofd int tree = sys_open_tree(AT_FDCWD, row->source, OPEN_TREE_CLONE | deep);
	if (tree < 0)
		return tree == -ENOENT && row->maybe ? 0 : tree;
	struct stat st;
	if (fstat(tree, &st) < 0)
		return -errno;
	struct mount_attr attr = { .attr_set = attributes(row->flags), .propagation = MS_PRIVATE };
	int r = sys_mount_setattr(tree, "", AT_EMPTY_PATH | deep, &attr);
	return r < 0 ? r : attach(tree, root, row->target, S_ISDIR(st.st_mode));
}

static int make_row(const struct rootfs *how, int root, const struct mount_row *row)
{
	autofd int fs = -1;
	switch (row->kind) {
	case MOUNT_DIR:
	case MOUNT_SYMLINK:
	case MOUNT_NODE:
		return make_entry(root, row);
	case MOUNT_BIND:
		return bind(root, row);
	case MOUNT_TMPFS:
		fs = new_fs("tmpfs", row->data, row->owned ? how->uid : (uid_t)-1, attributes(row->flags));
		return fs < 0 ? fs : attach(fs, root, row->target, true);
	case MOUNT_PROC:
		fs = new_fs("proc", row->data, (uid_t)-1, attributes(row->flags));
		return fs < 0 ? fs : attach(fs, root, row->target, true);
	case MOUNT_WORKSPACE:
		return how->workspace_fd < 0 ? -EBADF : attach(how->workspace_fd, root, row->target, true);
	}
	return -EINVAL;
}

/* The root holds directories, links and mount points only; a plan has some dozens of rows. */
static const char root_data[] = "size=256k,nr_inodes=1024,mode=0755";

int rootfs_build(const struct rootfs *how, size_t *row)
{
	*row = 0;
	/* Before anything is mounted: a peer of a shared mount would carry it out to the host. */
	struct mount_attr alone = { .propagation = MS_PRIVATE };
	int r = sys_mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &alone);
	if (r < 0)
		return r;
	autofd int root = new_fs("tmpfs", root_data, (uid_t)-1, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	if (root < 0)
		return root;
	r = sys_move_mount(root, "", AT_FDCWD, how->stage_dir, MOVE_MOUNT_F_EMPTY_PATH);
	if (r < 0)
		return r;
	for (size_t i = 0; i < how->nrows; i++) {
		r = make_row(how, root, &how->rows[i]);
		if (r < 0) {
			*row = i + 1;
			return r;
		}
	}
	return take_fd(&root);
}

int rootfs_enter(int root_fd)
{
	struct mount_attr sealed = { .attr_set = MOUNT_ATTR_RDONLY };
	int r = sys_mount_setattr(root_fd, "", AT_EMPTY_PATH, &sealed);
	if (r == 0)
		r = sys_fchdir(root_fd);
	/* pivot_root(2): with both the same, the old root is stacked on the new one, and needs no place in it. */
	if (r == 0)
		r = sys_pivot_root(".", ".");
	if (r == 0)
		r = sys_umount2(".", MNT_DETACH);
	return r == 0 ? sys_chdir("/") : r;
}
