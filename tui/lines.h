/*
 * Bytes from a pipe → whole lines, with a bound on each. One read at a time, never waiting: a child that
 * says everything at once must not keep the keys waiting.
 */
#ifndef TUI_LINES_H
#define TUI_LINES_H

#include <stdbool.h>
#include <stddef.h>

struct lines {
	char *buf;
	size_t len, cap, max; /* max: the longest line kept, set by the owner */
	bool cutting;	      /* inside a line that was too long */
};

/* NUL-terminated, without its newline, NULs inside replaced by '?'; whole false: the rest was thrown away. */
typedef void lines_each(void *ctx, char *line, size_t len, bool whole);

enum lines_state { LINES_MORE, LINES_EMPTY, LINES_END };

/* One read(2) of a non-blocking descriptor. LINES_END also delivers a last line without a newline. */
enum lines_state lines_read(struct lines *l, int fd, lines_each *each, void *ctx);
void lines_add(struct lines *l, const char *bytes, size_t n, lines_each *each, void *ctx);
void lines_end(struct lines *l, lines_each *each, void *ctx);
void lines_done(struct lines *l);

#endif
