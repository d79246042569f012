/*
 * Bytes from a terminal → keys, whatever way they are cut into reads. Pure.
 *
 * Why not the terminal library's decoder: it waits inside read(2), it knows only one of the two forms
 * arrows come in, and it delivers an unknown sequence as the letters it is made of, so that
 * Ctrl-Up would *type* "A". Here a sequence nobody knows is swallowed whole. Pasted text is never keys:
 * everything between the paste markers is counted and thrown away.
 */
#ifndef TUI_KEYIN_H
#define TUI_KEYIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ESC alone is the Esc key after 25 ms; once a sequence has begun nobody types that fast, so a slow
 * link gets more time to deliver the rest, and a paste whose end marker was lost ends by itself. */
enum { KEYIN_ROOM = 40, KEYIN_ESC_MS = 25, KEYIN_SEQUENCE_MS = 500, KEYIN_PASTE_MS = 2000 };

enum keyin_state { KEYIN_GROUND, KEYIN_ESC, KEYIN_CSI, KEYIN_SS3, KEYIN_LINUX, KEYIN_STRING, KEYIN_UTF8, KEYIN_PASTE };

struct keyin {
	enum keyin_state state;
	char buf[KEYIN_ROOM]; /* the parameters so far */
	size_t n;
	uint32_t ch;	      /* a character being put together, and how many bytes it lacks */
	unsigned lacks;
	size_t pasted, matched; /* matched: bytes of the end marker seen */
	bool string_esc;
};

struct keyin_event {
	bool paste;
	size_t bytes;	/* of a paste */
	uint32_t code;	/* as in tui/msg.h */
	int row, col;	/* of K_CLICK, from 0 */
};

typedef void keyin_each(void *ctx, const struct keyin_event *event);

void keyin_bytes(struct keyin *k, const unsigned char *bytes, size_t n, keyin_each *each, void *ctx);
/* How long the rest of what has begun may take, 0 when nothing has. */
unsigned keyin_wait_ms(const struct keyin *k);
/* That time is over: a lone ESC was the Esc key, anything else half done is dropped. */
void keyin_flush(struct keyin *k, keyin_each *each, void *ctx);

#endif
