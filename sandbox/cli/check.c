/* `rustbox check`: what this host can enforce, with a remedy for each gap. Yes means strict mode would run. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/base/json.h"
#include "probes/base/own.h"
#include "probes/delegation.h"
#include "probes/health.h"
#include "sandbox/box/nest.h"
#include "sandbox/box/plan.h"
#include "sandbox/box/toolchain.h"
#include "sandbox/cli/commands.h"

struct finding {
	const char *what, *state, *remedy; /* remedy NULL: nothing to do */
	bool good, needed;
};

struct findings {
	struct arena *arena;
	struct finding *v;
	size_t n;
};

static void add(struct findings *f, const char *what, bool good, bool needed, const char *state, const char *remedy)
{
	*(struct finding *)arena_push(f->arena, &f->v, &f->n, sizeof(struct finding)) = (struct finding){
		.what = what, .state = state, .remedy = good ? NULL : remedy, .good = good, .needed = needed };
}

static void check_kernel(struct findings *f, const struct host *h)
{
	const uint64_t spaces = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
	const struct {
		const char *what;
		bool good, needed;
		const char *remedy;
	} rows[] = {
		{ "privileges", h->root, true, h->root_why ? arena_printf(f->arena, "%s: " PLAN_IDS, h->root_why) : PLAN_ROOT },
		{ "/proc", h->proc, true, "mount it: mount -t proc proc /proc" },
		{ "namespaces", (h->namespaces & spaces) == spaces, true,
		  "use a kernel with PID, mount, network, IPC, UTS and cgroup namespaces" },
		{ "pidfd", h->pidfd, true, "use Linux 5.3 or newer" },
		{ "clone3", h->clone3, true, PLAN_CLONE3 },
		{ "seccomp", h->seccomp, true, "use a kernel with CONFIG_SECCOMP_FILTER" },
		{ "mount API", h->mount_api, true, "use Linux 5.2 or newer" },
		{ "openat2", h->openat2, true, "use Linux 5.6 or newer" },
		{ "cgroup.kill", h->cgroup_kill, false, "use Linux 5.14 or newer with cgroup v2; kill one by one works too" },
		{ "mount ids", h->mount_id_unique, false, "use Linux 6.8 or newer; reusable ids are checked twice" },
		{ "PSI", h->psi, false, "boot with psi=1 to see pressure" },
	};
	add(f, "kernel", true, true, h->kernel, NULL);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		add(f, rows[i].what, rows[i].good, rows[i].needed, rows[i].good ? "yes" : "no", rows[i].remedy);
}

/* Where boxes' cgroups go. A delegated cgroup that is of no use is a gap for an ordinary user, who has no other. */
static void check_place(struct findings *f, const struct host *h)
{
	const char *state = h->place ? arena_printf(f->arena, "/%s", h->place) : h->root ? "the root" : "none";
	const char *remedy = h->place_why ? arena_printf(f->arena, "%s: " DELEGATION_REMEDY, h->place_why)
					  : "systemd-run --user --scope -p Delegate=yes rustbox run ...";
	add(f, "cgroup place", h->place || (h->root && !h->place_why), false, state, remedy);
}

static void check_cgroups(struct findings *f, const struct host *h)
{
	static const struct {
		enum host_controller c;
		const char *what, *name;
		bool needed;
	} rows[] = { { HOST_MEMORY, "memory", "memory", true }, { HOST_PIDS, "pids", "pids", true },
		     { HOST_CPUACCT, "cpu time", "cpuacct", true }, { HOST_CPU, "cpu share", "cpu", false },
		     { HOST_CPUSET, "cpuset", "cpuset", false }, { HOST_FREEZER, "freezer", "freezer", false } };
	static const char *const states[] = { "no", "cgroup v1", "cgroup v2" };
	check_place(f, h);
	add(f, "cgroups", h->layout != CGROUP_NONE, true, cgroup_layout_word(h->layout),
	    "mount one: mount -t cgroup2 none /sys/fs/cgroup");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		int version = plan_cgroup_version(h, rows[i].c, false);
		bool read_only = h->read_only >> rows[i].c & 1;
		if (version == 0 && (read_only || rows[i].c == HOST_CPUACCT || rows[i].c == HOST_FREEZER)) {
			add(f, rows[i].what, false, rows[i].needed, read_only ? "read-only" : states[0],
			    read_only ? PLAN_WRITABLE : "mount any cgroup2 tree: mount -t cgroup2 none /sys/fs/cgroup");
			continue;
		}
		add(f, rows[i].what, version != 0, rows[i].needed, states[version],
		    arena_printf(f->arena, "v2: echo +%s > /sys/fs/cgroup/cgroup.subtree_control; v1: boot with cgroup_enable=%s, then "
				 "mount -t cgroup -o %s none /sys/fs/cgroup/%s", rows[i].name, rows[i].name, rows[i].name, rows[i].name));
	}
}

static void check_nest(struct findings *f, const struct paths *p)
{
	struct err why;
	autofd int nest = nest_open(p, &why);
	bool none = nest == -ENOENT;
	add(f, "prepared", nest >= 0, false, nest >= 0 ? "yes" : none ? "no" : "unusable",
	    none ? "runs start sooner after: rustbox prepare"
		 : arena_printf(f->arena, "%s; make it anew: rustbox prepare --undo, then rustbox prepare", why.text));
}

static void check_languages(struct findings *f, const struct config *config)
{
	for (size_t i = 0; i < config->nlanguages; i++) {
		const struct language *l = &config->languages[i];
		struct tool tool;
		bool there = language_tools(l, getenv("PATH"), f->arena, &tool);
		add(f, l->word, there, false, there ? tool.path : "no", tool.why);
	}
}

static void check_worker(struct findings *f, const struct scope *scope)
{
	struct health health;
	struct err e;
	int rc = health_read(scope, &health, &e);
	bool good = rc == 0 && health.status != HEALTH_QUARANTINED;
	add(f, "worker", good, true, rc == 0 || rc == -EBADMSG ? health_status_word(health.status) : "unreadable",
	    "rustbox health --recover --cleanup");
}

static bool all_good(const struct findings *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].needed && !f->v[i].good)
			return false;
	return true;
}

static void show_json(const struct findings *f)
{
	autojson json_t *obj = json_object();
	json_t *rows = json_array();
	for (size_t i = 0; i < f->n; i++)
		(void)json_array_append_new(rows, json_pack("{ss so sb sb ss?}", "what", f->v[i].what, "state",
							    json_text(f->v[i].state), "good", f->v[i].good, "needed",
							    f->v[i].needed, "remedy", f->v[i].remedy));
	(void)json_object_set_new(obj, "strict", json_boolean(all_good(f)));
	(void)json_object_set_new(obj, "checks", rows);
	(void)json_dumpf(obj, stdout, JSON_COMPACT);
	(void)putchar('\n');
}

static void show_text(const struct findings *f)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct finding *v = &f->v[i];
		(void)printf("%-4s %-12s %-18s %s\n", v->good ? "ok" : v->needed ? "MISS" : "-", v->what, v->state,
			     v->remedy ? v->remedy : "");
	}
	(void)printf("\n%s\n", all_good(f) ? "strict mode would run"
					   : "strict mode would not run: see the lines marked MISS");
}

int cmd_check(const struct invocation *in)
{
	autoarena struct arena a = { 0 };
	struct findings f = { .arena = &a };
	struct scope scope = scope_host(in->paths);
	struct host host;
	struct config config;
	struct err e;
	bool json = in->argc == 2 && strcmp(in->argv[1], "--json") == 0;
	if (in->argc > 2 || (in->argc == 2 && !json && strcmp(in->argv[1], "--text") != 0))
		return command_usage(in);
	host_look(&scope, &a, &host);
	delegation_look(&scope, &a, &host);
	bool configured = config_load(in->paths, &a, &config, &e) == 0;
	if (configured && config.cgroup_parent)
		configured = delegation_set(&host, config.cgroup_parent, &a, &e) == 0;
	check_kernel(&f, &host);
	check_cgroups(&f, &host);
	check_worker(&f, &scope);
	check_nest(&f, in->paths);
	if (configured)
		check_languages(&f, &config);
	else
		add(&f, "config", false, true, "wrong", arena_strdup(&a, e.text));
	if (json)
		show_json(&f);
	else
		show_text(&f);
	return finish(all_good(&f) ? EXIT_GOOD : EXIT_VERDICT);
}
