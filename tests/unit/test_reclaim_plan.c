/* The plan as a pure function: order from what blocks what, and nothing but leftovers in it. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "sandbox/box/reclaim.h"

static struct arena arena;

static struct resource *put(struct snapshot *s, enum resource_kind kind, enum owner owner, const char *id, const char *name,
			    const char *box)
{
	struct resource *r = resource_set_add(&s->of[kind], &arena);
	*r = (struct resource){ .kind = kind, .owner = owner, .id = id, .name = name, .box = box };
	return r;
}

static void fresh(struct snapshot *s)
{
	*s = (struct snapshot){ 0 };
	for (int k = 0; k < RES_KINDS; k++)
		s->of[k].complete = true;
}

static void mount_at(struct snapshot *s, const char *id, const char *name, uint64_t mount_id, uint64_t parent, unsigned layer)
{
	struct resource *r = put(s, RES_MOUNT, OWNER_LEAK, id, name, "x");
	r->mount.mount_id = mount_id;
	r->mount.parent = parent;
	r->mount.layer = layer;
}

static void cgroup_at(struct snapshot *s, const char *id, const char *path)
{
	struct resource *r = put(s, RES_CGROUP, OWNER_LEAK, id, path, "x");
	r->cgroup.path = path;
	r->cgroup.hierarchy = "pids";
}

static int place_of(const struct reclaim_plan *p, const char *id)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->v[i].of.id, id) == 0)
			return (int)i;
	fail_msg("%s is not in the plan", id);
	return -1;
}

static void order_is(const struct reclaim_plan *p, const char *const *ids)
{
	for (size_t i = 1; ids[i]; i++)
		if (place_of(p, ids[i - 1]) >= place_of(p, ids[i]))
			fail_msg("%s must go before %s", ids[i - 1], ids[i]);
}

static void make(const struct snapshot *s, struct reclaim_choice c, struct reclaim_plan *p)
{
	c.now = 1000000;
	reclaim_plan_make(s, &c, &arena, p);
}

static void everything_in_order(void **state)
{
	struct snapshot s;
	struct reclaim_plan p;
	(void)state;
	fresh(&s);
	put(&s, RES_LOCK, OWNER_LEAK, "x", "x", "x");
	put(&s, RES_TEMPDIR, OWNER_LEAK, "d", "/tmp/rustbox-x", "x");
	cgroup_at(&s, "c1", "/rustbox-x");
	cgroup_at(&s, "c2", "/rustbox-x/evil");
	cgroup_at(&s, "c3", "/rustbox-x/evil/deeper");
	mount_at(&s, "m1", "/tmp/rustbox-x/root", 10, 1, 0);
	mount_at(&s, "m2", "/tmp/rustbox-x/root", 11, 10, 1);
	mount_at(&s, "m3", "/tmp/rustbox-x/root/a/b", 12, 11, 0);
	put(&s, RES_PROCESS, OWNER_LEAK, "7:1", "sleep uid 1", "x");
	put(&s, RES_GHOST, OWNER_LEAK, "0:9", "g", "x");
	make(&s, (struct reclaim_choice){ 0 }, &p);
	assert_int_equal(p.n, 10);
	order_is(&p, (const char *const[]){ "7:1", "m3", "m2", "m1", "d", "x", NULL });
	order_is(&p, (const char *const[]){ "7:1", "c3", "c2", "c1", "x", NULL });
	order_is(&p, (const char *const[]){ "0:9", "x", NULL });
}

/* A mount moved onto a deeper path than its child's: the slashes say one thing, the edges another. */
static void edges_beat_depth(void **state)
{
	struct snapshot s;
	struct reclaim_plan p;
	(void)state;
	fresh(&s);
	mount_at(&s, "parent", "/tmp/rustbox-x/a/b/c/d", 20, 1, 0);
	mount_at(&s, "child", "/tmp/rustbox-x/short", 21, 20, 0);
	make(&s, (struct reclaim_choice){ 0 }, &p);
	order_is(&p, (const char *const[]){ "child", "parent", NULL });
}

static void a_cycle_loses_nothing(void **state)
{
	struct snapshot s;
	struct reclaim_plan p;
	(void)state;
	fresh(&s);
	mount_at(&s, "a", "/tmp/rustbox-x/a", 30, 31, 0);
	mount_at(&s, "b", "/tmp/rustbox-x/b", 31, 30, 0);
	make(&s, (struct reclaim_choice){ 0 }, &p);
	assert_int_equal(p.n, 2);
}

static void only_leftovers(void **state)
{
	struct snapshot s;
	struct reclaim_plan p;
	(void)state;
	for (int owner = 0; owner < OWNER_COUNT; owner++) {
		fresh(&s);
		put(&s, RES_PROCESS, (enum owner)owner, "5:5", "p", "x")->why = "because";
		make(&s, (struct reclaim_choice){ 0 }, &p);
		assert_int_equal(p.n, owner == OWNER_LEAK);
		const char *ids[] = { "5:5" };
		make(&s, (struct reclaim_choice){ .ids = ids, .nids = 1, .kinds = 1u << RES_PROCESS }, &p);
		assert_int_equal(p.n, 1); /* named: never lost in silence */
		bool may = owner == OWNER_LEAK || owner == OWNER_ORPHAN;
		assert_int_equal(p.v[0].outcome, may ? RECLAIM_PENDING : RECLAIM_SKIPPED);
		assert_true(may || strstr(p.v[0].because, "because"));
	}
}

static void named_but_gone(void **state)
{
	struct snapshot s;
	struct reclaim_plan p;
	const char *ids[] = { "99" };
	(void)state;
	fresh(&s);
	make(&s, (struct reclaim_choice){ .ids = ids, .nids = 1, .kinds = 1u << RES_MOUNT }, &p);
	assert_int_equal(p.v[0].outcome, RECLAIM_GONE);
	s.of[RES_MOUNT].complete = false; /* not seen is not gone */
	make(&s, (struct reclaim_choice){ .ids = ids, .nids = 1, .kinds = 1u << RES_MOUNT }, &p);
	assert_int_equal(p.v[0].outcome, RECLAIM_SKIPPED);
}

static void age_and_box(void **state)
{
	struct snapshot s;
	struct reclaim_plan p;
	(void)state;
	fresh(&s);
	put(&s, RES_TEMPDIR, OWNER_LEAK, "old", "/tmp/rustbox-a", "a")->born = 1000;
	put(&s, RES_TEMPDIR, OWNER_LEAK, "new", "/tmp/rustbox-b", "b")->born = 999999;
	put(&s, RES_TEMPDIR, OWNER_LEAK, "when", "/tmp/rustbox-c", "c");
	make(&s, (struct reclaim_choice){ .older_than = 86400 }, &p);
	assert_int_equal(p.n, 1);
	assert_string_equal(p.v[0].of.id, "old");
	make(&s, (struct reclaim_choice){ .box = "b" }, &p);
	assert_int_equal(p.n, 1);
	assert_string_equal(p.v[0].of.id, "new");
}

static void a_lock_is_last(void **state)
{
	struct snapshot s;
	struct reclaim_plan p;
	(void)state;
	fresh(&s);
	put(&s, RES_LOCK, OWNER_LEAK, "x", "x", "x");
	make(&s, (struct reclaim_choice){ .kinds = 1u << RES_LOCK }, &p);
	assert_int_equal(p.v[0].outcome, RECLAIM_PENDING);
	cgroup_at(&s, "c", "/rustbox-x");
	make(&s, (struct reclaim_choice){ .kinds = 1u << RES_LOCK }, &p);
	assert_int_equal(p.v[0].outcome, RECLAIM_SKIPPED);
	s.of[RES_CGROUP] = (struct resource_set){ .complete = false };
	make(&s, (struct reclaim_choice){ .kinds = 1u << RES_LOCK }, &p);
	assert_int_equal(p.v[0].outcome, RECLAIM_SKIPPED);
}

static void many_mounts(void **state)
{
	struct snapshot s;
	struct reclaim_plan p;
	(void)state;
	fresh(&s);
	for (unsigned i = 0; i < 3000; i++) /* each on the one before */
		mount_at(&s, arena_printf(&arena, "%u", i), "/tmp/rustbox-x/root", i + 1, i, i);
	make(&s, (struct reclaim_choice){ 0 }, &p);
	assert_int_equal(p.n, 3000);
	for (unsigned i = 0; i < 3000; i++)
		assert_int_equal(p.v[i].of.mount.layer, 2999 - i);
}

static int done(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(everything_in_order, done), cmocka_unit_test_teardown(edges_beat_depth, done),
		cmocka_unit_test_teardown(a_cycle_loses_nothing, done), cmocka_unit_test_teardown(only_leftovers, done),
		cmocka_unit_test_teardown(named_but_gone, done),      cmocka_unit_test_teardown(age_and_box, done),
		cmocka_unit_test_teardown(a_lock_is_last, done),      cmocka_unit_test_teardown(many_mounts, done),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
