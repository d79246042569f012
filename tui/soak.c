/*
 * After a worker went back to work: a quarter of an hour in which nothing may come back. A new leftover, a failed
 * cleanup or a worse health ends it at once, rings, and offers to take the worker out of service again.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "probes/base/clock.h"
#include "probes/base/json.h"
#include "probes/base/text.h"
#include "tui/update.h"

enum { HOUR = 3600 };

void soak_begin(struct model *m, int step, const char *how_long)
{
	struct soak *s = &m->soak;
	struct err e = { 0 };
	uint64_t ns = 0;
	if (text_parse_duration(how_long, &ns, &e) != 0)
		return;
	s->on = true;
	s->step = step;
	s->began_ms = m->now_ms;
	s->until_ms = m->now_ms + ns / NS_PER_MS;
	s->why[0] = '\0';
	m->walk.of[step].mark = STEP_RUNNING;
	m->walk.of[step].note[0] = '\0';
	incident_begin(m);
	record_add(m, "soak", json_pack("{s:s,s:I}", "state", "began", "seconds", (json_int_t)(ns / NS_PER_S)));
	ring_add(&m->log, m->wall, RING_SAID, "watching for a recurrence, %s", how_long);
}

size_t recurrences(const struct model *m)
{
	size_t n = 0;
	for (size_t i = 0; i < m->soak.ncame && i < RECURRENCES; i++)
		n += m->soak.came[i] + HOUR > m->wall;
	return n;
}

/* Out of service again, previewed like everything else that acts. */
static void offer_quarantine(struct model *m)
{
	struct plan *p = &m->dialog.plan;
	struct arena *a = &m->dialog.mem;
	dialog_open(m, DIALOG_PREVIEW);
	*p = (struct plan){ .risk = RISK_R1, .step = -1, .verb = "quarantine" };
	const char *const words[] = { "rustbox", "health", "--quarantine", "--reason", arena_printf(a, "recurrence: %s", m->soak.why) };
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		*(const char **)arena_push(a, &p->words, &p->nwords, sizeof *p->words) = words[i];
	if (!m->opt.is_root)
		p->refused = "needs root: start the console with sudo to act";
}

static bool still_there(const struct model *m)
{
	const struct soak *s = &m->soak;
	return s->on && m->walk.proc && (size_t)s->step < m->walk.proc->nsteps && m->walk.proc->steps[s->step].verb == VERB_SOAK;
}

void failure_seen(struct model *m, const char *what, const char *name)
{
	struct soak *s = &m->soak;
	char safe[80], note[120], after[16];
	s->came[s->ncame++ % RECURRENCES] = m->wall;
	if (!still_there(m))
		return;
	s->on = false;
	(void)snprintf(s->why, sizeof s->why, "%s %s", what, text_escape(name, safe, sizeof safe));
	text_age((m->now_ms - s->began_ms) / 1000, after, sizeof after);
	(void)snprintf(note, sizeof note, "RECURRED after %s: %.80s", after, s->why);
	record_add(m, "soak", json_pack("{s:s,s:I,s:o}", "state", "recurred", "after",
					(json_int_t)((m->now_ms - s->began_ms) / 1000), "what", json_text(s->why)));
	step_mark(m, (size_t)s->step, STEP_FAILED, note);
	m->bell = true;
	if (m->dialog.kind == DIALOG_NONE)
		offer_quarantine(m);
}

void soak_tick(struct model *m)
{
	struct soak *s = &m->soak;
	char note[80], age[16];
	if (s->on && !still_there(m)) {
		s->on = false;
		return;
	}
	if (!s->on || m->now_ms < s->until_ms)
		return;
	s->on = false;
	text_age((s->until_ms - s->began_ms) / 1000, age, sizeof age);
	(void)snprintf(note, sizeof note, "nothing came back in %s", age);
	record_add(m, "soak", json_pack("{s:s,s:I}", "state", "quiet", "seconds", (json_int_t)((s->until_ms - s->began_ms) / 1000)));
	step_mark(m, (size_t)s->step, STEP_OK, note);
}

const char *soak_text(const struct model *m, char *out, size_t cap)
{
	enum { BAR = 20 };
	const struct soak *s = &m->soak;
	uint64_t all = s->until_ms - s->began_ms, done = m->now_ms - s->began_ms;
	int filled = all ? (int)(done * BAR / all) : 0;
	filled = filled > BAR ? BAR : filled;
	(void)snprintf(out, cap, "watching [%.*s%.*s] %02u:%02u of %02u:%02u, quiet so far", filled, "####################", BAR - filled,
		       "....................", (unsigned)(done / 60000), (unsigned)(done / 1000 % 60), (unsigned)(all / 60000),
		       (unsigned)(all / 1000 % 60));
	return out;
}
