/* As an ordinary user, what may not be read is unknown and said to be: no zero, no "healthy", no "clean". */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness/world.h"

static struct world w;

static int setup(void **state)
{
	char command[PATH_ROOM * 6];
	(void)state;
	world_open(&w, WORLD_SHARED);
	(void)snprintf(command, sizeof command, "mkdir -p %s %s && chmod 755 %s && chmod 700 %s %s", w.paths.of[PATH_LEDGER],
		       w.paths.of[PATH_STATE], w.root, w.paths.of[PATH_LEDGER], w.paths.of[PATH_STATE]);
	return system(command);
}

static int teardown(void **state)
{
	(void)state;
	return world_done(&w) ? 0 : -1;
}

/* The build may lie where only root comes. */
static bool nobody_comes_here(void)
{
	struct ran r;
	world_call(&w, &r, 10, "/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/test", "-x", w.build);
	bool comes = r.code == 0;
	ran_done(&r);
	return comes;
}

static void as_nobody(struct ran *r, const char *program, const char *a, const char *b, const char *c)
{
	char path[PATH_ROOM * 2];
	(void)snprintf(path, sizeof path, "%s/%s", w.build, program);
	world_call(&w, r, 30, "/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", path, a, b, c);
}

static void has(const struct ran *r, const char *text)
{
	if (!strstr(r->out, text))
		fail_msg("no '%s' in: %s%s", text, r->out, r->err);
}

static void unknown_is_said(void **state)
{
	static const struct {
		const char *program, *args[3];
		int code;
		const char *says[4];
	} rows[] = {
		{ "rustbox", { "health", "--text" }, 0,
		  { "worker: cannot tell", "unknown locks", "boxes alive: unknown", "run as root" } },
		{ "rustbox", { "health", "--json" }, 0,
		  { "\"status\":null,\"can_accept_submissions\":false", "\"processes\":null", "\"locks\":null", "\"unknown\":{\"processes\":\"hidden" } },
		{ "rustbox", { "health", "--verify-clean" }, 1, { "\"clean\":false", "\"processes\":null", "\"ghosts\":null" } },
		{ "rustbox", { "health", "--check" }, 2, { "" } },
		{ "rustbox", { "status", "--json" }, 0, { "\"worker\":null,\"active_executions\":null" } },
		{ "rustbox-probe", { "--text", "snapshot" }, 3, { "processes: unknown left over", "locks: unknown left over" } },
		{ "rustbox-probe", { "--json", "snapshot" }, 3, { "\"complete\":false,\"why\":\"hidden by permissions" } },
		{ "rustbox-tui", { "--once" }, 4, { "cannot tell", "health: cannot tell", "processes unknown", "locks unknown" } },
		{ "rustbox-tui", { "--once", "--json" }, 4, { "\"health\":null", "\"locks\":null", "\"unknown\":{" } },
	};
	(void)state;
	if (access("/usr/bin/setpriv", X_OK) != 0 || !nobody_comes_here())
		skip();
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct ran r;
		as_nobody(&r, rows[i].program, rows[i].args[0], rows[i].args[1], rows[i].args[2]);
		for (int k = 0; k < 4 && rows[i].says[k]; k++)
			has(&r, rows[i].says[k]);
		if (r.code != rows[i].code)
			fail_msg("%s %s: exit %d, not %d: %s", rows[i].program, rows[i].args[0], r.code, rows[i].code, r.err);
		ran_done(&r);
	}
}

/* Its mount and directory are there to be seen, whose they are is not: neither left over nor not. */
static void whose_a_box_is_unknown(void **state)
{
	struct ran r;
	(void)state;
	if (access("/usr/bin/setpriv", X_OK) != 0 || !nobody_comes_here())
		skip();
	world_call(&w, &r, 30, "rustbox", "init", "--box-id", "seen");
	assert_int_equal(r.code, 0);
	ran_done(&r);
	as_nobody(&r, "rustbox", "health", "--verify-clean", NULL);
	has(&r, "\"mounts\":null");
	has(&r, "\"temp_dirs\":null");
	ran_done(&r);
	world_call(&w, &r, 30, "rustbox", "health", "--verify-clean");
	has(&r, "\"mounts\":0");
	ran_done(&r);
	world_call(&w, &r, 30, "rustbox", "cleanup", "--box-id", "seen");
	assert_int_equal(r.code, 0);
	ran_done(&r);
}

static void root_is_told_numbers(void **state)
{
	struct ran r;
	(void)state;
	world_call(&w, &r, 30, "rustbox", "health", "--json");
	has(&r, "\"locks\":0,\"ghosts\":0},\"unknown\":null");
	ran_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(unknown_is_said), cmocka_unit_test(whose_a_box_is_unknown),
					    cmocka_unit_test(root_is_told_numbers) };
	world_alone();
	if (world_lacking()) {
		printf("skipped: %s\n", world_lacking());
		return 77;
	}
	return cmocka_run_group_tests(tests, setup, teardown);
}
