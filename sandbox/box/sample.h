/*
 * Two peaks that no counter of the kernel keeps: descriptors of one process, signals queued to the box's uid. They
 * can only be seen while it lives, so the supervisor looks now and then: 20 ms after exec, then at intervals that
 * double up to 640 ms, and before it kills. A run that is over sooner is never looked at, and pays nothing; one look
 * is about ten system calls a process.
 */
#ifndef SANDBOX_BOX_SAMPLE_H
#define SANDBOX_BOX_SAMPLE_H

#include "sandbox/kernel/cgroup.h"
#include "sandbox/policy/evidence.h"

enum { SAMPLE_FIRST_MS = 20, SAMPLE_RAREST_MS = 640 };

/* Raises ev->fd_peak and ev->signals_peak by what the box's processes of this uid have now. */
void sample_peaks(const struct cgroup *cg, uid_t uid, struct evidence *ev);

#endif
