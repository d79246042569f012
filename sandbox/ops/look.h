/* What `health`, `status`, `metrics` and `serve` know: one look at the host, and the objects made of it. */
#ifndef SANDBOX_OPS_LOOK_H
#define SANDBOX_OPS_LOOK_H

#include <jansson.h>

#include "probes/diff.h"
#include "probes/health.h"
#include "probes/host.h"
#include "probes/snapshot.h"

struct worker_look {
	struct snapshot now;
	struct host host;
	struct health health; /* as it must be called now, persisted when it could be */
	struct diff diff; /* against the stored baseline */
	bool violated;	  /* something of the baseline is missing or changed: a trusted diff says so */
	size_t left[RES_KINDS], orphans, active;
	bool looked;	      /* every probe was complete */
	bool unread;	      /* the health cannot be read: it counts as quarantined, and is called unknown */
	struct err why;
	char note[300];	      /* a state that could not be read or written; "" */
};

/* A leftover that nobody has reported, or a violated baseline, makes the worker unhealthy, an orphan quarantines it, and a
 * worker that was unhealthy for these alone is healthy again when a complete look finds none. */
void worker_look(const struct scope *scope, struct arena *a, struct worker_look *ret);
/* The same with a look already taken. */
void worker_judge(const struct scope *scope, const struct snapshot *now, struct arena *a, struct worker_look *ret);

json_t *worker_to_json(const struct worker_look *w, const struct paths *p);
void worker_to_text(const struct worker_look *w, const struct paths *p, FILE *out);
json_t *worker_baseline_to_json(const struct worker_look *w);
int worker_metrics(const struct worker_look *w, const struct paths *p, FILE *out, struct err *e) MUST_CHECK;

#endif
