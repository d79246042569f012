/*
 * The console as a numbered dialogue: for screen readers, for terminals that cannot place a cursor, for logs. Lines in,
 * lines out, no escape sequence, no redrawing. The same update() as on the full screen, so the same gates: previews,
 * typed phrases, nothing answered before it was asked.
 */
#ifndef TUI_PLAIN_H
#define TUI_PLAIN_H

#include "tui/loop.h"

/* Until `quit`, the end of the input, or an error; opt->term is not used. */
int plain_run(const struct loop_options *opt, struct err *e) MUST_CHECK;

#endif
