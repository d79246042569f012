/* Rows that never scroll away: who and where, how the worker is, how fresh it all is; and the tabs. */
#include <stdio.h>
#include <string.h>

#include "probes/base/clock.h"
#include "probes/base/text.h"
#include "tui/escalate.h"
#include "tui/update.h"
#include "tui/view_parts.h"

/* "2026-02-08 03:12:09Z", from which the shorter forms are cut. */
static const char *stamp(uint64_t wall, char out[static 24])
{
	clock_rfc3339(wall, out, 24);
	if (strlen(out) == 20)
		out[10] = ' ';
	return out;
}

static void armed_text(const struct model *m, bool wide, char *out, size_t cap)
{
	char reason[60];
	if (m->past.on) {
		view_past_when(m, m->cols, out, cap);
		return;
	}
	if (!m->arm.on && m->peer.on) { /* somebody else acts: who, and where they are */
		if (m->peer.asks) {
			(void)snprintf(out, cap, "[OBSERVE; %.16s ASKS: :confirm]", m->peer.user);
			return;
		}
		(void)snprintf(out, cap, "[OBSERVE; %.16s ARMED at %.8s%s%s]", m->peer.user, m->peer.step, m->peer.running[0] ? ", runs" : "",
			       m->peer.running[0] && wide ? m->peer.running + strcspn(m->peer.running, " ") : "");
		return;
	}
	if (!m->arm.on) {
		(void)snprintf(out, cap, "[OBSERVE read-only]");
		return;
	}
	uint64_t s = m->arm.until_ms > m->now_ms ? (m->arm.until_ms - m->now_ms) / 1000 : 0;
	(void)snprintf(out, cap, "[ARMED %s %02u:%02u left%s%s]", m->opt.user ? m->opt.user : "?", (unsigned)(s / 60),
		       (unsigned)(s % 60), wide ? ", " : "", wide ? text_escape(m->arm.reason, reason, sizeof reason) : "");
}

/* The name made of date and time, "20261124-125649", loses year and seconds; a given one stays whole. */
static const char *incident_shown(const char *name, char out[static 16])
{
	static const char digits[] = "0123456789";
	if (strspn(name, digits) != 8 || name[8] != '-' || strspn(name + 9, digits) != 6 || name[15])
		return name;
	(void)snprintf(out, 16, "%.4s-%.4s", name + 4, name + 9);
	return out;
}

static void view_identity(const struct model *m, struct canvas *c, bool wide)
{
	char armed[160], clock[16], at[24], host[80], brief[16];
	int col = 1;
	col += canvas_text(c, 0, col, c->cols, INK_STRONG, "rustbox-tui") + (wide ? 3 : 2);
	col += canvas_text(c, 0, col, c->cols - col, INK_STRONG,
			   text_escape(m->opt.host ? m->opt.host : "?", host, sizeof host)) + 1;
	if (m->opt.label)
		col += canvas_text(c, 0, col, c->cols - col, INK_BAR, m->opt.label) + 1;
	armed_text(m, wide, armed, sizeof armed);
	col += 2;
	col += canvas_text(c, 0, col, c->cols - col, m->arm.on ? INK_BAR : INK_PLAIN, armed) + 3;
	clock_of(m, clock);
	if (m->opt.incident && clock[0] && !m->past.on)
		col += canvas_printf(c, 0, col, c->cols - col, INK_PLAIN, "%s %s ", wide ? "incident" : "inc",
				     wide ? m->opt.incident : incident_shown(m->opt.incident, brief));
	if (clock[0])
		col += canvas_text(c, 0, col, c->cols - col, INK_STRONG, clock) + 2;
	(void)stamp(m->wall, at);
	if (!wide && strlen(at) == 20) {
		memmove(at, at + 11, 5); /* 03:12Z */
		(void)strcpy(at + 5, "Z");
	}
	int w = canvas_width(c, at);
	if (col + w < c->cols)
		(void)canvas_text(c, 0, wide ? col + 1 : c->cols - w - 1, w, INK_PLAIN, at);
}

static void view_health(const struct model *m, struct canvas *c, bool wide)
{
	static const char *const shout[HEALTH_STATUSES_COUNT] = {
		[HEALTH_HEALTHY] = "HEALTHY", [HEALTH_UNHEALTHY] = "UNHEALTHY", [HEALTH_QUARANTINED] = "QUARANTINED",
	};
	struct tally t = tally_of(m);
	char age[16], note[200], differs[48];
	bool escalates = t.escalate || orphan_rule(m);
	int col = 1, end = escalates && !wide ? c->cols - 15 : c->cols;
	if (m->sight.conflict) {
		col += canvas_printf(c, 1, col, c->cols, INK_BAD, "[!] CONFLICT: the worker says HEALTHY, %zu left over", t.left);
	} else if (!m->health_ms) {
		col += canvas_text(c, 1, col, c->cols, INK_WARN, "[?] health not heard of yet");
	} else {
		const char *reason = m->health.reason ? health_reason_word(m->health.reason) : "";
		age_of(m, m->health.since, age);
		col += canvas_printf(c, 1, col, c->cols, health_ink(m), "[%c] %s%s%s", health_letter(m),
				     shout[m->health.status], reason[0] ? " " : "", reason);
		col += canvas_printf(c, 1, col, c->cols - col, INK_PLAIN, " %s   fails %u/%d", m->health.since ? age : "",
				     m->health.failures, MAX_CLEANUP_FAILURES);
	}
	col += canvas_printf(c, 1, col, c->cols - col, t.left ? INK_BAD : INK_PLAIN, "   +%zu ", t.left);
	if (col + snprintf(differs, sizeof differs, "~%zu -%zu", t.changed, t.missing) <= end) /* a number is never cut */
		col += canvas_text(c, 1, col, c->cols - col, INK_PLAIN, differs);
	if (wide && m->health_ms)
		col += canvas_printf(c, 1, col, c->cols - col, INK_PLAIN, "   accepting: %s   %s",
				     m->health.status == HEALTH_QUARANTINED ? "NO" : "yes",
				     text_escape(m->health.note, note, sizeof note));
	if (escalates)
		(void)canvas_printf(c, 1, wide ? col + 3 : c->cols - 14, 14, INK_BAD, "%s %d/%d",
				    orphan_rule(m) ? "ORPHAN ESC" : "ESCALATE", t.escalate, ESCALATE_OF);
}

/* "/tmp 91% HIGH, full in 22 min": the words come only with the trouble. */
static void disk_text(const struct model *m, const struct disk_sight *d, bool wide, struct text *t)
{
	uint64_t full = disk_full_in(d, m->wall);
	unsigned used = disk_used(d), inodes = disk_inodes_used(d);
	char age[16], path[80];
	bool high = used >= 90 || inodes >= 90;
	if (!d->path[0] || (!wide && !high && !full && d->known))
		return;
	const char *name = strrchr(d->path, '/');
	text_add(t, "%s%s", t->buf[0] ? "  " : "", text_escape(wide ? d->path : name ? name : d->path, path, sizeof path));
	if (!d->known) {
		text_add(t, " does not answer");
		return;
	}
	text_add(t, " %u%%", used);
	if (wide || inodes >= 90)
		text_add(t, " inodes %u%%", inodes);
	text_add(t, "%s", high ? " HIGH" : "");
	if (full) {
		text_age(full, age, sizeof age);
		text_add(t, " full in %s", age);
	}
}

static void pressure_text(const struct model *m, bool wide, char *out, size_t cap)
{
	const struct sight *s = &m->sight;
	struct text t = { .buf = out, .cap = cap };
	out[0] = '\0';
	for (int i = 0; i < SIGHT_DISKS; i++)
		if (i == 0 || s->disk[i].bytes != s->disk[0].bytes || s->disk[i].free != s->disk[0].free)
			disk_text(m, &s->disk[i], wide, &t);
	if (wide && m->pressure) {
		text_add(&t, "  mem %u%%%s  fds %u%%", s->memory_used, s->memory_used >= 95 ? " HIGH" : "", s->handles_used);
		if (s->io_stall >= 0)
			text_add(&t, "  io PSI %d", s->io_stall);
	}
}

static int word(struct canvas *c, int col, enum ink ink, const char *text)
{
	return canvas_text(c, 2, col, c->cols - col, ink, text);
}

/* "live: mounts cgroups ..."; a source that is not complete says so in words, with its rung. */
static int view_sources(const struct model *m, struct canvas *c)
{
	static const char *const names[RES_KINDS] = { [RES_MOUNT] = "mounts", [RES_CGROUP] = "cgroups",
		[RES_PROCESS] = "procs", [RES_TEMPDIR] = "dirs", [RES_LOCK] = "locks", [RES_GHOST] = "ghosts" };
	char text[80];
	uint64_t age = 0;
	int col = 1;
	if (m->feed_lost[0])
		return col + word(c, col, INK_BAD, "LOST: the watch stream ended; it is being started again");
	if (!m->feed_ms)
		return col + word(c, col, INK_WARN, "... not looked at the host yet");
	if (feed_is_stale(m, &age)) {
		(void)snprintf(text, sizeof text, "STALE %us: ", (unsigned)age);
		col += word(c, col, INK_WARN, text);
	} else {
		col += word(c, col, INK_PLAIN, "live:");
	}
	for (int k = 0; k < RES_KINDS; k++) {
		const struct source_state *s = &m->source[k];
		bool gap = !s->known || !s->complete;
		if ((k == RES_LOCK || k == RES_GHOST) && !gap)
			continue;
		(void)snprintf(text, sizeof text, " %s%s", names[k], !s->known ? " ..." : gap ? " PARTLY" : "");
		col += word(c, col, gap ? INK_WARN : INK_PLAIN, text);
	}
	return col;
}

static void view_fresh(const struct model *m, struct canvas *c, bool wide)
{
	char text[120];
	char pressure[240];
	char promise[120];
	pressure_text(m, wide, pressure, sizeof pressure);
	enum ink slo = slo_text(m, false, promise, sizeof promise);
	int col = view_sources(m, c) + 3;
	if (m->health_ms && (wide || (!pressure[0] && !promise[0]))) { /* it comes by the same stream: first to give way */
		(void)snprintf(text, sizeof text, "health live   ");
		col += word(c, col, INK_PLAIN, text);
	}
	if (m->has_baseline && m->base.taken) {
		char at[24];
		(void)snprintf(text, sizeof text, "baseline %.11s", stamp(m->base.taken, at) + 5);
		col += word(c, col, INK_PLAIN, text);
	} else if (m->has_baseline) {
		col += word(c, col, INK_PLAIN, m->diff.trusted ? "baseline ok" : "baseline, NOT TRUSTED");
	} else {
		col += word(c, col, INK_WARN, wide ? "NO BASELINE: showing name and owner rules only" : "NO BASELINE: owner rules");
	}
	if (m->record_lost) /* before what made it so, which the line may have no room for */
		col += 2 + word(c, col + 2, INK_BAD, "JOURNAL IN MEMORY");
	if (pressure[0])
		col += 3 + word(c, col + 3, strstr(pressure, "HIGH") || strstr(pressure, "full in") ? INK_WARN : INK_PLAIN, pressure);
	if (!wide && promise[0] && canvas_width(c, promise) + 3 <= c->cols - col) /* whole or not at all */
		(void)word(c, col + 3, slo, promise);
	if (m->sight.lag_s) {
		(void)snprintf(text, sizeof text, "LAGGING %us", m->sight.lag_s);
		(void)canvas_right(c, 2, c->cols - 14, 13, INK_WARN, text);
	}
}

void view_head(const struct model *m, struct canvas *c)
{
	bool wide = c->cols >= 120;
	view_identity(m, c, wide);
	if (m->arm.on || m->past.on)
		canvas_bar(c, 0, 0, c->cols, INK_BAR);
	view_health(m, c, wide);
	if (m->past.on)
		view_past_kept(m, c);
	else
		view_fresh(m, c, wide);
}

void view_tabs(const struct model *m, const struct layout *l, struct canvas *c)
{
	static const char *const names[2][TAB_COUNT] = {
#define X(id, narrow, wide, kinds) [TAB_##id] = narrow,
		{ TABS(X) },
#undef X
#define X(id, narrow, wide, kinds) [TAB_##id] = wide,
		{ TABS(X) },
#undef X
	};
	static const char *const scopes[SHOW_COUNT] = { "leaks first", "diff", "leaks only" };
	static const char *const sorts[SORT_COUNT] = { "most blocking", "oldest", "by name" };
	bool wide = l->shape == SHAPE_WIDE;
	char right[FIELD_ROOM + 40];
	int col = 2;
	canvas_rule(c, l->tabs, 0, c->cols);
	for (int t = 0; t < TAB_COUNT; t++) {
		char text[40];
		struct text made = TEXT_ON(text);
		size_t changed = 0, missing = 0;
		tally_diff(m, (enum tab)t, &changed, &missing);
		text_add(&made, "%d %s +%zu", t + 1, names[wide][t], tally_kind(m, (enum tab)t));
		if (changed)
			text_add(&made, " ~%zu", changed);
		if (missing)
			text_add(&made, " -%zu", missing);
		col += canvas_text(c, l->tabs, col, c->cols - col, t == (int)m->list.tab ? INK_CURSOR : INK_PLAIN, text);
		col += wide ? 4 : 2;
	}
	if (m->list.frozen)
		(void)snprintf(right, sizeof right, " FROZEN +%zu since", (size_t)m->list.since);
	else if (m->list.filter[0])
		(void)snprintf(right, sizeof right, " /%s", m->list.filter);
	else if (wide)
		(void)snprintf(right, sizeof right, " diff: %s (d)   sort: %s (s)", scopes[m->list.scope], sorts[m->list.sort]);
	else
		(void)snprintf(right, sizeof right, " %s", scopes[m->list.scope]);
	if (canvas_width(c, right) + 1 < c->cols - col)
		(void)canvas_right(c, l->tabs, col, c->cols - col, INK_PLAIN, right);
}
