/* `:write FILE`: the list as it stands, as text or, when the name ends in .json, as one JSON object. */
#ifndef TUI_WRITE_H
#define TUI_WRITE_H

#include "tui/model.h"

struct effect write_ask(struct model *m, const char *path);
/* A new file of mode 0600 and nothing else: what is there is not touched and no link is followed. `said`: the
 * sentence for the operator, either way. */
void write_file(const char *path, const char *text, char *said, size_t cap);

#endif
