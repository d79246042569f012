/* A command that is running for the console, and what it has said so far. Types only. */
#ifndef TUI_JOB_H
#define TUI_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probes/base/arena.h"
#include "tui/dialog.h"
#include "tui/ring.h"

/* One child at a time for each of these purposes. */
#define JOBS(X) X(ACT, "act") X(LOOK, "look") X(HOLDERS, "holders") X(SPACE, "space")
enum job_kind {
#define X(id, word) JOB_##id,
	JOBS(X)
#undef X
	JOB_COUNT
};

struct job {
	uint32_t id; /* 0: none is running */
	uint64_t began_ms;
	unsigned timeout_ms;
	int step;    /* of the walk, or -1 */
	char ended[60]; /* "exit 1", in words when it was stopped */
	size_t ok, bad;
	unsigned recoveries; /* failed attempts before it */
	bool then_retry;
	struct arena mem;
	const char **argv;
	struct outcome { const char *kind, *id, *name, *outcome, *because, *blocker; const char *err; uint64_t ms; } *v;
	size_t n;
	char last[RING_TEXT]; /* the last line it said that is not an item */
};

/* A command said it released these; its step ticks when the watch stream agrees, or fails at the deadline. */
struct awaiting {
	bool on, healthy, clean; /* clean: nothing at all may be left */
	int step;
	uint64_t until_ms;
	struct arena mem;
	struct target *v;
	size_t n, ok, bad;
	unsigned recoveries;
	char first_bad[120];
};

#endif
