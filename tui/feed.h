/*
 * The watch stream: `rustbox-probe watch` as a child, its lines as messages (probes/watch.h says what they
 * are). When it dies, falls silent or talks nonsense, that becomes a message too, and it is started
 * again, ever less eagerly. Everything it owns hides behind one descriptor to poll.
 */
#ifndef TUI_FEED_H
#define TUI_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "probes/base/err.h"
#include "tui/child.h"
#include "tui/lines.h"
#include "tui/msg.h"

enum { FEED_SILENT_MS = 20000, FEED_BACKOFF_MS = 500, FEED_BACKOFF_MAX_MS = 30000, FEED_LINE = 1024 * 1024 };

/* The receiver fills in the time. Everything the message points to is the feed's, for this one call. */
struct feed_sink {
	void (*take)(void *ctx, struct msg *msg);
	void *ctx;
};

struct feed {
	int poll;	     /* readable when feed_ready() has something to do; the feed's for its whole life */
	struct child child;
	struct lines out, err;
	char last_words[160]; /* the last line of its stderr: why it ended */
	uint64_t asked_ms;	     /* of the act whose effect was asked for last */
	uint64_t heard_ms, again_ms; /* again_ms: when to start it, 0: it runs */
	unsigned backoff_ms;
	bool in_sync, killed;
};

/* Does not start it yet: the first feed_tick() does. */
int feed_init(struct feed *f, struct err *e) MUST_CHECK;
void feed_ready(struct feed *f, uint64_t now_ms, struct feed_sink sink);
void feed_tick(struct feed *f, uint64_t now_ms, struct feed_sink sink);
/* After an act: the watch is asked to look at everything now, once for each new time of the last act. */
void feed_ask(struct feed *f, uint64_t acted_ms);
int feed_next_ms(const struct feed *f, uint64_t now_ms); /* until feed_tick() is wanted */
void feed_done(struct feed *f);

/* One line → one message. Pure; a line that is none of those becomes MSG_FEED_BAD. */
void feed_line(const char *line, size_t len, struct feed_sink sink);

#endif
