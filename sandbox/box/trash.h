/*
 * Temp directories that were deleted a moment ago: renamed beside where they stood, to
 * ".rustbox-trash-<until>-<box>", so that a wrong decision can be taken back until then. No name of ours that
 * discovery looks for: what is in the trash is no leftover, and no box can be called so.
 */
#ifndef SANDBOX_BOX_TRASH_H
#define SANDBOX_BOX_TRASH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "probes/dirid.h"
#include "probes/scope.h"

enum { TRASH_S = 600 };

/* Whether the file system can afford to keep what was deleted: a tenth of its bytes and inodes are free. */
bool trash_has_room(const struct paths *p);
/* Moves <work>/<name> away, if it still is this directory. -ENOENT: gone already. */
int trash_put(const struct paths *p, const char *name, const struct dirid *id, uint64_t until, struct err *e) MUST_CHECK;
/* Brings back this directory; its path into `back`. -ENOENT: not in the trash (any more). */
int trash_undo(const struct paths *p, const struct dirid *id, char *back, size_t cap, struct err *e) MUST_CHECK;
/* Deletes what has been there long enough, at most for `ms`; how many are left that should be gone. */
size_t trash_expire(const struct paths *p, uint64_t now, unsigned ms);

#endif
