/*
 * The one place that waits. Terminal, signals, the watch stream, children and the clock each become a
 * message for update(); what update() asks for is done; and the model is drawn, at most every 33 ms, and
 * only when the terminal keeps up: frames are dropped, never events.
 */
#ifndef TUI_LOOP_H
#define TUI_LOOP_H

#include "probes/base/err.h"
#include "probes/base/paths.h"
#include "tui/model.h"
#include "tui/term.h"

struct loop_options {
	struct model *model;
	struct terminal *term;
	const struct paths *paths;
	const char *incident;
	const char *metrics; /* where the worker's are: see tui/scrape.h; NULL: nowhere */
	const char *notice; /* said once at the start, or NULL */
	bool utf8;
};

/* Blocks the signals that the loop reads from a descriptor; before any child is started. */
void loop_block_signals(void);

/* Until the operator leaves: returns the exit status (128 + signal for TERM and HUP), or -errno. */
int loop_run(const struct loop_options *opt, struct err *e) MUST_CHECK;

#endif
