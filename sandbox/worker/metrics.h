/*
 * Counters and histograms in one page that every rustbox process on the host maps: adding is one atomic
 * instruction, nothing is locked, and a kill -9 between two of them loses at most the second.
 */
#ifndef SANDBOX_WORKER_METRICS_H
#define SANDBOX_WORKER_METRICS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "probes/base/paths.h"
#include "sandbox/policy/metrics.h"

struct metrics {
	uint64_t *cells; /* NULL: no page; adding does nothing */
	void *page;
	size_t size;
};

/* Maps the page, making it when `make`. One of another version or size is set aside, not interpreted. */
int metrics_open(const struct paths *p, bool make, struct metrics *ret, struct err *e) MUST_CHECK;
void metrics_done(struct metrics *m);
#define autometrics __attribute__((cleanup(metrics_done)))

void metrics_add(struct metrics *m, enum metric which, unsigned value, uint64_t n);
void metrics_observe(struct metrics *m, enum metric which, uint64_t ns);
uint64_t metrics_get(const struct metrics *m, enum metric which, unsigned value);

/* Gauges as worked out by the caller: one array of values per gauge row. NULL: not known, left out. */
struct gauges {
	const double *of[METRIC_ROWS];
};
/* Prometheus text exposition format 0.0.4. */
int metrics_print(const struct metrics *m, const struct gauges *g, FILE *out) MUST_CHECK;

#endif
