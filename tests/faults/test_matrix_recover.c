/*
 * Recovery against the lab: every fault planted for real, recovered with one command, proven gone trace by trace, its
 * canaries proven alive, and a second recovery proven to act on nothing. What recovery must not solve by itself (a stranger
 * in a mount, a process in D, an orphan) must end in time, say so, and be solved once the world relents.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/base/own.h"
#include "tests/harness/lab.h"

static int recover(const struct world *w, char *said, size_t cap)
{
	struct ran r;
	world_call(w, &r, 75, "rustbox", "health", "--recover", "--cleanup", "--json");
	size_t n = (size_t)snprintf(said, cap, "exit %d signal %d%s after %.1f s\n%.300s", r.code, r.signal, r.late ? " LATE" : "",
				    r.seconds, r.err);
	for (char *save = NULL, *line = strtok_r(r.out, "\n", &save); line && n < cap; line = strtok_r(NULL, "\n", &save))
		if (!strstr(line, "\"released\"") && !strstr(line, "\"gone\""))
			n += (size_t)snprintf(said + n, cap - n, "%.400s\n", line);
	int code = r.late ? -2 : r.code;
	ran_done(&r);
	return code;
}

static bool clean_says(const struct world *w, bool expected)
{
	struct ran r;
	char got[16];
	world_call(w, &r, 10, "rustbox", "health", "--verify-clean", "--json");
	json_t *j = ran_json(&r);
	bool ok = j && !strcmp(json_at(j, "clean", got, sizeof got), expected ? "true" : "false") && (r.code == 0) == expected;
	if (!ok)
		print_message("--verify-clean: exit %d, %.500s %.300s\n", r.code, r.out, r.err);
	json_decref(j);
	ran_done(&r);
	return ok;
}

#define demand(cond, ...)                      \
	do {                                   \
		if (!(cond)) {                 \
			print_message(__VA_ARGS__); \
			bad = true;            \
		}                              \
	} while (0)

static bool recover_stubborn(struct lab *l, const struct fault *f, char *said, size_t cap)
{
	bool bad = false;
	int code = recover(l->world, said, cap);
	demand(code == 1, "%s: recovery must end with 1 (left something): %s\n", f->name, said);
	demand(clean_says(l->world, false), "%s: is said to be clean\n", f->name);
	lab_relent(l);
	return !bad;
}

static void recovers(void **state)
{
	const struct fault *f = *state;
	static struct lab l;
	struct world w;
	char text[2048] = "", said[4096];
	bool bad = false;
	world_open(&w, WORLD_MOUNTS);
	lab_open(&l, &w, "leak");
	enum planted p = lab_plant(&l, f);
	if (p == PLANTED) {
		demand(clean_says(&w, f->foreign), "%s: planted, and not seen\n", f->name);
		if (!f->lazy_only || recover_stubborn(&l, f, said, sizeof said) || (bad = true)) {
			int code = recover(&w, said, sizeof said);
			demand(code == 0, "%s: %s\n", f->name, said);
		}
		demand(lab_gone(&l, text, sizeof text) || f->foreign, "%s: not gone: %s\n", f->name, text);
		if (!f->lazy_only) /* there, the canary is what relented */
			demand(lab_unharmed(&l, text, sizeof text), "%s: %s\n", f->name, text);
		autofree char *left = world_left(&w);
		demand(f->foreign || !*left, "%s: left: %s\n", f->name, left);
		demand(clean_says(&w, true), "%s: not clean after recovery\n", f->name);
		demand(recover(&w, said, sizeof said) == 0, "%s: the second recovery: %s\n", f->name, said);
	}
	lab_undo(&l);
	assert_true(world_remove(&w));
	if (p == PLANT_IMPOSSIBLE) {
		print_message("skipped: %s: %s\n", f->name, l.why);
		skip();
	}
	if (p != PLANTED)
		fail_msg("%s: %s", f->name, l.why);
	assert_false(bad);
}

/* Everything at once, two recoveries at the same time: both end, and nothing is left. The second waits, and on a slow host
 * gives up in time, naming the first. */
static bool ends_well(int code, const char *said)
{
	return code == 0 || (code == 3 && strstr(said, "no recovery: a recovery is at work"));
}

static void all_at_once(void **state)
{
	(void)state;
	static struct lab labs[64];
	struct world w;
	unsigned n = 0;
	bool bad = false;
	char text[2048], said[4096];
	world_open(&w, WORLD_MOUNTS);
	for (unsigned i = 0; i < lab_fault_count; i++) {
		if (lab_faults[i].lazy_only || lab_faults[i].foreign || !strcmp(lab_faults[i].name, "traps") ||
		    !strncmp(lab_faults[i].name, "bind", 4)) /* these share one precious directory */
			continue;
		lab_open(&labs[n], &w, lab_faults[i].name);
		n += lab_plant(&labs[n], &lab_faults[i]) == PLANTED;
	}
	int status, code;
	pid_t other = fork();
	if (other == 0)
		_exit(ends_well(code = recover(&w, said, sizeof said), said) ? code : 9);
	code = recover(&w, said, sizeof said);
	waitpid(other, &status, 0);
	int others = WIFEXITED(status) ? WEXITSTATUS(status) : 9;
	demand(ends_well(code, said) && others != 9 && (code == 0 || others == 0), "%s\nthe other: %x\n", said, status);
	for (unsigned i = 0; i < n; i++)
		demand(lab_gone(&labs[i], text, sizeof text), "%s: %s\n", labs[i].box, text);
	for (unsigned i = n; i-- > 0;) /* a later lab's keepers inherited the ends that keep an earlier one's alive */
		lab_undo(&labs[i]);
	assert_true(world_remove(&w));
	assert_false(bad);
	assert_true(n > 20);
}

int main(int argc, char **argv)
{
	static struct CMUnitTest tests[130];
	size_t n = 0;
	world_alone();
	if (world_lacking()) {
		printf("skipped: %s\n", world_lacking());
		return 77;
	}
	for (unsigned i = 0; i < lab_fault_count; i++)
		if (argc < 2 || !strcmp(lab_faults[i].name, argv[1]))
			tests[n++] = (struct CMUnitTest){ lab_faults[i].name, recovers, NULL, NULL,
							  (void *)(uintptr_t)&lab_faults[i] };
	if (argc < 2 || !strcmp(argv[1], "all"))
		tests[n++] = (struct CMUnitTest){ "everything at once, two recoveries", all_at_once, NULL, NULL, NULL };
	return _cmocka_run_group_tests("recovery", tests, n, NULL, NULL);
}
