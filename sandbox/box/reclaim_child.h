/*
 * An act that can sleep in the kernel for ever (umount of a dead server, a tree on a frozen disk) is done by a
 * child, so that the caller keeps its deadline. A child that does not come back is killed, named with its
 * state and where in the kernel it waits, and left to the kernel: nobody can do more.
 */
#ifndef SANDBOX_BOX_RECLAIM_CHILD_H
#define SANDBOX_BOX_RECLAIM_CHILD_H

#include <stdint.h>

#include "probes/base/err.h"

struct child_voice { /* how the act says how far it is */
	int fd;
};

void child_says(struct child_voice *voice, uint64_t done);

/* The act runs with stdin, stdout and stderr and no other descriptor of the caller's: a lock it inherited would
 * outlive a caller whose child is stuck. Returns what the act returned (with *e), or -ETIMEDOUT. */
int child_do(int (*act)(void *arg, struct child_voice *voice, struct err *e), void *arg, unsigned ms,
	     void (*progress)(void *arg, uint64_t done), void *progress_arg, struct err *e) MUST_CHECK;

#endif
