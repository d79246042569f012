/* What engineering wants to see when a host is handed over to them: one directory, whole or not there. */
#ifndef TUI_BUNDLE_H
#define TUI_BUNDLE_H

#include <stddef.h>

#include "probes/base/err.h"
#include "probes/base/paths.h"

/* Fills INCIDENTS/<id>/bundle-<time>; its path in `path`. What could not be read is named in MISSING. Reads only,
 * but it may take seconds, and a dead file system may hold it: run it in a process of its own. */
int bundle_make(const struct paths *paths, const char *id, char *path, size_t cap, struct err *e) MUST_CHECK;
/* The words for the page, into a buffer. */
void bundle_page(const struct paths *paths, const char *id, const char *path, char *out, size_t cap);

#endif
