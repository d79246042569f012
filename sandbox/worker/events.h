/* Events to <state>/events.jsonl, one JSON line in one write, rotated by size; and to journald where it listens. */
#ifndef SANDBOX_WORKER_EVENTS_H
#define SANDBOX_WORKER_EVENTS_H

#include "probes/base/paths.h"
#include "sandbox/policy/events.h"

enum { EVENTS_MAX_BYTES = 8 << 20 }; /* then it becomes events.jsonl.1, and that one .2; older ones go */

struct event_facts { /* all may be NULL */
	const char *kind, *box, *reason, *detail, *outcome;
};

/* The line is in the file when this returns 0. The journal is a second copy: when nobody listens there, that is
 * no error. */
int event_emit(const struct paths *p, enum event event, const struct event_facts *facts, struct err *e) MUST_CHECK;

#endif
