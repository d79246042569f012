/*
 * The terminal: canvas → bytes, bytes → messages. The only file that knows curses is term.c.
 *
 * Curses is used for output only (terminfo and its minimal updates); keys go through tui/keyin.h. Nothing
 * here waits: reading takes what is there, and term_ready() says whether a frame can be written without
 * blocking on a slow link.
 */
#ifndef TUI_TERM_H
#define TUI_TERM_H

#include <stdbool.h>
#include <stdint.h>

#include "probes/base/err.h"
#include "tui/canvas.h"
#include "tui/guard.h"
#include "tui/msg.h"

struct terminal;

struct term_options {
	const char *name; /* $TERM; NULL or "" when unset */
	bool mono;	  /* --mono, NO_COLOR */
	bool light;	  /* COLORFGBG says the background is light */
	int in, out;
};

typedef void term_each(void *ctx, struct msg *msg); /* kind and its fields; the caller adds the time */

/* Takes the screen. -ENOTTY when this is no terminal, -ENOTSUP when it is one that cannot place a
 * cursor ("dumb"): the caller then prints a plain report. `notice` (cap bytes) gets one line when
 * another terminal type than $TERM had to be used, else "". */
int term_open(struct terminal **ret, const struct term_options *opt, struct guard *guard, char *notice, size_t cap,
	      struct err *e) MUST_CHECK;
void term_close(struct terminal *t); /* gives the screen back as it was; NULL is fine */

int term_fd(const struct terminal *t); /* to poll for term_read() */
/* Reads what is there and hands out the keys and pastes. 0, or -EIO when the terminal has gone. */
int term_read(struct terminal *t, term_each *each, void *ctx) MUST_CHECK;
/* Milliseconds until half a key sequence is given up, 0 when there is none; then call term_flush(). */
unsigned term_wait_ms(const struct terminal *t);
void term_flush(struct terminal *t, term_each *each, void *ctx);

void term_size(struct terminal *t, int *rows, int *cols); /* asks the kernel, tells curses */
bool term_ready(const struct terminal *t);		      /* the terminal keeps up: no backlog worth waiting for */
void term_draw(struct terminal *t, const struct canvas *c);
void term_repaint(struct terminal *t); /* the next draw writes every cell */
/* Ctrl-Z: returns after fg, the next draw writes every cell. Or, when not NULL, lets `meanwhile` have the terminal. */
void term_suspend(struct terminal *t, void (*meanwhile)(void *arg), void *arg);
void term_resumed(struct terminal *t); /* somebody else stopped and continued us */
void term_bell(struct terminal *t);
void term_mouse(struct terminal *t, bool on);
/* OSC 52, wrapped for tmux and screen. Nobody can know whether the terminal took it. */
void term_copy(struct terminal *t, const char *text);

#endif
