/* Snapshots and baselines: what is written is read back, and garbage is refused with its place. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/dirid.h"
#include "probes/base/json.h"
#include "probes/base/own.h"
#include "probes/snapshot.h"

static struct resource *add(struct snapshot *s, struct arena *a, enum resource_kind kind, const char *id, const char *name,
			    enum owner owner)
{
	struct resource *r = resource_set_add(&s->of[kind], a);
	*r = (struct resource){ .kind = kind, .id = id, .name = name, .owner = owner, .detail = "d", .why = "w", .born = 5 };
	return r;
}

/* One of each kind, with names no parser should meet. */
static struct snapshot sample(struct arena *a)
{
	struct snapshot s = { .boot_id = "c430e111-57c6-43af-86b6-2ab9f46fac51", .host = "h", .taken = 1700000000 };
	for (int k = 0; k < RES_KINDS; k++)
		s.of[k].complete = true;
	struct resource *r = add(&s, a, RES_MOUNT, "2147483700", "/tmp/a\tb\n\\x", OWNER_FOREIGN);
	r->mount = (struct mount_facts){ 1, 2, 3, 4, 5, 6, 7, 8, 9, "tmpfs", "x on y", "/", "rw,a=\t" };
	r = add(&s, a, RES_CGROUP, "memory:7", "/sys/fs/cgroup/memory/rustbox-b", OWNER_LEAK);
	r->box = "b";
	r->cgroup = (struct cgroup_facts){ "memory", "/rustbox-b", 7, 1ull << 40, 3, 1, 1, true, true };
	r = add(&s, a, RES_PROCESS, "9:11", "evil\x1b[2J uid 61000", OWNER_ORPHAN);
	r->process = (struct process_facts){ 9, 1, 61000, 'Z', 11, 4096, 4026531840, 4026531836, "evil", "a b", "/", "do_wait" };
	r = add(&s, a, RES_TEMPDIR, "254:0:3", "/tmp/rustbox-b", OWNER_LEAK);
	r->tempdir = (struct tempdir_facts){ 3, 4096, 2, 99, 254, 0, 1 };
	r = add(&s, a, RES_LOCK, "b", "b", OWNER_LEAK);
	r->lock = (struct lock_facts){ false, true, 4 };
	r = add(&s, a, RES_GHOST, "0:57", "rustbox-b dev 0:57", OWNER_LEAK);
	r->ghost = (struct ghost_facts){ 0, 57, 4026531999, 0, 9, "sh", "held" };
	return s;
}

static void json_round_trip(void **state)
{
	autoarena struct arena a = { 0 };
	struct snapshot s = sample(&a);
	struct err e = { 0 };
	(void)state;
	s.of[RES_PROCESS].complete = false;
	(void)err_say(&s.of[RES_PROCESS].why, EACCES, "hidden");
	autojson json_t *j = snapshot_to_json(&s);
	autofree char *text = json_dumps(j, JSON_COMPACT);
	autojson json_t *again = json_loads(text, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(again, "host")), s.host);
	assert_string_equal(json_string_value(json_object_get(again, "boot_id")), s.boot_id);
	assert_int_equal(json_integer_value(json_object_get(again, "taken")), s.taken);
	assert_true(json_is_false(json_object_get(again, "complete")));
	for (int k = 0; k < RES_KINDS; k++) {
		const json_t *set = json_object_get(again, resource_kind_key((enum resource_kind)k)), *items = json_object_get(set, "items");
		struct resource back;
		assert_int_equal(json_is_true(json_object_get(set, "complete")), s.of[k].complete);
		assert_int_equal(json_array_size(items), 1);
		assert_int_equal(resource_from_json(json_array_get(items, 0), "item", &a, &back, &e), 0);
		assert_true(resource_same(&back, &s.of[k].v[0]));
		assert_int_equal(back.born, 5);
	}
	assert_string_equal(json_string_value(json_object_get(json_object_get(again, "processes"), "why")), "hidden");
}

static void bad_json_is_refused_with_its_place(void **state)
{
	static const struct {
		enum resource_kind kind;
		const char *key;
		json_int_t value;
	} cases[] = { { RES_MOUNT, "major", -1 }, { RES_PROCESS, "pid", 1ll << 40 }, { RES_CGROUP, "hierarchy", 3 } };
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		autoarena struct arena a = { 0 };
		struct snapshot s = sample(&a);
		struct resource back = { .born = 3 };
		struct err e = { 0 };
		autojson json_t *j = resource_to_json(&s.of[cases[i].kind].v[0]);
		json_object_set_new(json_object_get(j, "facts"), cases[i].key, json_integer(cases[i].value));
		assert_true(resource_from_json(j, "here[0]", &a, &back, &e) < 0);
		assert_non_null(strstr(e.text, cases[i].key));
		assert_non_null(strstr(e.text, "here[0]"));
		assert_int_equal(back.born, 3);
	}
}

static char *written(const struct snapshot *s)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	assert_int_equal(baseline_write(s, f, NULL), 0);
	assert_int_equal(fclose(f), 0); /* only now is `text` final */
	return text;
}

static void baseline_round_trip_is_stable(void **state)
{
	autoarena struct arena a = { 0 };
	struct snapshot s = sample(&a), back;
	autofree char *text = written(&s);
	(void)state;
	assert_int_equal(baseline_parse(text, &a, &back, NULL), 0);
	assert_string_equal(back.of[RES_MOUNT].v[0].name, "/tmp/a\tb\n\\x");
	assert_string_equal(back.of[RES_MOUNT].v[0].mount.options, "rw,a=\t");
	autofree char *again = written(&back);
	assert_string_equal(text, again);
	for (const char *c = text; *c; c++)
		assert_true(*c == '\n' || *c == '\t' || (unsigned char)*c >= 0x20);
	assert_null(strstr(text, "1700000000")); /* no times, ids or sizes */
	assert_null(strstr(text, "2147483700"));
}

static void baseline_leaves_out_what_comes_and_goes(void **state)
{
	autoarena struct arena a = { 0 };
	struct snapshot s = sample(&a);
	(void)state;
	add(&s, &a, RES_TEMPDIR, "254:0:4", "/tmp/rustbox-running", OWNER_ACTIVE);
	add(&s, &a, RES_PROCESS, "8:1", "rustbox uid 0", OWNER_SERVICE);
	add(&s, &a, RES_PROCESS, "7:1", "rustbox-probe uid 0", OWNER_SELF);
	autofree char *text = written(&s);
	assert_null(strstr(text, "running"));
	assert_null(strstr(text, "uid 0"));
}

static void bad_baselines(void **state)
{
#define H "rustbox-baseline\t1\th\tcomplete\n"
	static const char *const bad[] = {
		"", "x\n", "rustbox-baseline\t2\th\tcomplete\n", "rustbox-baseline\t1\th\tmaybe\n", H "mount\t/a\n",
		H "elephant\t/a\n", H "tempdir\t/a\\\n", H "tempdir\t/a\\x0g\n", H "tempdir\t/a\\x00\n", H "tempdir\t/a",
		H "\n", H "tempdir\t/a\tb\n", H H, H "lock\t\n", H "mount\t1\t2\t3\t4\t5\t6\t7\n",
	};
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		autoarena struct arena a = { 0 };
		struct snapshot s = { .taken = 3 };
		struct err e = { 0 };
		if (baseline_parse(bad[i], &a, &s, &e) != -EBADMSG)
			fail_msg("accepted: '%s'", bad[i]);
		assert_int_equal(s.taken, 3);
	}
}

/* A directory made again with the number of an old one is another; an identity without a birth fits any. */
static void identities_of_directories(void **state)
{
	struct dirid a, b, c;
	(void)state;
	assert_int_equal(dirid_parse("8:1:1234:1700000000123456789", &a), 0);
	assert_int_equal(dirid_parse("8:1:1234:1700000000123456790", &b), 0);
	assert_int_equal(dirid_parse("8:1:1234", &c), 0);
	assert_false(dirid_same(&a, &b));
	assert_true(dirid_same(&a, &c) && dirid_same(&c, &b) && dirid_same(&a, &a));
	static const char *const bad[] = { "", "8:1", "8:1:", "8:1:12x", "8:1:12:", "8:1:12:5:6", "/tmp/rustbox-a", "a:b:c" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(dirid_parse(bad[i], &a), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identities_of_directories),
		cmocka_unit_test(json_round_trip),
		cmocka_unit_test(bad_json_is_refused_with_its_place),
		cmocka_unit_test(baseline_round_trip_is_stable),
		cmocka_unit_test(baseline_leaves_out_what_comes_and_goes),
		cmocka_unit_test(bad_baselines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
