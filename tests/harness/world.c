/* Theory: everything a run could leave carries one of three marks of its world, a path below the root, the
 * cgroup parent's name or a uid of the pool, so one pass over mountinfo, the hierarchies and /proc finds it. */
#include "tests/harness/world.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"

static void fatal(const char *what)
{
	fprintf(stderr, "world: %s: %s\n", what, strerror(errno));
	abort();
}

double world_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double world_patience(double seconds)
{
	enum { LEAST = 60 };
	const char *slow = getenv("SLOW_HOST"); /* a guest under emulation: how many times */
	double load = 0;
	if (getloadavg(&load, 1) < 1)
		load = 0;
	double stretched = seconds * (2 + load / get_nprocs()) * (slow && atoi(slow) > 0 ? atoi(slow) : 1);
	return stretched > 0 && stretched < LEAST ? LEAST : stretched;
}

const char *world_lacking(void)
{
	return geteuid() == 0 ? NULL : "needs root";
}

/* Waits for `pid`, reaping whatever else ends, and exits as it did. */
static void exit_like(pid_t pid)
{
	int status = 0;
	for (;;) {
		pid_t ended = waitpid(-1, &status, __WALL);
		if (ended == pid)
			_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
		if (ended < 0 && errno != EINTR)
			_exit(127);
	}
}

static void find_build(char out[PATH_ROOM])
{
	static char exe[PATH_ROOM]; /* kept from before the first mount namespace: after it, in a chroot, the link is another */
	ssize_t n = *exe ? 1 : readlink("/proc/self/exe", exe, sizeof exe - 1);
	if (n < 0)
		fatal("/proc/self/exe");
	char *tests = strstr(exe, "/tests/");
	for (char *next = tests; next; next = strstr(next + 1, "/tests/"))
		tests = next;
	if (tests)
		*tests = '\0';
	snprintf(out, PATH_ROOM, "%s", exe);
}

void world_alone(void)
{
	if (geteuid() != 0)
		return; /* world_lacking() says so */
	char build[PATH_ROOM];
	find_build(build);
	if (unshare(CLONE_NEWPID | CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		fatal("namespaces");
	pid_t first = fork();
	if (first != 0)
		exit_like(first);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		fatal("/proc");
	pid_t second = fork(); /* pid 1 is deaf to signals without a handler, abort() among them: the test is not pid 1 */
	if (second != 0)
		exit_like(second);
}

/* A root decides on its world's uids, and there are only some thousand pools: a second world with the same one would take
 * this one's processes for its orphans. The name is held as long as the descriptor. -1: another world, or a drill, has it. */
static int claim_pool(const char *root)
{
	struct paths own, drill;
	struct err e;
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	if (paths_init(&own, root, &e) < 0)
		fatal(e.text);
	for (int place = 0; place < 64; place++) {
		char path[32];
		snprintf(path, sizeof path, "/mnt/drill-%d", place);
		if (paths_init(&drill, path, &e) == 0 && drill.uid_base == own.uid_base)
			return -1;
	}
	int len = snprintf(at.sun_path + 1, sizeof at.sun_path - 1, "rustbox-test-uids-%u", own.uid_base);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		fatal("socket");
	if (bind(fd, (struct sockaddr *)&at, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)) == 0)
		return fd;
	close(fd);
	return -1;
}

void world_open(struct world *w, unsigned flags)
{
	for (int tries = 0; tries < 100; tries++) {
		char root[] = "/tmp/rbt-XXXXXX";
		if (!mkdtemp(root) || rmdir(root) < 0) /* its name is this process's; nobody else makes one of that name */
			fatal("mkdtemp");
		int pool = claim_pool(root);
		if (pool < 0)
			continue;
		world_open_at(w, root, flags);
		w->pool = pool;
		return;
	}
	fatal("no pool of uids is free");
}

void world_open_at(struct world *w, const char *root, unsigned flags)
{
	memset(w, 0, sizeof *w);
	snprintf(w->root, sizeof w->root, "%s", root);
	if (mkdir(w->root, 0755) < 0 || chmod(w->root, 0755) < 0)
		fatal(w->root);
	find_build(w->build);
	struct err e;
	if (paths_init(&w->paths, w->root, &e) < 0)
		fatal(e.text);
	char work[PATH_ROOM];
	snprintf(work, sizeof work, "%s/tmp", w->root);
	if (mkdir(work, 01777) < 0 || chmod(work, 01777) < 0)
		fatal(work);
	static const char *const hosts_have[] = { "run", "var", "var/lib", "etc" };
	for (size_t i = 0; i < sizeof hosts_have / sizeof *hosts_have; i++) {
		snprintf(work, sizeof work, "%s/%s", w->root, hosts_have[i]);
		if (mkdir(work, 0755) < 0)
			fatal(work);
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	bool prepared = getenv("WORLD_PREPARED") != NULL;
	if (flags & WORLD_MOUNTS || prepared) {
		if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
			fatal("private mount namespace");
	}
	if (prepared) {
		struct ran r;
		world_call(w, &r, 10, "rustbox", "prepare");
		if (r.code != 0)
			fatal(r.err);
		ran_done(&r);
		w->prepared = true; /* from here on the nest is furniture */
	}
}

/* ---- running ----------------------------------------------------------------------------------------------- */
struct sink {
	char **buf;
	size_t *len;
};

/* false at end of file */
static bool take(int fd, struct sink *s)
{
	char chunk[65536];
	ssize_t n = read(fd, chunk, sizeof chunk);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return false;
	if (*s->len < 64u << 20) { /* a flood past 64 MiB shows nothing new */
		*s->buf = realloc(*s->buf, *s->len + (size_t)n + 1);
		memcpy(*s->buf + *s->len, chunk, (size_t)n);
		*s->len += (size_t)n;
		(*s->buf)[*s->len] = '\0';
	}
	return true;
}

static void child_exec(const struct world *w, int in, int out, int err, const char *const *argv)
{
	char path[PATH_ROOM * 2];
	bool built = !strncmp(argv[0], "rustbox", 7) || !strncmp(argv[0], "payloads/", 9);
	snprintf(path, sizeof path, "%s%s%s", built ? w->build : "", built ? "/" : "", argv[0]);
	setsid();
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
		_exit(126);
	setenv("RUSTBOX_ROOT", w->root, 1);
	execvp(path, (char *const *)(uintptr_t)argv);
	dprintf(2, "exec %s: %s\n", path, strerror(errno));
	_exit(127);
}

static int input_file(const char *input)
{
	if (!input)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	int fd = memfd_create("input", MFD_CLOEXEC);
	if (fd < 0 || write(fd, input, strlen(input)) != (ssize_t)strlen(input) || lseek(fd, 0, SEEK_SET) < 0)
		fatal("input");
	return fd;
}

static void pump(int pidfd, int out, int err, double deadline, struct ran *r)
{
	struct pollfd p[] = { { .fd = pidfd, .events = POLLIN }, { .fd = out, .events = POLLIN }, { .fd = err, .events = POLLIN } };
	struct sink sinks[] = { { NULL, NULL }, { &r->out, &r->out_len }, { &r->err, &r->err_len } };
	for (;;) {
		double left = deadline - world_now();
		int n = poll(p, 3, left > 0 ? (int)(left * 1000) + 1 : 0);
		if (n == 0) {
			r->late = true;
			return;
		}
		for (int i = 1; i < 3; i++)
			if (p[i].revents && !take(p[i].fd, &sinks[i]))
				p[i].fd = -1;
		/* ended, and what it wrote has been read: an orphan that keeps the pipe open is not waited for */
		if (p[0].revents && !(p[1].revents & POLLIN) && !(p[2].revents & POLLIN))
			return;
	}
}

void world_run(const struct world *w, struct ran *ret, double seconds, const char *input, const char *const *argv)
{
	int out[2], err[2];
	autofd int in = input_file(input);
	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
		fatal("pipe");
	struct ran r = { .code = -1, .out = calloc(1, 1), .err = calloc(1, 1) };
	double start = world_now();
	fflush(NULL);
	pid_t pid = fork();
	if (pid < 0)
		fatal("fork");
	if (pid == 0)
		child_exec(w, in, out[1], err[1], argv);
	close(out[1]);
	close(err[1]);
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	fcntl(err[0], F_SETFL, O_NONBLOCK);
	autofd int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	pump(pidfd, out[0], err[0], start + world_patience(seconds), &r);
	if (r.late)
		kill(pid, SIGKILL); /* our own child, not yet waited for: the number is still its */
	int status = 0;
	waitpid(pid, &status, 0);
	close(out[0]);
	close(err[0]);
	r.seconds = world_now() - start;
	r.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	r.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	*ret = r;
}

void ran_done(struct ran *r)
{
	free(r->out);
	free(r->err);
	memset(r, 0, sizeof *r);
}

json_t *ran_json(const struct ran *r)
{
	json_error_t e;
	json_t *whole = json_loads(r->out, JSON_ALLOW_NUL, &e);
	if (whole)
		return whole;
	size_t n = r->out_len;
	while (n > 0 && r->out[n - 1] == '\n')
		n--;
	size_t from = n;
	while (from > 0 && r->out[from - 1] != '\n')
		from--;
	return json_loadb(r->out + from, n - from, JSON_ALLOW_NUL, &e);
}

const char *json_at(const json_t *j, const char *dotted, char *buf, size_t cap)
{
	char path[200];
	snprintf(path, sizeof path, "%s", dotted);
	for (char *save = NULL, *key = strtok_r(path, ".", &save); key && j; key = strtok_r(NULL, ".", &save))
		j = json_is_array(j) ? json_array_get(j, (size_t)atoi(key)) : json_object_get(j, key);
	buf[0] = '\0';
	if (json_is_string(j))
		snprintf(buf, cap, "%s", json_string_value(j));
	else if (json_is_integer(j))
		snprintf(buf, cap, "%lld", (long long)json_integer_value(j));
	else if (json_is_real(j))
		snprintf(buf, cap, "%.6f", json_real_value(j));
	else if (json_is_boolean(j))
		snprintf(buf, cap, "%s", json_is_true(j) ? "true" : "false");
	return buf;
}

/* ---- what is left ------------------------------------------------------------------------------------------ */
struct listing {
	char *text;
	size_t len;
	FILE *f;
	const struct world *w;
};

void world_hierarchies(void (*each)(const char *mount_point, const char *name, void *arg), void *arg)
{
	autofile FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[4096];
	char seen[32][128];
	int n = 0;
	while (f && fgets(line, sizeof line, f)) {
		char point[256], type[32], super[256];
		char *dash = strstr(line, " - ");
		if (!dash || sscanf(line, "%*s %*s %*s %*s %255s", point) != 1 ||
		    sscanf(dash, " - %31s %*s %255s", type, super) != 2 || strncmp(type, "cgroup", 6) != 0)
			continue;
		const char *base = strrchr(point, '/') + 1;
		int known = 0;
		while (known < n && strcmp(seen[known], point) != 0)
			known++;
		if (known < n || n == 32)
			continue;
		snprintf(seen[n++], sizeof seen[0], "%.127s", point);
		each(point, !strcmp(type, "cgroup2") ? "unified" : base, arg);
	}
}

static void list_below(struct listing *l, const char *path, const char *why)
{
	autodir DIR *d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d));) {
		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		char below[PATH_ROOM * 2];
		snprintf(below, sizeof below, "%s/%s", path, e->d_name);
		fprintf(l->f, "%s %s\n", why, below);
		list_below(l, below, why);
	}
}

static void list_cgroups(const char *point, const char *name, void *arg)
{
	struct listing *l = arg;
	char parent[PATH_ROOM * 2];
	(void)name;
	snprintf(parent, sizeof parent, "%s/%s", point, l->w->paths.cgroup_parent);
	list_below(l, parent, "cgroup");
}

static void list_mounts_of(struct listing *l, const char *mountinfo, const char *whose)
{
	autofile FILE *f = fopen(mountinfo, "re");
	char line[8192];
	size_t n = strlen(l->w->root);
	const char *nest = l->w->paths.of[PATH_NEST];
	while (f && fgets(line, sizeof line, f)) {
		char point[4096];
		if (sscanf(line, "%*s %*s %*s %*s %4095s", point) != 1 || strncmp(point, l->w->root, n) || point[n] != '/')
			continue;
		if (!l->w->prepared || strncmp(point, nest, strlen(nest)) != 0)
			fprintf(l->f, "mount %s%s\n", point, whose);
	}
}

static bool ours(const struct world *w, const char *pid, char *comm, size_t cap, char *state)
{
	char path[PATH_ROOM], buf[16384];
	snprintf(path, sizeof path, "/proc/%.20s/status", pid);
	if (kfile_read(AT_FDCWD, path, buf, sizeof buf) < 0)
		return false;
	unsigned uid = 0;
	char name[64] = "?", st = '?';
	char *at = strstr(buf, "\nUid:");
	if (at)
		sscanf(at, "\nUid: %u", &uid);
	sscanf(buf, "Name: %63[^\n]", name);
	if ((at = strstr(buf, "\nState:")))
		sscanf(at, "\nState: %c", &st);
	snprintf(comm, cap, "%s", name);
	*state = st;
	if (uid >= w->paths.uid_base && uid < w->paths.uid_base + UID_POOL)
		return true;
	snprintf(path, sizeof path, "/proc/%.20s/cgroup", pid);
	return kfile_read(AT_FDCWD, path, buf, sizeof buf) > 0 && strstr(buf, w->paths.cgroup_parent);
}

static void list_processes(struct listing *l)
{
	autodir DIR *d = opendir("/proc");
	ino_t seen[256];
	size_t n = 0;
	struct stat own = { 0 }, ns;
	(void)stat("/proc/self/ns/mnt", &own);
	for (struct dirent *e; d && (e = readdir(d));) {
		char comm[64], state, path[PATH_ROOM];
		if (e->d_name[0] < '0' || e->d_name[0] > '9')
			continue;
		if (ours(l->w, e->d_name, comm, sizeof comm, &state))
			fprintf(l->f, "process %s %s%s\n", e->d_name, comm,
				state == 'Z' ? " zombie" : state == 'D' ? " in D" : "");
		snprintf(path, sizeof path, "/proc/%.20s/ns/mnt", e->d_name);
		if (stat(path, &ns) < 0 || ns.st_ino == own.st_ino)
			continue;
		size_t k = 0;
		while (k < n && seen[k] != ns.st_ino)
			k++;
		if (k < n || n == 256)
			continue;
		seen[n++] = ns.st_ino;
		snprintf(path, sizeof path, "/proc/%.20s/mountinfo", e->d_name);
		char whose[64];
		snprintf(whose, sizeof whose, " (in the mount namespace of %.20s)", e->d_name);
		list_mounts_of(l, path, whose);
	}
}

static void list_files(struct listing *l)
{
	autodir DIR *d = opendir(l->w->paths.of[PATH_WORK]);
	for (struct dirent *e; d && (e = readdir(d));)
		if (paths_box_of_name(e->d_name))
			fprintf(l->f, "tempdir %s\n", e->d_name);
	autodir DIR *ledgers = opendir(l->w->paths.of[PATH_LEDGER]);
	for (struct dirent *e; ledgers && (e = readdir(ledgers));) {
		struct stat st;
		autofd int fd = openat(dirfd(ledgers), e->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
			continue;
		if (flock(fd, LOCK_SH | LOCK_NB) < 0)
			fprintf(l->f, "lock %s held\n", e->d_name);
		else if (st.st_size > 0)
			fprintf(l->f, "lock %s has %lld bytes\n", e->d_name, (long long)st.st_size);
	}
}

char *world_left(const struct world *w)
{
	struct listing l = { .w = w };
	while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
		;
	l.f = open_memstream(&l.text, &l.len);
	if (!l.f)
		fatal("memory");
	world_hierarchies(list_cgroups, &l);
	list_mounts_of(&l, "/proc/self/mountinfo", "");
	list_processes(&l);
	list_files(&l);
	fclose(l.f);
	return l.text;
}

bool world_clean_within(const struct world *w, double seconds)
{
	double deadline = world_now() + world_patience(seconds);
	for (;;) {
		autofree char *left = world_left(w);
		if (!*left)
			return true;
		if (world_now() > deadline)
			return false;
		usleep(10000); /* the kernel's own files say nothing by themselves: asked again */
	}
}

/* ---- the end ----------------------------------------------------------------------------------------------- */
static void sweep_dir(const char *path)
{
	autodir DIR *d = opendir(path);
	char file[PATH_ROOM * 2 + 32];
	for (struct dirent *e; d && (e = readdir(d));) {
		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		snprintf(file, sizeof file, "%s/%s", path, e->d_name);
		sweep_dir(file);
	}
	snprintf(file, sizeof file, "%s/freezer.state", path);
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		(void)!write(fd, "THAWED", 6);
		close(fd);
	}
	for (int i = 0; i < 12000 && rmdir(path) < 0 && errno == EBUSY; i++)
		usleep(5000);
}

static void sweep_cgroups(const char *point, const char *name, void *arg)
{
	const struct world *w = arg;
	char parent[PATH_ROOM * 2];
	(void)name;
	snprintf(parent, sizeof parent, "%s/%s", point, w->paths.cgroup_parent);
	if (access(parent, F_OK) == 0)
		sweep_dir(parent);
}

static bool sweep_processes(const struct world *w)
{
	bool any = false;
	autodir DIR *d = opendir("/proc");
	for (struct dirent *e; d && (e = readdir(d));) {
		char comm[64], state;
		if (e->d_name[0] < '0' || e->d_name[0] > '9')
			continue;
		autofd int fd = (int)syscall(SYS_pidfd_open, atoi(e->d_name), 0);
		if (fd >= 0 && ours(w, e->d_name, comm, sizeof comm, &state) && state != 'Z') {
			syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
			any = true;
		}
	}
	return any;
}

void world_sweep(const struct world *w)
{
	for (int i = 0; i < 3000 && sweep_processes(w); i++) {
		world_hierarchies(sweep_cgroups, (void *)(uintptr_t)w); /* thaws, so that the kill arrives */
		usleep(20000);
		while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
			;
	}
	world_hierarchies(sweep_cgroups, (void *)(uintptr_t)w);
	for (int again = 0; again < 4096; again++) {
		autofile FILE *f = fopen("/proc/self/mountinfo", "re");
		char line[8192], point[4096], last[4096] = "";
		size_t n = strlen(w->root);
		while (f && fgets(line, sizeof line, f))
			if (sscanf(line, "%*s %*s %*s %*s %4095s", point) == 1 && !strncmp(point, w->root, n) && point[n] == '/')
				memcpy(last, point, sizeof last);
		if (!*last)
			break;
		char *to = last;
		for (char *from = last; *from; to++) { /* \040 and its like */
			unsigned c;
			if (*from == '\\' && sscanf(from + 1, "%3o", &c) == 1) {
				*to = (char)c;
				from += 4;
			} else {
				*to = *from++;
			}
		}
		*to = '\0';
		if (umount2(last, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
			break;
	}
}

enum { DEEP = 64 };

/* Empties a directory without following anything and without crossing a mount; what lies deeper than DEEP levels is
 * moved up to `top` first, so that no depth of tree costs more than DEEP descriptors. */
static void empty_dir(int fd, int top, int depth, unsigned *moved)
{
	autodir DIR *d = fdopendir(dup(fd));
	if (d)
		rewinddir(d); /* a dup shares its position with the pass before */
	for (struct dirent *e; d && (e = readdir(d));) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") || unlinkat(fd, e->d_name, 0) == 0)
			continue;
		struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW,
					.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS };
		if (depth >= DEEP) {
			char name[32];
			snprintf(name, sizeof name, ".deep%u", (*moved)++);
			(void)renameat(fd, e->d_name, top, name);
			continue;
		}
		autofd int below = (int)syscall(SYS_openat2, fd, e->d_name, &how, sizeof how);
		if (below >= 0)
			empty_dir(below, top, depth + 1, moved);
		(void)unlinkat(fd, e->d_name, AT_REMOVEDIR);
	}
}

bool world_remove(struct world *w)
{
	unsigned moved = 0;
	world_sweep(w);
	if (w->pool > 0)
		close(w->pool);
	w->pool = 0;
	autofd int fd = open(w->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 10000 && fd >= 0 && rmdir(w->root) < 0 && errno == ENOTEMPTY; i++)
		empty_dir(fd, fd, 0, &moved);
	if (access(w->root, F_OK) < 0)
		return true;
	fprintf(stderr, "cannot remove %s\n", w->root);
	return false;
}

bool world_done(struct world *w)
{
	bool clean = world_clean_within(w, 20); /* who was told to die may wait for a processor */
	autofree char *left = world_left(w);
	if (!clean)
		fprintf(stderr, "left in %s:\n%s", w->root, left);
	return world_remove(w) && clean;
}

int world_each(void **state)
{
	static struct world w;
	if (world_lacking())
		return 0;
	world_open(&w, WORLD_MOUNTS);
	*state = &w;
	return 0;
}

int world_each_end(void **state)
{
	return !*state || world_done(*state) ? 0 : -1;
}

struct world *world_need(void **state)
{
	if (!*state) {
		print_message("skipped: %s\n", world_lacking());
		skip();
	}
	return *state;
}

bool world_unmount(const char *path)
{
	int rc = -1;
	for (double end = world_now() + world_patience(20); (rc = umount2(path, UMOUNT_NOFOLLOW)) < 0 && errno == EBUSY && world_now() < end;)
		usleep(10000);
	return rc == 0;
}

bool world_mounted(const char *path)
{
	autofree char *text = NULL;
	char field[PATH_ROOM * 2];
	if (kfile_read_all(AT_FDCWD, "/proc/self/mountinfo", &text) <= 0)
		fatal("/proc/self/mountinfo");
	snprintf(field, sizeof field, " %s ", path);
	return strstr(text, field) != NULL;
}
