/*
 * The table of everything the console knows to be on the host, one row a resource, found by (kind, id).
 *
 * Both orders, by identity and by name, are kept as rows come and go, so that comparing with the baseline and
 * laying out the list are walks and never sorts: 30,000 rows must not cost a key its echo. A row that vanished
 * stays for ROW_LINGER_MS, greyed, so that nothing disappears under the eye that reads it; when more
 * than ROW_STORM have, those that were there for less than ROW_FLASH_MS go at once.
 */
#ifndef TUI_ROWS_H
#define TUI_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probes/diff.h"
#include "probes/resource.h"

enum { ROW_LINGER_MS = 5000, ROW_FLASH_MS = 500, ROW_STORM = 16 };

struct row {
	const struct resource *res; /* one heap block, strings included, shared: see resource_hold() */
	enum change_sign sign;	/* against the baseline */
	const char *find;	/* what the filter looks through, in small letters; in res's block */
	const char *what;	/* for changed: "rw -> ro"; owned by the diff */
	uint64_t gone_ms;	/* when it vanished; 0 while it is there */
	uint64_t seen_ms;	/* when it was first seen */
	uint32_t round;		/* of the resync it was last heard in */
	bool missing;		/* only the baseline has it */
	bool marked;
	bool news;		/* changed since the cursor was on it */
	struct row *twin;	/* scratch of past_rows(): the same row in the other table */
};

/* What a resource was is kept by whoever still shows it: the table, and the past. Every hold needs its drop. */
const struct resource *resource_hold(const struct resource *r); /* only of a row's res; NULL gives NULL */
void resource_drop(const struct resource *r);
size_t resource_bytes(const struct resource *r);

struct rows {
	struct row **v;	      /* by kind and id */
	struct row **by_name; /* the same rows, by name, id and kind */
	size_t n, room;
	size_t gone;	      /* how many vanished and are still shown */
	uint32_t round;
};

/* Copies r; returns the row, and in *fresh whether it is new. */
struct row *rows_put(struct rows *t, const struct resource *r, uint64_t now_ms, bool *fresh);
struct row *rows_find(const struct rows *t, enum resource_kind kind, const char *id);
/* A resync begins: rows not heard again before rows_settle() have vanished. */
void rows_resync(struct rows *t);
/* A sync: after a resync the silent rows have vanished; `each` is told of them first. */
typedef void rows_silent(void *ctx, struct row *r);
void rows_settle(struct rows *t, uint64_t now_ms, rows_silent *each, void *ctx);
void rows_vanish(struct rows *t, struct row *r, uint64_t now_ms);
/* Drops rows that vanished more than ROW_LINGER_MS ago, and all `missing` ones when asked. */
void rows_sweep(struct rows *t, uint64_t now_ms, bool missing_too);
void rows_done(struct rows *t);
int rows_compare_names(const struct resource *a, const struct resource *b); /* the order of by_name */
struct row *row_of(const struct resource *held); /* a row of no table yet, takes the hold */

static inline bool row_alive(const struct row *r)
{
	return r->gone_ms == 0 && !r->missing;
}

/* Of the rows counted by owner and kind, those left over of the kinds chosen (a bit each). */
static inline size_t count_leftovers(const size_t count[OWNER_COUNT][RES_KINDS], unsigned kinds)
{
	size_t n = 0;
	for (int k = 0; k < RES_KINDS; k++)
		if (kinds & 1u << k)
			n += count[OWNER_LEAK][k] + count[OWNER_ORPHAN][k];
	return n;
}

/* Only these can ever be part of a plan. */
static inline bool row_actable(const struct row *r)
{
	return row_alive(r) && owner_is_left_over(r->res->owner);
}

/* It has ended: nothing can end it again, only its parent can take note. */
static inline bool row_is_zombie(const struct row *r)
{
	return row_actable(r) && r->res->kind == RES_PROCESS && r->res->process.state == 'Z';
}

#endif
