/*
 * What update() asks of the world, done: command lines as children with a deadline, their lines as
 * messages, the incident journal, the stored baseline. Nothing here waits for a child, and nothing here
 * has a privilege the operator has not: as an ordinary user `rustbox` is started through sudo -n.
 * The root is passed on in the environment (RUSTBOX_ROOT), which the caller has set.
 */
#ifndef TUI_EFFECTS_H
#define TUI_EFFECTS_H

#include <stdbool.h>
#include <stdint.h>

#include "probes/base/err.h"
#include "probes/base/paths.h"
#include "tui/armed.h"
#include "tui/child.h"
#include "tui/effect.h"
#include "tui/feed.h"
#include "tui/journal.h"
#include "tui/lines.h"

enum { EFFECTS_AT_ONCE = 8, EFFECTS_LINE = 4 * 1024 * 1024, EFFECTS_TERM_MS = 2000, EFFECTS_KILL_MS = 1000 };

/* How hard a child past its deadline has been asked to go. */
enum patience { PATIENT, ASKED_TO_END, KILLED, GIVEN_UP };

struct running {
	uint32_t job; /* 0: free; a given-up child keeps its place, with job 0, until it can be reaped */
	struct child child;
	struct lines out, err;
	uint64_t until_ms; /* the next loss of patience, 0: none */
	enum patience patience;
	bool late, ended, kept; /* kept: the child is a keeper */
	int status;
};

struct effects {
	int poll; /* readable when effects_ready() has something to do */
	const struct paths *paths;
	struct journal journal;
	uint64_t flush_ms;    /* when lines kept in memory are tried again */
	struct armed armed;
	struct running v[EFFECTS_AT_ONCE];
};

int effects_init(struct effects *x, const struct paths *paths, const char *incident, struct err *e) MUST_CHECK;
/* Does the part of `what` that is not the terminal's: run, stop, record, baseline. */
void effects_do(struct effects *x, const struct effect *what, uint64_t now_ms, struct feed_sink sink);
void effects_ready(struct effects *x, uint64_t now_ms, struct feed_sink sink);
void effects_tick(struct effects *x, uint64_t now_ms, struct feed_sink sink);
int effects_next_ms(const struct effects *x, uint64_t now_ms); /* until effects_tick() is wanted; -1: not */
void effects_done(struct effects *x); /* children still running go on to their end on their own */

/* effects_read.c: MSG_HISTORY, also with when cleanups failed; MSG_BASELINE after it. */
void effects_history(const struct effects *x, bool failures, struct feed_sink sink);
void effects_baseline(const struct effects *x, struct feed_sink sink);

#endif
