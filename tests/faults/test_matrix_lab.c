/* The lab itself: every fault can be planted, is really there, and can be undone without a trace. Without this,
 * a recovery test that finds "nothing left" would prove nothing. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "probes/base/own.h"
#include "tests/harness/lab.h"

static void plants_and_undoes(void **state)
{
	const struct fault *f = *state;
	static struct lab l;
	struct world w;
	char text[1024];
	world_open(&w, WORLD_MOUNTS);
	lab_open(&l, &w, "plant");
	enum planted p = lab_plant(&l, f);
	autofree char *left = world_left(&w);
	bool shows = *left != '\0', unharmed = lab_unharmed(&l, text, sizeof text);
	lab_undo(&l);
	autofree char *after = world_left(&w);
	bool removed = world_remove(&w);
	if (p == PLANT_IMPOSSIBLE) {
		print_message("skipped: %s: %s\n", f->name, l.why);
		skip();
	}
	if (p != PLANTED)
		fail_msg("%s: %s", f->name, l.why);
	if (!unharmed)
		fail_msg("%s: %s", f->name, text);
	if (!f->foreign && !shows)
		fail_msg("%s: planted, and the world looks empty", f->name);
	if (strstr(after, "mount ") || strstr(after, "cgroup ") || strstr(after, "process "))
		fail_msg("%s: not undone: %s", f->name, after);
	assert_true(removed);
}

int main(int argc, char **argv)
{
	static struct CMUnitTest tests[128];
	size_t n = 0;
	world_alone();
	if (world_lacking()) {
		printf("skipped: %s\n", world_lacking());
		return 77;
	}
	for (unsigned i = 0; i < lab_fault_count; i++)
		if (argc < 2 || strstr(lab_faults[i].name, argv[1]))
			tests[n++] = (struct CMUnitTest){ lab_faults[i].name, plants_and_undoes, NULL, NULL,
							  (void *)(uintptr_t)&lab_faults[i] };
	return _cmocka_run_group_tests("lab", tests, n, NULL, NULL);
}
