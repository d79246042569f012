/*
 * Memory for things built once, read often and freed together: specs, plans, snapshots, runbooks.
 * Out of memory aborts: no caller could do anything sensible, and the ledger makes a dead
 * supervisor recoverable.
 */
#ifndef PROBES_BASE_ARENA_H
#define PROBES_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena_block;
struct arena {
	struct arena_block *head; /* zero-initialise; arena_done() frees everything */
};

void *arena_alloc(struct arena *a, size_t size); /* zeroed, aligned for any type */
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void arena_done(struct arena *a); /* safe on a zeroed or finished arena */

/* Grows an array kept in an arena: returns the slot for element *n and increments it. */
void *arena_push(struct arena *a, void *array_pointer, size_t *n, size_t element_size);

#define autoarena __attribute__((cleanup(arena_done)))

#endif
