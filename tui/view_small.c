/* Screens too small to read a plan on: look, do not commit. */
#include <stdio.h>
#include <string.h>

#include "probes/base/text.h"
#include "tui/escalate.h"
#include "tui/view_parts.h"
#include "tui/why.h"

static void small_head(const struct model *m, struct canvas *c)
{
	struct tally t = tally_of(m);
	char clock[16], host[66], past[80];
	clock_of(m, clock);
	view_past_when(m, 0, past, sizeof past);
	(void)canvas_printf(c, 0, 0, c->cols, INK_STRONG, "%s%s%s %s   %s", text_escape(m->opt.host ? m->opt.host : "?", host, sizeof host),
			    m->opt.label ? " " : "", m->opt.label ? m->opt.label : "",
			    m->past.on ? past : m->arm.on ? "ARMED" : "OBSERVE", m->past.on ? "" : clock);
	if (m->past.on)
		canvas_bar(c, 0, 0, c->cols, INK_BAR);
	(void)canvas_printf(c, 1, 0, c->cols, health_ink(m), "[%c] %s %u/%d   +%zu ~%zu -%zu", health_letter(m),
			    m->sight.conflict ? "CONFLICT" : !m->health_ms ? "UNKNOWN" : m->health.status == HEALTH_QUARANTINED ? "QUARANTINED" :
			    m->health.status == HEALTH_UNHEALTHY ? "UNHEALTHY" : "HEALTHY", m->health.failures,
			    MAX_CLEANUP_FAILURES, t.left, t.changed, t.missing);
	uint64_t age = 0;
	if (m->feed_lost[0] || feed_is_stale(m, &age))
		(void)canvas_printf(c, 2, 0, c->cols, INK_WARN, m->feed_lost[0] ? "LOST the watch stream" : "STALE %us", (unsigned)age);
	else
		(void)canvas_printf(c, 2, 0, c->cols, INK_PLAIN, "M%zu C%zu P%zu D%zu X%zu    ESCALATE %d/%d", tally_kind(m, TAB_MOUNT),
				    tally_kind(m, TAB_CGROUP), tally_kind(m, TAB_PROCESS), tally_kind(m, TAB_DIR),
				    tally_kind(m, TAB_GHOST), t.escalate, ESCALATE_OF);
}

static void small_row(const struct model *m, struct canvas *c, int at, const struct row *row, bool cursor)
{
	char name[300], blocked[40];
	int room = c->cols - 5 - 9;
	row_title(row, name, sizeof name);
	row_blocked(m, row, blocked, sizeof blocked);
	(void)canvas_printf(c, at, 0, 4, INK_PLAIN, "%c%c%c", cursor ? '>' : row->marked ? '*' : ' ', row_sign(row),
			    resource_kind_letter(row->res->kind));
	char brief[300];
	(void)canvas_text(c, at, 4, room, row->gone_ms ? INK_GONE : INK_PLAIN, shortened(c, name, room, brief, sizeof brief));
	(void)canvas_text(c, at, c->cols - 9, 9, INK_PLAIN, blocked);
	if (cursor)
		canvas_bar(c, at, 0, c->cols, INK_CURSOR);
}

void view_small(const struct model *m, const struct layout *l, struct canvas *c)
{
	size_t rows = l->list.rows > 0 ? (size_t)l->list.rows : 0;
	size_t first = m->list.n > rows && m->list.cursor >= rows ? m->list.cursor - rows + 1 : 0;
	const struct step *s = walk_step(&m->walk);
	small_head(m, c);
	for (size_t i = 0; i < rows && first + i < m->list.n; i++)
		small_row(m, c, l->list.row + (int)i, m->list.shown[first + i], first + i == m->list.cursor);
	if (!m->list.n && rows)
		(void)canvas_text(c, l->list.row, 1, c->cols - 1, INK_PLAIN, m->sync_at ? "none left over" : "... looking");
	if (s)
		(void)canvas_printf(c, l->keys - 2, 0, c->cols, INK_PLAIN, "P%u %zu/%zu %s", m->walk.proc->number,
				    m->walk.at + 1, m->walk.proc->nsteps, s->brief);
	(void)canvas_text(c, l->keys - 1, 0, c->cols, INK_WARN, m->past.on ? "this is the past: t goes back to now" : "! too small to confirm (60x18)");
	(void)canvas_text(c, l->keys, 0, c->cols - 10, INK_LINK, "x w Enter / p A ?");
	char at[40];
	(void)snprintf(at, sizeof at, "row %zu/%zu", m->list.n ? m->list.cursor + 1 : 0, m->list.n);
	(void)canvas_right(c, l->keys, 18, c->cols - 18, INK_PLAIN, at);
}

void view_line(const struct model *m, struct canvas *c)
{
	struct tally t = tally_of(m);
	char host[66];
	(void)canvas_printf(c, 0, 0, c->cols, INK_PLAIN, "%s%s %c +%zu ESC %d/%d", m->past.on ? "PAST " : "",
			    text_escape(m->opt.host ? m->opt.host : "?", host, sizeof host), health_letter(m), t.left, t.escalate, ESCALATE_OF);
}
