/*
 * The lab's tools. A planted process has a keeper: its parent, which reaps it at once (a killed leftover must not stay
 * as the test's zombie) and ends it when the lab lets go of a pipe, also when the lab itself is killed.
 */
#include "tests/harness/lab.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "tests/harness/lab_parts.h"

bool lab_no(struct lab *l, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(l->why, sizeof l->why, fmt, ap);
	va_end(ap);
	size_t n = strlen(l->why);
	snprintf(l->why + n, sizeof l->why - n, ": %s", strerror(saved));
	return false;
}

struct trace *lab_trace(struct lab *l, enum trace_kind kind, const char *name)
{
	if (l->ntraces == LAB_TRACES)
		return &l->trace[LAB_TRACES - 1];
	struct trace *t = &l->trace[l->ntraces++];
	*t = (struct trace){ .kind = kind, .fd = -1 };
	snprintf(t->name, sizeof t->name, "%s", name);
	return t;
}

/* ---- identities ---------------------------------------------------------------------------------------------- */
static uint64_t mount_id(const char *path)
{
	struct statx st = { 0 };
	if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, 0x4000 /* STATX_MNT_ID_UNIQUE */, &st) < 0)
		return 0;
	if (!(st.stx_mask & 0x4000) && /* before Linux 6.8: the number that mountinfo shows */
	    (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, 0x1000 /* STATX_MNT_ID */, &st) < 0 || !(st.stx_mask & 0x1000)))
		return 0;
	uint64_t id; /* the field is younger than the headers: stx_mnt_id, after stx_dev_minor */
	memcpy(&id, (const char *)&st + 0x90, sizeof id);
	return id;
}

static bool mount_there(uint64_t id)
{
	struct { uint32_t size, spare; uint64_t id, param; } ask = { 24, 0, id, 1 };
	char buf[1024], line[8192];
	if (syscall(457 /* statmount */, &ask, buf, sizeof buf, 0) == 0 || errno == EOVERFLOW)
		return true;
	autofile FILE *f = errno == ENOSYS ? fopen("/proc/self/mountinfo", "re") : NULL;
	while (f && fgets(line, sizeof line, f))
		if (strtoull(line, NULL, 10) == id)
			return true;
	return false;
}

static uint64_t hash_file(const char *path)
{
	uint64_t h = 14695981039346656037u;
	autofree char *text = NULL;
	ssize_t n = kfile_read_all(AT_FDCWD, path, &text);
	for (ssize_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)text[i]) * 1099511628211u;
	return n < 0 ? 0 : h;
}

/* Does any process hold this file system: by a mount in its namespace, a descriptor, its cwd or root? */
static bool device_held(uint64_t dev)
{
	char want[32];
	snprintf(want, sizeof want, " %u:%u ", major(dev), minor(dev));
	autodir DIR *proc = opendir("/proc");
	for (struct dirent *e; proc && (e = readdir(proc));) {
		if (e->d_name[0] < '0' || e->d_name[0] > '9')
			continue;
		char path[PATH_ROOM];
		static const char *const links[] = { "cwd", "root", "exe" };
		struct stat st;
		for (int i = 0; i < 3; i++) {
			snprintf(path, sizeof path, "/proc/%.20s/%s", e->d_name, links[i]);
			if (stat(path, &st) == 0 && st.st_dev == dev)
				return true;
		}
		snprintf(path, sizeof path, "/proc/%.20s/mountinfo", e->d_name);
		autofree char *text = NULL;
		if (kfile_read_all(AT_FDCWD, path, &text) > 0 && strstr(text, want))
			return true;
		snprintf(path, sizeof path, "/proc/%.20s/fd", e->d_name);
		autodir DIR *fds = opendir(path);
		for (struct dirent *f; fds && (f = readdir(fds));)
			if (fstatat(dirfd(fds), f->d_name, &st, 0) == 0 && st.st_dev == dev)
				return true;
	}
	return false;
}

static bool unread(const struct trace *t)
{
	return t->kind == TRACE_PROCESS && syscall(SYS_pidfd_send_signal, t->fd, 0, NULL, 0) == 0;
}

static bool trace_there(const struct trace *t)
{
	struct pollfd ended = { .fd = t->fd, .events = POLLIN };
	struct stat st;
	switch (t->kind) {
	case TRACE_MOUNT: return mount_there(t->id);
	case TRACE_CGROUP: return access(t->name, F_OK) == 0;
	case TRACE_PROCESS: return unread(t) && poll(&ended, 1, 0) == 0; /* between its end and its reaping it is gone already */
	case TRACE_PATH: return lstat(t->name, &st) == 0;
	case TRACE_GHOST: return device_held(t->id);
	}
	return false;
}

static const char *const trace_words[] = { "mount", "cgroup", "process", "path", "ghost" };

static bool all_traces(const struct lab *l, bool there, char *out, size_t cap)
{
	size_t n = 0;
	out[0] = '\0';
	for (unsigned i = 0; i < l->ntraces; i++)
		if (trace_there(&l->trace[i]) != there && n + 1 < cap)
			n += (size_t)snprintf(out + n, cap - n, "%s %.200s (%d)\n", trace_words[l->trace[i].kind],
					      l->trace[i].name, l->trace[i].pid);
	return n == 0;
}

bool lab_present(const struct lab *l, char *missing, size_t cap)
{
	return all_traces(l, true, missing, cap);
}

bool lab_gone(const struct lab *l, char *left, size_t cap)
{
	return all_traces(l, false, left, cap);
}

/* ---- parts --------------------------------------------------------------------------------------------------- */
bool lab_dir(struct lab *l, char out[PATH_ROOM * 2], const char *below)
{
	char base[PATH_ROOM + 80];
	paths_box_dir(&l->world->paths, l->box, base);
	if (mkdir(base, 0755) == 0)
		lab_trace(l, TRACE_PATH, base);
	snprintf(out, PATH_ROOM * 2, "%s%s%s", base, *below ? "/" : "", below);
	for (char *slash = out + strlen(base); *slash; slash++) {
		if (*slash != '/' || slash == out + strlen(base))
			continue;
		*slash = '\0';
		(void)mkdir(out, 0755);
		*slash = '/';
	}
	if (mkdir(out, 0755) < 0 && errno != EEXIST)
		return lab_no(l, "mkdir %s", out);
	return true;
}

bool lab_mounted(struct lab *l, const char *path)
{
	lab_trace(l, TRACE_MOUNT, path)->id = mount_id(path);
	return true;
}

bool lab_tmpfs(struct lab *l, const char *path, const char *source)
{
	if (mount(source, path, "tmpfs", MS_NOSUID | MS_NODEV, "size=8m,mode=755") < 0)
		return lab_no(l, "mount tmpfs on %s", path);
	return lab_mounted(l, path);
}

bool lab_bind(struct lab *l, const char *from, const char *path)
{
	if (mount(from, path, NULL, MS_BIND, NULL) < 0)
		return lab_no(l, "bind %s on %s", from, path);
	return lab_mounted(l, path);
}

struct cgroup_walk {
	struct lab *l;
	const char *below;
	char *out;
	bool failed;
};

static void cgroup_in(const char *point, const char *name, void *arg)
{
	struct cgroup_walk *c = arg;
	char path[PATH_ROOM * 2];
	static const char *const used[] = { "memory", "pids", "cpu", "cpuacct", "freezer", "unified" };
	bool known = false;
	for (size_t i = 0; i < sizeof used / sizeof *used; i++)
		known |= !strcmp(name, used[i]);
	if (!known || strstr(point, ",")) /* co-mounted controllers appear once */
		return;
	int n = snprintf(path, sizeof path, "%s/%s", point, c->l->world->paths.cgroup_parent);
	(void)mkdir(path, 0755);
	n += snprintf(path + n, sizeof path - (size_t)n, "/rustbox-%s", c->l->box);
	if (mkdir(path, 0755) == 0)
		lab_trace(c->l, TRACE_CGROUP, path);
	if (*c->below) {
		snprintf(path + n, sizeof path - (size_t)n, "/%s", c->below);
		if (mkdir(path, 0755) == 0)
			lab_trace(c->l, TRACE_CGROUP, path);
		else
			c->failed |= errno != EEXIST;
	}
	if (!*c->out || !strcmp(name, "freezer"))
		snprintf(c->out, PATH_ROOM * 2, "%s", path);
}

bool lab_cgroup(struct lab *l, const char *below, char out[PATH_ROOM * 2])
{
	struct cgroup_walk c = { .l = l, .below = below, .out = out };
	out[0] = '\0';
	world_hierarchies(cgroup_in, &c);
	return !c.failed && *out ? true : lab_no(l, "cgroup %s", below);
}

/* Joins the deepest cgroup planted in each hierarchy. */
static void join_cgroups(const struct lab *l)
{
	for (unsigned i = 0; i < l->ntraces; i++) {
		char procs[PATH_ROOM * 2 + 16];
		if (l->trace[i].kind != TRACE_CGROUP)
			continue;
		snprintf(procs, sizeof procs, "%s/cgroup.procs", l->trace[i].name);
		autofd int fd = open(procs, O_WRONLY | O_CLOEXEC);
		(void)!write(fd, "0", 1);
	}
}

bool lab_file(struct lab *l, const char *path, const char *content)
{
	autofd int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, content, strlen(content)) < 0)
		return lab_no(l, "write %s", path);
	return true;
}

static void look_at(const char *path, struct canary *c)
{
	struct stat st = { 0 };
	if (lstat(path, &st) < 0) {
		c->inode = 0;
		return;
	}
	c->inode = st.st_ino;
	c->uid = st.st_uid;
	c->mode = st.st_mode;
	c->nlink = (unsigned)st.st_nlink;
	c->mtime_ns = st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	c->hash = S_ISREG(st.st_mode) ? hash_file(path) : 0;
}

bool lab_canary_at(struct lab *l, const char *path)
{
	struct canary *c = &l->canary[l->ncanaries++];
	*c = (struct canary){ .kind = TRACE_PATH, .fd = -1 };
	snprintf(c->name, sizeof c->name, "%s", path);
	look_at(path, c);
	return c->inode != 0 || lab_no(l, "canary %s", path);
}

bool lab_canary_file(struct lab *l, const char *path, const char *content)
{
	return lab_file(l, path, content) && lab_canary_at(l, path);
}

bool lab_canary_process(struct lab *l, pid_t pid, const char *name)
{
	struct canary *c = &l->canary[l->ncanaries++];
	*c = (struct canary){ .kind = TRACE_PROCESS, .pid = pid, .fd = (int)syscall(SYS_pidfd_open, pid, 0) };
	snprintf(c->name, sizeof c->name, "%s", name);
	return c->fd >= 0 || lab_no(l, "canary process %s", name);
}

bool lab_canary_mount(struct lab *l, const char *path)
{
	struct canary *c = &l->canary[l->ncanaries++];
	*c = (struct canary){ .kind = TRACE_MOUNT, .mount_id = mount_id(path), .fd = -1 };
	snprintf(c->name, sizeof c->name, "%s", path);
	return c->mount_id != 0 || lab_no(l, "canary mount %s", path);
}

static bool canary_lives(const struct canary *c)
{
	struct canary now = *c;
	switch (c->kind) {
	case TRACE_MOUNT: return mount_there(c->mount_id);
	case TRACE_PROCESS: return syscall(SYS_pidfd_send_signal, c->fd, 0, NULL, 0) == 0;
	case TRACE_PATH:
		look_at(c->name, &now);
		return now.inode == c->inode && now.hash == c->hash && now.uid == c->uid && now.mode == c->mode &&
		       now.nlink == c->nlink && now.mtime_ns == c->mtime_ns;
	case TRACE_CGROUP:
	case TRACE_GHOST: break;
	}
	return access(c->name, F_OK) == 0;
}

bool lab_unharmed(const struct lab *l, char *harm, size_t cap)
{
	size_t n = 0;
	harm[0] = '\0';
	for (unsigned i = 0; i < l->ncanaries; i++)
		if (!canary_lives(&l->canary[i]) && n + 1 < cap)
			n += (size_t)snprintf(harm + n, cap - n, "harmed: %s %.200s\n", trace_words[l->canary[i].kind],
					      l->canary[i].name);
	return n == 0;
}

/* ---- processes ----------------------------------------------------------------------------------------------- */
static int ready_fd = -1;

void lab_ready(void)
{
	pid_t pid = getpid();
	(void)!write(ready_fd, &pid, sizeof pid);
	close(ready_fd);
}

static void keeper(struct lab *l, bool inside, void (*body)(struct lab *, void *), void *arg, int life)
{
	signal(SIGCHLD, SIG_IGN); /* the kernel reaps for us */
	for (unsigned i = 0; i < l->nkeepers; i++)
		close(l->keepers[i]);
	pid_t pid = fork();
	if (pid == 0) {
		close(life);
		signal(SIGCHLD, SIG_DFL);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setsid();
		if (inside)
			join_cgroups(l);
		body(l, arg);
		for (;;)
			pause();
	}
	close(ready_fd);
	autofd int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	char byte;
	while (read(life, &byte, 1) < 0 && errno == EINTR)
		;
	syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	_exit(0);
}

pid_t lab_process(struct lab *l, bool inside, void (*body)(struct lab *, void *), void *arg)
{
	int life[2], ready[2];
	pid_t pid = -1;
	if (l->nkeepers == 64 || pipe2(life, O_CLOEXEC) < 0 || pipe2(ready, O_CLOEXEC) < 0)
		return -1;
	fflush(NULL);
	pid_t k = fork();
	if (k == 0) {
		close(life[1]);
		close(ready[0]);
		ready_fd = ready[1];
		keeper(l, inside, body, arg, life[0]);
	}
	close(life[0]);
	close(ready[1]);
	l->keeper_pids[l->nkeepers] = k;
	l->keepers[l->nkeepers++] = life[1];
	if (read(ready[0], &pid, sizeof pid) != sizeof pid)
		pid = -1;
	close(ready[0]);
	if (pid < 0)
		(void)lab_no(l, "the planted process died before it was ready");
	return pid;
}

bool lab_reaches(pid_t pid, char state)
{
	char path[40], text[512];
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	for (double end = world_now() + world_patience(20); world_now() < end; usleep(1000)) {
		const char *at = kfile_read(AT_FDCWD, path, text, sizeof text) > 0 ? strrchr(text, ')') : NULL;
		if (!at || at[2] == state)
			return at != NULL;
	}
	return false;
}

bool lab_holder(struct lab *l, bool inside, void (*body)(struct lab *, void *), void *arg)
{
	pid_t pid = lab_process(l, inside, body, arg);
	if (pid < 0)
		return false;
	struct trace *t = lab_trace(l, TRACE_PROCESS, inside ? "in the box" : "outside");
	t->pid = pid;
	t->fd = (int)syscall(SYS_pidfd_open, pid, 0);
	return t->fd >= 0 || lab_no(l, "pidfd_open");
}

/* As a box records it: a cgroup as "<hierarchy>:<path>", everything else by its path. */
static const char *recorded_name(const struct trace *t, const struct world *w, char *out, size_t cap)
{
	const char *below = t->kind == TRACE_CGROUP ? strstr(t->name, w->paths.cgroup_parent) : NULL;
	if (!below)
		return t->name;
	const char *word = below - 1;
	while (word > t->name && word[-1] != '/')
		word--;
	snprintf(out, cap, "%.*s:/%s", (int)(below - 1 - word), word, below);
	return out;
}

bool lab_ledger(struct lab *l, const char *text)
{
	char path[PATH_ROOM + 80], name[PATH_ROOM * 3], own[8192], boot[64] = "";
	snprintf(path, sizeof path, "%s", l->world->paths.of[PATH_RUN]);
	for (char *slash = path + strlen(l->world->root) + 1; *slash; slash++)
		if (*slash == '/') {
			*slash = '\0';
			(void)mkdir(path, 0755);
			*slash = '/';
		}
	(void)mkdir(path, 0755);
	(void)mkdir(l->world->paths.of[PATH_LEDGER], 0755);
	paths_ledger(&l->world->paths, l->box, path);
	(void)!kfile_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", boot, sizeof boot);
	boot[strcspn(boot, "\n")] = '\0';
	size_t n = (size_t)snprintf(own, sizeof own, "rustbox-ledger 1 %s %s\n", l->box, boot);
	static const char *const kinds[] = { "mount", "cgroup", NULL, "tempdir", NULL };
	for (unsigned i = 0, seq = 1; i < l->ntraces && n < sizeof own - 600; i++)
		if (kinds[l->trace[i].kind])
			n += (size_t)snprintf(own + n, sizeof own - n, "own %u %s %s\n", seq++, kinds[l->trace[i].kind],
					      recorded_name(&l->trace[i], l->world, name, sizeof name));
	return lab_file(l, path, text ? text : own);
}

/* ---- the whole ----------------------------------------------------------------------------------------------- */
void lab_open(struct lab *l, const struct world *w, const char *box)
{
	memset(l, 0, sizeof *l);
	l->world = w;
	snprintf(l->box, sizeof l->box, "%s", box);
}

const struct fault *lab_fault(const char *name)
{
	for (unsigned i = 0; i < lab_fault_count; i++)
		if (!strcmp(lab_faults[i].name, name))
			return &lab_faults[i];
	return NULL;
}

enum planted lab_plant(struct lab *l, const struct fault *f)
{
	enum planted p = f->plant(l);
	char missing[512];
	if (p == PLANTED && !lab_present(l, missing, sizeof missing)) {
		snprintf(l->why, sizeof l->why, "planted, but not there: %.200s", missing);
		return PLANT_FAILED;
	}
	return p;
}

static void thaw(const struct lab *l)
{
	for (unsigned i = 0; i < l->ntraces; i++) {
		char state[PATH_ROOM * 2 + 16];
		if (l->trace[i].kind != TRACE_CGROUP)
			continue;
		snprintf(state, sizeof state, "%s/freezer.state", l->trace[i].name);
		autofd int v1 = open(state, O_WRONLY | O_CLOEXEC);
		(void)!write(v1, "THAWED", 6);
		snprintf(state, sizeof state, "%s/cgroup.freeze", l->trace[i].name);
		autofd int v2 = open(state, O_WRONLY | O_CLOEXEC);
		(void)!write(v2, "0", 1);
	}
}

void lab_relent(struct lab *l)
{
	thaw(l);
	if (*l->frozen) {
		autofd int fd = open(l->frozen, O_RDONLY | O_CLOEXEC);
		(void)ioctl(fd, FITHAW, 0);
		l->frozen[0] = '\0';
	}
	for (unsigned i = 0; i < l->nkeepers; i++)
		close(l->keepers[i]);
	/* A dying keeper hands its child to us, the subreaper: only when all of them have gone is it known who must read
	 * the children's ends. One that nobody read would be a zombie, and rightly called a leftover. */
	for (double end = world_now() + world_patience(20); world_now() < end; usleep(5000)) {
		bool alive = false;
		for (unsigned i = 0; i < l->nkeepers; i++)
			alive |= waitpid(l->keeper_pids[i], NULL, WNOHANG) == 0;
		for (unsigned i = 0; i < l->ntraces; i++)
			alive |= unread(&l->trace[i]);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (!alive)
			break;
	}
	l->nkeepers = 0;
}

/* Whoever is left in a planted cgroup goes (a forker's or vforker's child), then the cgroup. */
static void remove_cgroup(const char *dir)
{
	char procs[PATH_ROOM * 2 + 16];
	snprintf(procs, sizeof procs, "%s/cgroup.procs", dir);
	for (double end = world_now() + world_patience(20); rmdir(dir) < 0 && errno == EBUSY && world_now() < end;) {
		autofile FILE *f = fopen(procs, "re");
		for (int pid; f && fscanf(f, "%d", &pid) == 1;) {
			autofd int fd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
			if (fd >= 0)
				syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
		}
		usleep(5000);
	}
}

void lab_undo(struct lab *l)
{
	lab_relent(l);
	for (unsigned i = l->ntraces; i-- > 0;) {
		struct trace *t = &l->trace[i];
		if (t->kind == TRACE_MOUNT && mount_there(t->id))
			(void)umount2(t->name, MNT_DETACH | UMOUNT_NOFOLLOW);
		else if (t->kind == TRACE_CGROUP)
			remove_cgroup(t->name);
		if (t->fd >= 0)
			close(t->fd);
	}
	for (unsigned i = 0; i < l->ncanaries; i++) {
		if (l->canary[i].kind == TRACE_MOUNT && mount_there(l->canary[i].mount_id))
			(void)umount2(l->canary[i].name, MNT_DETACH | UMOUNT_NOFOLLOW);
		if (l->canary[i].fd >= 0)
			close(l->canary[i].fd);
	}
	if (*l->loop)
		lab_loop_detach(l->loop);
	lab_clear_flags(l);
	l->ntraces = l->ncanaries = 0;
}
