/* The identities of planted things and canaries, and whether they are there and what they were. */
#ifndef SANDBOX_DRILL_THINGS_H
#define SANDBOX_DRILL_THINGS_H

#include "sandbox/drill/ground.h"

uint64_t thing_start(pid_t pid); /* start time in clock ticks; 0: no such process, or a zombie */
/* The same of a zombie, and who is to read its end; 0: no such process, or it runs. */
uint64_t thing_zombie(pid_t pid, pid_t *ret_parent);

struct thing *thing_note(struct ground *g, enum thing_kind kind, const char *name);
int canary_path(struct ground *g, const char *path, struct err *e) MUST_CHECK;
int canary_kept(struct ground *g, const char *path, struct err *e) MUST_CHECK;
int canary_mount(struct ground *g, const char *path, struct err *e) MUST_CHECK;
int canary_process(struct ground *g, pid_t pid, const char *name, struct err *e) MUST_CHECK;

bool thing_there(const struct thing *t);
bool canary_lives(const struct thing *t);

#endif
