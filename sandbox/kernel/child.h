/*
 * Making a process that starts from nothing: new namespaces, default signals, no descriptor but those named.
 * After clone there is one thread and another's heap behind it: nothing here allocates or locks.
 */
#ifndef SANDBOX_KERNEL_CHILD_H
#define SANDBOX_KERNEL_CHILD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "probes/base/err.h"
#include "sandbox/policy/rows.h"

/* clone3 with fork semantics. In the parent: the pid, and *pidfd (close-on-exec). In the child: 0. cgroup_fd: the v2
 * cgroup it is born in, or -1. */
pid_t child_spawn(uint64_t namespaces, int cgroup_fd, int *pidfd, struct err *e) MUST_CHECK;
/* First thing in the child: dies with its parent, own session, all signals default and unblocked but those in
 * `blocked` (0 or SIGCHLD). The parent's death before this call shows on a lifeline pipe only. */
int child_begin(int blocked) MUST_CHECK;
/* *row: the failed one, counted from 1. */
int child_rlimits(const struct rlimit_row *rows, size_t n, size_t *row) MUST_CHECK;
/* The descriptors become 0, 1 and 2; they must be above 2 before. */
int child_stdio(const int fds[static 3]) MUST_CHECK;
/* Closes everything but these (negative ones are skipped). Sorts them in place. */
int child_keep_only(int *fds, size_t n) MUST_CHECK;
/* Up to CHILD_HANDED descriptors in one message over sys_socketpair's ends. Receiving waits for it and returns how
 * many there were, -EPIPE when the other end is gone; they are close-on-exec. */
enum { CHILD_HANDED = 16 };
int child_hand_over(int socket, const int *fds, size_t n, struct err *e) MUST_CHECK;
int child_receive(int socket, int ret[static CHILD_HANDED]) MUST_CHECK;
/* What ps shows in place of the arguments, cut to their room and the environment's, which is wiped. */
int child_title(const char *title) MUST_CHECK;

#endif
