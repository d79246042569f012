/*
 * What the host was like before: the changes the console saw, newest last, each with what stood there before it.
 * The table of now is the only full state; an earlier one is made from it by taking changes back, so that looking
 * back costs nothing until it is done, and the oldest changes can be forgotten at any time.
 *
 * Bounded by PAST_BYTES, everything counted, and by PAST_S. A place in the past is the number of a change,
 * counted from the first ever: the state there is the one just before that change.
 */
#ifndef TUI_PAST_H
#define TUI_PAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probes/health.h"
#include "tui/list.h"
#include "tui/rows.h"

enum { PAST_BYTES = 12 * 1024 * 1024, PAST_S = 24 * 3600 };

enum past_what { PAST_THING, PAST_HEALTH, PAST_BLIND, PAST_SEEING }; /* from BLIND to SEEING nobody looked */

struct past_change {
	uint64_t wall;
	uint32_t moment;		/* changes of one look at the host share it */
	enum past_what what;
	bool matters;			/* worth stopping at: something came, went, or is another's now */
	const struct resource *was, *is; /* held; NULL: not there */
	struct health *health;		/* of PAST_HEALTH: what it was; NULL: not known yet */
};

struct past {
	struct past_change *v;
	size_t n, room;
	uint64_t forgotten; /* the number of v[0] */
	size_t bytes;
	uint32_t moment;
	uint64_t since;	    /* wall clock of the first whole state, or of the oldest change kept; 0: none yet */
	bool on;	    /* the screen shows it */
	uint64_t at, wall;  /* the place shown, and its time */
	size_t said;	    /* lines of the log when it was gone to */
	struct shown {	    /* the world that is not on the screen now: see past_swap() */
		struct rows table;
		size_t count[OWNER_COUNT][RES_KINDS], changed[RES_KINDS], missing[RES_KINDS];
		struct arena diff_mem;
		struct diff diff;
		struct health health;
		uint64_t health_ms;
		bool conflict, read_only;
		const struct row **rows;
		struct lot *lots;
		size_t n, room, hidden_foreign, cursor;
	} other;
};

void past_thing(struct past *p, uint64_t wall, const struct resource *was, const struct resource *is, bool matters);
void past_health(struct past *p, uint64_t wall, const struct health *was);
void past_mark(struct past *p, uint64_t wall, enum past_what what);
void past_done(struct past *p);
void past_shown_done(struct shown *s);

static inline uint64_t past_end(const struct past *p)
{
	return p->forgotten + p->n;
}
const struct past_change *past_change(const struct past *p, uint64_t at); /* NULL outside */
/* The place of the next (by > 0) or previous stop; past_end() when there is none further on, the oldest place
 * when there is none further back. */
uint64_t past_step(const struct past *p, uint64_t at, int by);
uint64_t past_place(const struct past *p, uint64_t wall); /* where that second ended */
bool past_is_blind(const struct past *p, uint64_t at);
/* The health at that place when `now` is now's; NULL: it was not known. */
const struct health *past_health_at(const struct past *p, uint64_t at, const struct health *now);
/* The table as it was there, from the one of now. The caller ends it with rows_done(). */
void past_rows(const struct past *p, uint64_t at, const struct rows *now, struct rows *ret);

#endif
