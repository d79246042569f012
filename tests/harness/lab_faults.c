/* The faults: one function each, one row each. What they have in common is in lab.c. */
#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "tests/harness/lab_parts.h"

typedef char path[PATH_ROOM * 2];
#define P(ok) ((ok) ? PLANTED : PLANT_FAILED)

static char *below(const char *dir, const char *name, path out)
{
	snprintf(out, sizeof(path), "%.400s/%.100s", dir, name);
	return out;
}

/* ---- mounts ---- */
static enum planted tmpfs(struct lab *l)
{
	path d, f;
	return P(lab_dir(l, d, "root") && lab_tmpfs(l, d, "rustbox") && lab_file(l, below(d, "data", f), "x"));
}

static enum planted nested(struct lab *l)
{
	path d;
	bool ok = lab_dir(l, d, "root") && lab_tmpfs(l, d, "rustbox");
	ok = ok && lab_dir(l, d, "root/a") && lab_tmpfs(l, d, "rustbox") && lab_dir(l, d, "root/a/b");
	return P(ok && lab_tmpfs(l, d, "rustbox"));
}

static enum planted stacked(struct lab *l)
{
	path d;
	return P(lab_dir(l, d, "root") && lab_tmpfs(l, d, "one") && lab_tmpfs(l, d, "two") && lab_tmpfs(l, d, "three"));
}

static enum planted many_mounts(struct lab *l)
{
	path d;
	bool ok = true;
	for (int i = 0; ok && i < 100; i++) {
		char name[32];
		snprintf(name, sizeof name, "m/%d", i);
		ok = lab_dir(l, d, name) && lab_tmpfs(l, d, "rustbox");
	}
	return P(ok);
}

static void precious(struct lab *l, path dir)
{
	snprintf(dir, sizeof(path), "%s/precious", l->world->root);
	(void)mkdir(dir, 0755);
}

static enum planted bind_trap(struct lab *l)
{
	path keep, d, f;
	precious(l, keep);
	return P(lab_canary_file(l, below(keep, "file", f), "do not lose me\n") && lab_canary_at(l, keep) &&
		 lab_dir(l, d, "root/work") && lab_bind(l, keep, d));
}

static enum planted bind_file(struct lab *l)
{
	path keep, d, f, at;
	precious(l, keep);
	return P(lab_canary_file(l, below(keep, "passwd", f), "root::0:0\n") && lab_dir(l, d, "etc") &&
		 lab_file(l, below(d, "passwd", at), "") && lab_bind(l, f, at));
}

static enum planted read_only(struct lab *l)
{
	path d;
	if (tmpfs(l) != PLANTED || !lab_dir(l, d, "root"))
		return PLANT_FAILED;
	return P(mount(NULL, d, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0 || lab_no(l, "read-only"));
}

static enum planted shared(struct lab *l)
{
	path d;
	if (tmpfs(l) != PLANTED || !lab_dir(l, d, "root"))
		return PLANT_FAILED;
	return P(mount(NULL, d, NULL, MS_SHARED, NULL) == 0 || lab_no(l, "shared"));
}

static enum planted hostile_names(struct lab *l)
{
	path d;
	return P(lab_dir(l, d, "with space") && lab_tmpfs(l, d, "x on /tmp/victim type rustbox") &&
		 lab_dir(l, d, "line\nbreak") && lab_tmpfs(l, d, "\x1b[31m") && lab_dir(l, d, "esc\x1b[2J\xff\t\\040") &&
		 lab_tmpfs(l, d, "rustbox"));
}

/* ---- who holds a mount ---- */
static void hold_cwd(struct lab *l, void *at)
{
	(void)l;
	(void)!chdir(at);
	lab_ready();
}
static void hold_root(struct lab *l, void *at)
{
	(void)l;
	(void)!chroot(at);
	lab_ready();
}
static void hold_fd(struct lab *l, void *at)
{
	(void)l;
	(void)!open(at, O_RDONLY);
	lab_ready();
}
static void hold_map(struct lab *l, void *at)
{
	path f;
	(void)l;
	int fd = open(below(at, "map", f), O_RDWR | O_CREAT, 0600);
	(void)!ftruncate(fd, 4096);
	(void)!mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	lab_ready();
}
static void hold_deleted(struct lab *l, void *at)
{
	path f;
	static char block[1 << 20];
	(void)l;
	int fd = open(below(at, "deleted", f), O_RDWR | O_CREAT, 0600);
	for (int i = 0; i < 6; i++)
		(void)!write(fd, block, sizeof block);
	unlink(f);
	lab_ready();
}
static void hold_namespace(struct lab *l, void *at)
{
	(void)l;
	unshare(CLONE_NEWNS);
	(void)!chdir(at);
	lab_ready();
}
/* A copy of the mount in a namespace of its own: umount here succeeds, and the file system lives on there. */
static void hold_private_copy(struct lab *l, void *at)
{
	(void)l, (void)at;
	unshare(CLONE_NEWNS);
	mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	lab_ready();
}
static void hold_pivoted(struct lab *l, void *at)
{
	path old;
	(void)l;
	unshare(CLONE_NEWNS);
	mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	mkdir(below(at, "old", old), 0755);
	(void)!chdir(at);
	syscall(SYS_pivot_root, ".", "old");
	umount2("/old", MNT_DETACH);
	lab_ready();
}

static enum planted held_by(struct lab *l, bool inside, void (*body)(struct lab *, void *))
{
	path d, c;
	return P((!inside || lab_cgroup(l, "", c)) && lab_dir(l, d, "root") && lab_tmpfs(l, d, "rustbox") &&
		 lab_holder(l, inside, body, d));
}
#define HELD(name, body)                                  \
	static enum planted held_##name(struct lab *l)    \
	{                                                 \
		return held_by(l, true, body);            \
	}
HELD(cwd, hold_cwd)
HELD(root, hold_root)
HELD(fd, hold_fd)
HELD(map, hold_map)
HELD(deleted, hold_deleted)
HELD(namespace, hold_namespace)
HELD(private_copy, hold_private_copy)
HELD(pivoted, hold_pivoted)

/* Held by a process that is not rustbox's: it must be named, not killed, and the mount stays. */
static enum planted held_by_stranger(struct lab *l)
{
	if (held_by(l, false, hold_cwd) != PLANTED)
		return PLANT_FAILED;
	pid_t pid = l->trace[l->ntraces - 1].pid;
	close(l->trace[--l->ntraces].fd);
	return P(lab_canary_process(l, pid, "a stranger's shell"));
}

static enum planted ghost(struct lab *l)
{
	path d;
	struct stat st;
	if (held_by(l, true, hold_cwd) != PLANTED || !lab_dir(l, d, "root") || stat(d, &st) < 0)
		return PLANT_FAILED;
	if (umount2(d, MNT_DETACH) < 0)
		return P(lab_no(l, "lazy umount"));
	for (unsigned i = 0; i < l->ntraces; i++)
		if (l->trace[i].kind == TRACE_MOUNT) {
			l->trace[i].kind = TRACE_GHOST;
			l->trace[i].id = st.st_dev;
		}
	return PLANTED;
}

/* ---- file systems of their own ---- */
static bool attach_to(const char *device, const char *image)
{
	autofd int loop = open(device, O_RDWR | O_CLOEXEC);
	autofd int file = open(image, O_RDWR | O_CLOEXEC);
	return loop >= 0 && file >= 0 && ioctl(loop, LOOP_SET_FD, file) == 0;
}

bool lab_loop_attach(struct lab *l, const char *image)
{
	autofd int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	char device[64];
	for (int tries = 0; tries < 100; tries++) { /* a free one may be somebody else's a moment later: EBUSY */
		int n = control < 0 ? -1 : ioctl(control, LOOP_CTL_GET_FREE);
		snprintf(device, sizeof device, "/dev/loop%d", n);
		if (n < 0 || (mknod(device, S_IFBLK | 0600, makedev(7, (unsigned)n)) < 0 && errno != EEXIST))
			break;
		if (attach_to(device, image)) {
			snprintf(l->loop, sizeof l->loop, "%s", device);
			return true;
		}
		if (errno != EBUSY)
			break;
	}
	return lab_no(l, "loop device");
}

void lab_loop_detach(const char *device)
{
	autofd int fd = open(device, O_RDWR | O_CLOEXEC);
	(void)ioctl(fd, LOOP_CLR_FD, 0);
}

static enum planted loop_ext4(struct lab *l)
{
	path image, d;
	char command[PATH_ROOM * 3];
	snprintf(image, sizeof image, "%s/image", l->world->root);
	autofd int fd = open(image, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, 16 << 20) < 0)
		return P(lab_no(l, "image"));
	snprintf(command, sizeof command, "PATH=/sbin:/usr/sbin:$PATH mkfs.ext4 -q -F '%s' >/dev/null 2>&1", image);
	if (system(command) != 0 || !lab_loop_attach(l, image)) {
		(void)lab_no(l, "mkfs.ext4 or a loop device is missing");
		return PLANT_IMPOSSIBLE;
	}
	if (!lab_dir(l, d, "root"))
		return PLANT_FAILED;
	if (mount(l->loop, d, "ext4", 0, NULL) < 0) {
		(void)lab_no(l, "mount ext4");
		return PLANT_IMPOSSIBLE;
	}
	return P(lab_mounted(l, d));
}

/* The process planted last: it is ready before it is there. */
static bool reaches(struct lab *l, char state)
{
	return lab_reaches(l->trace[l->ntraces - 1].pid, state) || lab_no(l, "no process in %c", state);
}

static void write_frozen(struct lab *l, void *at)
{
	path f;
	(void)l;
	below(at, "late", f);
	lab_ready();
	int fd = open(f, O_WRONLY | O_CREAT, 0600); /* sleeps here, uninterruptible, until the thaw */
	(void)!write(fd, "x", 1);
}

static enum planted d_state(struct lab *l)
{
	path d, c;
	if (!lab_cgroup(l, "", c))
		return PLANT_FAILED;
	enum planted p = loop_ext4(l);
	if (p != PLANTED || !lab_dir(l, d, "root"))
		return p;
	autofd int fd = open(d, O_RDONLY | O_CLOEXEC);
	if (ioctl(fd, FIFREEZE, 0) < 0)
		return P(lab_no(l, "freeze"));
	snprintf(l->frozen, sizeof l->frozen, "%.*s", PATH_ROOM - 1, d);
	return P(lab_holder(l, true, write_frozen, d) && reaches(l, 'D'));
}

/* ---- cgroups ---- */
static void rest(struct lab *l, void *arg)
{
	(void)l, (void)arg;
	lab_ready();
}
static void deaf(struct lab *l, void *arg)
{
	(void)l, (void)arg;
	for (int s = 1; s < 65; s++)
		signal(s, SIG_IGN);
	lab_ready();
}
static void stop(struct lab *l, void *arg)
{
	(void)l, (void)arg;
	lab_ready();
	raise(SIGSTOP);
}
/* Always another process: whoever kills by pid comes too late. At most a few at a time. */
static void forker(struct lab *l, void *arg)
{
	(void)l, (void)arg;
	signal(SIGCHLD, SIG_IGN);
	lab_ready();
	for (;;) {
		if (fork() == 0) {
			usleep(3000);
			_exit(0);
		}
		usleep(2000);
	}
}
static void vforked(struct lab *l, void *arg)
{
	(void)l, (void)arg;
	lab_ready();
	if (vfork() == 0)
		for (;;)
			syscall(SYS_pause);
}
/* A zombie whose parent, in the same box, never waits. */
static void lazy_parent(struct lab *l, void *arg)
{
	siginfo_t ended;
	pid_t pid = fork();
	(void)l, (void)arg;
	if (pid == 0)
		_exit(0);
	(void)waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOWAIT);
	lab_ready();
}

static enum planted cgroup_empty(struct lab *l)
{
	path c;
	return P(lab_cgroup(l, "", c));
}
static enum planted cgroup_nested(struct lab *l)
{
	path c;
	return P(lab_cgroup(l, "evil", c) && lab_cgroup(l, "evil/deeper", c));
}
static enum planted in_cgroup(struct lab *l, const char *where, void (*body)(struct lab *, void *))
{
	path c;
	return P(lab_cgroup(l, where, c) && lab_holder(l, true, body, NULL));
}
#define INSIDE(name, where, body)                       \
	static enum planted name(struct lab *l)         \
	{                                               \
		return in_cgroup(l, where, body);       \
	}
INSIDE(cgroup_sleeper, "", rest)
INSIDE(cgroup_nested_forker, "evil", forker)
INSIDE(process_deaf, "", deaf)
INSIDE(process_zombie, "", lazy_parent)

static enum planted process_stopped(struct lab *l)
{
	enum planted p = in_cgroup(l, "", stop);
	return p == PLANTED ? P(reaches(l, 'T')) : p;
}

static enum planted process_vfork(struct lab *l)
{
	enum planted p = in_cgroup(l, "", vforked);
	return p == PLANTED ? P(reaches(l, 'D')) : p;
}

/* A freeze is asked for, and comes. */
static bool is_frozen(struct lab *l, const char *file, const char *word)
{
	char text[256];
	for (double end = world_now() + world_patience(20); world_now() < end; usleep(1000))
		if (kfile_read(AT_FDCWD, file, text, sizeof text) > 0 && strstr(text, word))
			return true;
	return lab_no(l, "%s does not say %s", file, word);
}

static enum planted freeze(struct lab *l, const char *where)
{
	path c, state, events;
	if (!lab_cgroup(l, where, c) || !lab_holder(l, true, rest, NULL))
		return PLANT_FAILED;
	snprintf(state, sizeof state, "%.450s/freezer.state", c);
	autofd int fd = open(state, O_WRONLY | O_CLOEXEC);
	if (fd < 0) {
		snprintf(state, sizeof state, "%.450s/cgroup.freeze", c);
		autofd int v2 = open(state, O_WRONLY | O_CLOEXEC);
		snprintf(events, sizeof events, "%.450s/cgroup.events", c);
		return P(write(v2, "1", 1) == 1 ? is_frozen(l, events, "frozen 1") : lab_no(l, "freeze"));
	}
	return P(write(fd, "FROZEN", 6) == 6 ? is_frozen(l, state, "FROZEN") : lab_no(l, "freeze"));
}
static enum planted cgroup_frozen(struct lab *l)
{
	return freeze(l, "");
}
static enum planted cgroup_frozen_nested(struct lab *l)
{
	return freeze(l, "cold");
}

/* A process with a uid of the pool, in none of rustbox's cgroups: containment was violated. */
static void orphan_body(struct lab *l, void *arg)
{
	uid_t uid = l->world->paths.uid_base + 7;
	(void)arg;
	(void)!setresgid(uid, uid, uid);
	(void)!setresuid(uid, uid, uid);
	lab_ready();
}
static enum planted orphan(struct lab *l)
{
	return P(lab_holder(l, false, orphan_body, NULL));
}

/* ---- directories ---- */
static enum planted tempdir(struct lab *l)
{
	path d, f;
	return P(lab_dir(l, d, "a/b") && lab_file(l, below(d, "file", f), "x"));
}
static enum planted deep_tree(struct lab *l)
{
	path d;
	if (!lab_dir(l, d, ""))
		return PLANT_FAILED;
	autofd int at = open(d, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 10000; i++) {
		if (mkdirat(at, "d", 0755) < 0)
			return P(lab_no(l, "depth %d", i));
		int next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(at);
		at = next;
	}
	return PLANTED;
}
static enum planted many_files(struct lab *l)
{
	path d;
	if (!lab_dir(l, d, "many"))
		return PLANT_FAILED;
	autofd int at = open(d, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *count = getenv("LAB_FILES");
	for (int i = 0, n = count ? atoi(count) : 20000; i < n; i++) {
		char name[32];
		snprintf(name, sizeof name, "f%d", i);
		int fd = openat(at, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0)
			return P(lab_no(l, "file %d", i));
		close(fd);
	}
	return PLANTED;
}
static enum planted with_flag(struct lab *l, int flag)
{
	path d, f;
	if (!lab_dir(l, d, "flags") || !lab_file(l, below(d, "held", f), "x"))
		return PLANT_FAILED;
	autofd int fd = open(f, O_RDONLY | O_CLOEXEC);
	int flags = 0; /* those it has stay: ext4 refuses to drop what says how the file is stored */
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0 || (flags |= flag, ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0)) {
		(void)lab_no(l, "this file system has no such flag");
		return PLANT_IMPOSSIBLE;
	}
	return PLANTED;
}
static enum planted immutable(struct lab *l)
{
	return with_flag(l, FS_IMMUTABLE_FL);
}
static enum planted append_only(struct lab *l)
{
	return with_flag(l, FS_APPEND_FL);
}
void lab_clear_flags(const struct lab *l)
{
	path f;
	char base[PATH_ROOM + 80];
	paths_box_dir(&l->world->paths, l->box, base);
	autofd int fd = open(below(base, "flags/held", f), O_RDONLY | O_CLOEXEC);
	int flags = 0;
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0) {
		flags &= ~(FS_IMMUTABLE_FL | FS_APPEND_FL);
		(void)ioctl(fd, FS_IOC_SETFLAGS, &flags);
	}
}
static enum planted traps(struct lab *l)
{
	path keep, d, f, to;
	precious(l, keep);
	if (!lab_file(l, below(keep, "file", f), "do not follow\n") || !lab_dir(l, d, "traps") ||
	    link(f, below(d, "hardlink", to)) < 0 || symlink(keep, below(d, "link", to)) < 0)
		return PLANT_FAILED;
	(void)!symlink("/", below(d, "root", to));
	(void)!symlink("../../..", below(d, "up", to));
	(void)!symlink("loop", below(d, "loop", to));
	(void)mkfifo(below(d, "fifo", to), 0666);
	(void)mknod(below(d, "device", to), S_IFBLK | 0600, makedev(7, 255));
	(void)mkdir(below(d, "closed", to), 0);
	(void)mkdir(below(d, "-rf", to), 0755);
	(void)mkdir(below(d, "esc\x1b[31m\n\xff", to), 0755);
	/* the hard link's count falls by one when the trap goes: the canaries are the directory and another file */
	return P(lab_canary_file(l, below(keep, "beside", f), "x") && lab_canary_at(l, keep));
}
/* The temp directory itself is a link to something precious. */
static enum planted tempdir_link(struct lab *l)
{
	path keep, f;
	char base[PATH_ROOM + 80];
	precious(l, keep);
	paths_box_dir(&l->world->paths, l->box, base);
	return P(lab_canary_file(l, below(keep, "file", f), "x") && lab_canary_at(l, keep) &&
		 (symlink(keep, base) == 0 || lab_no(l, "symlink")));
}

/* ---- ledgers ---- */
static enum planted ledger(struct lab *l, const char *text)
{
	path d, c;
	return P(lab_dir(l, d, "root") && lab_tmpfs(l, d, "rustbox") && lab_cgroup(l, "", c) && lab_ledger(l, text));
}
#define LEDGER(name, text)                          \
	static enum planted name(struct lab *l)     \
	{                                           \
		return ledger(l, text);             \
	}
LEDGER(ledger_true, NULL)
LEDGER(ledger_garbage, "\x7f""ELF not a ledger at all\n\n\xff\xfe")
LEDGER(ledger_empty_line, "\n")
LEDGER(ledger_torn, "rustbox-ledger 1 torn 00000000-0000-0000-0000-000000000000\nown 1 tempdir /tmp/rustb")
LEDGER(ledger_other_boot, "rustbox-ledger 1 other 00000000-0000-0000-0000-000000000000\nown 1 process 1:1\nis 1 1:1\n")
LEDGER(ledger_lies, "rustbox-ledger 1 lies 00000000-0000-0000-0000-000000000000\nown 1 tempdir /etc\nown 2 mount /\n"
		    "own 3 cgroup /\nown 4 process 1:0\n")

/* ---- what only looks like ours ---- */
static void look_like(struct lab *l, void *name)
{
	(void)l;
	prctl(PR_SET_NAME, name);
	lab_ready();
}
static enum planted decoys(struct lab *l)
{
	path d, f;
	static char editor[] = "rustbox.conf", zulu[] = "Zulu-rustbox", init[] = "rustbox-init";
	pid_t a = lab_process(l, false, look_like, editor), b = lab_process(l, false, look_like, zulu);
	pid_t c = lab_process(l, false, look_like, init);
	bool ok = a > 0 && b > 0 && c > 0 && lab_canary_process(l, a, editor) && lab_canary_process(l, b, zulu) &&
		  lab_canary_process(l, c, init);
	static const char *const names[] = { "rustbox", "rustbox.conf", "my-rustbox-x", "rustbox-with space", "rustbox-", "Rustbox-a" };
	for (size_t i = 0; ok && i < sizeof names / sizeof *names; i++) {
		ok = mkdir(below(l->world->paths.of[PATH_WORK], names[i], d), 0755) == 0 &&
		     lab_file(l, below(d, "file", f), "mine\n") && lab_canary_at(l, d) && lab_canary_at(l, f);
	}
	snprintf(d, sizeof d, "%s/mnt", l->world->root);
	ok = ok && mkdir(d, 0755) == 0 && mount("rustbox-decoy", d, "tmpfs", 0, "size=64k") == 0 && lab_canary_mount(l, d);
	return P(ok);
}

const struct fault lab_faults[] = {
#define F(fn, text) { .name = #fn, .what = text, .plant = fn }
	F(tmpfs, "a tmpfs left at the box's root"),
	F(nested, "three tmpfs, each in the one before"),
	F(stacked, "three tmpfs on one mount point"),
	F(many_mounts, "a hundred mounts"),
	F(bind_trap, "a bind mount of a precious directory"),
	F(bind_file, "a bind mount of a precious file"),
	F(read_only, "a read-only mount"),
	F(shared, "a mount with shared propagation"),
	F(hostile_names, "mount points and sources with spaces, newlines and escape sequences"),
	F(held_cwd, "busy: a process of the box stands in it"),
	F(held_root, "busy: a process of the box has it as its root"),
	F(held_fd, "busy: a process of the box has it open"),
	F(held_map, "busy: a process of the box maps a file of it"),
	F(held_deleted, "busy: a deleted file of 6 MiB is still open"),
	F(held_namespace, "held by a process in another mount namespace"),
	F(held_private_copy, "a private copy lives in another mount namespace"),
	F(held_pivoted, "held by a process that pivoted into it"),
	{ .name = "held_by_stranger", .what = "busy: somebody else's process stands in it", .lazy_only = true, .plant = held_by_stranger },
	F(ghost, "lazily unmounted, and still held"),
	F(loop_ext4, "an ext4 on a loop device"),
	{ .name = "d_state", .what = "a writer in D on a frozen ext4", .lazy_only = true, .plant = d_state },
	F(cgroup_empty, "an empty cgroup"),
	F(cgroup_nested, "cgroups in a cgroup, not named like ours"),
	F(cgroup_sleeper, "a cgroup with a sleeping process"),
	F(cgroup_nested_forker, "a nested cgroup with a process that forks for ever"),
	F(cgroup_frozen, "a frozen cgroup with a process"),
	F(cgroup_frozen_nested, "a frozen cgroup in a cgroup"),
	F(process_deaf, "a process that ignores every signal"),
	F(process_stopped, "a stopped process"),
	F(process_vfork, "a process in D, waiting for its vforked child"),
	F(process_zombie, "a zombie whose parent does not wait"),
	{ .name = "orphan", .what = "a sandboxed process outside every cgroup", .lazy_only = true, .plant = orphan },
	F(tempdir, "a temp directory"),
	F(deep_tree, "a tree ten thousand levels deep"),
	F(many_files, "a directory of 20,000 files (LAB_FILES)"),
	F(immutable, "an immutable file"),
	F(append_only, "an append-only file"),
	F(traps, "links, a FIFO, a device, closed directories and odd names"),
	F(ledger_true, "a stale ledger with everything it names"),
	F(ledger_garbage, "a corrupt ledger"),
	F(ledger_empty_line, "a ledger of one empty line"),
	F(ledger_torn, "a ledger whose last line was torn"),
	F(ledger_other_boot, "a ledger of another boot"),
	F(ledger_lies, "a ledger that names the host's own things"),
	{ .name = "tempdir_link", .what = "a temp directory that is a link to something precious", .foreign = true, .plant = tempdir_link },
	{ .name = "decoys", .what = "processes, directories and mounts that only look like ours", .foreign = true, .plant = decoys },
};
const unsigned lab_fault_count = sizeof lab_faults / sizeof *lab_faults;
