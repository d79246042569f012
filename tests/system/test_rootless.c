/*
 * As an ordinary user: strict mode says what it needs and the command that has it; --permissive runs in a user namespace,
 * with everything a user can have there, and names what is missing. A real unprivileged uid, no groups, no capability.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness/world.h"

static struct world w;
static char program[PATH_ROOM + 16], payloads[PATH_ROOM + 40];

#define SETPRIV "/usr/bin/setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"
#define as_nobody(ran, ...) world_call(&w, ran, 60, SETPRIV, program, __VA_ARGS__)

static void want(const json_t *j, const char *path, const char *value)
{
	char buf[4096];
	if (!strstr(json_at(j, path, buf, sizeof buf), value))
		fail_msg("%s is '%s', not '%s'", path, buf, value);
}

static void strict(void **state)
{
	struct ran r;
	(void)state;
	as_nobody(&r, "run", "--", "/bin/true");
	assert_int_equal(r.code, 3);
	assert_non_null(strstr(r.err, "not root with CAP_SYS_ADMIN"));
	assert_non_null(strstr(r.err, "sudo rustbox run"));
	assert_non_null(strstr(r.err, "--permissive"));
	assert_ptr_equal(strchr(r.err, '\n'), r.err + r.err_len - 1);
	ran_done(&r);
	as_nobody(&r, "check");
	assert_int_equal(r.code, 1);
	assert_non_null(strstr(r.out, "sudo rustbox run"));
	ran_done(&r);
	as_nobody(&r, "run", "--permissive", "--dry-run", "--", "/bin/true");
	assert_int_equal(r.code, 0);
	assert_non_null(strstr(r.out, "without root"));
	ran_done(&r);
}

/* What holds without root, each told by the program itself. */
static void confined(void **state)
{
	static const char look[] = "id -u; grep -E '^(Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs|Seccomp):' /proc/self/status; echo pids $(ls /proc | "
				   "grep -c '^[0-9]'); ls /home /root /sys /var 2>&1; touch /usr/x /x; echo kept >f; cat f; "
				   "hostname; ls /sys/class/net; cat /proc/net/dev";
	struct ran r;
	(void)state;
	as_nobody(&r, "run", "--permissive", "--json", "-", "--", "/bin/sh", "-c", look);
	json_t *j = ran_json(&r);
	if (!j)
		fail_msg("exit %d: %s", r.code, r.err);
	want(j, "output.stdout", "CapEff:\t0000000000000000");
	want(j, "output.stdout", "CapBnd:\t0000000000000000");
	want(j, "output.stdout", "NoNewPrivs:\t1");
	want(j, "output.stdout", "Seccomp:\t2");
	want(j, "output.stdout", "kept\nrustbox\n");
	want(j, "output.stderr", "/usr/x");
	want(j, "output.stderr", "Read-only file system");
	want(j, "cleanup.outcome", "clean");
	json_t *missing = json_object_get(json_object_get(j, "controls"), "missing");
	assert_true(json_array_size(missing) >= 4);
	assert_non_null(strstr(r.err, "own uid"));
	json_decref(j);
	ran_done(&r);
}

static void limited(void **state)
{
	static const struct {
		const char *flag, *use, *argument, *status, *cause;
	} rows[] = {
		{ "--time=0.3", "spin", "", "TLE", "cpu_time" }, /* by the kernel, or by the supervisor where that is late */
		{ "--wall-time=0.3", "sleep", "5000", "TLE", "wall_time" },
		{ "--mem=32M", "memory", "100", "RE", "exit_status" }, /* refused by RLIMIT_DATA: malloc fails */
		{ "--mem=64M", "memory", "16", "OK", "success" },
		{ "--processes=4", "children", "9", "RE", "exit_status" },
		{ "--processes=4", "children", "3", "OK", "success" },
		{ "--fsize=1M", "file", "3000000", "FSE", "file_size" },
		{ "--workspace=1M", "file", "3000000", "RE", "exit_status" },
		{ "--open-files=17", "files", "", "OK", "success" },
		{ "--quiet", "exit", "0", "OK", "success" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct ran r;
		/* The row's own flag last. On a busy machine a second of CPU time takes longer than the default of wall time. */
		as_nobody(&r, "run", "--permissive", "--json", "-", "--wall-time=60", rows[i].flag, "--dir", payloads, "--", "/p/in_use",
			  rows[i].use, rows[i].argument);
		json_t *j = ran_json(&r);
		if (!j)
			fail_msg("%s: exit %d: %s", rows[i].use, r.code, r.err);
		want(j, "output.stdout", "alive");
		want(j, "status", rows[i].status);
		want(j, "verdict.cause", rows[i].cause);
		json_decref(j);
		ran_done(&r);
	}
}

static void attacked(void **state)
{
	struct ran r;
	(void)state;
	as_nobody(&r, "run", "--permissive", "--json", "-", "--", "/usr/bin/unshare", "--user", "true");
	json_t *j = ran_json(&r);
	assert_non_null(j);
	want(j, "status", "SV");
	json_decref(j);
	ran_done(&r);
	as_nobody(&r, "execute-code", "--permissive", "--language", "c", "--code", "#include <stdio.h>\nint main(void){puts(\"built\");}");
	if (r.code != 0 || !strstr(r.out, "built"))
		fail_msg("exit %d: %s %s", r.code, r.out, r.err);
	ran_done(&r);
}

/* Nothing of ours stays, and a place we may not write says what to do. */
static void without_a_place(void **state)
{
	struct ran r;
	(void)state;
	world_call(&w, &r, 20, "/bin/chown", "-R", "0:0", w.root);
	ran_done(&r);
	world_call(&w, &r, 20, "/bin/mv", w.paths.of[PATH_RUN], w.paths.of[PATH_WORK]);
	ran_done(&r);
	as_nobody(&r, "run", "--permissive", "--", "/bin/true");
	assert_int_equal(r.code, 3);
	if (!strstr(r.err, "RUSTBOX_ROOT"))
		fail_msg("%s", r.err);
	ran_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(strict), cmocka_unit_test(confined), cmocka_unit_test(limited),
					    cmocka_unit_test(attacked), cmocka_unit_test(without_a_place) };
	struct ran r;
	world_alone();
	if (world_lacking() || access("/usr/bin/setpriv", X_OK) < 0) {
		printf("skipped: %s\n", world_lacking() ? world_lacking() : "no setpriv");
		return 77;
	}
	world_open(&w, WORLD_SHARED);
	(void)snprintf(program, sizeof program, "%s/rustbox", w.build);
	(void)snprintf(payloads, sizeof payloads, "/p=%s/payloads", w.build);
	world_call(&w, &r, 10, "/bin/chown", "-R", "65534:65534", w.root);
	ran_done(&r);
	world_call(&w, &r, 10, SETPRIV, "/usr/bin/unshare", "--user", "--mount", program, "--version");
	int able = r.code;
	ran_done(&r);
	if (able != 0) {
		printf("skipped: uid 65534 has no user namespaces here, or cannot reach %s\n", program);
		(void)world_done(&w);
		return 77;
	}
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	return !world_done(&w) || failed != 0;
}
