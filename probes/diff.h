/*
 * Baseline and now, compared by name and facts, both ways. Trusted only when both snapshots were
 * complete: a probe that could not look makes the diff untrusted, never clean.
 */
#ifndef PROBES_DIFF_H
#define PROBES_DIFF_H

#include "probes/snapshot.h"

enum change_sign { CHANGE_ADDED, CHANGE_MISSING, CHANGE_CHANGED, CHANGE_SAME };

struct change {
	enum change_sign sign;
	const struct resource *base, *now; /* borrowed; one is NULL for added and missing */
	const char *what;		   /* for changed: "rw -> ro" */
};

struct diff {
	struct change *v;
	size_t n; /* without CHANGE_SAME */
	size_t added, missing, changed;
	size_t leftovers[RES_KINDS];
	bool blind[RES_KINDS]; /* not all of the kind could be seen: the leftovers are at least these */
	bool trusted;
	bool has_baseline;
	struct err why; /* why not trusted */
};

/* base NULL: no baseline; then only leftovers are listed, as added. */
void diff_make(const struct snapshot *base, const struct snapshot *now, struct arena *a, struct diff *ret);
/* The same for whoever keeps resources sorted one by one: pointers by resource_compare(), one array a kind.
 * `about` gives completeness, host and boot only. Changes come in the order of `now`, kind by kind. */
struct resource_view {
	const struct resource *const *v;
	size_t n;
};
void diff_make_views(const struct snapshot *base, const struct snapshot *about, const struct resource_view now[RES_KINDS],
		     struct arena *a, struct diff *ret);
char change_letter(enum change_sign sign); /* + - ~ = */
json_t *diff_to_json(const struct diff *d);

#endif
