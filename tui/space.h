/* The space view: where the bytes of a file system went, as `rustbox-probe space` tells it. */
#ifndef TUI_SPACE_H
#define TUI_SPACE_H

#include "tui/model.h"
#include "tui/prose.h"

/* Opens the view and asks: about the row under the cursor when it lies on a file system, else about the work root. */
struct effect space_open(struct model *m);
void space_line(struct model *m, const char *line);
void space_exit(struct model *m, const struct job *job, int status);
void space_lines(const struct model *m, struct prose *out);
const char *space_title(const struct model *m, char *out, size_t cap);

#endif
