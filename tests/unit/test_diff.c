/* Baseline against now, both ways; what cannot be trusted never looks clean. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "probes/base/json.h"
#include "probes/diff.h"

static struct snapshot empty(void)
{
	struct snapshot s = { .host = "h" };
	for (int k = 0; k < RES_KINDS; k++)
		s.of[k].complete = true;
	return s;
}

static void mount(struct snapshot *s, struct arena *a, const char *id, const char *name, const char *options, enum owner owner)
{
	struct resource *r = resource_set_add(&s->of[RES_MOUNT], a);
	*r = (struct resource){ .kind = RES_MOUNT, .id = id, .name = name, .owner = owner, .detail = "" };
	r->mount = (struct mount_facts){ .fstype = "tmpfs", .source = "s", .root = "/", .options = options };
}

static void simple(struct snapshot *s, struct arena *a, enum resource_kind kind, const char *name, enum owner owner)
{
	struct resource *r = resource_set_add(&s->of[kind], a);
	*r = (struct resource){ .kind = kind, .id = name, .name = name, .owner = owner, .detail = "" };
}

static void sort(struct snapshot *s)
{
	for (int k = 0; k < RES_KINDS; k++)
		resource_set_sort(&s->of[k]);
}

static void both_directions(void **state)
{
	autoarena struct arena a = { 0 };
	struct snapshot base = empty(), now = empty();
	struct diff d;
	(void)state;
	mount(&base, &a, "b1", "/same", "rw", OWNER_FOREIGN);
	mount(&base, &a, "b2", "/lost", "rw", OWNER_FOREIGN);
	mount(&base, &a, "b3", "/other", "rw", OWNER_FOREIGN);
	mount(&now, &a, "1", "/same", "rw", OWNER_FOREIGN);
	mount(&now, &a, "2", "/other", "ro", OWNER_FOREIGN);
	mount(&now, &a, "3", "/tmp/rustbox-x", "rw", OWNER_LEAK);
	mount(&now, &a, "4", "/new", "rw", OWNER_FOREIGN);
	simple(&now, &a, RES_PROCESS, "rustbox uid 0", OWNER_SERVICE);
	simple(&now, &a, RES_PROCESS, "x uid 61000", OWNER_ACTIVE);
	sort(&base);
	sort(&now);
	diff_make(&base, &now, &a, &d);
	assert_true(d.trusted);
	assert_int_equal(d.added, 3); /* leftover, foreign, active; not the service */
	assert_int_equal(d.missing, 1);
	assert_int_equal(d.changed, 1);
	assert_int_equal(d.n, 5);
	assert_int_equal(d.leftovers[RES_MOUNT], 1);
	assert_string_equal(d.v[0].base->name, "/lost");
	for (size_t i = 0; i < d.n; i++)
		if (d.v[i].sign == CHANGE_CHANGED)
			assert_string_equal(d.v[i].what, "rw -> ro");
	autojson json_t *j = diff_to_json(&d);
	assert_int_equal(json_array_size(json_object_get(j, "changes")), 5);
}

static void stacked_mounts_pair_one_by_one(void **state)
{
	autoarena struct arena a = { 0 };
	struct snapshot base = empty(), now = empty();
	struct diff d;
	(void)state;
	mount(&base, &a, "b1", "/m", "rw", OWNER_FOREIGN);
	mount(&now, &a, "1", "/m", "rw", OWNER_FOREIGN);
	mount(&now, &a, "2", "/m", "rw", OWNER_FOREIGN);
	diff_make(&base, &now, &a, &d);
	assert_int_equal(d.added, 1);
	assert_int_equal(d.n, 1);
}

static void a_leftover_is_never_normal(void **state)
{
	autoarena struct arena a = { 0 };
	struct snapshot base = empty(), now = empty();
	struct diff d;
	(void)state;
	simple(&base, &a, RES_TEMPDIR, "/tmp/rustbox-x", OWNER_FOREIGN);
	simple(&now, &a, RES_TEMPDIR, "/tmp/rustbox-x", OWNER_LEAK);
	diff_make(&base, &now, &a, &d);
	assert_int_equal(d.added, 1);
	assert_int_equal(d.leftovers[RES_TEMPDIR], 1);
}

static void trust(void **state)
{
	autoarena struct arena a = { 0 };
	struct snapshot base = empty(), now = empty();
	struct diff d;
	(void)state;
	diff_make(&base, &now, &a, &d);
	assert_true(d.trusted);
	assert_int_equal(d.n, 0);
	diff_make(NULL, &now, &a, &d);
	assert_false(d.trusted);
	assert_false(d.has_baseline);
	(void)snprintf(now.host, sizeof now.host, "elsewhere");
	diff_make(&base, &now, &a, &d);
	assert_false(d.trusted);
	now = empty();
	now.of[RES_GHOST].complete = false;
	(void)err_say(&now.of[RES_GHOST].why, EACCES, "hidden");
	diff_make(&base, &now, &a, &d);
	assert_false(d.trusted);
	assert_non_null(strstr(d.why.text, "hidden"));
	diff_make(&now, &base, &a, &d);
	assert_false(d.trusted);
}

static void without_baseline_only_leftovers(void **state)
{
	autoarena struct arena a = { 0 };
	struct snapshot now = empty();
	struct diff d;
	(void)state;
	mount(&now, &a, "1", "/a", "rw", OWNER_FOREIGN);
	simple(&now, &a, RES_PROCESS, "x", OWNER_ORPHAN);
	simple(&now, &a, RES_CGROUP, "c", OWNER_ACTIVE);
	diff_make(NULL, &now, &a, &d);
	assert_int_equal(d.n, 1);
	assert_int_equal(d.v[0].now->owner, OWNER_ORPHAN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_directions),	      cmocka_unit_test(stacked_mounts_pair_one_by_one),
		cmocka_unit_test(a_leftover_is_never_normal), cmocka_unit_test(trust),
		cmocka_unit_test(without_baseline_only_leftovers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
