/*
 * See rootfs.h. Targets are reached by openat2 beneath the new root without following links: a row may lie
 * below a directory bound from the host, whose contents nobody vouches for.
 */
#include "sandbox/kernel/rootfs.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

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

static int make_alone(void)
{
	struct mount_attr alone = { .propagation = MS_PRIVATE };
	return sys_mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &alone);
}

enum { ERRAND_FDS = 8 };

/* What a child does in a mount namespace of its own, for descriptors that appear in our table as well. */
struct errand {
	int (*run)(const struct errand *, int fds[static ERRAND_FDS]);
	const char *stage_dir;
	int workspace_fd;
	size_t n; /* descriptors to come back */
	unsigned cpu;
};

static int send_on(const struct errand *errand, int *ret)
{
	int fds[ERRAND_FDS], ends[2], pidfd = -1;
	size_t size = errand->n * sizeof *fds;
	siginfo_t info;
	struct clone_args args = { .flags = CLONE_FILES | CLONE_PIDFD, .exit_signal = SIGCHLD,
				   .pidfd = (uint64_t)(uintptr_t)&pidfd };
	int r = errand->n > ERRAND_FDS ? -E2BIG : sys_pipe(ends, 0);
	if (r < 0)
		return r;
	autofd int from = ends[0];
	autofd int to = ends[1];
	pid_t pid = sys_clone3(&args);
	if (pid == 0) {
		r = errand->run(errand, fds);
		_exit(r < 0 ? -r : sys_write_all(to, fds, size) < 0);
	}
	autofd int child = pid < 0 ? -1 : pidfd;
	r = pid < 0 ? pid : sys_pidfd_wait(child, 0, &info, NULL);
	if (r == 0 && (info.si_code != CLD_EXITED || info.si_status != 0))
		r = info.si_code == CLD_EXITED ? -info.si_status : -EIO;
	if (r == 0 && read(from, fds, size) != (ssize_t)size)
		r = -EIO;
	if (r < 0)
		return r;
	memcpy(ret, fds, size);
	return 0;
}

static int copy_each(int workspace_fd, int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		fds[i] = sys_open_tree(workspace_fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE);
		if (fds[i] < 0) {
			int r = fds[i];
			while (i > 0)
				own_close(&fds[--i]);
			return r;
		}
	}
	return 0;
}

static int copy_placed(const struct errand *errand, int fds[static ERRAND_FDS])
{
	int r = sys_unshare(CLONE_NEWNS);
	if (r == 0)
		r = make_alone();
	if (r == 0)
		r = sys_move_mount(errand->workspace_fd, "", AT_FDCWD, errand->stage_dir, MOVE_MOUNT_F_EMPTY_PATH);
	return r == 0 ? copy_each(errand->workspace_fd, fds, errand->n) : r;
}

int rootfs_copies(int workspace_fd, const char *stage_dir, int *ret, size_t n, struct err *e)
{
	int r = copy_each(workspace_fd, ret, n);
	if (r == -EINVAL)
		r = send_on(&(struct errand){ .run = copy_placed, .stage_dir = stage_dir, .workspace_fd = workspace_fd, .n = n },
			    ret);
	return r < 0 ? err_set(e, -r, "copy the workspace") : 0;
}

static int open_beneath(int root, const char *path)
{
	return sys_openat2(root, path, O_PATH | O_DIRECTORY, 0, BENEATH);
}

/* Where rows go: the last directory used is kept open, because rows that share one follow each other. */
struct place {
	int root, dir;	  /* dir: of the first `len` characters of `path`; -1 when none is kept */
	const char *path;
	size_t len;
};

static void place_leave(struct place *p)
{
	own_close(&p->dir);
	p->dir = -1;
	p->len = 0;
}

/* One component after the other, made as needed. */
static int make_directories(int root, char *path)
{
	int at = open_beneath(root, path);
	if (at != -ENOENT)
		return at;
	autofd int above = -1;
	for (char *from = path, *slash; from; from = slash ? slash + 1 : NULL) {
		slash = strchr(from, '/');
		if (slash)
			*slash = '\0';
		int dir = above < 0 ? root : above;
		at = open_beneath(dir, from);
		int made = at == -ENOENT ? sys_mkdirat(dir, from, 0755) : 0;
		if (at == -ENOENT)
			at = made < 0 ? made : open_beneath(dir, from);
		if (at < 0)
			return at;
		own_close(&above);
		above = at;
	}
	return take_fd(&above);
}

/* The directory that holds `target`, made as needed, and borrowed; *leaf is the last component. */
static int place_of(struct place *p, const char *target, const char **leaf)
{
	char room[TARGET_ROOM];
	const char *slash = strrchr(target, '/');
	size_t len = slash ? (size_t)(slash - target) : 0;
	*leaf = slash ? slash + 1 : target;
	if (len >= sizeof room || !**leaf || strcmp(*leaf, ".") == 0 || strcmp(*leaf, "..") == 0)
		return -EINVAL;
	if (!slash)
		return p->root;
	if (p->dir >= 0 && len == p->len && memcmp(p->path, target, len) == 0)
		return p->dir;
	place_leave(p);
	memcpy(room, target, len);
	room[len] = '\0';
	p->dir = make_directories(p->root, room);
	p->path = target;
	p->len = len;
	return p->dir;
}

/* `target` becomes a mount point: what was kept at or below it is hidden now. */
static void place_hidden(struct place *p, const char *target)
{
	size_t n = strlen(target);
	if (p->dir >= 0 && p->len >= n && memcmp(p->path, target, n) == 0)
		place_leave(p);
}

/* The mount point is a directory or an empty file, made when missing, and one component below a directory that is
 * held open: move_mount does not follow it when it is a link. */
static int attach(int mount, struct place *p, const char *target, bool directory)
{
	const char *leaf;
	int dir = place_of(p, target, &leaf);
	if (dir < 0)
		return dir;
	int r = directory ? sys_mkdirat(dir, leaf, 0755) : sys_mknodat(dir, leaf, S_IFREG | 0644, 0);
	if (r < 0 && r != -EEXIST)
		return r;
	r = sys_move_mount(mount, "", dir, leaf, MOVE_MOUNT_F_EMPTY_PATH);
	if (r == 0)
		place_hidden(p, target);
	return r;
}

static int make_entry(struct place *p, const struct mount_row *row)
{
	const char *leaf;
	int dir = place_of(p, row->target, &leaf);
	if (dir < 0)
		return dir;
	if (row->kind == MOUNT_SYMLINK)
		return sys_symlinkat(row->source, dir, leaf);
	if (row->kind == MOUNT_NODE)
		return sys_mknodat(dir, leaf, S_IFCHR | row->mode, makedev(row->major, row->minor));
	int r = sys_mkdirat(dir, leaf, row->mode);
	return r == -EEXIST ? sys_fchmodat(dir, leaf, row->mode) : r;
}

static int take_tree(const struct mount_row *row)
{
	unsigned deep = row->flags & MS_REC ? AT_RECURSIVE : 0;
	autofd int tree = sys_open_tree(AT_FDCWD, row->source, OPEN_TREE_CLONE | deep);
	if (tree < 0)
		return tree;
	/* Private before it is attached: a peer of a shared mount would carry what is mounted on it out to the host. */
	struct mount_attr attr = { .attr_set = attributes(row->flags), .propagation = MS_PRIVATE };
	int r = sys_mount_setattr(tree, "", AT_EMPTY_PATH | deep, &attr);
	return r < 0 ? r : take_fd(&tree);
}

void rootfs_take(const struct mount_row *rows, size_t n, int *ret)
{
	for (size_t i = 0; i < n; i++)
		ret[i] = rows[i].kind == MOUNT_BIND ? take_tree(&rows[i]) : -1;
}

/* One file system less to make and to free than a tmpfs there. What the root refuses, devices, the flags may allow. */
static int mount_again(struct place *place, const struct mount_row *row)
{
	struct mount_attr attr = { .attr_set = attributes(row->flags), .attr_clr = MOUNT_ATTR_NODEV };
	attr.attr_clr &= ~attr.attr_set;
	int r = sys_mkdirat(place->root, row->target, 0755);
	autofd int tree = r < 0 ? r : sys_open_tree(place->root, row->target, OPEN_TREE_CLONE);
	r = tree < 0 ? tree : sys_mount_setattr(tree, "", AT_EMPTY_PATH, &attr);
	return r < 0 ? r : attach(tree, place, row->target, true);
}

static int bind(struct place *place, const struct mount_row *row, int source)
{
	struct stat st;
	if (source < 0)
		return source == -ENOENT && row->maybe ? 0 : source;
	if (fstat(source, &st) < 0)
		return -errno;
	return attach(source, place, row->target, S_ISDIR(st.st_mode));
}

static int make_row(const struct rootfs *how, struct place *place, size_t i)
{
	const struct mount_row *row = &how->rows[i];
	autofd int fs = -1;
	switch (row->kind) {
	case MOUNT_DIR:
	case MOUNT_SYMLINK:
	case MOUNT_NODE:
		return make_entry(place, row);
	case MOUNT_AGAIN:
		return mount_again(place, row);
	case MOUNT_BIND:
		return bind(place, row, how->sources[i]);
	case MOUNT_TMPFS:
		fs = new_fs("tmpfs", row->data, row->owned ? how->uid : (uid_t)-1, attributes(row->flags));
		return fs < 0 ? fs : attach(fs, place, row->target, true);
	case MOUNT_PROC:
		fs = new_fs("proc", row->data, (uid_t)-1, attributes(row->flags));
		return fs < 0 ? fs : attach(fs, place, row->target, true);
	case MOUNT_WORKSPACE:
		return how->workspace_fd < 0 ? -EBADF : attach(how->workspace_fd, place, row->target, true);
	}
	return -EINVAL;
}

/* The root holds directories, links and mount points only; a plan has some dozens of rows. */
static const char root_data[] = "size=256k,nr_inodes=1024,mode=0755";

int rootfs_build(const struct rootfs *how, size_t *row)
{
	*row = 0;
	(void)sys_umask(0); /* each row says its mode, and gets it */
	/* Before anything is mounted: a peer of a shared mount would carry it out to the host. */
	int r = make_alone();
	if (r < 0)
		return r;
	autofd int root = new_fs("tmpfs", root_data, (uid_t)-1, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	if (root < 0)
		return root;
	r = sys_move_mount(root, "", AT_FDCWD, how->stage_dir, MOVE_MOUNT_F_EMPTY_PATH);
	if (r < 0)
		return r;
	struct place place = { .root = root, .dir = -1 };
	for (size_t i = 0; r == 0 && i < how->nrows; i++) {
		r = make_row(how, &place, i);
		if (r < 0)
			*row = i + 1;
	}
	place_leave(&place);
	if (r < 0)
		return r;
	return take_fd(&root);
}

int rootfs_enter_nest(int nest_fd)
{
	int r = sys_setns(nest_fd, CLONE_NEWNS);
	return r == 0 ? sys_unshare(CLONE_NEWNS) : r;
}

/* pivot_root(2): with both the same, the old root is stacked on the new one, and needs no place in it. */
static int leave_host(void)
{
	int r = sys_pivot_root(".", ".");
	return r == 0 ? sys_umount2(".", MNT_DETACH) : r;
}

int rootfs_enter(int root_fd, bool nested)
{
	struct mount_attr sealed = { .attr_set = MOUNT_ATTR_RDONLY };
	int r = sys_mount_setattr(root_fd, "", AT_EMPTY_PATH, &sealed);
	if (r == 0)
		r = sys_fchdir(root_fd);
	/* Whoever got out of a chroot in a nest would stand in its empty, read-only root. pivot_root, and the wall it is on
	 * the host, would look at every process of the machine here. */
	if (r == 0)
		r = nested ? sys_chroot(".") : leave_host();
	return r == 0 ? sys_chdir("/") : r;
}

/* A root without rows, and the namespace as it is then. */
static int make_nest(const struct errand *errand, int fds[static ERRAND_FDS])
{
	const struct rootfs empty = { .stage_dir = errand->stage_dir, .workspace_fd = -1 };
	size_t row;
	int r = sys_run_on(errand->cpu);
	if (r == 0)
		r = sys_unshare(CLONE_NEWNS);
	autofd int ns = r < 0 ? r : sys_openat(AT_FDCWD, "/proc/self/ns/mnt", O_RDONLY, 0);
	autofd int root = ns < 0 ? ns : rootfs_build(&empty, &row);
	r = root < 0 ? root : rootfs_enter(root, false);
	if (r == 0)
		fds[0] = take_fd(&ns);
	return r;
}

int rootfs_nest(const char *stage_dir, unsigned cpu, struct err *e)
{
	int fd;
	int r = send_on(&(struct errand){ .run = make_nest, .stage_dir = stage_dir, .n = 1, .cpu = cpu }, &fd);
	return r < 0 ? err_set(e, -r, "make an empty mount namespace") : fd;
}
