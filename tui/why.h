/* Why a row is there, what blocks it, and where to go next: computed from what is known, never guessed. */
#ifndef TUI_WHY_H
#define TUI_WHY_H

#include "tui/model.h"
#include "tui/prose.h"

void row_blocked(const struct model *m, const struct row *row, char *out, size_t cap); /* "2 procs, 1 child" */
const char *row_next(const struct model *m, const struct row *row);			/* "P2.2", "look", "-" */
void row_title(const struct row *row, char *out, size_t cap); /* its name and short facts, escaped */
void why_lines(const struct model *m, const struct row *row, struct prose *out);

#endif
