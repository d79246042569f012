/* The vocabulary of metrics: rows, label words, and where each value lives in the shared page. Pure. */
#ifndef SANDBOX_POLICY_METRICS_H
#define SANDBOX_POLICY_METRICS_H

#include <stddef.h>
#include <stdint.h>

enum metric_type { METRIC_COUNTER, METRIC_HISTOGRAM, METRIC_GAUGE };

enum metric {
#define X(id, name, type, label, words, help) METRIC_##id,
#include "sandbox/policy/metrics.def"
#undef X
	METRIC_ROWS
};

struct metric_row {
	const char *name, *label, *help;
	enum metric_type type;
	const char *(*word)(unsigned i); /* the label's i-th value, NULL after the last */
};
extern const struct metric_row metric_rows[METRIC_ROWS];

/* Values of the labels that have no enum elsewhere. */
enum metric_cleanup { METRIC_CLEANUP_SUCCESS, METRIC_CLEANUP_FAILURE, METRIC_CLEANUP_PARTIAL };

/* Upper bounds in nanoseconds; one more bucket is +Inf. */
enum { METRIC_BUCKETS = 13 };
extern const uint64_t metric_bounds_ns[METRIC_BUCKETS];

unsigned metric_values(enum metric m);	/* how many label values; 1 without a label */
/* Index of the first 64-bit cell of a row: counters have one per value, histograms buckets + Inf + sum + count. */
size_t metric_cell(enum metric m);
size_t metric_cells(void);
/* The label's value with this word, or -1. */
int metric_value(enum metric m, const char *word);

#endif
