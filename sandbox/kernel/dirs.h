/* Directories of rustbox's own, made with all they stand on: a world of its own (--root) starts with nothing. */
#ifndef SANDBOX_KERNEL_DIRS_H
#define SANDBOX_KERNEL_DIRS_H

#include "probes/base/paths.h"

/* mkdir -p of one row of the table of paths, from the root's own directory on (whose parent must exist). What is made
 * on the way gets 0755, the last one `mode`; what is there already keeps what it has. */
int dirs_make(const struct paths *p, enum path_id which, mode_t mode, struct err *e) MUST_CHECK;

#endif
