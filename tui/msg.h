/*
 * What can happen to the console, as values. The loop turns every source (terminal, clock, the watch
 * stream, children) into one of these and hands it to update(); nothing else changes the model, so a
 * key script and a list of messages replay any screen.
 *
 * Pointers in a message are borrowed for the one call of update(): the model copies what it keeps.
 */
#ifndef TUI_MSG_H
#define TUI_MSG_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "probes/health.h"
#include "probes/resource.h"

/* A key is a Unicode code point, a control code (0x03 = Ctrl-C, 0x1b = Esc, 0x0d = Enter, 0x09 = Tab,
 * 0x7f = Backspace), or one of these, above all code points. */
enum key {
	KEY_CODE_FIRST = 0x110000,
	K_UP, K_DOWN, K_LEFT, K_RIGHT, K_PGUP, K_PGDN, K_HOME, K_END, K_DELETE, K_BACKTAB, K_F1,
	K_WHEEL_UP, K_WHEEL_DOWN, K_CLICK, /* mouse, only after EFFECT_MOUSE; click: see at */
	K_ENTER = 0x0d, K_ESC = 0x1b, K_TAB = 0x09, K_BACKSPACE = 0x7f
};

enum msg_kind {
	MSG_NONE,
	MSG_TICK,	/* time passed: about once a second, and when model_next_ms() asked */
	MSG_SIZE,	/* size: the terminal's */
	MSG_KEY,	/* key */
	MSG_PASTE,	/* bytes: that many arrived between paste markers; the text is not kept */
	MSG_HELLO,	/* hello: the watch stream began */
	MSG_SOURCE,	/* source */
	MSG_RESOURCE,	/* resource: add or change */
	MSG_GONE,	/* gone: kind and id */
	MSG_HEALTH,	/* health */
	MSG_PRESSURE,	/* json: the object of the "pressure" line */
	MSG_RESYNC,	/* text: why; every row follows anew */
	MSG_SYNC,	/* sync: what stands now is one state */
	MSG_BEAT,	/* the stream is alive and has nothing new */
	MSG_FEED_LOST,	/* text: why the stream ended; the loop starts it again */
	MSG_FEED_BAD,	/* text: a line that could not be understood */
	MSG_BASELINE,	/* text: the stored baseline's content, or NULL and why in note */
	MSG_LINE,	/* line: one line of a child's stdout or stderr, without its newline, up to 4 MiB */
	MSG_EXIT,	/* exit: the child ended, and all its lines have been delivered */
	MSG_RECORDED,	/* text NULL: effect.record is on disk; else why it is kept in memory only; note: the incident */
	MSG_LAG,	/* bytes: how many seconds the terminal is behind; 0: it keeps up again */
	MSG_METRICS,	/* text: the worker's page, or NULL and why in note; bytes: ms until it is asked again */
	MSG_NOTICE,	/* text: something the operator should read once */
	MSG_ARMED,	/* armed.ok: acting is allowed to this console now; else text says why not */
	MSG_PEER,	/* armed.ok: another console is armed, text is its JSON object; else none is any more */
	MSG_TAKEN,	/* text: the JSON object of who took over; this console may not act any more */
	MSG_SECOND,	/* text: the JSON object of a second person who confirmed what this console asks for */
	MSG_OFFERED,	/* text: the JSON object of an incident handed over by another console */
	MSG_WAITING,	/* resume: an incident nobody holds, its references now the model's; NULL: there is none */
	MSG_LEAVING,	/* signal: the console is about to stop or end; what must be written is written now */
	MSG_HISTORY	/* json: {"recoveries": failed ones since the last clean, "failures": when cleanups failed lately, in wall
			   clock seconds, or not there: not asked}, from the worker's events */
};

struct msg {
	enum msg_kind kind;
	uint64_t now_ms; /* monotonic milliseconds, never going back */
	uint64_t wall;	 /* wall clock seconds */
	const char *text, *note;
	union {
		struct { int rows, cols; } size;
		struct { uint32_t code; int row, col; } key; /* row, col: for K_CLICK */
		size_t bytes;
		struct { const char *host, *boot_id, *kernel; } hello;
		struct { enum resource_kind kind; const char *mode; bool complete; } source; /* why: note */
		const struct resource *resource;
		struct { enum resource_kind kind; const char *id; } gone;
		const struct health *health;
		const json_t *json;
		/* as_of, when `timed`: monotonic milliseconds, see probes/watch.h; 0: not proven */
		struct { uint64_t at; unsigned ms; bool timed; uint64_t as_of[RES_KINDS]; } sync;
		struct { bool ok, pair; } armed; /* pair: what is of class R3 takes a second person */
		const struct resume *resume;
		int signal; /* 0: to be continued */
		struct { uint32_t job; bool err; } line;       /* text */
		struct { uint32_t job; int status; bool timed_out; } exit; /* status: exit code, or 128 + signal;
									      -1: could not start, text says why */
	};
};

#endif
