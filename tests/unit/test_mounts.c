/* Mount tables: odd names, forged sources, stacked mounts; and whose a mount is. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/base/own.h"
#include "probes/mountinfo.h"
#include "probes/ownership.h"

static const struct mount_row *row(const struct mount_table *t, uint64_t id)
{
	const struct mount_row *r = mountinfo_find(t, id);
	assert_non_null(r);
	return r;
}

static void fields_and_escapes(void **state)
{
	static const char text[] =
		"27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard\n"
		"40 27 0:50 / /tmp/rustbox-a\\040b/\\011x\\012y\\134z rw,nosuid shared:7 master:3 - tmpfs rustbox-a rw\n"
		"41 27 0:51 /sub /tmp/v ro propagate_from:2 master:9 - tmpfs x\\040on\\040/tmp/victim\\040type\\040rustbox rw\n"
		"42 27 0:52 / /tmp/\x1b[2J\xff rw - fuse.x  rw\n"; /* an empty source */
	autoarena struct arena a = { 0 };
	struct mount_table t;
	(void)state;
	assert_int_equal(mountinfo_parse(text, &a, &t, NULL), 0);
	assert_int_equal(t.n + t.bad, 4);
	const struct mount_row *r = row(&t, 40);
	assert_string_equal(r->target, "/tmp/rustbox-a b/\tx\ny\\z");
	assert_int_equal(r->facts.parent, 27);
	assert_int_equal(r->facts.major, 0);
	assert_int_equal(r->facts.minor, 50);
	assert_int_equal(r->facts.shared, 7);
	assert_int_equal(r->facts.master, 3);
	r = row(&t, 41);
	assert_string_equal(r->target, "/tmp/v");
	assert_string_equal(r->facts.source, "x on /tmp/victim type rustbox");
	assert_string_equal(r->facts.root, "/sub");
	assert_int_equal(r->facts.shared, 0);
	assert_int_equal(r->facts.master, 9);
	assert_string_equal(row(&t, 42)->target, "/tmp/\x1b[2J\xff");
	assert_int_equal(row(&t, 27)->facts.children, 3);
}

static void stacks(void **state)
{
	static const char text[] = "1 1 254:0 / / rw - ext4 /dev/vda rw\n"
				   "50 1 0:60 / /m rw - tmpfs a rw\n"
				   "49 50 0:61 / /m rw - tmpfs b rw\n" /* a smaller id above a larger one */
				   "52 49 0:62 / /m rw - tmpfs c rw\n"
				   "53 52 0:63 / /m/n rw - tmpfs d rw\n";
	autoarena struct arena a = { 0 };
	struct mount_table t;
	(void)state;
	assert_int_equal(mountinfo_parse(text, &a, &t, NULL), 0);
	assert_int_equal(row(&t, 50)->facts.layer, 0);
	assert_int_equal(row(&t, 49)->facts.layer, 1);
	assert_int_equal(row(&t, 52)->facts.layer, 2);
	assert_int_equal(row(&t, 53)->facts.layer, 0);
	assert_int_equal(row(&t, 52)->facts.children, 1);
}

static void garbage(void **state)
{
	static const char *const bad[] = { "", "\n", "hello\n", "a b c d e f g\n", "\x1b[2J" };
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		autoarena struct arena a = { 0 };
		struct mount_table t = { .n = 9 };
		assert_true(mountinfo_parse(bad[i], &a, &t, NULL) < 0);
		assert_int_equal(t.n, 9);
	}
}

static void ten_thousand_are_linear(void **state)
{
	autoarena struct arena a = { 0 };
	autofree char *text = NULL;
	struct mount_table t;
	size_t len = 0;
	(void)state;
	{
		autofile FILE *f = open_memstream(&text, &len);
		(void)fprintf(f, "1 0 254:0 / / rw - ext4 /dev/vda rw\n");
		for (int i = 2; i <= 10001; i++) /* all on one point: the worst case for layers */
			(void)fprintf(f, "%d %d 0:%d / /m rw - tmpfs x rw\n", i, i - 1, i);
	}
	assert_int_equal(mountinfo_parse(text, &a, &t, NULL), 0);
	assert_int_equal(t.n, 10001);
	assert_int_equal(row(&t, 10001)->facts.layer, 9999);
}

static void whose_by_mount_point_only(void **state)
{
	static const struct {
		const char *target;
		enum owner owner;
		const char *box;
	} cases[] = {
		{ "/tmp/rustbox-live/root", OWNER_ACTIVE, "live" },
		{ "/tmp/rustbox-dead/root", OWNER_LEAK, "dead" },
		{ "/tmp/rustbox-dead", OWNER_LEAK, "dead" },
		{ "/tmp/rustbox-none/a/b", OWNER_LEAK, "none" },
		{ "/tmp/rustbox-dead\n/x", OWNER_FOREIGN, NULL },
		{ "/tmp/rustbox-root.0badcafe/x", OWNER_FOREIGN, NULL },
		{ "/tmp/rbt/tmp/rustbox-dead/root", OWNER_FOREIGN, NULL },
		{ "/tmprustbox-dead", OWNER_FOREIGN, NULL },
		{ "/tmp", OWNER_FOREIGN, NULL },
		{ "/var/tmp/rustbox-dead", OWNER_FOREIGN, NULL },
		{ "/run/rustbox/empty", OWNER_SERVICE, NULL },
		{ "/run/rustbox-evil", OWNER_FOREIGN, NULL },
	};
	struct ledger led[] = { { .box = "dead" }, { .box = "live", .held = true } };
	struct ledgers all = { led, 2, true, { 0 } };
	struct world w = { "/tmp", "/run/rustbox", "/var/lib/rustbox", &all };
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		autoarena struct arena a = { 0 };
		struct ownership o = ownership_of_mount(&w, cases[i].target, &a);
		assert_int_equal(o.owner, cases[i].owner);
		assert_non_null(o.why);
		if (cases[i].box)
			assert_string_equal(o.box, cases[i].box);
		else
			assert_null(o.box);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_and_escapes),	   cmocka_unit_test(stacks),
		cmocka_unit_test(garbage),		   cmocka_unit_test(ten_thousand_are_linear),
		cmocka_unit_test(whose_by_mount_point_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
