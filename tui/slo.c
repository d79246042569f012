/* See slo.h. */
#include "tui/slo.h"

#include <stdlib.h>
#include <string.h>

static const char total[] = "rustbox_cleanup_total{outcome=\"", bucket[] = "rustbox_cleanup_duration_seconds_bucket{le=\"";

/* The value after the label's closing brace; false when there is none. */
static bool value_of(const char *label, double *ret)
{
	const char *at = strstr(label, "\"} ");
	char *end = NULL;
	double v = at ? strtod(at + 3, &end) : -1;
	if (!at || end == at + 3 || !(v >= 0) || v > 1e18)
		return false;
	*ret = v;
	return true;
}

static bool begins(const char *line, const char *with)
{
	return strncmp(line, with, strlen(with)) == 0;
}

static void take_line(const char *line, struct slo_sample *ret, double bound[SLO_BUCKETS], size_t *n, unsigned *seen)
{
	double v;
	if (begins(line, total) && value_of(line, &v)) {
		bool failed = begins(line + sizeof total - 1, "failure");
		*(failed ? &ret->bad : &ret->good) += v;
		*seen |= failed ? 1 : 2;
	} else if (begins(line, bucket) && value_of(line, &v) && *n < SLO_BUCKETS) {
		bound[*n] = strtod(line + sizeof bucket - 1, NULL); /* "+Inf" as well */
		ret->below[(*n)++] = v;
	}
}

bool slo_take(struct slo *s, const char *page, uint64_t wall)
{
	struct slo_sample now = { .wall = wall };
	double bound[SLO_BUCKETS] = { 0 };
	size_t n = 0;
	unsigned seen = 0;
	for (const char *line = page; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		take_line(line, &now, bound, &n, &seen);
	if (seen != 3)
		return false;
	/* A counter that went back is another page: what was before says nothing of it. */
	if (s->n && (n != s->nbuckets || now.good < s->v[s->n - 1].good || now.bad < s->v[s->n - 1].bad))
		s->n = 0;
	size_t old = 0;
	while (old + 1 < s->n && s->v[old + 1].wall + SLO_WINDOW_S <= wall)
		old++;
	old = s->n - old == SLO_SAMPLES ? old + 1 : old;
	s->n -= old;
	memmove(s->v, s->v + old, s->n * sizeof *s->v);
	s->v[s->n++] = now;
	s->nbuckets = n;
	memcpy(s->bound, bound, sizeof bound);
	return true;
}

/* As PromQL's histogram_quantile does: evenly within the bucket. */
static double quantile_95(const struct slo *s, const struct slo_sample *a, const struct slo_sample *b)
{
	size_t n = s->nbuckets;
	double all = n ? b->below[n - 1] - a->below[n - 1] : 0, want = all * 0.95, from = 0, low = 0;
	for (size_t i = 0; all > 0 && i < n; i++) {
		double upto = b->below[i] - a->below[i];
		if (upto >= want)
			return i + 1 == n ? low : upto > from ? low + (s->bound[i] - low) * (want - from) / (upto - from) : s->bound[i];
		from = upto;
		low = s->bound[i];
	}
	return -1;
}

struct slo_shown slo_shown(const struct slo *s)
{
	struct slo_shown r = { .failing = -1, .p95 = -1, .success = 100, .budget = 100 };
	if (!s->n)
		return r;
	const struct slo_sample *first = &s->v[0], *last = &s->v[s->n - 1];
	double all = last->good + last->bad, lately = all - first->good - first->bad;
	double allowed = all * SLO_ALLOWED_PER_10000 / 10000;
	r.some = all > 0;
	if (r.some) {
		r.success = 100 * last->good / all;
		r.low = last->bad > allowed;
		r.budget = 100 * (1 - last->bad / allowed);
	}
	if (lately > 0)
		r.failing = 100 * (last->bad - first->bad) / lately;
	r.p95 = quantile_95(s, first, last);
	return r;
}
