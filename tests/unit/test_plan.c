/* The plan on hosts of every kind: what is enforced where, and what is refused with which remedy. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "sandbox/box/plan.h"

static char *program[] = { (char[]){ "prog" }, (char[]){ "arg" }, NULL };

static struct host v1_host(void)
{
	struct host h = { .layout = CGROUP_V1, .proc = true, .namespaces = 0x7e020000, .pidfd = true, .clone3 = true, .seccomp = true,
			  .openat2 = true, .mount_api = true, .root = true, .cpus = 2 };
	for (int c = 0; c < HOST_CONTROLLER_COUNT; c++)
		h.v1[c] = "/sys/fs/cgroup/x";
	return h;
}

static struct host v2_host(void)
{
	struct host h = v1_host();
	memset(h.v1, 0, sizeof h.v1);
	h.layout = CGROUP_V2;
	h.unified = "/sys/fs/cgroup";
	h.v2_controllers = (1u << HOST_CONTROLLER_COUNT) - 1;
	return h;
}

static struct spec wish(void)
{
	struct spec s;
	spec_init(&s, NULL);
	s.argv = program;
	return s;
}

static const struct knob_row *knob(const struct plan *p, const char *file)
{
	for (size_t i = 0; i < p->nknobs; i++)
		if (strcmp(p->knobs[i].file, file) == 0)
			return &p->knobs[i];
	return NULL;
}

static void v1_and_v2_get_their_own_knobs(void **state)
{
	autoarena struct arena a = { 0 };
	struct host v1 = v1_host(), v2 = v2_host();
	struct spec s = wish();
	struct plan p;
	struct err e = { 0 };
	(void)state;
	assert_int_equal(plan_make(&s, &v1, &a, &p, &e), 0);
	assert_non_null(knob(&p, "memory.limit_in_bytes"));
	assert_null(knob(&p, "memory.max"));
	assert_int_equal(p.cgroup_version[HOST_MEMORY], 1);
	assert_int_equal(p.cgroup_version[HOST_CPUSET], 0); /* not asked for */
	assert_int_equal(plan_make(&s, &v2, &a, &p, &e), 0);
	assert_string_equal(knob(&p, "memory.max")->value, "268435456");
	assert_string_equal(knob(&p, "memory.swap.max")->value, "0");
	assert_string_equal(knob(&p, "pids.max")->value, "11"); /* and the sandbox's own init */
	assert_int_equal(p.cgroup_version[HOST_PIDS], 2);
	assert_int_equal(p.configured, STAGES_ALL);
	assert_int_equal(p.optional, 0);
	assert_int_equal(p.nmissing, 0);
}

static void hybrid_takes_each_from_where_it_is(void **state)
{
	autoarena struct arena a = { 0 };
	struct host h = v1_host();
	struct spec s = wish();
	struct plan p;
	struct err e = { 0 };
	(void)state;
	h.layout = CGROUP_HYBRID;
	h.unified = "/sys/fs/cgroup/unified";
	h.v2_controllers = 1u << HOST_CPUACCT | 1u << HOST_FREEZER;
	assert_int_equal(plan_make(&s, &h, &a, &p, &e), 0);
	assert_int_equal(p.cgroup_version[HOST_MEMORY], 1);
	assert_int_equal(p.cgroup_version[HOST_CPUACCT], 2);
	s.force_v1 = true;
	assert_int_equal(plan_make(&s, &h, &a, &p, &e), 0);
	assert_int_equal(p.cgroup_version[HOST_CPUACCT], 1);
}

static void strict_refuses_what_it_cannot_enforce(void **state)
{
	static const struct {
		const char *control, *remedy;
	} cases[] = { { "namespaces", "sudo" }, { "seccomp", "CONFIG_SECCOMP_FILTER" }, { "mounts", "5.2" },
		      { "mem", "cgroup_enable=memory" }, { "processes", "cgroup_enable=pids" }, { "time", "cpuacct" },
		      { "cpuset", "cpuset" }, { "namespaces", "5.3" } };
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		autoarena struct arena a = { 0 };
		struct host h = v1_host();
		struct spec s = wish();
		struct plan p = { .nmounts = 99 };
		struct err e = { 0 };
		switch (i) {
		case 0: h.root = false; break;
		case 1: h.seccomp = false; break;
		case 2: h.mount_api = false; break;
		case 3: h.v1[HOST_MEMORY] = NULL; break;
		case 4: h.v1[HOST_PIDS] = NULL; break;
		case 5: h.v1[HOST_CPUACCT] = NULL; break;
		case 6: h.v1[HOST_CPUSET] = NULL; s.limits.of[LIMIT_CPUSET] = 1; break;
		default: h.pidfd = false; break;
		}
		assert_int_equal(plan_make(&s, &h, &a, &p, &e), -ENOTSUP);
		assert_non_null(strstr(e.text, cases[i].control));
		assert_non_null(strstr(e.text, cases[i].remedy));
		assert_int_equal(p.nmounts, 99);
		assert_int_equal(plan_sketch(&s, &h, &a, &p, &e), 0);
		assert_true(p.nmissing >= 1);
	}
}

static void permissive_goes_without_but_never_below_the_floor(void **state)
{
	autoarena struct arena a = { 0 };
	struct host h = v1_host();
	struct spec s = wish();
	struct plan p;
	struct err e = { 0 };
	(void)state;
	memset(h.v1, 0, sizeof h.v1);
	h.layout = CGROUP_NONE;
	s.permissive = true;
	assert_int_equal(plan_make(&s, &h, &a, &p, &e), 0);
	assert_int_equal(p.nknobs, 0);
	assert_true(p.nmissing >= 3);
	assert_false(p.configured & STAGE_BIT(STAGE_CGROUP));
	assert_true(p.optional & STAGE_BIT(STAGE_SECCOMP));
	assert_false(p.optional & (STAGE_BIT(STAGE_CREDS) | STAGE_BIT(STAGE_CAPS)));
	bool nproc = false; /* the next best thing to pids.max */
	for (size_t i = 0; i < p.nrlimits; i++)
		nproc |= p.rlimits[i].resource == RLIMIT_NPROC && p.rlimits[i].hard == 10;
	assert_true(nproc);
	h.namespaces = 0;
	assert_int_equal(plan_make(&s, &h, &a, &p, &e), -ENOTSUP);
	assert_null(strstr(e.text, "--permissive"));
}

static void the_root_is_read_only_and_without_devices(void **state)
{
	autoarena struct arena a = { 0 };
	struct host h = v1_host();
	struct spec s = wish();
	struct plan p;
	struct err e = { 0 };
	unsigned proc = 0, workspace = 0;
	(void)state;
	assert_int_equal(spec_add_bind(&s, &a, "/src=/usr", &e), 0);
	assert_int_equal(spec_add_bind(&s, &a, "/out=/tmp:rw", &e), 0);
	assert_int_equal(plan_make(&s, &h, &a, &p, &e), 0);
	for (size_t i = 0; i < p.nmounts; i++) {
		const struct mount_row *m = &p.mounts[i];
		assert_int_not_equal(m->target[0], '/');
		assert_true(strncmp(m->target, "sys", 3) != 0);
		if (m->kind == MOUNT_BIND) {
			assert_true(m->flags & MS_NOSUID);
			assert_true(m->flags & MS_NODEV);
			assert_true(strcmp(m->target, "out") == 0 || m->flags & MS_RDONLY);
		}
		proc += m->kind == MOUNT_PROC && strstr(m->data, "subset=pid") && m->flags & MS_NOSUID;
		workspace += m->kind == MOUNT_WORKSPACE;
	}
	assert_int_equal(proc, 1);
	assert_int_equal(workspace, 1);
	assert_string_equal(p.workspace_data, "size=67108864,nr_inodes=16384,mode=0700");
	assert_string_equal(p.cwd, "/box");
	assert_int_equal(p.ns_flags, CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP);
}

static void a_missing_outside_is_refused_unless_it_may_be(void **state)
{
	autoarena struct arena a = { 0 };
	struct host h = v1_host();
	struct spec s = wish(), t = wish();
	struct plan p;
	struct err e = { 0 };
	(void)state;
	assert_int_equal(spec_add_bind(&s, &a, "/x=/nonexistent/y", &e), 0);
	assert_int_equal(plan_make(&s, &h, &a, &p, &e), -EINVAL);
	assert_non_null(strstr(e.text, "/nonexistent/y"));
	assert_non_null(strstr(e.text, ":maybe"));
	assert_int_equal(spec_add_bind(&t, &a, "/x=/nonexistent/y:maybe", &e), 0);
	assert_int_equal(plan_make(&t, &h, &a, &p, &e), 0);
}

static void the_program_is_looked_for_like_execvp(void **state)
{
	autoarena struct arena a = { 0 };
	struct host h = v1_host();
	struct spec s = wish();
	struct plan p;
	struct err e = { 0 };
	char *direct[] = { (char[]){ "./x" }, NULL };
	(void)state;
	assert_int_equal(plan_make(&s, &h, &a, &p, &e), 0);
	assert_string_equal(p.candidates[1], "/usr/bin/prog");
	assert_null(p.candidates[3]);
	assert_null(p.env[0]);
	assert_int_equal(spec_add_env(&s, &a, "PATH=/a::/b", NULL, &e), 0);
	assert_int_equal(plan_make(&s, &h, &a, &p, &e), 0);
	assert_string_equal(p.candidates[0], "/a/prog");
	assert_string_equal(p.candidates[1], "/b/prog"); /* an empty part would be the working directory: never */
	assert_null(p.candidates[2]);
	s.argv = direct;
	assert_int_equal(plan_make(&s, &h, &a, &p, &e), 0);
	assert_string_equal(p.candidates[0], "./x");
	assert_null(p.candidates[1]);
}

static const struct rlimit_row *rlimit(const struct plan *p, int resource)
{
	for (size_t i = 0; i < p->nrlimits; i++)
		if (p->rlimits[i].resource == resource)
			return &p->rlimits[i];
	return NULL;
}

/* In a user namespace: no cgroup whatever the host has, what a resource limit can do in its stead, and no limit in the
 * plan that nobody keeps, for a verdict leans on it. */
static void without_root_all_that_is_possible(void **state)
{
	autoarena struct arena a = { 0 };
	struct host h = v2_host();
	struct spec s = wish();
	struct plan p;
	struct err e = { 0 };
	(void)state;
	h.root = false;
	assert_int_equal(plan_make(&s, &h, &a, &p, &e), -ENOTSUP);
	assert_non_null(strstr(e.text, "sudo rustbox run"));
	assert_non_null(strstr(e.text, "--permissive"));
	h.rootless = true;
	assert_int_equal(plan_make(&s, &h, &a, &p, &e), -ENOTSUP); /* strict all the same */
	s.permissive = true;
	assert_int_equal(plan_make(&s, &h, &a, &p, &e), 0);
	assert_true(p.rootless);
	assert_int_equal(p.nknobs, 0);
	assert_int_equal(p.configured, STAGES_ALL & ~STAGE_BIT(STAGE_CGROUP));
	assert_int_equal(rlimit(&p, RLIMIT_DATA)->hard, 256 << 20);
	assert_int_equal(rlimit(&p, RLIMIT_NPROC)->hard, 10 + 2);
	assert_true(p.limits.of[LIMIT_MEMORY] == LIMIT_NONE && p.limits.of[LIMIT_PROCESSES] == LIMIT_NONE);
	assert_true(p.limits.of[LIMIT_TIME] != LIMIT_NONE && p.limits.of[LIMIT_WALL_TIME] != LIMIT_NONE);
	assert_true(p.nmissing >= 5);
	for (size_t i = 0; i < p.nmissing; i++)
		assert_non_null(strstr(p.missing[i].why, "without root"));
	for (size_t i = 0; i < p.nmounts; i++)
		assert_true(p.mounts[i].kind != MOUNT_NODE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(v1_and_v2_get_their_own_knobs),
		cmocka_unit_test(hybrid_takes_each_from_where_it_is),
		cmocka_unit_test(strict_refuses_what_it_cannot_enforce),
		cmocka_unit_test(permissive_goes_without_but_never_below_the_floor),
		cmocka_unit_test(the_root_is_read_only_and_without_devices),
		cmocka_unit_test(a_missing_outside_is_refused_unless_it_may_be),
		cmocka_unit_test(the_program_is_looked_for_like_execvp),
		cmocka_unit_test(without_root_all_that_is_possible),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
