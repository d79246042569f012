/* A box that lives across runs: made, found alive, ended; its keeper killed, found left over, recovered. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness/boxes.h"

static struct world w;

static int call(double seconds, const char *const *argv)
{
	struct ran r;
	world_run(&w, &r, seconds, NULL, argv);
	int code = r.late ? -2 : r.code;
	if (r.err_len)
		print_message("%s", r.err);
	ran_done(&r);
	return code;
}
#define rustbox(...) call(60, (const char *const[]){ "rustbox", __VA_ARGS__, NULL })

static void made_and_ended(void **state)
{
	char path[PATH_ROOM + 80];
	struct stat st;
	(void)state;
	assert_int_equal(rustbox("init", "--box-id", "a", "--workspace", "1M"), 0);
	paths_box_root(&w.paths, "a", path);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_uid >= w.paths.uid_base && st.st_uid < w.paths.uid_base + UID_POOL);
	assert_int_not_equal(rustbox("init", "--box-id", "a"), 0);
	assert_int_equal(rustbox("health", "--recover", "--cleanup"), 0); /* a living box is nothing to recover */
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(rustbox("health", "--verify-clean"), 0);
	assert_int_equal(rustbox("cleanup", "--box-id", "a"), 0);
	assert_int_equal(stat(path, &st), -1);
	assert_int_equal(rustbox("cleanup", "--box-id", "a"), 1);
	assert_int_equal(rustbox("cleanup", "--box-id", "../a"), 2);
}

static void killed_keeper(void **state)
{
	char path[PATH_ROOM + 80];
	struct stat st;
	(void)state;
	assert_int_equal(rustbox("init", "--box-id", "dead"), 0);
	assert_int_equal(rustbox("init", "--box-id", "alive"), 0);
	pid_t pid = box_keeper(&w, "dead");
	assert_true(pid > 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(rustbox("health", "--verify-clean"), 1);
	assert_int_equal(rustbox("init", "--box-id", "dead"), 3);
	assert_int_equal(rustbox("health", "--recover", "--cleanup"), 0);
	assert_int_equal(rustbox("health", "--recover", "--cleanup"), 0);
	assert_int_equal(rustbox("health", "--verify-clean"), 0);
	paths_box_root(&w.paths, "dead", path);
	assert_int_equal(stat(path, &st), -1);
	paths_box_root(&w.paths, "alive", path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(kill(box_keeper(&w, "alive"), 0), 0);
	assert_int_equal(rustbox("cleanup", "--box-id", "alive"), 0);
}

static void busy_box(void **state)
{
	char path[PATH_ROOM + 80];
	(void)state;
	assert_int_equal(rustbox("init", "--box-id", "busy"), 0);
	paths_box_root(&w.paths, "busy", path);
	assert_int_equal(chdir(path), 0); /* the holder is this test */
	assert_int_equal(rustbox("cleanup", "--box-id", "busy"), 1);
	assert_int_equal(rustbox("health", "--check"), 1);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(rustbox("cleanup", "--box-id", "busy"), 0);
	assert_int_equal(rustbox("health", "--recover", "--cleanup"), 0);
	assert_int_equal(rustbox("health", "--check"), 0);
}

static void quarantine(void **state)
{
	(void)state;
	assert_int_equal(rustbox("health", "--quarantine"), 2);
	assert_int_equal(rustbox("health", "--quarantine", "--reason", "disk"), 0);
	assert_int_equal(rustbox("health", "--check"), 2);
	assert_int_equal(rustbox("init", "--box-id", "q"), 4);
	assert_int_equal(rustbox("health", "--recover", "--cleanup"), 0); /* clean, and still the operator's word */
	assert_int_equal(rustbox("health", "--check"), 2);
	assert_int_equal(rustbox("health", "--unquarantine"), 0);
	assert_int_equal(rustbox("health", "--check"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(made_and_ended), cmocka_unit_test(killed_keeper),
					    cmocka_unit_test(busy_box), cmocka_unit_test(quarantine) };
	world_alone();
	if (world_lacking()) {
		printf("skipped: %s\n", world_lacking());
		return 77;
	}
	world_open(&w, WORLD_MOUNTS);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	return world_done(&w) ? failed : 1;
}
