/* Metric rows; see metrics.def. Label words come from the vocabularies they belong to. */
#include "sandbox/policy/metrics.h"

#include <stdbool.h>
#include <string.h>

#include "probes/health.h"
#include "probes/host.h"
#include "sandbox/policy/stages.h"
#include "sandbox/policy/verdict.h"

#define WORDS(function, ...)                                                        \
	static const char *function(unsigned i)                                     \
	{                                                                           \
		static const char *const words[] = { __VA_ARGS__ };                 \
		return i < sizeof words / sizeof *words ? words[i] : NULL;          \
	}
WORDS(single, "")
WORDS(cleanup_at, "success", "failure", "partial")
WORDS(violation_at, "cpu", "wall", "memory", "processes", "fsize", "syscall")
WORDS(abuse_at, "fork_bomb", "signal_storm", "fd_exhaustion")
WORDS(layout_at, "none", "v1", "v2", "hybrid")
WORDS(pidfd_at, "pidfd", "none")
#define X(id, word, help) word,
WORDS(status_at, STATUSES(X))
#undef X
#define X(id, word) word,
WORDS(actor_at, ACTORS(X))
WORDS(cause_at, CAUSES(X))
WORDS(health_at, HEALTH_STATUSES(X))
#undef X
#define X(id, word, plural, key, letter) word,
WORDS(kind_at, RESOURCE_KINDS(X))
#undef X

static const char *stage_at(unsigned i)
{
	return i < STAGE_COUNT ? stage_rows[i].word : NULL;
}

const struct metric_row metric_rows[METRIC_ROWS] = {
#define X(id, name, type, label, words, help) [METRIC_##id] = { name, label, help, METRIC_##type, words },
#include "sandbox/policy/metrics.def"
#undef X
};

#define MS 1000000ull
const uint64_t metric_bounds_ns[METRIC_BUCKETS] = { 1 * MS,   2 * MS,	5 * MS,	  10 * MS,   20 * MS,	50 * MS,   100 * MS,
						    200 * MS, 500 * MS, 1000 * MS, 2000 * MS, 5000 * MS, 10000 * MS };

unsigned metric_values(enum metric m)
{
	unsigned n = 0;
	while (metric_rows[m].word(n))
		n++;
	return n;
}

static size_t cells_of(enum metric m)
{
	if (metric_rows[m].type == METRIC_GAUGE)
		return 0;
	return metric_rows[m].type == METRIC_HISTOGRAM ? METRIC_BUCKETS + 3 : metric_values(m);
}

size_t metric_cell(enum metric m)
{
	size_t at = 0;
	for (unsigned i = 0; i < (unsigned)m; i++)
		at += cells_of((enum metric)i);
	return at;
}

size_t metric_cells(void)
{
	return metric_cell(METRIC_ROWS);
}

int metric_value(enum metric m, const char *word)
{
	const char *w;
	for (unsigned i = 0; (w = metric_rows[m].word(i)); i++)
		if (strcmp(w, word) == 0)
			return (int)i;
	return -1;
}
