/* Starting programs inside a drill. */
#ifndef SANDBOX_DRILL_PROGRAM_H
#define SANDBOX_DRILL_PROGRAM_H

#include "probes/base/err.h"

/* Runs argv[0] (an absolute path) to its end with standard input and, unless negative, output from these; returns the exit
 * status, 128 + signal, or -errno. */
int program_run(const char *const *argv, int in, int out) MUST_CHECK;
/* In place of this process; returns only when it failed. */
int program_become(const char *const *argv) MUST_CHECK;

#endif
