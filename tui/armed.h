/*
 * One armed console on a host. RUN/console.lock is locked while a console is armed, and says in one JSON object
 * who that is and what runs; the others watch the directory and show it. The lock is the truth, its text is for
 * people: a console that dies leaves the text and loses the lock.
 *
 * Taking over is asked for in RUN/console.takeover: the armed console lets go as soon as it sees that, and says
 * so. One that cannot (stopped, hung) keeps the lock, and is waited for only as long as `until_ms`.
 */
#ifndef TUI_ARMED_H
#define TUI_ARMED_H

#include <stdbool.h>
#include <stdint.h>

#include "probes/base/err.h"
#include "probes/base/paths.h"
#include "tui/feed.h"

enum { ARMED_WAIT_MS = 5000 };

struct armed {
	const struct paths *paths;
	int lock;	  /* >= 0 while it is ours */
	int watch;	  /* inotify on RUN, -1 when it does not exist yet */
	char *text;	  /* what we last wrote there, or wait to write */
	bool waiting;	  /* a take-over was asked for */
	uint64_t until_ms, looked_ms;
	char *heard;	  /* what was last told of another console */
	char *offered;	  /* the offer that was last told, or is our own */
};

void armed_init(struct armed *a, const struct paths *paths);
void armed_done(struct armed *a);
/* `hold` NULL: let go. Else hold it, with this text; `take`: from whoever has it. Answered by MSG_ARMED. */
void armed_hold(struct armed *a, const char *hold, bool take, uint64_t now_ms, struct feed_sink sink);
/* What consoles leave for each other in RUN: the newest of each, until it is heard (SECOND, by the armed one) or until the
 * incident is taken up (OFFER, heard by all others). */
enum armed_word { ARMED_SECOND, ARMED_OFFER };
int armed_say(struct armed *a, enum armed_word word, const char *text, struct err *e) MUST_CHECK;
void armed_take_back(const struct armed *a, enum armed_word word);
/* After `watch` was readable, and about once a second: MSG_PEER, MSG_TAKEN, MSG_SECOND, MSG_OFFERED. */
void armed_look(struct armed *a, uint64_t now_ms, struct feed_sink sink);

#endif
