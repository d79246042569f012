/* Spec and host facts into rows; see plan.h. What is missing is collected first and judged once. */
#include "sandbox/box/plan.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "probes/base/clock.h"
#include "sandbox/box/plan_root.h"

#define NAMESPACES (CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)

static const char *const controller_words[HOST_CONTROLLER_COUNT] = {
#define X(id, name) [HOST_##id] = name,
	HOST_CONTROLLERS(X)
#undef X
};

int plan_cgroup_version(const struct host *host, enum host_controller c, bool force_v1)
{
	/* Without root there is only what was delegated, and v1 cannot be. */
	if (!host->root)
		return host->place && !force_v1 && host->v2_controllers >> c & 1 ? 2 : 0;
	if (!force_v1 && host->unified && host->v2_controllers >> c & 1)
		return 2;
	return host->v1[c] ? 1 : 0;
}

static void miss(struct plan *p, struct arena *a, struct plan_missing m)
{
	*(struct plan_missing *)arena_push(a, &p->missing, &p->nmissing, sizeof m) = m;
}

/* Which controllers the limits ask for; cpu time and freezing are always used where they exist. */
static void choose_cgroups(struct plan *p, const struct host *host, bool force_v1)
{
	bool want[HOST_CONTROLLER_COUNT] = { [HOST_CPUACCT] = true, [HOST_FREEZER] = true };
	for (int l = 0; l < LIMIT_COUNT; l++)
		if (limit_rows[l].by == BY_CGROUP && p->limits.of[l] != LIMIT_NONE)
			want[limit_rows[l].controller] = true;
	/* Even without a limit their counters are evidence. */
	want[HOST_MEMORY] = want[HOST_PIDS] = true;
	for (int c = 0; c < HOST_CONTROLLER_COUNT; c++)
		p->cgroup_version[c] = want[c] ? plan_cgroup_version(host, (enum host_controller)c, force_v1) : 0;
}

static const char as_root[] = "run it as root: sudo rustbox run ...";
static const char delegate[] = "run it as root, or in a delegated cgroup: systemd-run --user --scope -p Delegate=yes rustbox run ...";
static const char delegate_all[] = "have it delegated as well: Delegate=cpu cpuset memory pids in user@.service";

static void miss_controller(struct plan *p, struct arena *a, const struct host *host, const char *control, int c)
{
	const char *name = controller_words[c];
	if (!host->root) {
		const char *why = host->place_why ?: host->place ? arena_printf(a, "/%s was delegated without `%s`", host->place, name)
								 : "without root no cgroup can be made";
		miss(p, a, (struct plan_missing){ .control = control, .why = why, .remedy = host->place ? delegate_all : delegate });
		return;
	}
	if (host->read_only >> c & 1) {
		miss(p, a, (struct plan_missing){ .control = control, .why = arena_printf(a, "the cgroups of `%s` are mounted read-only", name),
						  .remedy = PLAN_WRITABLE });
		return;
	}
	const char *remedy =
		host->layout == CGROUP_NONE
			? "mount a cgroup tree: mount -t cgroup2 none /sys/fs/cgroup"
			: arena_printf(a, "boot with cgroup_enable=%s, or enable it: echo +%s > "
					  "/sys/fs/cgroup/cgroup.subtree_control", name, name);
	miss(p, a, (struct plan_missing){ .control = control, .remedy = remedy,
					  .why = arena_printf(a, "no cgroup controller `%s`", name) });
}

static void check_cgroups(struct plan *p, struct arena *a, const struct host *host)
{
	bool any = false;
	for (int c = 0; c < HOST_CONTROLLER_COUNT; c++)
		any |= p->cgroup_version[c] != 0;
	for (int l = 0; l < LIMIT_COUNT; l++) {
		const struct limit_row *row = &limit_rows[l];
		if (row->by == BY_CGROUP && p->limits.of[l] != LIMIT_NONE && !p->cgroup_version[row->controller])
			miss_controller(p, a, host, row->flag, row->controller);
	}
	if (p->limits.of[LIMIT_TIME] != LIMIT_NONE && !p->cgroup_version[HOST_CPUACCT])
		miss_controller(p, a, host, limit_rows[LIMIT_TIME].flag, HOST_CPUACCT);
	if (!any && p->nmissing)
		p->missing[p->nmissing - 1].stages |= STAGE_BIT(STAGE_CGROUP);
}

static void check_kernel(struct plan *p, struct arena *a, const struct host *host)
{
	const struct {
		bool there;
		enum stage stage;
		const char *why, *remedy;
	} needs[] = {
		{ host->root || host->rootless, STAGE_NAMESPACES, host->root_why ?: "not root with CAP_SYS_ADMIN",
		  host->root_why ? PLAN_IDS : PLAN_ROOT },
		{ host->proc, STAGE_NAMESPACES, "there is no /proc", "mount it: mount -t proc proc /proc" },
		{ (host->namespaces & NAMESPACES) == NAMESPACES, STAGE_NAMESPACES, "the kernel lacks a namespace",
		  "use a kernel with CONFIG_PID_NS, NET_NS, IPC_NS, UTS_NS and CGROUPS" },
		{ host->pidfd, STAGE_NAMESPACES, "no pidfd_open", "use Linux 5.3 or newer" },
		{ host->clone3, STAGE_NAMESPACES, "no clone3", PLAN_CLONE3 },
		{ host->mount_api, STAGE_MOUNTS, "no fsopen, fsmount, move_mount", "use Linux 5.2 or newer" },
		{ host->seccomp, STAGE_SECCOMP, "no seccomp filters", "use a kernel with CONFIG_SECCOMP_FILTER" },
	};
	if (host->rootless)
		miss(p, a, (struct plan_missing){ .control = stage_rows[STAGE_CREDS].word, .remedy = host->root_why ? PLAN_IDS : as_root,
						  .why = host->root_why ?: "without root it runs under your own uid, and keeps your groups" });
	for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++)
		if (!needs[i].there)
			miss(p, a, (struct plan_missing){ stage_rows[needs[i].stage].word, needs[i].why, needs[i].remedy,
							  STAGE_BIT(needs[i].stage) });
}

static void make_knobs(struct plan *p, struct arena *a)
{
	p->knobs = arena_alloc(a, KNOB_ROOM * sizeof *p->knobs);
	for (int l = 0; l < LIMIT_COUNT; l++) {
		int c = limit_rows[l].controller;
		if (c != NO_CONTROLLER && p->cgroup_version[c])
			p->nknobs += limit_knobs(&p->limits, (enum limit)l, p->cgroup_version[c], p->knobs + p->nknobs);
	}
}

/* What a resource limit can do in a cgroup's stead: the data of each process, and the processes of the namespace, in
 * which the supervisor and init count as well. */
static void stand_in(struct plan *p)
{
	enum { OURS = 2 };
	for (size_t i = 0; i < p->nrlimits; i++) {
		struct rlimit_row *row = &p->rlimits[i];
		if (row->resource == RLIMIT_DATA && !p->cgroup_version[HOST_MEMORY] && p->limits.of[LIMIT_MEMORY] != LIMIT_NONE)
			row->soft = row->hard = p->limits.of[LIMIT_MEMORY];
		if (row->resource == RLIMIT_NPROC && !p->cgroup_version[HOST_PIDS])
			row->soft = row->hard = row->hard + OURS;
	}
}

/* No device can be made there: the host's own, one by one. */
static void bind_devices(struct plan *p, struct arena *a)
{
	for (size_t i = 0; i < p->nmounts; i++) {
		struct mount_row *row = &p->mounts[i];
		if (row->kind == MOUNT_NODE)
			*row = (struct mount_row){ .kind = MOUNT_BIND, .target = row->target, .flags = MS_NOSUID | MS_NOEXEC,
						   .source = arena_printf(a, "/%s", row->target) };
	}
}

static void make_rlimits(struct plan *p, struct arena *a)
{
	/* Not the operator's to choose; the caller's own values must not leak in. */
	static const struct rlimit_row fixed[] = {
		{ RLIMIT_AS, RLIM_INFINITY, RLIM_INFINITY },  { RLIMIT_DATA, RLIM_INFINITY, RLIM_INFINITY },
		{ RLIMIT_MEMLOCK, 64 << 10, 64 << 10 },	      { RLIMIT_SIGPENDING, 1024, 1024 },
		{ RLIMIT_MSGQUEUE, 0, 0 },		      { RLIMIT_NICE, 0, 0 },
		{ RLIMIT_RTPRIO, 0, 0 },		      { RLIMIT_RTTIME, 0, 0 },
	};
	enum { FIXED = sizeof fixed / sizeof fixed[0] };
	p->rlimits = arena_alloc(a, (FIXED + LIMIT_COUNT) * sizeof *p->rlimits);
	memcpy(p->rlimits, fixed, sizeof fixed);
	p->nrlimits = FIXED;
	for (int l = 0; l < LIMIT_COUNT; l++)
		if (limit_rlimit(&p->limits, (enum limit)l, !p->cgroup_version[HOST_PIDS], &p->rlimits[p->nrlimits]))
			p->nrlimits++;
	if (p->rootless)
		stand_in(p);
}

/* Where exec looks: as execvp would, but resolved before the clone. Without PATH, the system's own. */
static char **make_candidates(const struct spec *spec, struct arena *a)
{
	const char *path = "/usr/local/bin:/usr/bin:/bin";
	const char *program = spec->argv[0];
	for (size_t i = 0; spec->env && spec->env[i]; i++)
		if (strncmp(spec->env[i], "PATH=", 5) == 0)
			path = spec->env[i] + 5;
	size_t room = 2, n = 0;
	for (const char *p = path; *p; p++)
		room += *p == ':';
	char **list = arena_alloc(a, (room + 1) * sizeof *list);
	if (strchr(program, '/')) {
		list[n++] = arena_strdup(a, program);
		return list;
	}
	for (const char *p = path;;) {
		size_t len = strcspn(p, ":");
		if (len)
			list[n++] = arena_printf(a, "%.*s/%s", (int)len, p, program);
		if (!p[len])
			break;
		p += len + 1;
	}
	return list;
}

/* "r" + process + time: unique among live boxes, and recovery needs nothing but the prefix. */
static const char *make_name(struct arena *a)
{
	return arena_printf(a, "r%d-%llx", (int)getpid(), (unsigned long long)clock_mono_ns());
}

int plan_sketch(const struct spec *spec, const struct host *host, struct arena *a, struct plan *ret, struct err *e)
{
	static char *const no_env[] = { NULL };
	struct plan p = { .uid = (uid_t)-1, .workspace_fd = -1, .ns_flags = NAMESPACES, .limits = spec->limits,
			  .slots = UID_POOL };
	if (!spec->argv || !spec->argv[0])
		return err_say(e, EINVAL, "no program to plan for");
	p.box = spec->box ? spec->box : make_name(a);
	p.keep = spec->box != NULL;
	p.rootless = host->rootless;
	p.argv = spec->argv;
	p.env = spec->env ? spec->env : memcpy(arena_alloc(a, sizeof no_env), no_env, sizeof no_env);
	p.cwd = spec->chdir ? spec->chdir : "/box";
	p.stdin_file = spec->stdin_file;
	p.stdout_file = spec->stdout_file;
	p.stderr_file = spec->stderr_file;
	p.stdin_text = spec->stdin_text;
	p.merge = spec->merge;
	p.capture = spec->capture;
	p.candidates = make_candidates(spec, a);
	choose_cgroups(&p, host, spec->force_v1);
	check_kernel(&p, a, host);
	check_cgroups(&p, a, host);
	make_knobs(&p, a);
	make_rlimits(&p, a);
	plan_root(spec, a, &p.mounts, &p.nmounts);
	if (p.rootless || host->user_ns)
		bind_devices(&p, a);
	p.workspace_data = plan_tmpfs_data(&spec->limits, "0700", a);
	p.configured = STAGES_ALL;
	for (size_t i = 0; i < p.nmissing; i++)
		p.configured &= ~p.missing[i].stages;
	for (int s = 0; spec->permissive && s < STAGE_COUNT; s++)
		p.optional |= stage_rows[s].floor ? 0 : STAGE_BIT(s);
	*ret = p;
	return 0;
}

/* A verdict may not lean on a limit that nobody kept. */
static void drop_unkept(struct plan *p)
{
	for (int l = 0; l < LIMIT_COUNT; l++)
		if (limit_rows[l].by == BY_CGROUP && !p->cgroup_version[limit_rows[l].controller])
			p->limits.of[l] = LIMIT_NONE;
}

static int refuse(const struct plan_missing *m, const char *mode, struct err *e)
{
	return err_say(e, ENOTSUP, "%s cannot be enforced here: %s; %s%s", m->control, m->why, m->remedy, mode);
}

static int check_binds(const struct spec *spec, struct err *e)
{
	for (size_t i = 0; i < spec->nbinds; i++) {
		const struct bind *b = &spec->binds[i];
		if (b->outside && !(b->options & BIND_BIT(BIND_MAYBE)) && access(b->outside, F_OK) < 0)
			return err_say(e, EINVAL, "--dir: %.120s is not there on the host (append :maybe if it need not be)",
				       b->outside);
	}
	return 0;
}

int plan_make(const struct spec *spec, const struct host *host, struct arena *a, struct plan *ret, struct err *e)
{
	struct plan p = { 0 };
	int rc = check_binds(spec, e);
	if (rc == 0)
		rc = plan_sketch(spec, host, a, &p, e);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < p.nmissing; i++) {
		const struct plan_missing *m = &p.missing[i];
		for (int s = 0; s < STAGE_COUNT; s++)
			if (m->stages & STAGE_BIT(s) && stage_rows[s].floor)
				return refuse(m, "", e);
		if (!spec->permissive)
			return refuse(m, " (or --permissive to run without it)", e);
	}
	drop_unkept(&p);
	*ret = p;
	return 0;
}
