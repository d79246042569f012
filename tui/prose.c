/* Wrapping; see prose.h. */
#include "tui/prose.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void add_line(struct prose *p, enum ink ink, const char *lead, const char *text, int len)
{
	struct prose_line *line = arena_push(p->a, &p->v, &p->n, sizeof *p->v);
	line->ink = ink;
	line->text = arena_printf(p->a, "%s%.*s", lead, len, text);
}

/* Where to break `text` so that it fits: at a blank when there is one, else hard, never inside UTF-8. */
static size_t fit(const char *text, size_t width)
{
	size_t n = strlen(text);
	if (n <= width)
		return n;
	for (size_t i = width; i > width / 3; i--)
		if (text[i] == ' ')
			return i;
	while (width > 1 && ((unsigned char)text[width] & 0xc0) == 0x80)
		width--;
	return width;
}

void prose_add(struct prose *p, enum ink ink, const char *lead, const char *fmt, ...)
{
	char buf[4096], indent[40] = "";
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(buf, sizeof buf, fmt, ap);
	va_end(ap);
	size_t margin = strlen(lead) < sizeof indent - 1 ? strlen(lead) : sizeof indent - 1;
	memset(indent, ' ', margin);
	indent[margin] = '\0';
	size_t room = p->width > (int)margin + 8 ? (size_t)p->width - margin : 8;
	const char *at = buf;
	do {
		size_t n = fit(at, room);
		add_line(p, ink, at == buf ? lead : indent, at, (int)n);
		at += n;
		at += strspn(at, " ");
	} while (*at);
}
