/* Lines to read in a dialog or a pane: made from the model, wrapped to a width, drawn elsewhere. */
#ifndef TUI_PROSE_H
#define TUI_PROSE_H

#include "probes/base/arena.h"
#include "tui/canvas.h"

struct prose {
	struct prose_line {
		enum ink ink;
		const char *text;
	} *v;
	size_t n;
	struct arena *a;
	int width; /* lines are broken at blanks to fit */
};

/* `lead` stands at the left of the first line, later lines are indented by its length. */
void prose_add(struct prose *p, enum ink ink, const char *lead, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
