/* The log ring; see ring.h. */
#include "tui/ring.h"

#include <stdarg.h>
#include <stdio.h>

void ring_add(struct ring *r, uint64_t wall, enum ring_level level, const char *fmt, ...)
{
	struct ring_line *line = &r->v[r->n++ % RING_LINES];
	line->wall = wall;
	line->level = level;
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(line->text, sizeof line->text, fmt, ap);
	va_end(ap);
}

size_t ring_count(const struct ring *r)
{
	return r->n < RING_LINES ? r->n : RING_LINES;
}

const struct ring_line *ring_back(const struct ring *r, size_t back)
{
	if (back >= ring_count(r))
		return NULL;
	return &r->v[(r->n - 1 - back) % RING_LINES];
}
