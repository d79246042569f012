/* Health on disk: a missing file is healthy, anything that is not health is quarantine. */
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

#include "probes/base/json.h"
#include "probes/base/own.h"
#include "probes/health.h"

static void every_state_survives_the_round_trip(void **state)
{
	(void)state;
	for (int s = 0; s < HEALTH_STATUSES_COUNT; s++)
		for (int r = 0; r < HEALTH_REASON_COUNT; r++) {
			struct health in = { .status = (enum health_status)s, .reason = (enum health_reason)r, .failures = 2,
					     .since = 1700000000, .note = "why \"so\"" }, out = { 0 };
			autojson json_t *j = health_to_json(&in);
			assert_int_equal(health_from_json(j, &out, NULL), 0);
			assert_int_equal(out.status, in.status);
			assert_int_equal(out.reason, in.reason);
			assert_int_equal(out.failures, in.failures);
			assert_int_equal(out.since, in.since);
			assert_string_equal(out.note, in.note);
		}
}

static int read_text(const char *text, struct health *h)
{
	char root[] = "/tmp/rbt-health-XXXXXX", path[PATH_ROOM], command[100];
	struct paths p;
	assert_non_null(mkdtemp(root));
	assert_int_equal(paths_init(&p, root, NULL), 0);
	struct scope scope = scope_host(&p);
	if (text) {
		for (size_t i = strlen(root) + 1; i <= strlen(p.of[PATH_STATE]); i++) {
			(void)snprintf(path, sizeof path, "%.*s", (int)i, p.of[PATH_STATE]);
			if (p.of[PATH_STATE][i] == '/' || p.of[PATH_STATE][i] == '\0')
				(void)mkdir(path, 0700);
		}
		autofd int fd = open(p.of[PATH_HEALTH], O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	}
	struct err e = { 0 };
	int rc = health_read(&scope, h, &e);
	assert_int_equal(e.code, -rc);
	(void)snprintf(command, sizeof command, "rm -rf %s", root);
	assert_int_equal(system(command), 0);
	return rc;
}

static void never_asked_is_healthy(void **state)
{
	struct health h = { .status = HEALTH_QUARANTINED };
	(void)state;
	assert_int_equal(read_text(NULL, &h), 0);
	assert_int_equal(h.status, HEALTH_HEALTHY);
}

static void garbage_is_quarantine(void **state)
{
	static const char *const bad[] = {
		"", "{", "[]", "null", "{}", "\x1b[2J",
		"{\"schema\":1,\"status\":\"fine\",\"reason\":\"none\",\"failures\":0,\"since\":0}",
		"{\"schema\":2,\"status\":\"healthy\",\"reason\":\"none\",\"failures\":0,\"since\":0}",
		"{\"schema\":1,\"status\":\"healthy\",\"reason\":\"none\",\"failures\":-1,\"since\":0}",
		"{\"schema\":1,\"status\":\"healthy\",\"reason\":\"none\",\"failures\":0,\"since\":\"x\"}",
		"{\"schema\":1,\"status\":\"healthy\",\"status\":\"healthy\",\"reason\":\"none\",\"failures\":0,\"since\":0}",
		"{\"schema\":1,\"status\":\"healthy\",\"reason\":\"none\",\"failures\":0,\"since\":0} trailing",
	};
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct health h = { 0 };
		assert_int_equal(read_text(bad[i], &h), -EBADMSG);
		assert_int_equal(h.status, HEALTH_QUARANTINED);
		assert_int_equal(h.reason, HEALTH_REASON_CORRUPT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_state_survives_the_round_trip),
		cmocka_unit_test(never_asked_is_healthy),
		cmocka_unit_test(garbage_is_quarantine),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
