/*
 * The console inside a drill: the drill's commands from the palette (`:drill hint`), what was done written into the
 * drill's log, and the training mode that tells each step's trap. All that a drill knows and decides is
 * `rustbox drill`'s; the console shows its answers.
 */
#ifndef TUI_DRILL_H
#define TUI_DRILL_H

#include "tui/model.h"

/* ":drill WORDS"; "" asks for the result so far, or outside of a drill for the list. */
struct effect drill_ask(struct model *m, const char *words);
/* A key while the answer to a drill's command is open; false: not one of its own. */
bool drill_key(struct model *m, uint32_t key, struct effect *ret);
/* Of the answer that is open: "DRILL RESULT", or NULL when it is no drill's. */
const char *drill_title(const struct model *m);
const char *drill_keys(const struct model *m); /* for the last line of its dialog, or NULL */

/* What the log is told of: compared before and after each message. */
struct drill_seen {
	int dialog;
	const char *refusal;
	const struct procedure *proc;
};
/* Appends to the log at `fd`; -1: does nothing. */
void drill_log(int fd, struct drill_seen *seen, const struct model *m, const struct msg *msg);
int drill_log_open(void); /* RUSTBOX_DRILL/log, or -1 */

#endif
