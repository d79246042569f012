/* Paths: one prefix moves everything, and no world mistakes another's names for its own. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "probes/base/paths.h"

static void the_host_itself(void **state)
{
	struct paths p;
	char out[PATH_ROOM + 80];
	(void)state;
	assert_int_equal(paths_init(&p, NULL, NULL), 0);
	assert_string_equal(p.of[PATH_WORK], "/tmp");
	assert_string_equal(p.cgroup_parent, "");
	paths_box_dir(&p, "b1", out);
	assert_string_equal(out, "/tmp/rustbox-b1");
	paths_box_root(&p, "b1", out);
	assert_string_equal(out, "/tmp/rustbox-b1/root");
	paths_ledger(&p, "b1", out);
	assert_string_equal(out, "/run/rustbox/ledger/b1");
}

static void another_world(void **state)
{
	struct paths p, q;
	(void)state;
	assert_int_equal(paths_init(&p, "/tmp/x//", NULL), 0);
	assert_string_equal(p.root, "/tmp/x");
	for (int i = 0; i < PATH_COUNT; i++)
		assert_int_equal(strncmp(p.of[i], "/tmp/x/", 7), 0);
	assert_int_equal(strncmp(p.cgroup_parent, "rustbox-root.", 13), 0);
	assert_null(paths_box_of_name(p.cgroup_parent)); /* never a box of the default world */
	assert_int_equal(paths_init(&q, "/tmp/y", NULL), 0);
	assert_string_not_equal(p.cgroup_parent, q.cgroup_parent);
}

static void bad_roots(void **state)
{
	char far[400];
	struct paths p = { .uid_base = 7 };
	struct err e = { 0 };
	(void)state;
	memset(far, 'a', sizeof far - 1);
	far[0] = '/';
	far[sizeof far - 1] = '\0';
	assert_int_equal(paths_init(&p, "relative", &e), -EINVAL);
	assert_int_equal(paths_init(&p, "/", &e), -EINVAL);
	assert_int_equal(paths_init(&p, "//", &e), -EINVAL);
	assert_int_equal(paths_init(&p, far, &e), -ENAMETOOLONG);
	assert_int_equal(p.uid_base, 7);
}

static void names_of_boxes(void **state)
{
	(void)state;
	assert_string_equal(paths_box_of_name("rustbox-a1"), "a1");
	assert_null(paths_box_of_name("rustbox-"));
	assert_null(paths_box_of_name("rustbox-a b"));
	assert_null(paths_box_of_name("rustbox-root.0123abcd"));
	assert_null(paths_box_of_name("xrustbox-a"));
	assert_null(paths_box_of_name("rustbox"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_host_itself),
		cmocka_unit_test(another_world),
		cmocka_unit_test(bad_roots),
		cmocka_unit_test(names_of_boxes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
