/* The promise and how it is kept: short beside the sources, whole on the line above the keys of a wide screen. */
#include <stdio.h>

#include "probes/base/text.h"
#include "tui/view_parts.h"

enum { LATE_MS = 12000 };

static void numbers(const struct slo_shown *v, bool wide, struct text *t)
{
	if (!v->some) {
		text_add(t, wide ? "SLO cleanup: none has been counted yet" : "SLO -");
		return;
	}
	text_add(t, "SLO %s%.2f%%%s", wide ? "cleanup " : "", (double)(long)(v->success * 100) / 100, v->low ? " LOW" : "");
	if (!wide)
		return;
	text_add(t, " (99.99)   budget ");
	if (v->budget < 0)
		text_add(t, "OVERDRAWN %.0fx", 1 - v->budget / 100);
	else
		text_add(t, "%.0f%% left", v->budget);
	if (v->failing >= 0)
		text_add(t, "   fail %.2f%%/5m%s", v->failing, v->failing > 0 ? " HIGH" : "");
	if (v->p95 >= 0)
		text_add(t, "   p95 %.*fs%s (5)", v->p95 < 1 ? 3 : 1, v->p95, v->p95 * 1000 > SLO_P95_MS ? " HIGH" : "");
}

enum ink slo_text(const struct model *m, bool wide, char *out, size_t cap)
{
	const struct slo *s = &m->sight.slo;
	const struct slo_shown v = slo_shown(s);
	struct text t = { .buf = out, .cap = cap };
	uint64_t age = s->heard_ms ? m->now_ms - s->heard_ms : 0;
	bool stale = s->heard_ms && (s->gone[0] || age > s->every_ms + LATE_MS);
	out[0] = '\0';
	if (!s->every_ms) /* nobody is asked */
		return INK_PLAIN;
	if (!s->heard_ms)
		text_add(&t, "metrics GONE%s", wide ? ": " : "");
	else if (stale)
		text_add(&t, "metrics STALE %us%s", (unsigned)(age / 1000), wide ? ": " : "");
	if (wide)
		text_add_escaped(&t, s->gone);
	if (stale && wide)
		text_add(&t, "   before that: ");
	if (s->heard_ms && (wide || !stale))
		numbers(&v, wide, &t);
	if (wide && s->heard_ms && !stale)
		text_add(&t, "   metrics live");
	return stale || !s->heard_ms || v.low || v.failing > 0 || v.p95 * 1000 > SLO_P95_MS ? INK_WARN : INK_PLAIN;
}
