/*
 * rustbox prepare: makes the nest of box/nest.h, and --undo removes it. An operator's or a unit's decision, because it
 * leaves two mounts on the host until then; neither changes what a run does or keeps from doing, only how soon it starts.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "probes/base/own.h"
#include "sandbox/box/nest.h"
#include "sandbox/ops/ops.h"

static int act(const struct paths *p, bool undo, struct err *e)
{
	autorecovery struct recovery_lock turn = RECOVERY_UNLOCKED;
	int r = ops_take_turn(p, &turn, e);
	if (r < 0)
		return r;
	if (undo)
		return nest_remove(p, e);
	struct err why;
	autofd int nest = nest_open(p, &why); /* a second time there is nothing to do */
	return nest >= 0 ? 0 : nest_make(p, e);
}

int ops_prepare(const struct invocation *in)
{
	struct err e = { 0 };
	bool undo = in->argc == 2 && strcmp(in->argv[1], "--undo") == 0;
	if (in->argc > 1 && !undo)
		return command_usage(in);
	if (geteuid() != 0) {
		complain("prepare: it needs root: sudo rustbox prepare");
		return EXIT_IE;
	}
	int r = act(in->paths, undo, &e);
	ops_note_action(in->paths, undo ? "prepare --undo" : "prepare", in->paths->of[PATH_NEST], r < 0 ? e.text : "done");
	if (r == 0)
		return EXIT_GOOD;
	complain("prepare: %s", e.text);
	return EXIT_IE;
}
