/*
 * :baseline capture: what the host holds now becomes what is normal. It is refused beside leftovers, which would be normal
 * for ever, and previewed as the lines that would change: R3, since nobody will look at them again.
 */
#include <stdio.h>

#include "probes/base/text.h"
#include "tui/dialog_text.h"
#include "tui/update.h"

static const char *refused(const struct model *m)
{
	for (int k = 0; k < RES_KINDS; k++)
		if (!m->source[k].known || !m->source[k].complete)
			return "while not all of the host can be seen";
	return !m->health_ms || m->health.status == HEALTH_QUARANTINED ? "while the worker is quarantined" :
	       count_leftovers(m->count, RES_ALL) ? "while anything is left over" : NULL;
}

struct effect baseline_capture(struct model *m)
{
	static const char *const words[] = { "rustbox-capture-baseline.sh", "--store" };
	const char *why = refused(m);
	if (why) {
		ring_add(&m->log, m->wall, RING_WARN, "no baseline is captured %s: it would be called normal from then on", why);
		return (struct effect){ 0 };
	}
	dialog_open(m, DIALOG_PREVIEW);
	struct plan *p = &m->dialog.plan;
	*p = (struct plan){ .risk = RISK_R3, .step = -1, .verb = "baseline" };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		*(const char **)arena_push(&m->dialog.mem, &p->words, &p->nwords, sizeof *p->words) = words[i];
	if (!m->opt.is_root)
		p->refused = "needs root: start the console with sudo to act";
	return (struct effect){ 0 };
}

/* As probes/baseline.c keeps them: what belongs to a run, or is a process of the service, comes and goes. */
static bool is_lasting(const struct row *row)
{
	enum owner owner = row->res->owner;
	return row_alive(row) && owner != OWNER_ACTIVE && owner != OWNER_SELF &&
	       (row->res->kind != RES_PROCESS || owner != OWNER_SERVICE);
}

void baseline_lines(const struct model *m, struct prose *out)
{
	enum { LISTED = 400 };
	size_t lasting = 0, changes = 0;
	char name[200];
	for (size_t i = 0; i < m->table.n; i++) {
		const struct row *row = m->table.v[i];
		bool added = m->has_baseline && row->sign == CHANGE_ADDED && is_lasting(row), changed = row->sign == CHANGE_CHANGED;
		lasting += is_lasting(row);
		if ((!added && !changed && !row->missing) || changes++ >= LISTED)
			continue;
		prose_add(out, INK_WARN, row->missing ? " - forgotten   " : changed ? " ~ as it is now " : " + normal now  ", "%s %s%s%s",
			  resource_kind_word(row->res->kind), text_escape(row->res->name, name, sizeof name), changed && row->what ? ": " : "",
			  changed && row->what ? row->what : "");
	}
	if (changes > LISTED)
		prose_add(out, INK_WARN, " ", "and %zu more", changes - LISTED);
	prose_add(out, INK_STRONG, "", "%zu lasting things become what is normal here; %s", lasting,
		  !m->has_baseline ? "there is no baseline yet" : changes ? "these lines change" : "no line changes");
	prose_add(out, INK_PLAIN, "CHECKED    ", "again by the command: it stores nothing unless the host is clean and the worker in service");
}
