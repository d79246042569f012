/*
 * One direction of a program's input or output, pumped: the program never holds a descriptor of the caller's, so
 * it can neither push keys into the operator's terminal nor keep it open. What is over the limit is read and
 * dropped: a program must not block, or end differently, because its output is not kept.
 */
#ifndef SANDBOX_BOX_STREAM_H
#define SANDBOX_BOX_STREAM_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probes/base/arena.h"
#include "sandbox/policy/evidence.h"

struct stream_pump {
	int from, to;	 /* -1: finished, or (to) captured: kept in buf */
	bool own_from, own_to; /* ours to close */
	uint64_t limit;	 /* bytes to keep; the rest is dropped */
	uint64_t total;	 /* bytes read */
	uint64_t taken;	 /* of those, kept or passed on */
	uint64_t eof_ns; /* when `from` ended, 0 while open */
	char *buf;
	size_t n, sent, cap; /* buf[sent..n) waits to be written */
};

/* What to poll for: events on *from_set and *to_set; fd -1 where nothing is awaited. */
void stream_want(const struct stream_pump *s, struct pollfd *from_set, struct pollfd *to_set);
/* Moves what can be moved without blocking; `revents` as poll gave them. -errno when the pump cannot go on. */
int stream_move(struct stream_pump *s, short from_revents, short to_revents) MUST_CHECK;
/* The writers are dead: reads what is left in the pipe, up to its end. */
int stream_drain(struct stream_pump *s) MUST_CHECK;
/* Hands over what still waits; blocks as long as the reader does. Broken readers are fine. */
void stream_flush(struct stream_pump *s);
/* As evidence: captured bytes go to the arena. ended_ns: when the program ended. */
void stream_evidence(const struct stream_pump *s, uint64_t ended_ns, struct arena *a, struct stream *ret);
void stream_done(struct stream_pump *s);

#endif
