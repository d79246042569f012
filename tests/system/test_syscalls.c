/*
 * The system call table against the kernel: every row is made in a box, with an allowed and a refused argument where it
 * has a condition, and what becomes of it is what the row says. Made from the table: a row without an answer fails.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/policy/syscalls.h"
#include "tests/harness/world.h"

enum { NEWEST_OLD = 449 }; /* Linux 5.17: what is allowed up to here, every kernel of ours has */

static uint32_t unlisted(const struct syscall_condition *w)
{
	for (uint32_t v = w->mask & -w->mask;; v += w->mask & -w->mask) {
		bool in = false;
		for (int i = 0; i < w->nvalues; i++)
			in |= w->values[i] == (v & w->mask);
		if (!in)
			return v & w->mask;
	}
}

static void word_of(const struct syscall_rule *r, bool hit, char out[static 48])
{
	int which = r->when ? r->when->arg : 0;
	long value = !r->when ? -1 : hit ? (long)r->when->values[0] : (long)unlisted(r->when);
	(void)snprintf(out, 48, "%d:%d:%ld", r->nr, which, value);
}

static void check(const struct syscall_rule *r, bool hit, const char *answers)
{
	char word[48], want[64], shown[64] = "";
	uint32_t action = hit ? r->ret : r->otherwise;
	word_of(r, hit, word);
	(void)snprintf(want, sizeof want, "\n%s ", word);
	const char *at = strstr(answers, want);
	if (!at)
		fail_msg("%s: nobody tried it", r->name);
	at += strlen(want);
	(void)snprintf(shown, sizeof shown, "%.*s", (int)strcspn(at, "\n"), at);
	if (action == SECCOMP_RET_KILL_PROCESS)
		(void)snprintf(want, sizeof want, "killed");
	else if ((action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO)
		(void)snprintf(want, sizeof want, "errno %u", action & SECCOMP_RET_DATA);
	else if (strcmp(shown, "killed") == 0 || (r->nr <= NEWEST_OLD && strcmp(r->name, "futex") != 0 && strcmp(shown, "errno 38") == 0)) /* futex says so of its op */
		fail_msg("%s (%s) is allowed, and yet: %s", r->name, syscall_group_word(r->group), shown);
	else
		return;
	if (strcmp(shown, want) != 0)
		fail_msg("%s (%s, %s): %s, not %s", r->name, syscall_group_word(r->group), word, shown, want);
}

static void test_every_row(void **state)
{
	static char list[32768];
	struct world w;
	struct ran ran;
	char dir[PATH_ROOM + 32], word[48];
	size_t n = 0, groups[GROUP_COUNT] = { 0 };
	(void)state;
	if (world_lacking())
		skip();
	world_open(&w, WORLD_SHARED);
	(void)snprintf(dir, sizeof dir, "/p=%s/payloads", w.build);
	for (size_t i = 0; i < syscall_rule_count; i++)
		for (int hit = 0; hit < (syscall_rules[i].when ? 2 : 1); hit++) {
			word_of(&syscall_rules[i], hit || !syscall_rules[i].when, word);
			n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", n ? "," : "", word);
			assert_true(n < sizeof list - 64);
		}
	/* The numbers after the last row are tomorrow's. */
	int last = syscall_rules[syscall_rule_count - 1].nr;
	n += (size_t)snprintf(list + n, sizeof list - n, ",%d:0:-1,%d:0:-1", last + 1, last + 100);
	world_call(&w, &ran, 60, "rustbox", "run", "--time", "10", "--wall-time", "50", "--processes", "40", "--dir", dir, "--",
		   "/p/in_calls", list);
	if (ran.code != 0)
		fail_msg("exit %d: %.300s ... %.300s", ran.code, ran.out_len > 300 ? ran.out + ran.out_len - 300 : ran.out, ran.err);
	for (size_t i = 0; i < syscall_rule_count; i++) {
		const struct syscall_rule *r = &syscall_rules[i];
		groups[r->group]++;
		check(r, true, ran.out);
		if (r->when)
			check(r, false, ran.out);
	}
	for (int new = last + 1; new <= last + 100; new += 99) {
		(void)snprintf(word, sizeof word, "\n%d:0:-1 killed", new);
		assert_non_null(strstr(ran.out, word));
	}
	for (int g = 0; g < GROUP_COUNT; g++)
		print_message("%-10s %zu rows\n", syscall_group_word((enum syscall_group)g), groups[g]);
	ran_done(&ran);
	bool clean = world_clean_within(&w, 1);
	assert_true(world_done(&w) && clean);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_every_row) };
	world_alone();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
