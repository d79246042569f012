/* The drill's outside: place, init, watchdog, undoing; see wall.h. */
#include "sandbox/drill/wall.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/base/clock.h"
#include "probes/base/own.h"
#include "probes/hierarchy.h"
#include "sandbox/drill/disk.h"
#include "sandbox/kernel/cgroup.h"
#include "sandbox/kernel/child.h"
#include "sandbox/kernel/sys.h"

enum { PLACES = 64, BEGIN_S = 20, UNDO_S = 600, ROUND_MS = 50, REMOVE_S = 5 };

/* ---- the place -------------------------------------------------------------------------------- */

static int take_place(unsigned n)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int len = snprintf(at.sun_path + 1, sizeof at.sun_path - 1, "rustbox-drill-%u", n);
	autofd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)) < 0)
		return -errno;
	return take_fd(&fd);
}

static bool starts_with(const char *s, const char *dir)
{
	size_t n = strlen(dir);
	return strncmp(s, dir, n) == 0 && (s[n] == '/' || s[n] == '\0');
}

/* Where rustbox is: beside this program in a build tree, in ../../bin when it is installed. */
static int find_programs(char out[PATH_ROOM], struct err *e)
{
	char self[PATH_ROOM] = "", try[PATH_ROOM * 2];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	char *slash = n > 0 ? strrchr(self, '/') : NULL;
	if (slash)
		*slash = '\0';
	static const char *const ways[] = { "", "/../../bin" };
	for (size_t i = 0; slash && i < sizeof ways / sizeof *ways; i++) {
		(void)snprintf(try, sizeof try, "%s%s/rustbox", self, ways[i]);
		autofree char *real = realpath(try, NULL);
		if (real && strlen(real) < PATH_ROOM) {
			(void)snprintf(out, PATH_ROOM, "%.*s", (int)(strrchr(real, '/') - real), real);
			return 0;
		}
	}
	return err_say(e, ENOENT, "rustbox is not found beside rustbox-ops (%s): install rustbox completely", self);
}

/* A directory every system has and no program of ours lives below. */
static int find_base(struct wall *w, struct err *e)
{
	static const char *const bases[] = { "/mnt", "/media", "/srv", "/opt" };
	struct stat st;
	for (size_t i = 0; i < sizeof bases / sizeof *bases; i++)
		if (lstat(bases[i], &st) == 0 && S_ISDIR(st.st_mode) && !starts_with(w->programs, bases[i])) {
			(void)snprintf(w->base, sizeof w->base, "%s", bases[i]);
			return 0;
		}
	return err_say(e, ENOENT, "a drill needs one of the directories /mnt, /media, /srv, /opt; it changes nothing in it");
}

/* ---- cgroups ---------------------------------------------------------------------------------- */

static int each_hierarchy(const struct wall *w, int (*visit)(const struct wall *, const struct hierarchy *, int top, struct err *),
			  struct err *e)
{
	autoarena struct arena a = { 0 };
	struct scope scope = scope_host(&w->paths);
	struct hierarchy *h = NULL;
	size_t n = 0;
	int worst = w->as_user ? 0 : hierarchies_read(&scope, &a, &h, &n, e);
	for (size_t i = 0; i < n; i++) { /* all of them, whatever becomes of one */
		if (!strncmp(h[i].name, "name=", 5)) /* process managers' own */
			continue;
		autofd int top = sys_openat(AT_FDCWD, h[i].mount, O_RDONLY | O_DIRECTORY, 0);
		int r = top < 0 ? err_set(e, -top, "open %s", h[i].mount) : visit(w, &h[i], top, e);
		worst = r < 0 ? r : worst;
	}
	return worst;
}

static int cgroup_remove_one(const struct wall *w, const struct hierarchy *h, int top, struct err *e)
{
	/* Asked first: of a read-only tree rmdir says that, and not that there is nothing. */
	if (faccessat(top, w->paths.cgroup_parent, F_OK, 0) < 0 && errno == ENOENT)
		return 0;
	return cgroup_remove_at(h->version, top, w->paths.cgroup_parent, clock_mono_ns() + REMOVE_S * NS_PER_S, e);
}

static int cgroup_make_one(const struct wall *w, const struct hierarchy *h, int top, struct err *e)
{
	int r = sys_mkdirat(top, w->paths.cgroup_parent, 0755);
	return r < 0 ? err_set(e, -r, "a drill needs a cgroup of its own in %s", h->mount) : 0;
}

int wall_open(struct wall *ret, struct err *e)
{
	struct wall w = { .place = -EADDRINUSE, .as_user = geteuid() != 0 };
	char root[PATH_ROOM];
	int r = find_programs(w.programs, e);
	r = r ? r : find_base(&w, e);
	if (r < 0)
		return r;
	unsigned n = 0;
	while (n < PLACES && (w.place = take_place(n)) == -EADDRINUSE)
		n++;
	if (w.place < 0)
		return err_set(e, -w.place, "no place for another drill (%d of them)", PLACES);
	(void)snprintf(root, sizeof root, "%s/drill-%u", w.base, n);
	r = paths_init(&w.paths, root, e);
	if (r < 0) {
		own_close(&w.place);
		return r;
	}
	*ret = w;
	return 0;
}

void wall_close(struct wall *w)
{
	own_close(&w->place);
	w->place = -1;
}

/* ---- undoing ---------------------------------------------------------------------------------- */

/* Until nothing is left. Round by round, for the parts wait for each other: whoever writes to a frozen disk cannot die, what
 * is not dead keeps its cgroup, what is mounted its disk. `pidfd`: the drill's init, or -1. */
static int undo(const struct wall *w, int pidfd, unsigned seconds, struct err *e)
{
	uint64_t until = clock_mono_ns() + seconds * NS_PER_S;
	struct pollfd dead = { .fd = pidfd, .events = POLLIN };
	if (pidfd >= 0)
		(void)!sys_pidfd_signal(pidfd, SIGKILL);
	for (bool again = false;; again = true) {
		int r = w->as_user ? 0 : disk_release(w->paths.root, e);
		/* The wait between two rounds, too: the end of a device tells nobody. */
		int n = pidfd >= 0 || again ? poll(&dead, 1, ROUND_MS) : 1;
		if (pidfd >= 0 && n == 0)
			r = err_say(e, EBUSY, "the drill's init does not end");
		else if (r == 0)
			r = each_hierarchy(w, cgroup_remove_one, e);
		if (r == 0 || clock_mono_ns() >= until)
			return r;
	}
}

/* ---- the watchdog ----------------------------------------------------------------------------- */

/* What ends a drill, for its watchdog: a pipe's end each. Init's own is held by init alone: the kernel closes it
 * when init begins to die, before it waits for those inside, one of whom may not be able to die. */
enum { LIFE_STARTER, LIFE_INIT, LIVES };

struct run {
	struct wall *wall;
	int pipe[LIVES][2];
	int go[2];   /* to init: the cgroups are there */
	int said[2]; /* to the starter: why they are not */
	int pidfd;
	pid_t init, dog;
};

static void await_end(const struct run *run)
{
	struct pollfd ends[LIVES] = { { .fd = run->pipe[LIFE_STARTER][0], .events = POLLIN },
				      { .fd = run->pipe[LIFE_INIT][0], .events = POLLIN } };
	uint64_t until = clock_mono_ns() + run->wall->limit_s * NS_PER_S;
	for (;;) {
		uint64_t now = clock_mono_ns();
		int n = poll(ends, LIVES, now >= until ? 0 : (int)((until - now) / NS_PER_MS) + 1);
		if (n > 0 || (n == 0 && clock_mono_ns() >= until))
			return;
	}
}

/* It makes the cgroups as well: one process that does the one after the other cannot meet itself. Deaf first: whatever ends
 * a terminal's programs must not end this one between the making and the undoing. */
static void watchdog(const struct run *run)
{
	const struct wall *w = run->wall;
	struct err e = { 0 };
	int null = sys_openat(AT_FDCWD, "/dev/null", O_RDWR, 0);
	static const int deaf_to[] = { SIGHUP, SIGINT, SIGTERM, SIGQUIT, SIGPIPE };
	for (size_t i = 0; i < sizeof deaf_to / sizeof *deaf_to; i++)
		(void)!sys_signal_ignore(deaf_to[i]);
	(void)!sys_setsid();
	for (int i = 0; i < 3 && null >= 0; i++)
		(void)!sys_dup2(null, i);
	(void)!sys_chdir("/");
	int keep[] = { run->pidfd, run->pipe[LIFE_STARTER][0], run->pipe[LIFE_INIT][0], w->place, run->go[1], run->said[1] };
	(void)!child_keep_only(keep, sizeof keep / sizeof *keep);
	/* The place was free, so what is in it is of an earlier drill that lost its watchdog, too. */
	int r = undo(w, -1, BEGIN_S, &e);
	r = r ? r : each_hierarchy(w, cgroup_make_one, &e);
	(void)!(r < 0 ? sys_write(run->said[1], &e, sizeof e) : sys_write(run->go[1], "g", 1));
	(void)close(run->said[1]);
	(void)close(run->go[1]);
	if (r == 0)
		await_end(run);
	_exit(undo(w, run->pidfd, UNDO_S, &e) < 0);
}

static int be_init(const struct run *run, int (*inside)(const struct wall *, void *), void *arg)
{
	char byte;
	int others[] = { run->go[1], run->said[0], run->said[1], run->pipe[LIFE_STARTER][0], run->pipe[LIFE_STARTER][1],
			 run->pipe[LIFE_INIT][0], run->wall->place };
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		(void)close(others[i]);
	if (sys_prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return 3;
	/* The parent may have died before that: then the pipe has no writer. */
	if (read(run->go[0], &byte, 1) != 1)
		return 3;
	(void)close(run->go[0]);
	run->wall->alive = run->pipe[LIFE_INIT][1];
	return inside(run->wall, arg);
}

/* An ordinary user is root in a user namespace of the drill, and nowhere else. init waits for `go` meanwhile. */
static int become_root_inside(pid_t init, struct err *e)
{
	const struct { const char *file; unsigned id; } maps[] = { { "setgroups", 0 }, { "uid_map", geteuid() }, { "gid_map", getegid() } };
	for (size_t i = 0; i < 3; i++) {
		char path[40], text[40];
		(void)snprintf(path, sizeof path, "/proc/%d/%s", (int)init, maps[i].file); /* our child, not waited for: itself */
		(void)snprintf(text, sizeof text, i ? "0 %u 1" : "deny", maps[i].id);
		int r = sys_write_file(AT_FDCWD, path, text);
		if (r < 0)
			return err_set(e, -r, "write the drill's %s", maps[i].file);
	}
	return 0;
}

static int status_of(int pidfd, int *ret)
{
	siginfo_t info = { 0 };
	int r = sys_pidfd_wait(pidfd, 0, &info, NULL);
	*ret = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
	return r;
}

/* Returns when all is ready for the drill, or with what the watchdog says that is not. */
static int begin(struct run *run, struct err *e)
{
	struct err said;
	run->dog = sys_fork();
	if (run->dog == 0) {
		(void)close(run->pipe[LIFE_STARTER][1]);
		(void)close(run->pipe[LIFE_INIT][1]);
		watchdog(run);
	}
	int others[] = { run->go[0], run->go[1], run->said[1], run->pipe[LIFE_STARTER][0], run->pipe[LIFE_INIT][1] };
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		(void)close(others[i]);
	if (run->dog < 0)
		return err_set(e, -run->dog, "start the drill's watchdog");
	ssize_t n = read(run->said[0], &said, sizeof said);
	(void)close(run->said[0]);
	return n == (ssize_t)sizeof said ? err_say(e, said.code, "%s", said.text) : 0;
}

/* The watchdog's end is the end of everything. When somebody ended it before, the drill may go on, for only the time limit
 * needs it; at init's end its work is ours. */
static int await_undone(const struct run *run, struct err *e)
{
	autofd int dog = sys_pidfd_open(run->dog);
	siginfo_t info = { 0 };
	struct pollfd end = { .fd = run->pipe[LIFE_INIT][0], .events = POLLIN };
	if (dog >= 0 && sys_pidfd_wait(dog, 0, &info, NULL) == 0 && info.si_code == CLD_EXITED)
		return info.si_status == 0 ? 0 : err_say(e, EBUSY, "something of it would not go; the next drill tries again");
	while (poll(&end, 1, -1) < 0 && errno == EINTR)
		;
	return undo(run->wall, run->pidfd, UNDO_S, e);
}

int wall_run(struct wall *w, int (*inside)(const struct wall *w, void *arg), void *arg, struct err *e)
{
	struct run run = { .wall = w, .pidfd = -1 };
	int code = 3;
	if (sys_pipe(run.go, 0) < 0 || sys_pipe(run.said, 0) < 0 || sys_pipe(run.pipe[LIFE_STARTER], 0) < 0 ||
	    sys_pipe(run.pipe[LIFE_INIT], 0) < 0)
		return err_say(e, EMFILE, "no pipes for the drill");
	(void)fflush(NULL);
	run.init = child_spawn(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | (w->as_user ? CLONE_NEWUSER : 0), -1,
			       &run.pidfd, e);
	if (run.init < 0)
		return w->as_user ? err_set(e, -run.init, "this host gives ordinary users no user namespaces: run it as root") : run.init;
	if (run.init == 0)
		_exit(be_init(&run, inside, arg));
	int mapped = w->as_user ? become_root_inside(run.init, e) : 0;
	int begun = mapped < 0 ? mapped : begin(&run, e);
	int undone = run.dog <= 0 ? 0 : await_undone(&run, begun < 0 ? NULL : e);
	int r = status_of(run.pidfd, &code);
	(void)close(run.pipe[LIFE_STARTER][1]);
	own_close(&run.pidfd);
	return begun < 0 ? begun : undone < 0 ? undone : r < 0 ? err_set(e, -r, "wait for the drill") : code;
}
