/*
 * The drills on the real kernel: each is solved by the reference solution, five are lost by the founding runbook's
 * lines, the same seed is the same drill, and after every one the host is what it was. Drills that are killed:
 * test_drill_killed.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "probes/base/json.h"
#include "probes/base/own.h"
#include "sandbox/drill/score.h"
#include "tests/harness/drillhost.h"
#include "tests/harness/world.h"

enum { SECONDS = 60 };
static struct world world; /* only for its programs: a drill makes its own */

/* ---- runs ------------------------------------------------------------------------------------- */

static json_t *run(const char *drill, const char *seed, const char *how)
{
	struct ran r;
	world_call(&world, &r, SECONDS, "rustbox", "drill", "run", drill, "--seed", seed, how, "--json");
	json_t *j = ran_json(&r);
	if (!j || r.late)
		fprintf(stderr, "%s %s: %d%s\n%s%s\n", drill, how, r.code, r.late ? " (late)" : "", r.out, r.err);
	assert_non_null(j);
	ran_done(&r);
	return j;
}

static int count_dead(const json_t *j)
{
	int dead = 0;
	size_t i;
	json_t *canary;
	json_array_foreach(json_object_get(j, "canaries"), i, canary)
		dead += json_is_false(json_object_get(canary, "alive"));
	return dead;
}

static int score(const json_t *j)
{
	return (int)json_integer_value(json_object_get(j, "score"));
}

static void solved(void **state)
{
	static const char *const seeds[] = { "1", "41", "2" };
	(void)state;
	for (unsigned i = 0; i < drill_count; i++)
		for (unsigned s = 0; s < (strcmp(drills[i].id, "D10") ? 3 : 1); s++) {
			struct drillhost before = drillhost_look();
			autojson json_t *j = run(drills[i].id, seeds[s], "--solve");
			if (score(j) < 95 || count_dead(j) || json_array_size(json_object_get(j, "left")))
				json_dumpf(j, stderr, JSON_INDENT(1));
			assert_true(score(j) >= 95);
			assert_int_equal(count_dead(j), 0);
			assert_int_equal(json_array_size(json_object_get(j, "left")), 0);
			drillhost_compare(&before);
		}
}

/* D6 under a PID 1 that does not reap: the ended parent is left as well, until whoever PID 1 belongs to is called. */
static void zombies_that_init_leaves(void **state)
{
	struct ran idle, reaping;
	(void)state;
	world_call(&world, &idle, SECONDS, "rustbox", "drill", "run", "D6", "--seed", "2", "--solve", "--text");
	world_call(&world, &reaping, SECONDS, "rustbox", "drill", "run", "D6", "--seed", "1", "--solve", "--text");
	if (!strstr(idle.out, "reclaim process --all   -> 1\n$ rustbox drill escalate PID 1 does not reap   -> 0\n") ||
	    !strstr(idle.out, "--verify-clean   -> 0") || idle.code != 0)
		fail_msg("%s%s", idle.out, idle.err);
	if (strstr(reaping.out, "escalate") || reaping.code != 0)
		fail_msg("%s%s", reaping.out, reaping.err);
	ran_done(&idle);
	ran_done(&reaping);
}

static void lost_by_the_literal_runbook(void **state)
{
	int fails = 0;
	(void)state;
	for (unsigned i = 0; i < drill_count; i++) {
		if (!drills[i].literal_fails)
			continue;
		struct drillhost before = drillhost_look();
		autojson json_t *j = run(drills[i].id, "41", "--literal");
		if (!count_dead(j) && !json_array_size(json_object_get(j, "left")))
			json_dumpf(j, stderr, JSON_INDENT(1));
		assert_true(count_dead(j) > 0 || json_array_size(json_object_get(j, "left")) > 0);
		assert_true(score(j) <= SCORE_DEAD_CAP);
		drillhost_compare(&before);
		fails++;
	}
	assert_int_equal(fails, 5);
}

/* A result's list as text, without the drill's place, which is another where somebody else's drill holds the first. */
static char *placeless(const json_t *result, const char *key)
{
	static const char place[] = "/mnt/drill-", root[] = "rustbox-root.";
	char *text = json_dumps(json_object_get(result, key), JSON_COMPACT | JSON_SORT_KEYS);
	assert_non_null(text);
	for (char *at = text; (at = strstr(at, place)); at++)
		at[sizeof place - 1] = 'N';
	for (char *at = text; (at = strstr(at, root)); at++)
		memset(at + sizeof root - 1, 'x', strspn(at + sizeof root - 1, "0123456789abcdef"));
	return text;
}

/* Everything that is planted, but not when. */
static void same_seed_same_drill(void **state)
{
	(void)state;
	autojson json_t *a = run("D2", "1234", "--literal");
	autojson json_t *b = run("D2", "1234", "--literal");
	autojson json_t *c = run("D2", "1235", "--literal");
	autofree char *left_a = placeless(a, "left"), *left_b = placeless(b, "left"), *left_c = placeless(c, "left");
	autofree char *canaries_a = placeless(a, "canaries"), *canaries_b = placeless(b, "canaries");
	assert_string_equal(left_a, left_b);
	assert_string_equal(canaries_a, canaries_b);
	assert_string_not_equal(left_a, left_c);
}

/* An ordinary user is root in a user namespace of the drill; what needs more says so and what it needs. */
static void without_root(void **state)
{
	char program[PATH_ROOM * 2];
	snprintf(program, sizeof program, "%s/rustbox", world.build);
	(void)state;
	for (unsigned i = 0; i < drill_count; i++) {
		struct ran r;
		struct drillhost before = drillhost_look();
		world_call(&world, &r, SECONDS, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program, "drill", "run",
			   drills[i].id, "--seed", "3", "--solve", "--json");
		if (r.code == 127 || strstr(r.err, "no user namespaces") || strstr(r.err, "ermission denied")) {
			print_message("not here: %s", *r.err ? r.err : "no setpriv\n");
			ran_done(&r);
			drillhost_compare(&before);
			skip();
		}
		autojson json_t *j = ran_json(&r);
		if (!drills[i].rootless) {
			assert_int_equal(r.code, 3);
			assert_non_null(strstr(r.err, "needs root, for its cgroups"));
		} else if (!j || score(j) < 95) {
			fail_msg("%s: %s%s", drills[i].id, r.out, r.err);
		}
		ran_done(&r);
		drillhost_compare(&before);
	}
}

/* What the host lacks is named at once, and a drill that cannot be is not half of one. */
static void hosts_that_lack(void **state)
{
	static const struct { const char *drill, *lack, *says; } hosts[] = {
		{ "D1", "umount -l /sys/fs/cgroup", "it needs cgroups, and none are mounted" },
		{ "D1", "awk '$3 ~ /^cgroup/ { print $2 }' /proc/mounts | while read m; do mount -o remount,bind,ro $m; done",
		  "Read-only file system" },
		{ "D5", "for m in /sbin/mkfs.ext4 /usr/sbin/mkfs.ext4; do [ ! -e $m ] || mount --bind /dev/null $m; done",
		  "D5 needs mkfs.ext4" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
		struct ran r;
		char script[PATH_ROOM * 4];
		struct drillhost before = drillhost_look();
		snprintf(script, sizeof script, "{ %s; } && exec %s/rustbox drill run %s --solve --json", hosts[i].lack, world.build,
			 hosts[i].drill);
		world_call(&world, &r, SECONDS, "unshare", "-m", "sh", "-c", script);
		if (r.code != 3 || !strstr(r.err, hosts[i].says))
			fail_msg("%s: %d\n%s%s", hosts[i].lack, r.code, r.out, r.err);
		ran_done(&r);
		drillhost_compare(&before);
	}
}

static void usage(void **state)
{
	static const char *const bad[][4] = {
		{ "run", "D11" }, { "run" }, { "run", "D1", "--seed", "x" }, { "run", "D1" }, { "nonsense" }, { "hint" }, { "result" },
		{ "say", "words" }, { "say" }, { "walkthrough" }, { "walkthrough", "P7" },
	};
	(void)state;
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		const char *argv[8] = { "rustbox", "drill" };
		struct ran r;
		for (int k = 0; k < 4 && bad[i][k]; k++)
			argv[2 + k] = bad[i][k];
		world_run(&world, &r, SECONDS, NULL, argv);
		assert_int_equal(r.code, 2);
		assert_string_equal(r.out, "");
		assert_non_null(strstr(r.err, "rustbox: drill: "));
		ran_done(&r);
	}
}

static int open_world(void **state)
{
	(void)state;
	world_open(&world, WORLD_MOUNTS); /* nobody else changes this mount table */
	return 0;
}

static int close_world(void **state)
{
	(void)state;
	return world_done(&world) ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usage),
		cmocka_unit_test(solved),
		cmocka_unit_test(zombies_that_init_leaves),
		cmocka_unit_test(lost_by_the_literal_runbook),
		cmocka_unit_test(same_seed_same_drill),
		cmocka_unit_test(without_root),
		cmocka_unit_test(hosts_that_lack),
	};
	world_alone();
	if (world_lacking()) {
		printf("[  SKIPPED ] 7 tests: %s\n", world_lacking());
		return 77;
	}
	return cmocka_run_group_tests(tests, open_world, close_world);
}
