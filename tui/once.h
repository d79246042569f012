/* The report without a terminal: what is left, in plain text or one JSON object, and an exit status. */
#ifndef TUI_ONCE_H
#define TUI_ONCE_H

#include <stdbool.h>
#include <stdio.h>

#include "probes/base/paths.h"

/*        value, meaning */
#define ONCE_CODES(X)                                                                             \
	X(CLEAN, 0, "clean") X(LEAKS, 1, "leftovers") X(QUARANTINED, 2, "quarantined")            \
	X(CONFLICT, 3, "declared healthy while something was left") X(UNKNOWN, 4, "cannot tell: a source could not be read")

enum once_code {
#define X(id, value, meaning) ONCE_##id = value,
	ONCE_CODES(X)
#undef X
};

/* Looks for at most ten seconds, in a child, so that a hung host cannot hang the report. Returns the exit
 * status; everything, the reason for ONCE_UNKNOWN included, is on stdout. */
int once_run(const struct paths *paths, bool json);

#endif
