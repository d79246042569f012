/* Small questions about a process, for the acts that end some. */
#ifndef SANDBOX_BOX_RECLAIM_PID_H
#define SANDBOX_BOX_RECLAIM_PID_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "probes/scope.h"

/* This process or one of its ancestors: the operator's own session. */
bool pid_is_mine(pid_t pid);
/* "pid 17 (name) state D in wchan"; raw name, to be escaped by whoever shows it. */
void pid_describe(pid_t pid, char *out, size_t cap);
/* Thaws every cgroup of ours the process sits in; `why` says what still freezes it, or "". */
void pid_thaw(const struct scope *scope, pid_t pid, char *why, size_t cap);

#endif
