/* Cgroups and processes in recorded trees: v1, v2 and hybrid. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "probes/host.h"
#include "probes/snapshot.h"

static struct snapshot look(const char *tree, struct arena *a)
{
	static struct paths host;
	struct snapshot s;
	assert_int_equal(paths_init(&host, NULL, NULL), 0);
	/* The ledgers of the real host do not belong here. */
	(void)snprintf(host.of[PATH_LEDGER], PATH_ROOM, "/nonexistent/ledger");
	struct scope scope = { .paths = &host, .proc = "tests/fixtures/proc", .cgroup = tree };
	snapshot_take(&scope, 1u << RES_CGROUP | 1u << RES_PROCESS, a, &s);
	return s;
}

static const struct resource *cgroup(const struct snapshot *s, const char *hierarchy, const char *path)
{
	for (size_t i = 0; i < s->of[RES_CGROUP].n; i++) {
		const struct resource *r = &s->of[RES_CGROUP].v[i];
		if (strcmp(r->cgroup.hierarchy, hierarchy) == 0 && strcmp(r->cgroup.path, path) == 0)
			return r;
	}
	return NULL;
}

static void v1_tree(void **state)
{
	autoarena struct arena a = { 0 };
	struct snapshot s = look("tests/fixtures/cgroup/v1", &a);
	(void)state;
	assert_true(s.of[RES_CGROUP].complete);
	assert_int_equal(s.of[RES_CGROUP].n, 9); /* three boxes' groups in three hierarchies, nothing else */
	const struct resource *r = cgroup(&s, "memory", "/rustbox-a");
	assert_non_null(r);
	assert_int_equal(r->cgroup.version, 1);
	assert_int_equal(r->cgroup.procs, 2);
	assert_int_equal(r->cgroup.children, 1);
	assert_int_equal(r->cgroup.memory, 8388608);
	assert_true(r->cgroup.populated);
	assert_string_equal(r->box, "a");
	r = cgroup(&s, "pids", "/rustbox-a/inner"); /* not called rustbox-*: found all the same (H8) */
	assert_non_null(r);
	assert_string_equal(r->box, "a");
	assert_true(cgroup(&s, "freezer", "/rustbox-frozen")->cgroup.frozen);
	assert_false(cgroup(&s, "freezer", "/rustbox-a")->cgroup.frozen);
	assert_false(cgroup(&s, "memory", "/rustbox-frozen")->cgroup.populated);
}

static void v2_tree(void **state)
{
	autoarena struct arena a = { 0 };
	struct snapshot s = look("tests/fixtures/cgroup/v2", &a);
	(void)state;
	assert_int_equal(s.of[RES_CGROUP].n, 3);
	const struct resource *r = cgroup(&s, "unified", "/rustbox-a");
	assert_non_null(r);
	assert_int_equal(r->cgroup.version, 2);
	assert_int_equal(r->cgroup.procs, 0);
	assert_true(r->cgroup.populated);
	assert_int_equal(r->cgroup.memory, 4096);
	assert_int_equal(cgroup(&s, "unified", "/rustbox-a/payload")->cgroup.procs, 2); /* the 0 counts */
	assert_true(cgroup(&s, "unified", "/rustbox-cold")->cgroup.frozen);
}

static void hybrid_tree(void **state)
{
	autoarena struct arena a = { 0 };
	struct snapshot s = look("tests/fixtures/cgroup/hybrid", &a);
	(void)state;
	assert_int_equal(s.of[RES_CGROUP].n, 3);
	assert_int_equal(cgroup(&s, "unified", "/rustbox-a")->cgroup.version, 2);
	assert_int_equal(cgroup(&s, "memory", "/rustbox-a")->cgroup.version, 1);
}

static const struct resource *process(const struct snapshot *s, pid_t pid)
{
	for (size_t i = 0; i < s->of[RES_PROCESS].n; i++)
		if (s->of[RES_PROCESS].v[i].process.pid == pid)
			return &s->of[RES_PROCESS].v[i];
	return NULL;
}

static void processes_by_cgroup_never_by_name(void **state)
{
	autoarena struct arena a = { 0 };
	struct snapshot s = look("tests/fixtures/cgroup/v1", &a);
	(void)state;
	const struct resource *r = process(&s, 101);
	assert_non_null(r);
	assert_string_equal(r->process.comm, "a) R 1 (evil\n\x1b[2J");
	assert_int_equal(r->process.state, 'S');
	assert_string_equal(r->id, "101:1101");
	assert_string_equal(r->box, "a");
	assert_int_equal(r->owner, OWNER_LEAK);
	assert_string_equal(r->process.cmdline, "/bin/x --pid 101");
	assert_int_equal(process(&s, 103)->process.state, 'Z');
	assert_null(process(&s, 200)); /* called rustbox, with our arguments: nobody's (H5) */
	assert_null(process(&s, 1));
	assert_int_equal(s.of[RES_PROCESS].n, 3);
}

static void layouts(void **state)
{
	static const struct {
		const char *tree;
		enum cgroup_layout layout;
	} cases[] = { { "tests/fixtures/cgroup/v1", CGROUP_V1 },
		      { "tests/fixtures/cgroup/v2", CGROUP_V2 },
		      { "tests/fixtures/cgroup/hybrid", CGROUP_HYBRID } };
	struct paths host;
	(void)state;
	assert_int_equal(paths_init(&host, NULL, NULL), 0);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		autoarena struct arena a = { 0 };
		struct scope scope = { .paths = &host, .proc = "tests/fixtures/proc", .cgroup = cases[i].tree };
		struct host h;
		host_look(&scope, &a, &h);
		assert_int_equal(h.layout, cases[i].layout);
		assert_string_equal(h.boot_id, "c430e111-57c6-43af-86b6-2ab9f46fac51");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(v1_tree),     cmocka_unit_test(v2_tree),
		cmocka_unit_test(hybrid_tree), cmocka_unit_test(processes_by_cgroup_never_by_name),
		cmocka_unit_test(layouts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
