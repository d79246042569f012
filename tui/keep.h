/*
 * Between the console and a command that acts stands a keeper. It passes on what the command says, and writes the same,
 * and how it ended, to RUN/steps/<incident>: a console that is killed meanwhile loses nothing of it, and the next one
 * attaches. The file is made before the keeper is started and removed before the next command is announced in the
 * journal: an announcement without a file is a command that was never started.
 *
 * Its lock is held while the keeper lives. Its lines are "o " and what was said, "e " and what was complained of, and at
 * last "x " and the exit status.
 */
#ifndef TUI_KEEP_H
#define TUI_KEEP_H

#include <stdbool.h>

#include "probes/base/err.h"
#include "probes/base/paths.h"

enum { KEEP_FD = 3, KEEP_UNKNOWN = 125, KEEP_NEVER = 126 };

/* Makes and locks the file: a descriptor for the keeper's KEEP_FD, or -errno (RUN must be there). */
int keep_open(const struct paths *paths, const char *incident, struct err *e) MUST_CHECK;
void keep_forget(const struct paths *paths, const char *incident);
bool keep_runs(const struct paths *paths, const char *incident); /* the keeper lives */

/* rustbox-tui keep PROGRAM ARG...: the keeper. Exits as the program does. SIGINT and SIGTERM go to the program, SIGQUIT
 * kills it; the keeper itself stays until it has ended. */
int keep_command(char **argv);
/* rustbox-tui attach ID: says what was said so far and as it comes, and exits as the command did; KEEP_NEVER when it was
 * not started, KEEP_UNKNOWN when its keeper was killed. */
int keep_attach(const struct paths *paths, const char *incident);

#endif
