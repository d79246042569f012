/* All of rustbox's resources and what is beside them, at one moment, and as JSON. */
#ifndef PROBES_SNAPSHOT_H
#define PROBES_SNAPSHOT_H

#include "probes/resource_json.h"
#include "probes/scope.h"

struct snapshot {
	char boot_id[37];
	char host[65];
	uint64_t taken; /* wall clock seconds */
	struct resource_set of[RES_KINDS];
};

/* Bits of RES_*; 0 means all. Gaps live in the sets, so this cannot fail. */
void snapshot_take(const struct scope *scope, unsigned kinds, struct arena *a, struct snapshot *ret);

/* For one that looks again and again. */
struct beside {
	const struct resource_set *mounts; /* an earlier complete set of this namespace, instead of reading the table */
	void (*breathe)(void *ctx);	   /* called now and then during a long look; may be NULL */
	void *ctx;
};
void snapshot_take_beside(const struct scope *scope, unsigned kinds, const struct beside *beside, struct arena *a,
			  struct snapshot *ret);

json_t *snapshot_to_json(const struct snapshot *s);

/* The baseline: sorted lines, one resource each, stable from one capture to the next on an unchanged
 * host (no ids, times or sizes), names escaped, so that plain diff(1) works. */
int baseline_write(const struct snapshot *s, FILE *out, struct err *e) MUST_CHECK;
int baseline_read(const char *path, struct arena *a, struct snapshot *ret, struct err *e) MUST_CHECK;
int baseline_parse(const char *text, struct arena *a, struct snapshot *ret, struct err *e) MUST_CHECK;

/* How many LEAK and ORPHAN resources of a kind. */
size_t snapshot_leftovers(const struct snapshot *s, enum resource_kind kind);
size_t snapshot_all_leftovers(const struct snapshot *s);
/* True when every set is complete. */
bool snapshot_complete(const struct snapshot *s);

#endif
