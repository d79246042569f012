/* Where the runbooks are on this host, and reading them into the model. */
#ifndef TUI_BOOKS_H
#define TUI_BOOKS_H

#include <stddef.h>

#include "probes/base/err.h"
#include "tui/model.h"

/* RUSTBOX_RUNBOOKS, else beside the running binary (share/rustbox/runbooks of its prefix, or the source
 * tree's runbooks above a build folder), else where it was installed. Absolute; "" when there are none. */
void books_find(char *dir, size_t cap);
/* Every *.md of the folder. Pages that parse are kept even when another does not; the error names that one. */
int books_load(struct model *m, const char *dir, struct err *e) MUST_CHECK;

#endif
