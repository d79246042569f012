/* A list of blocks; large requests get a block of their own. */
#include "probes/base/arena.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first is small: malloc's zeroes cost a page fault for each page, and most arenas hold little. */
enum { FIRST = 2 * 1024, BLOCK = 16 * 1024 };

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	alignas(max_align_t) char data[];
};

static struct arena_block *block_new(size_t size)
{
	struct arena_block *b = calloc(1, sizeof *b + size);
	if (!b)
		abort();
	b->size = size;
	return b;
}

void *arena_alloc(struct arena *a, size_t size)
{
	size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	if (size > BLOCK / 4) { /* behind the head, so that the head keeps its room */
		struct arena_block *big = block_new(size);
		big->used = size;
		if (a->head) {
			big->next = a->head->next;
			a->head->next = big;
		} else {
			a->head = big;
		}
		return big->data;
	}
	if (!a->head || a->head->size - a->head->used < size) {
		struct arena_block *b = block_new(a->head || size > FIRST ? BLOCK : FIRST);
		b->next = a->head;
		a->head = b;
	}
	void *p = a->head->data + a->head->used;
	a->head->used += size;
	return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *copy = arena_alloc(a, n + 1);
	memcpy(copy, s, n);
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		abort();
	char *out = arena_alloc(a, (size_t)n + 1);
	(void)vsnprintf(out, (size_t)n + 1, fmt, again);
	va_end(again);
	return out;
}

void *arena_push(struct arena *a, void *array_pointer, size_t *n, size_t element_size)
{
	char **array = array_pointer;
	/* Capacity is the next power of two of n, so it need not be stored. */
	if (*n == 0 || (*n >= 8 && (*n & (*n - 1)) == 0)) {
		size_t room = *n ? *n * 2 : 8;
		char *bigger = arena_alloc(a, room * element_size);
		if (*n)
			memcpy(bigger, *array, *n * element_size);
		*array = bigger;
	}
	return *array + (*n)++ * element_size;
}

void arena_done(struct arena *a)
{
	while (a->head) {
		struct arena_block *next = a->head->next;
		free(a->head);
		a->head = next;
	}
}
