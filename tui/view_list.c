/* The list: one row a resource, in columns whose places depend only on the width. */
#include <stdio.h>
#include <string.h>

#include "probes/base/text.h"
#include "tui/update.h"
#include "tui/view_parts.h"
#include "tui/why.h"

struct columns {
	int owner, name, name_w, age, size, blocked, blocked_w, next, next_w; /* size -1: not shown */
};

static struct columns columns_for(int w)
{
	if (w >= 100)
		return (struct columns){ .owner = 8, .name = 14, .name_w = w - 59, .age = w - 44, .size = w - 38,
					 .blocked = w - 31, .blocked_w = 17, .next = w - 13, .next_w = 6 };
	return (struct columns){ .owner = 7, .name = 13, .name_w = w - 44, .age = w - 30, .size = -1,
				 .blocked = w - 23, .blocked_w = 16, .next = w - 6, .next_w = 5 };
}

static uint64_t size_of(const struct resource *r)
{
	switch (r->kind) {
	case RES_CGROUP: return r->cgroup.memory;
	case RES_PROCESS: return r->process.rss;
	case RES_TEMPDIR: return r->tempdir.bytes;
	case RES_GHOST: return r->ghost.bytes;
	case RES_MOUNT: return r->mount.bytes;
	case RES_LOCK:
	case RES_KINDS: break;
	}
	return 0;
}

static enum ink row_ink(const struct row *row)
{
	if (row->gone_ms)
		return INK_GONE;
	if (row->res->owner == OWNER_ORPHAN)
		return INK_BAD;
	if (row->res->owner == OWNER_LEAK)
		return INK_STRONG;
	return row->missing || row->sign == CHANGE_CHANGED ? INK_WARN : INK_PLAIN;
}

static void one_row(const struct model *m, struct canvas *c, int at, const struct area *a, const struct row *row,
		    bool cursor)
{
	const struct columns col = columns_for(a->cols);
	const struct resource *r = row->res;
	enum ink ink = row_ink(row);
	char text[512], owner[24];
	char state = r->kind == RES_PROCESS && !row->missing ? r->process.state : 0;
	(void)canvas_printf(c, at, 0, 5, ink, "%c%c %c", cursor ? '>' : row->marked ? '*' : ' ', row_sign(row),
			    resource_kind_letter(r->kind));
	(void)snprintf(owner, sizeof owner, "%s%s", row->missing ? (col.owner < 8 ? "base" : "baseline") : owner_shown(r->owner),
		       state == 'D' ? " D!" : state == 'Z' ? " Z" : state == 'T' ? " T" : "");
	(void)canvas_text(c, at, 5, col.owner, ink, owner);
	row_title(row, text, sizeof text);
	char detail[120] = "";
	size_t n = strlen(text);
	if (r->kind != RES_PROCESS && r->detail)
		(void)text_escape(r->detail, detail, sizeof detail);
	if (detail[0] && canvas_width(c, text) + canvas_width(c, detail) + 2 <= col.name_w) /* whole or not at all */
		(void)snprintf(text + n, sizeof text - n, "  %s", detail);
	char brief[512];
	(void)canvas_text(c, at, col.name, col.name_w, ink, shortened(c, text, col.name_w, brief, sizeof brief));
	age_of(m, r->born, text);
	(void)canvas_right(c, at, col.age, 5, INK_PLAIN, text);
	if (col.size >= 0) {
		text_size(size_of(r), text, sizeof text);
		(void)canvas_right(c, at, col.size, 6, INK_PLAIN, size_of(r) ? text : "-");
	}
	row_blocked(m, row, text, sizeof text);
	(void)canvas_text(c, at, col.blocked, col.blocked_w, INK_PLAIN, text);
	(void)canvas_text(c, at, col.next, col.next_w, INK_LINK, row_next(m, row));
	if (cursor && (m->focus == FOCUS_LIST || m->past.on))
		canvas_bar(c, at, 0, a->cols, INK_CURSOR);
}

static void view_header(const struct layout *l, struct canvas *c)
{
	const struct columns col = columns_for(l->list.cols);
	(void)canvas_text(c, l->header, 1, 4, INK_PLAIN, "D K");
	(void)canvas_text(c, l->header, 5, 8, INK_PLAIN, "OWNER");
	(void)canvas_text(c, l->header, col.name, col.name_w, INK_PLAIN, "RESOURCE");
	(void)canvas_right(c, l->header, col.age, 5, INK_PLAIN, "AGE");
	if (col.size >= 0)
		(void)canvas_right(c, l->header, col.size, 6, INK_PLAIN, "SIZE");
	(void)canvas_text(c, l->header, col.blocked, col.blocked_w, INK_PLAIN, "BLOCKED BY");
	(void)canvas_text(c, l->header, col.next, col.next_w, INK_PLAIN, "NEXT");
}

static void view_empty(const struct model *m, const struct layout *l, struct canvas *c)
{
	const char *text = !m->sync_at ? "... looking" : m->list.filter[0] ? "none matches the filter (Esc clears it)" :
			   "none: nothing of this kind is left over";
	(void)canvas_text(c, l->list.row, 1, l->list.cols - 1, INK_PLAIN, text);
	if (m->list.hidden_foreign && l->list.rows > 1)
		(void)canvas_printf(c, l->list.row + 1, 1, l->list.cols - 1, INK_PLAIN, "%zu foreign hidden, F shows",
				    m->list.hidden_foreign);
}

void view_list(const struct model *m, const struct layout *l, struct canvas *c)
{
	view_header(l, c);
	if (l->list.rows <= 0)
		return;
	size_t rows = (size_t)l->list.rows, first = list_first(&m->list, rows);
	for (size_t i = 0; i < rows && first + i < m->list.n; i++)
		one_row(m, c, l->list.row + (int)i, &l->list, m->list.shown[first + i], first + i == m->list.cursor);
	if (!m->list.n)
		view_empty(m, l, c);
	else if (m->list.hidden_foreign && m->list.n < rows)
		(void)canvas_printf(c, l->list.row + (int)m->list.n, 1, l->list.cols - 1, INK_PLAIN,
				    "%zu foreign hidden, F shows", m->list.hidden_foreign);
}

void view_why(const struct model *m, const struct layout *l, struct canvas *c)
{
	const struct row *row = m->list.cursor < m->list.n ? m->list.shown[m->list.cursor] : NULL;
	char title[300], at[40], name[240] = "";
	if (l->why.rows <= 0)
		return;
	if (row)
		row_title(row, name, sizeof name);
	(void)snprintf(at, sizeof at, "%zu/%zu", m->list.n ? m->list.cursor + 1 : 0, m->list.n);
	int top = l->why.row, col = 1, width = l->why.cols - 2;
	if (l->shape == SHAPE_WIDE) {
		for (int r = 0; r < l->why.rows; r++)
			(void)canvas_text(c, l->why.row + r, l->why.col, 1, INK_RULE, c->utf8 ? "\xe2\x94\x82" : "|");
		col = l->why.col + 3;
		width = l->why.cols - 4;
		(void)canvas_printf(c, top++, col, width, INK_STRONG, "WHY STUCK  %s", name);
	} else {
		(void)snprintf(title, sizeof title, "Why: %.*s", 50, name);
		titled_rule(c, top - 1, 0, c->cols, title, at);
	}
	autoarena struct arena a = { 0 };
	struct prose p = { .a = &a, .width = width };
	if (row)
		why_lines(m, row, &p);
	for (size_t i = 0; i < p.n && top < l->why.row + l->why.rows; i++, top++)
		(void)canvas_text(c, top, col, width, p.v[i].ink, p.v[i].text);
}
