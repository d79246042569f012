/* Whole lines out of whatever reads bring; see lines.h. */
#include "tui/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { READ = 64 * 1024, FIRST = 4096 };

static void give(struct lines *l, lines_each *each, void *ctx)
{
	for (size_t i = 0; i < l->len; i++)
		if (l->buf[i] == '\0')
			l->buf[i] = '?';
	l->buf[l->len] = '\0';
	each(ctx, l->buf, l->len, !l->cutting);
	l->len = 0;
	l->cutting = false;
}

static void keep(struct lines *l, const char *bytes, size_t n)
{
	if (l->len + n > l->max) {
		n = l->max - l->len;
		l->cutting = true;
	}
	if (l->len + n + 1 > l->cap) {
		size_t cap = l->cap ? l->cap : FIRST;
		while (cap < l->len + n + 1)
			cap *= 2;
		l->buf = realloc(l->buf, cap);
		if (!l->buf)
			abort();
		l->cap = cap;
	}
	if (n > 0)
		memcpy(l->buf + l->len, bytes, n);
	l->len += n;
}

void lines_add(struct lines *l, const char *bytes, size_t n, lines_each *each, void *ctx)
{
	while (n > 0) {
		const char *end = memchr(bytes, '\n', n);
		size_t part = end ? (size_t)(end - bytes) : n;
		keep(l, bytes, part);
		if (!end)
			return;
		give(l, each, ctx);
		bytes += part + 1;
		n -= part + 1;
	}
}

void lines_end(struct lines *l, lines_each *each, void *ctx)
{
	if (l->len > 0 || l->cutting)
		give(l, each, ctx);
}

enum lines_state lines_read(struct lines *l, int fd, lines_each *each, void *ctx)
{
	char buf[READ];
	ssize_t n = read(fd, buf, sizeof buf);
	if (n > 0) {
		lines_add(l, buf, (size_t)n, each, ctx);
		return LINES_MORE;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return LINES_EMPTY;
	lines_end(l, each, ctx);
	return LINES_END;
}

void lines_done(struct lines *l)
{
	free(l->buf);
	l->buf = NULL;
	l->len = l->cap = 0;
}
