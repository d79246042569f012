/* See stream.h. */
#include "sandbox/box/stream.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/base/clock.h"
#include "probes/base/own.h"
#include "sandbox/kernel/sys.h"

/* Most programs say little: the first read needs no more than that. */
enum { FIRST = 4096, CHUNK = 65536 };

static bool captures(const struct stream_pump *s)
{
	return s->to < 0;
}

static size_t waiting(const struct stream_pump *s)
{
	return captures(s) ? 0 : s->n - s->sent;
}

static void finish_from(struct stream_pump *s)
{
	if (s->own_from)
		own_close(&s->from);
	s->from = -1;
	s->eof_ns = clock_mono_ns();
}

/* The reader is gone: so is the pipe, and the program gets the SIGPIPE it would have got without us. */
static void finish_to(struct stream_pump *s)
{
	if (s->own_to)
		own_close(&s->to);
	s->n = s->sent = 0;
	s->limit = s->taken; /* nothing more is kept */
	s->to = -1;
	if (s->from >= 0)
		finish_from(s);
}

void stream_want(const struct stream_pump *s, struct pollfd *from_set, struct pollfd *to_set)
{
	/* No more is read than can be handed on: a slow reader slows the program, not our memory. */
	*from_set = (struct pollfd){ .fd = waiting(s) ? -1 : s->from, .events = POLLIN };
	*to_set = (struct pollfd){ .fd = waiting(s) ? s->to : -1, .events = POLLOUT };
}

static void make_room(struct stream_pump *s, size_t more)
{
	if (s->cap - s->n >= more)
		return;
	s->cap = s->cap * 2 > s->n + more ? s->cap * 2 : s->n + more;
	s->buf = realloc(s->buf, s->cap);
	if (!s->buf)
		abort();
}

/* One read. Returns bytes, 0 at the end or when nothing is there (then from is still open), or -errno. */
static ssize_t read_once(struct stream_pump *s)
{
	if (s->sent == s->n && !captures(s))
		s->n = s->sent = 0;
	size_t room = s->cap ? CHUNK : FIRST;
	make_room(s, room);
	ssize_t got = read(s->from, s->buf + s->n, room);
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (got == 0) {
		finish_from(s);
		return 0;
	}
	uint64_t keep = s->limit - s->taken;
	keep = keep < (uint64_t)got ? keep : (uint64_t)got;
	s->total += (uint64_t)got;
	s->taken += keep;
	s->n += (size_t)keep;
	return got;
}

/* poll(2) promises PIPE_BUF bytes without blocking, not more. The caller's descriptor stays as it is: making it
 * non-blocking would change it for the caller's other processes, too. */
static int write_once(struct stream_pump *s)
{
	size_t n = waiting(s) < PIPE_BUF ? waiting(s) : PIPE_BUF;
	ssize_t put = sys_write(s->to, s->buf + s->sent, n);
	if (put == -EINTR || put == -EAGAIN)
		return 0;
	if (put == -EPIPE) {
		finish_to(s);
		return 0;
	}
	if (put < 0)
		return (int)put;
	s->sent += (size_t)put;
	return 0;
}

int stream_move(struct stream_pump *s, short from_revents, short to_revents)
{
	if (to_revents & POLLERR) {
		finish_to(s);
		return 0;
	}
	if (to_revents) {
		int r = write_once(s);
		if (r < 0)
			return r;
	}
	if (from_revents && s->from >= 0) {
		ssize_t r = read_once(s);
		if (r < 0)
			return (int)r;
	}
	return 0;
}

int stream_drain(struct stream_pump *s)
{
	while (s->from >= 0) {
		ssize_t r = read_once(s);
		if (r < 0)
			return (int)r;
		if (r == 0) /* the end; or a writer outside the box, which cannot be: then it is not waited for */
			break;
	}
	return 0;
}

void stream_flush(struct stream_pump *s)
{
	while (waiting(s)) {
		struct pollfd set = { .fd = s->to, .events = POLLOUT };
		if (poll(&set, 1, -1) < 0 && errno != EINTR)
			return;
		if (write_once(s) < 0)
			return;
	}
}

/* exec_exit closes files before anybody is told of the end: a stream that ended this shortly before was not closed
 * by the program itself. */
enum { EXIT_MS = 20 };

void stream_evidence(const struct stream_pump *s, uint64_t ended_ns, struct arena *a, struct stream *ret)
{
	*ret = (struct stream){ .kept = s->taken, .total = s->total };
	ret->closed_early = s->eof_ns && s->eof_ns + EXIT_MS * NS_PER_MS < ended_ns;
	if (captures(s)) {
		char *copy = arena_alloc(a, s->n + 1);
		if (s->n)
			memcpy(copy, s->buf, s->n);
		ret->data = copy;
		ret->kept = s->n;
	}
}

void stream_done(struct stream_pump *s)
{
	if (s->own_from)
		own_close(&s->from);
	if (s->own_to)
		own_close(&s->to);
	s->from = s->to = -1;
	free(s->buf);
	s->buf = NULL;
}
