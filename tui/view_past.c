/* The past says that it is the past, wherever an eye may fall: the first row, the third, the keys. */
#include <stdio.h>
#include <string.h>

#include "probes/base/clock.h"
#include "probes/base/text.h"
#include "tui/view_parts.h"

static const char *clock_text(uint64_t wall, char out[static 24])
{
	clock_rfc3339(wall, out, 24);
	return strlen(out) > 11 ? out + 11 : out;
}

void view_past_when(const struct model *m, int cols, char *out, size_t cap)
{
	char at[24], ago[16];
	const char *then = clock_text(m->past.wall, at);
	text_age(m->wall > m->past.wall ? m->wall - m->past.wall : 0, ago, sizeof ago);
	if (cols < 60)
		(void)snprintf(out, cap, "[PAST %s]", then);
	else if (cols < 120)
		(void)snprintf(out, cap, "[THE PAST %s, %s ago]", then, ago);
	else
		(void)snprintf(out, cap, "[THE PAST, as it was at %s, %s ago: look, nothing can be done here; t is now]", then, ago);
}

/* "+ M /tmp/rustbox-a (2 more)": what the next change did. */
static void next_text(const struct model *m, struct text *t)
{
	const struct past *p = &m->past;
	const struct past_change *first = NULL, *c;
	uint32_t moment = p->at < past_end(p) ? past_change(p, p->at)->moment : 0;
	size_t more = 0;
	for (uint64_t at = p->at; (c = past_change(p, at)) && (!first || c->moment == moment); at++) {
		if (!first && c->matters)
			first = c, moment = c->moment;
		else
			more += first && c->matters;
	}
	if (!first) {
		text_add(t, "nothing more that matters");
	} else if (first->what == PAST_THING) {
		const struct resource *r = first->is ? first->is : first->was;
		text_add(t, "%c %c ", !first->was ? '+' : !first->is ? '-' : '~', resource_kind_letter(r->kind));
		text_add_escaped(t, r->kind == RES_PROCESS && r->process.comm ? r->process.comm : r->name);
	} else {
		text_add(t, first->what == PAST_HEALTH ? "health" : first->what == PAST_BLIND ? "watching stopped" : "watching again");
	}
	if (more)
		text_add(t, " (%zu more)", more);
}

void view_past_kept(const struct model *m, struct canvas *c)
{
	const struct past *p = &m->past;
	char left[300] = "", right[120] = "", since[24];
	struct text l = TEXT_ON(left), r = TEXT_ON(right);
	size_t now = count_leftovers(p->other.count, RES_ALL); /* now's counts wait there */
	bool blind = past_is_blind(p, p->at);
	text_add(&l, blind ? "NOT LOOKED AT THEN; next " : "next: ");
	next_text(m, &l);
	text_add(&r, "now +%zu   change %llu/%zu since %s", now, (unsigned long long)(p->at - p->forgotten + 1), p->n, clock_text(p->since, since));
	if (c->cols >= 120)
		text_add(&r, ", %.1f of %d MiB", (double)p->bytes / (1 << 20), PAST_BYTES >> 20);
	int w = canvas_width(c, right);
	(void)canvas_text(c, 2, 1, c->cols - w - 4, blind ? INK_WARN : INK_PLAIN, left);
	(void)canvas_right(c, 2, c->cols - w - 1, w, INK_STRONG, right);
}
