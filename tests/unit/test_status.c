/* The worker's memory in a root of its own: health, history, metrics and events as they stand on disk. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "sandbox/worker/events.h"
#include "sandbox/worker/metrics.h"
#include "sandbox/worker/record.h"
#include "sandbox/worker/status.h"

static char root[64];
static struct paths paths;

static int setup(void **state)
{
	struct err e;
	(void)state;
	strcpy(root, "/tmp/rbt-recover-XXXXXX");
	assert_non_null(mkdtemp(root));
	return paths_init(&paths, root, &e);
}

static int teardown(void **state)
{
	(void)state;
	pid_t pid = fork();
	if (pid == 0) {
		execl("/bin/rm", "rm", "-rf", "--one-file-system", root, (char *)NULL);
		_exit(1);
	}
	int status;
	return waitpid(pid, &status, 0) == pid ? status : -1;
}

static size_t lines_of(const char *path, const char *with)
{
	autofree char *text = NULL;
	char *save = NULL;
	size_t n = 0;
	if (kfile_read_all(AT_FDCWD, path, &text) < 0)
		return 0;
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		n += strstr(l, with) != NULL;
	return n;
}

static void three_failures_quarantine(void **state)
{
	struct status_change c;
	struct health h;
	struct err e = { 0 };
	(void)state;
	for (int i = 1; i <= MAX_CLEANUP_FAILURES; i++) {
		assert_int_equal(record_health(&paths, HEALTH_EVENT_CLEANUP_FAILED, "b", "it would not go", &h, &e), 0);
		assert_int_equal(h.failures, i);
		assert_int_equal(h.status, i < MAX_CLEANUP_FAILURES ? HEALTH_UNHEALTHY : HEALTH_QUARANTINED);
	}
	assert_int_equal(lines_of(paths.of[PATH_HISTORY], "\"to\":\"quarantined\""), 1);
	assert_int_equal(lines_of(paths.of[PATH_EVENTS], "worker_quarantined"), 1);
	assert_int_equal(status_event(&paths, HEALTH_EVENT_VERIFIED, NULL, &c, &e), 0);
	assert_int_equal(c.before.status, HEALTH_QUARANTINED);
	assert_int_equal(c.after.status, HEALTH_HEALTHY);
}

static void a_good_run_writes_nothing(void **state)
{
	struct status_change c;
	struct err e = { 0 };
	(void)state;
	assert_int_equal(status_event(&paths, HEALTH_EVENT_CLEANUP_OK, NULL, &c, &e), 0);
	assert_int_equal(access(paths.of[PATH_HEALTH], F_OK), -1);
	assert_int_equal(access(paths.of[PATH_HISTORY], F_OK), -1);
}

static void corrupt_is_set_aside(void **state)
{
	static const char *const bad[] = { "", "{", "null", "{\"schema\":1,\"status\":\"fine\"}", "\x1b[2J\xff" };
	struct err e = { 0 };
	struct health h;
	(void)state;
	assert_int_equal(status_directory(&paths, &e), 0);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct scope scope = scope_host(&paths);
		autofile FILE *f = fopen(paths.of[PATH_HEALTH], "w");
		assert_non_null(f);
		assert_true(fputs(bad[i], f) >= 0 && fflush(f) == 0);
		assert_int_equal(record_health(&paths, HEALTH_EVENT_CLEANUP_OK, NULL, NULL, &h, &e), 0);
		assert_int_equal(h.status, HEALTH_QUARANTINED);
		assert_int_equal(h.reason, HEALTH_REASON_CORRUPT);
		assert_int_equal(health_read(&scope, &h, &e), 0); /* readable again, and it says so */
		assert_int_equal(h.reason, HEALTH_REASON_CORRUPT);
	}
	assert_int_equal(lines_of(paths.of[PATH_EVENTS], "\"event\":\"state_corrupt\""), sizeof bad / sizeof *bad);
}

static void counters_survive_kill(void **state)
{
	struct metrics m = { 0 };
	struct err e = { 0 };
	enum { CHILDREN = 8, EACH = 1000 };
	pid_t pids[CHILDREN];
	(void)state;
	assert_int_equal(status_directory(&paths, &e), 0);
	for (int i = 0; i < CHILDREN; i++)
		if ((pids[i] = fork()) == 0) {
			if (metrics_open(&paths, true, &m, &e) < 0)
				_exit(1);
			for (int k = 0; k < EACH; k++)
				metrics_add(&m, METRIC_EXECUTIONS, 0, 1);
			metrics_observe(&m, METRIC_DURATION, 3000000);
			(void)kill(getpid(), SIGKILL);
		}
	for (int i = 0; i < CHILDREN; i++)
		assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
	assert_int_equal(metrics_open(&paths, false, &m, &e), 0);
	assert_int_equal(metrics_get(&m, METRIC_EXECUTIONS, 0), CHILDREN * EACH);
	assert_int_equal(metrics_get(&m, METRIC_DURATION, 2), CHILDREN); /* 2 ms < 3 ms <= 5 ms */
	metrics_done(&m);
}

static void a_foreign_page_is_set_aside(void **state)
{
	struct metrics m = { 0 };
	struct err e = { 0 };
	(void)state;
	assert_int_equal(status_directory(&paths, &e), 0);
	autofile FILE *f = fopen(paths.of[PATH_METRICS], "w");
	assert_true(f && fputs("something else", f) >= 0 && fflush(f) == 0);
	assert_int_equal(metrics_open(&paths, false, &m, &e), -EBADMSG);
	assert_int_equal(metrics_open(&paths, true, &m, &e), 0);
	metrics_add(&m, METRIC_BY_STATUS, 9999, 1); /* no such value: nothing is written */
	for (unsigned i = 0; i < metric_cells(); i++)
		assert_int_equal(m.cells[i], 0);
	metrics_done(&m);
}

static void every_run_is_counted(void **state)
{
	struct verdict v = { .status = STATUS_TLE, .cause = CAUSE_WALL_TIME, .actor = ACTOR_SUPERVISOR };
	struct cleanup leaked = { .outcome = CLEANUP_LEAKED, .nerrors = 1, .errors = { { EBUSY, "mount: busy" } } };
	struct record r = { .box = "b", .verdict = &v, .cleanup = &leaked, .started = true, .contained = false };
	struct metrics m = { 0 };
	struct health h;
	struct err e = { 0 };
	(void)state;
	assert_int_equal(record_run(&paths, &r, &h, &e), 0);
	assert_int_equal(h.failures, 1);
	assert_int_equal(metrics_open(&paths, false, &m, &e), 0);
	assert_int_equal(metrics_get(&m, METRIC_BY_STATUS, STATUS_TLE), 1);
	assert_int_equal(metrics_get(&m, METRIC_VIOLATIONS, (unsigned)metric_value(METRIC_VIOLATIONS, "wall")), 1);
	assert_int_equal(metrics_get(&m, METRIC_CLEANUP, METRIC_CLEANUP_FAILURE), 1);
	assert_int_equal(metrics_get(&m, METRIC_CONTAINMENT, 0), 1);
	assert_int_equal(lines_of(paths.of[PATH_EVENTS], "cleanup_failure"), 1);
	assert_int_equal(lines_of(paths.of[PATH_EVENTS], "containment_violation"), 1);
	metrics_done(&m);
}

static void events_rotate_and_stay_one_line(void **state)
{
	char old[PATH_ROOM + 8];
	struct event_facts f = { .detail = "two\nlines \x1b[2J \xff" };
	struct err e = { 0 };
	(void)state;
	assert_int_equal(status_directory(&paths, &e), 0);
	assert_int_equal(event_emit(&paths, EVENT_OPERATOR_ACTION, &f, &e), 0);
	assert_int_equal(lines_of(paths.of[PATH_EVENTS], ""), 1);
	assert_int_equal(lines_of(paths.of[PATH_EVENTS], "\x1b"), 0);
	assert_int_equal(truncate(paths.of[PATH_EVENTS], EVENTS_MAX_BYTES + 1), 0);
	assert_int_equal(event_emit(&paths, EVENT_OPERATOR_ACTION, &f, &e), 0);
	(void)snprintf(old, sizeof old, "%s.1", paths.of[PATH_EVENTS]);
	assert_int_equal(access(old, F_OK), 0);
	assert_int_equal(lines_of(paths.of[PATH_EVENTS], ""), 1);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(three_failures_quarantine), CASE(a_good_run_writes_nothing),   CASE(corrupt_is_set_aside),
		CASE(counters_survive_kill),	 CASE(a_foreign_page_is_set_aside), CASE(every_run_is_counted),
		CASE(events_rotate_and_stay_one_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
