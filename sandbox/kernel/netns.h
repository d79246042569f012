/*
 * A network namespace of one's own, made beside: it takes the kernel as long to make one as all the other namespaces,
 * the mounts and the cgroups of a box together take half of, and depends on none of them. So a process that shares our
 * memory and descriptors makes it on another processor meanwhile, and the box's init enters it (setns).
 * It is new, empty and entered by one box: nothing is shared or used again.
 */
#ifndef SANDBOX_KERNEL_NETNS_H
#define SANDBOX_KERNEL_NETNS_H

#include "probes/base/err.h"

struct netns; /* one in the making */

/* Starts making one. The maker ends by itself, whatever becomes of us. */
int netns_begin(struct netns **ret, struct err *e) MUST_CHECK;
/* Waits until it is there: its descriptor, the caller's to close, or -errno. *n is used up in any case. */
int netns_take(struct netns **n, struct err *e) MUST_CHECK;
/* Waits, and lets it go. NULL is fine. */
void netns_drop(struct netns **n);

#endif
