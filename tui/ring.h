/* The last lines the console said, oldest first; the screen's log and `:messages` read the same ring. */
#ifndef TUI_RING_H
#define TUI_RING_H

#include <stddef.h>
#include <stdint.h>

enum { RING_LINES = 200, RING_TEXT = 240 };
enum ring_level { RING_SAID, RING_WARN, RING_BAD };

struct ring_line {
	uint64_t wall;
	enum ring_level level;
	char text[RING_TEXT];
};

struct ring {
	struct ring_line v[RING_LINES];
	size_t n; /* ever written */
};

void ring_add(struct ring *r, uint64_t wall, enum ring_level level, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
size_t ring_count(const struct ring *r);
const struct ring_line *ring_back(const struct ring *r, size_t back); /* 0 = the newest; NULL past the end */

#endif
