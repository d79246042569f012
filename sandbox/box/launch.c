/* See launch.h. After clone nothing is looked up, chosen or allocated: the stages walk the plan's rows. */
#include "sandbox/box/launch.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "probes/base/own.h"
#include "sandbox/box/nest.h"
#include "sandbox/kernel/child.h"
#include "sandbox/kernel/creds.h"
#include "sandbox/kernel/filter.h"
#include "sandbox/kernel/rootfs.h"
#include "sandbox/kernel/sys.h"

/* The namespaces that clone makes; the cgroup namespace follows after joining, or it would show the host's. */
static const struct namespace {
	uint64_t flag;
	const char *file; /* in /proc/self/ns */
} namespaces[] = {
	{ CLONE_NEWPID, "pid" }, { CLONE_NEWNS, "mnt" },
	{ CLONE_NEWNET, "net" }, { CLONE_NEWIPC, "ipc" },
	{ CLONE_NEWUTS, "uts" },
};
enum { NAMESPACES = sizeof namespaces / sizeof namespaces[0], NAME_ROOM = 40 };

/* "net:[4026531833]": one namespace has one name. Reading a link makes no inode, which looking behind it does. */
static int read_name(int dir, size_t i, char ret[static NAME_ROOM])
{
	ssize_t n = readlinkat(dir, namespaces[i].file, ret, NAME_ROOM);
	if (n < 0 || n == NAME_ROOM)
		return n < 0 ? -errno : -ENAMETOOLONG;
	ret[n] = '\0';
	return 0;
}

/* All that the child knows. */
struct seat {
	const struct plan *plan;
	const struct launch_kit *kit;
	struct sock_fprog filter;
	char host_ns[NAMESPACES][NAME_ROOM]; /* of those asked for */
	int journal_fd, lifeline_fd, status_fd;
	int stdio[3];
	int root_fd, nest_fd, ns_dir; /* -1: none */
	int handed[CHILD_HANDED]; /* what launch_go() sent: the network namespace if it comes later, then files to join by */
	int nhanded;
	int *sources; /* one for each mount row */
	size_t row; /* of the plan, at which the stage failed */
	char title[96];
};

static void tell(const struct seat *s, enum stage stage, int r)
{
	struct note note = { .stage = (uint8_t)stage, .row = (uint8_t)(s->row > 255 ? 255 : s->row), .err = -r };
	/* Without a journal nobody can know what holds here: then nothing may run. */
	if (sys_write_all(s->journal_fd, &note, sizeof note) < 0)
		_exit(1);
}

/* 0 when we are in other namespaces than the host, in each of these. */
static int prove_inside(const struct seat *s, uint64_t flags)
{
	for (size_t i = 0; i < NAMESPACES; i++) {
		char name[NAME_ROOM];
		if (!(flags & namespaces[i].flag))
			continue;
		int r = read_name(s->ns_dir, i, name);
		if (r < 0)
			return r;
		if (strcmp(name, s->host_ns[i]) == 0)
			return -EXDEV;
	}
	return 0;
}

static int stage_namespaces(struct seat *s)
{
	s->ns_dir = sys_openat(AT_FDCWD, "/proc/self/ns", O_PATH | O_DIRECTORY, 0);
	int r = s->ns_dir < 0 ? s->ns_dir : 0;
	if (r == 0 && s->nest_fd >= 0)
		r = rootfs_enter_nest(s->nest_fd);
	if (r == 0)
		r = prove_inside(s, s->kit->net_later ? s->plan->ns_flags & ~(uint64_t)CLONE_NEWNET : s->plan->ns_flags);
	return r == 0 && s->plan->ns_flags & CLONE_NEWUTS ? sys_sethostname("rustbox") : r;
}

/* The network namespace takes longest to make, and nothing before needs it. Failing, the stage NAMESPACES has failed
 * after all, which is never optional. */
static int enter_network(struct seat *s)
{
	s->nhanded = child_receive(s->lifeline_fd, s->handed);
	int r = s->nhanded < 0 ? s->nhanded : 0;
	if (r == 0 && s->kit->net_later)
		r = s->nhanded > 0 ? sys_setns(s->handed[0], CLONE_NEWNET) : -EBADMSG;
	if (r == 0 && s->kit->net_later) {
		own_close(&s->handed[0]);
		r = prove_inside(s, CLONE_NEWNET);
	}
	own_close(&s->ns_dir);
	if (r < 0)
		tell(s, STAGE_NAMESPACES, r);
	return r;
}

static int stage_mounts(struct seat *s)
{
	const struct rootfs how = {
		.rows = s->plan->mounts, .nrows = s->plan->nmounts, .sources = s->sources,
		.stage_dir = s->nest_fd < 0 ? s->kit->paths->of[PATH_EMPTY] : "/",
		.workspace_fd = s->plan->workspace_fd, .uid = s->plan->uid,
	};
	if (s->plan->rootless) /* only in here have we the right to */
		rootfs_take(how.rows, how.nrows, s->sources);
	s->root_fd = rootfs_build(&how, &s->row);
	return s->root_fd < 0 ? s->root_fd : 0;
}

static int stage_cgroup(struct seat *s)
{
	for (int i = s->kit->net_later; i < s->nhanded; i++) {
		int r = sys_write_all(s->handed[i], "0", 1);
		if (r < 0) {
			s->row = (size_t)i + 1;
			return r;
		}
		own_close(&s->handed[i]);
	}
	return s->plan->ns_flags & CLONE_NEWCGROUP ? sys_unshare(CLONE_NEWCGROUP) : 0;
}

static int stage_root(struct seat *s)
{
	return rootfs_enter(s->root_fd, s->nest_fd >= 0);
}

static int stage_limits(struct seat *s)
{
	(void)sys_umask(077);
	int r = child_stdio(s->stdio);
	int keep[] = { 0, 1, 2, s->journal_fd };
	if (r == 0)
		r = child_keep_only(keep, 4);
	return r == 0 ? child_rlimits(s->plan->rlimits, s->plan->nrlimits, &s->row) : r;
}

static int stage_creds(struct seat *s)
{
	return creds_become(s->plan->uid, (gid_t)s->plan->uid);
}

static int stage_caps(struct seat *s)
{
	(void)s;
	int r = creds_renounce();
	return r == 0 ? creds_hide_launcher() : r;
}

static int stage_seccomp(struct seat *s)
{
	return sys_seccomp_filter(&s->filter);
}

static int stage_exec(struct seat *s)
{
	s->row = EXEC_ROW_CWD;
	int r = sys_chdir(s->plan->cwd);
	if (r < 0)
		return r;
	s->row = 0;
	tell(s, STAGE_EXEC, 0);
	int first = 0;
	for (char **path = s->plan->candidates; *path; path++) {
		r = sys_execve(*path, s->plan->argv, s->plan->env);
		/* "Not here" says less than any other reason a candidate may have given. */
		if (first == 0 || first == -ENOENT)
			first = r;
	}
	return first ? first : -ENOENT;
}

/* The only table of the launch, in the order of STAGES; nothing else can call a stage. */
static int (*const run_stage[])(struct seat *) = {
	[STAGE_NAMESPACES] = stage_namespaces, [STAGE_MOUNTS] = stage_mounts, [STAGE_CGROUP] = stage_cgroup,
	[STAGE_ROOT] = stage_root, [STAGE_LIMITS] = stage_limits, [STAGE_CREDS] = stage_creds,
	[STAGE_CAPS] = stage_caps, [STAGE_SECCOMP] = stage_seccomp, [STAGE_EXEC] = stage_exec,
};
_Static_assert(sizeof run_stage / sizeof run_stage[0] == STAGE_COUNT, "one function for each stage");

/* Where the walk passes from init to the program. */
static const enum stage init_last = STAGE_ROOT, program_first = STAGE_LIMITS;
_Static_assert(STAGE_CGROUP == STAGE_MOUNTS + 1 && STAGE_LIMITS == STAGE_ROOT + 1, "no stage is left out or walked twice");

static int walk(struct seat *s, enum stage from, enum stage to)
{
	for (enum stage stage = from; stage <= to; stage++) {
		if (!(s->plan->configured & STAGE_BIT(stage)))
			continue;
		s->row = 0;
		int r = run_stage[stage](s);
		tell(s, stage, r);
		bool optional = s->plan->optional & STAGE_BIT(stage) && !stage_rows[stage].floor;
		if (r < 0 && !optional)
			return r;
	}
	return 0;
}

/* What the program's process does before it is the program. It borrows init's memory and a stack in it, and init waits
 * until exec: copying an address space that is thrown away at once would cost as much as half the mounts. */
static int program(void *arg)
{
	struct seat *s = arg;
	sigset_t none;
	(void)sigemptyset(&none);
	if (sys_setsid() < 0 || sys_sigmask(SIG_SETMASK, &none, NULL) < 0)
		return 1;
	return walk(s, program_first, STAGE_EXEC) < 0 ? 127 : 1;
}

enum { INIT_UID = 65534, PROGRAM_STACK = 16384, DEATH_MS = 5000 };

static _Noreturn void inside(struct seat *s)
{
	char stack[PROGRAM_STACK] __attribute__((aligned(64)));
	if (child_begin(SIGCHLD) < 0 || walk(s, STAGE_NAMESPACES, STAGE_MOUNTS) < 0 || enter_network(s) < 0 ||
	    walk(s, STAGE_CGROUP, init_last) < 0)
		_exit(1);
	pid_t pid = sys_vfork_run(program, s, stack + sizeof stack);
	if (pid < 0) {
		tell(s, program_first, pid);
		_exit(1);
	}
	const struct init init = {
		.program = pid, .lifeline_fd = s->lifeline_fd, .status_fd = s->status_fd,
		.kept = { s->kit->kept[0], s->kit->kept[1] }, .title = s->title,
		.uid = s->plan->rootless ? 0 : INIT_UID,
	};
	init_run(&init);
}

/* ---- before clone ---- */

static int look_at_namespaces(struct seat *s, struct err *e)
{
	autofd int dir = sys_openat(AT_FDCWD, "/proc/self/ns", O_PATH | O_DIRECTORY, 0);
	if (dir < 0)
		return err_set(e, -dir, "open /proc/self/ns: is /proc mounted?");
	for (size_t i = 0; i < NAMESPACES; i++) {
		int r = s->plan->ns_flags & namespaces[i].flag ? read_name(dir, i, s->host_ns[i]) : 0;
		if (r < 0)
			return err_set(e, -r, "look at /proc/self/ns/%s", namespaces[i].file);
	}
	return 0;
}

/* Both ends of each pipe; what stays open here is closed by scope. */
struct pipes {
	int journal[2], status[2], lifeline[2], in[2], out[2], err[2];
};

static void pipes_close(struct pipes *p)
{
	int *all = (int *)p;
	for (size_t i = 0; i < sizeof *p / sizeof *all; i++)
		own_close(&all[i]);
}

static int pipes_open(struct pipes *p, int in_fd, struct err *e)
{
	int(*const pairs[])[2] = { &p->journal, &p->status, &p->out, &p->err, &p->in };
	size_t n = sizeof pairs / sizeof pairs[0] - (in_fd >= 0); /* the last one is stdin's */
	for (size_t i = 0; i < n; i++) {
		int r = sys_pipe(*pairs[i], 0);
		if (r < 0)
			return err_set(e, -r, "make a pipe: raise the limit of open files (ulimit -n)");
	}
	int r = sys_socketpair(p->lifeline);
	if (r < 0)
		return err_set(e, -r, "make a socket pair: raise the limit of open files (ulimit -n)");
	/* Ours only: the program's ends are other open files, and stay as a program expects them. */
	int ours[] = { p->out[0], p->err[0], p->in[1] };
	for (size_t i = 0; i < 3; i++) {
		r = ours[i] < 0 ? 0 : sys_fcntl(ours[i], F_SETFL, O_NONBLOCK | (i == 2 ? O_WRONLY : O_RDONLY));
		if (r < 0)
			return err_set(e, -r, "make a pipe non-blocking");
	}
	return 0;
}

static int prepare(struct seat *s, struct arena *a, struct err *e)
{
	(void)snprintf(s->title, sizeof s->title, "rustbox: init %s", s->plan->box);
	int r = look_at_namespaces(s, e);
	if (r == 0 && s->plan->configured & STAGE_BIT(STAGE_SECCOMP))
		r = filter_compile(syscall_rules, syscall_rule_count, a, &s->filter, e);
	if (r < 0 || s->plan->rootless)
		return r;
	/* The nest is for runs that end when a stage fails: going on without one, they need the host's tree. */
	struct err none; /* `check` says whether there is one, and what is wrong with it */
	if (!s->plan->optional)
		s->nest_fd = nest_open(s->kit->paths, &none);
	rootfs_take(s->plan->mounts, s->plan->nmounts, s->sources);
	return 0;
}

/* What clone makes; the rest is entered, already made. */
static uint64_t namespaces_by_clone(const struct seat *s)
{
	uint64_t flags = s->plan->ns_flags & ~(uint64_t)CLONE_NEWCGROUP;
	flags &= s->kit->net_later ? ~(uint64_t)CLONE_NEWNET : ~0ull;
	return s->nest_fd < 0 ? flags : flags & ~(uint64_t)CLONE_NEWNS;
}

static void seat_close(struct seat *s)
{
	for (size_t i = 0; i < s->plan->nmounts; i++)
		own_close(&s->sources[i]);
	own_close(&s->nest_fd);
}

int launch(const struct plan *plan, const struct launch_kit *kit, struct child *ret, struct err *e)
{
	autoarena struct arena arena = { 0 };
	__attribute__((cleanup(seat_close))) struct seat seat = { .plan = plan, .kit = kit, .root_fd = -1, .nest_fd = -1,
								  .ns_dir = -1 };
	seat.sources = arena_alloc(&arena, plan->nmounts * sizeof *seat.sources);
	memset(seat.sources, 0xff, plan->nmounts * sizeof *seat.sources);
	int r = prepare(&seat, &arena, e);
	if (r < 0)
		return r;
	__attribute__((cleanup(pipes_close))) struct pipes p;
	memset(&p, 0xff, sizeof p);
	r = pipes_open(&p, kit->in_fd, e);
	if (r < 0)
		return r;
	seat.journal_fd = p.journal[1];
	seat.status_fd = p.status[1];
	seat.lifeline_fd = p.lifeline[0];
	seat.stdio[0] = kit->in_fd >= 0 ? kit->in_fd : p.in[0];
	seat.stdio[1] = p.out[1];
	seat.stdio[2] = plan->merge ? p.out[1] : p.err[1];
	struct child c = CHILD_NONE;
	c.pid = child_spawn(namespaces_by_clone(&seat), kit->clone_cgroup_fd, &c.pidfd, e);
	if (c.pid < 0)
		return c.pid;
	if (c.pid == 0) {
		/* Held here too, the lifeline would never hang up. */
		(void)close(p.lifeline[1]);
		inside(&seat);
	}
	c.journal_fd = take_fd(&p.journal[0]);
	c.status_fd = take_fd(&p.status[0]);
	c.lifeline_fd = take_fd(&p.lifeline[1]);
	c.in_fd = take_fd(&p.in[1]);
	c.out_fd = take_fd(&p.out[0]);
	c.err_fd = take_fd(&p.err[0]);
	*ret = c;
	return 0;
}

int launch_go(const struct child *c, struct netns **netns, const int *join_fds, int n, struct err *e)
{
	int fds[CHILD_HANDED];
	bool later = *netns;
	if (n + later > CHILD_HANDED)
		return err_say(e, E2BIG, "%d cgroups are more than can be handed over", n);
	autofd int net = later ? netns_take(netns, e) : -1;
	if (later && net < 0)
		return net;
	fds[0] = net;
	memcpy(fds + later, join_fds, (size_t)n * sizeof *fds);
	int r = child_hand_over(c->lifeline_fd, fds, (size_t)n + later, e);
	/* An init that failed before it could be told is no failure of ours: its journal, or its end, says what happened. */
	return r == -EPIPE || r == -ECONNRESET ? 0 : r;
}

void launch_abort(struct child *c)
{
	struct pollfd end = { .fd = c->pidfd, .events = POLLIN };
	siginfo_t info;
	if (c->pidfd < 0)
		return;
	int r = sys_pidfd_signal(c->pidfd, SIGKILL);
	if ((r == 0 || r == -ESRCH) && poll(&end, 1, DEATH_MS) > 0)
		r = sys_pidfd_wait(c->pidfd, 0, &info, NULL);
	(void)r; /* what does not die holds its cgroups, and their removal tells */
	child_close(c);
}

void child_close(struct child *c)
{
	int *all[] = { &c->pidfd, &c->journal_fd, &c->status_fd, &c->lifeline_fd, &c->in_fd, &c->out_fd, &c->err_fd };
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		own_close(all[i]);
	*c = CHILD_NONE;
}
