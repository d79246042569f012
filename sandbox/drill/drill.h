/*
 * The ten drills: what each plants, teaches and expects. One row a drill; planting, scoring, the list, the
 * solver and the anti-solver all read it.
 */
#ifndef SANDBOX_DRILL_DRILL_H
#define SANDBOX_DRILL_DRILL_H

#include <stdbool.h>

#include "sandbox/drill/plant.h"

enum { DRILL_HINTS = 3, DRILL_LINES = 16 };

struct drill {
	const char *id, *name;
	const char *fault, *teaches;
	unsigned par_s, watch_s; /* the time to beat; when the watchdog ends it */
	const char *cause_by;	 /* the look that shows the cause: a word of the command line */
	const char *cause;	 /* what a report would say */
	const char *order;	 /* the moves of a good recovery, in order; see score.h */
	const char *hint[DRILL_HINTS];
	/* The reference solution, as typed; {busy} is the path the drill is about. "-" waits for the storm; a line after "?" is
	 * for an idle init only. */
	const char *solution[DRILL_LINES];
	const char *literal;	 /* the founding runbook's lines for it, verbatim */
	const char *literal_end; /* how that ends, in a line */
	bool literal_fails;	 /* it must lose a canary or leave a leak */
	bool rootless;		 /* no cgroup, no device: an ordinary user's namespaces are enough */
	int (*plant)(struct ground *g, struct err *e);
};
extern const struct drill drills[]; /* behind the ten, unlisted: what a walkthrough needs besides */
extern const unsigned drill_count;
/* A line of the solution as it is typed in this drill; NULL: it is not. */
const char *drill_line(const struct ground *g, const char *line, char *room, size_t cap);
const struct drill *drill_find(const char *id_or_name); /* "D2", "d2", "pivoted-holder"; NULL */
/* The drill whose fault a procedure is walked on. "P4" of the founding page, "orphan-process:3", "orphan-process" for a page's
 * first one with a fault; NULL: there is none. `page`: the same in full, as the console takes it. */
const struct drill *drill_taught(const char *words, char *page, unsigned cap);
const char *drill_taught_pages(void); /* "cleanup-failure[:N], ..." for a message */

#endif
