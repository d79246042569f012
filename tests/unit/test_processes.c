/* /proc/PID/stat: the name may be anything, the fields after it are found all the same. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "probes/pressure.h"
#include "probes/procread.h"

#define TAIL " S 7 9 11 34816 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 424242 1000000 25 184 1 1\n"

static void hostile_names(void **state)
{
	static const char *const names[] = { "sh", "", "a b", "a) R 1 2 3", "(((", ")))", "x\ny", "\x1b[2J", ") Z 1 1 (" };
	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char text[256];
		struct procstat st;
		(void)snprintf(text, sizeof text, "4321 (%s)" TAIL, names[i]);
		assert_int_equal(procstat_parse(text, &st), 0);
		assert_int_equal(st.pid, 4321);
		assert_int_equal(st.ppid, 7);
		assert_int_equal(st.session, 11);
		assert_int_equal(st.tty, 34816);
		assert_int_equal(st.state, 'S');
		assert_int_equal(st.start_ticks, 424242);
		assert_true(st.rss > 0);
		assert_string_equal(st.comm, names[i]);
	}
}

static void garbage(void **state)
{
	static const char *const bad[] = { "", "x", "1 (", "1 (a)", "1 (a) ", "1 (a) S", "1 (a) S 2 3", "0 (a)" TAIL,
					   "(a)" TAIL, "1 )a(" TAIL };
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct procstat st = { .pid = 77 };
		assert_int_equal(procstat_parse(bad[i], &st), -EINVAL);
		assert_int_equal(st.pid, 77);
	}
}

static void callers(void **state)
{
	const struct caller c = { .line = { 50, 40, 1 }, .n = 3, .session = 40, .tty = 5 }, no_tty = { .line = { 50 }, .n = 1 };
	(void)state;
	assert_true(caller_is(&c, &(struct procstat){ .pid = 40 }));
	assert_true(caller_is(&c, &(struct procstat){ .pid = 99, .session = 40, .tty = 5 }));
	assert_false(caller_is(&c, &(struct procstat){ .pid = 99, .session = 41, .tty = 5 }));
	assert_false(caller_is(&no_tty, &(struct procstat){ .pid = 99 })); /* no terminal is nobody's terminal */
}

static void kernel_log(void **state)
{
	static const struct {
		const char *record;
		int class;
	} cases[] = {
		{ "6,1,5000000,-;Memory cgroup out of memory: x\n", -1 },
		{ "3,1,5000000,-;Out of memory: Killed process 7 (x)\n", PRESSURE_LOG_OOM },
		{ "2,1,5000000,-;EXT4-fs error (device loop0): bad\n", PRESSURE_LOG_FS },
		{ "6,1,5000000,-;cgroup: fork rejected by pids controller\n", PRESSURE_LOG_CGROUP },
		{ "4,1,5000000,-;BUG: unable to handle page fault for address: 0\n", PRESSURE_LOG_BUG },
		{ "3,1,5000000,-;Oops: 0002 [#1] SMP\n", PRESSURE_LOG_BUG },
		{ "11,1,5000000,-;EXT4-fs error: written by user space\n", -1 },
		{ "nonsense", -1 },
		{ "", -1 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint64_t us = 0;
		const char *text = NULL;
		assert_int_equal(pressure_log_class(cases[i].record, &us, &text), cases[i].class);
		if (cases[i].class >= 0)
			assert_int_equal(us, 5000000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_names),
		cmocka_unit_test(garbage),
		cmocka_unit_test(callers),
		cmocka_unit_test(kernel_log),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
