/*
 * How the cleanups of this worker do against what was promised, from its own metrics: of its whole life for the
 * success and its budget, of the last five minutes for what is going on. Pure.
 */
#ifndef TUI_SLO_H
#define TUI_SLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SLO_BUCKETS = 24, SLO_SAMPLES = 24, SLO_WINDOW_S = 300, SLO_P95_MS = 5000, SLO_ALLOWED_PER_10000 = 1 };

struct slo_sample {
	uint64_t wall;
	double good, bad;	     /* cleanups that ended clean, after retries too; and that did not */
	double below[SLO_BUCKETS];   /* the histogram of their time, cumulative */
};

struct slo {
	struct slo_sample v[SLO_SAMPLES]; /* oldest first */
	size_t n, nbuckets;
	double bound[SLO_BUCKETS];	  /* seconds */
	uint64_t heard_ms;		  /* of the last answer; 0: none yet */
	uint64_t every_ms;		  /* how often is asked */
	char gone[120];			  /* why the last question had no answer, "" when it had */
};

/* A page in the exposition format. False: not this worker's metrics, nothing changed. */
bool slo_take(struct slo *s, const char *page, uint64_t wall);

struct slo_shown {
	bool some;	    /* there were cleanups at all */
	double success;	    /* percent, of its life */
	bool low;
	double budget;	    /* percent left of the failures that the promise allows; below 0: overdrawn */
	double failing;	    /* percent of the last five minutes; < 0: there were none */
	double p95;	    /* seconds, of the last five minutes; < 0: there were none */
};
struct slo_shown slo_shown(const struct slo *s);

#endif
