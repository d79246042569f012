/* What lies over the main screen: a box with lines to read, what is typed, and why it cannot be committed yet. */
#include <stdio.h>
#include <string.h>

#include "tui/drill.h"
#include "tui/dialog_text.h"
#include "tui/both.h"
#include "tui/update.h"
#include "tui/view_parts.h"

static void typed(const struct model *m, struct canvas *c, int row, int col, int width, int field, bool focus)
{
	const char *text = m->dialog.field[field];
	int w = canvas_width(c, text);
	while (w >= width && *text) { /* the end is where the typing is */
		text++;
		while (((unsigned char)*text & 0xc0) == 0x80)
			text++;
		w = canvas_width(c, text);
	}
	(void)canvas_text(c, row, col, width, INK_STRONG, text);
	if (focus) {
		c->caret_row = row;
		c->caret_col = col + w < c->cols ? col + w : c->cols - 1;
		(void)canvas_text(c, row, col + w, 1, INK_STRONG, "_");
	}
}

static void inline_dialog(const struct model *m, struct canvas *c)
{
	int row = c->rows - 1;
	const char *label = dialog_field_label(m, 0);
	canvas_fill(c, row, 0, 1, c->cols, INK_PLAIN);
	int col = canvas_text(c, row, 0, c->cols, INK_STRONG, label ? label : "");
	typed(m, c, row, col, c->cols - col - 1, 0, true);
	if (m->dialog.refusal && c->rows > 1) {
		canvas_fill(c, row - 1, 0, 1, c->cols, INK_PLAIN);
		(void)canvas_text(c, row - 1, 1, c->cols - 1, INK_WARN, m->dialog.refusal);
	}
}

static void fields(const struct model *m, struct canvas *c, int row)
{
	const char *reason = dialog_field_label(m, 0), *type = dialog_field_label(m, 1);
	char phrase[FIELD_ROOM + 80];
	int room = c->cols - 4;
	if (reason) {
		int n = canvas_text(c, row, 2, room, INK_PLAIN, reason);
		typed(m, c, row, 2 + n, room - n, 0, m->dialog.focus == 0);
		row++;
	}
	if (!type)
		return;
	plan_phrase(m, &m->dialog.plan, phrase, sizeof phrase);
	(void)canvas_printf(c, row, 2, room, INK_PLAIN, "type   %s", phrase);
	(void)canvas_text(c, row + 1, 2, room, INK_PLAIN, "  >");
	typed(m, c, row + 1, 9, room - 7, 1, !reason || m->dialog.focus == 1);
	(void)canvas_right(c, row + 1, 9 + (int)sizeof "", room - 8, INK_PLAIN, "");
}

static void commit_line(const struct model *m, struct canvas *c, int row, int lines, int page)
{
	const struct dialog *d = &m->dialog;
	const char *refusal = d->kind == DIALOG_PREVIEW ? commit_refusal(m) : NULL, *second = second_name(m);
	char how[120], read[60] = "";
	if (lines > page)
		(void)snprintf(read, sizeof read, "PgDn reads on (%d of %d)", d->top + page < lines ? d->top + page : lines, lines);
	if (d->kind == DIALOG_PREVIEW && !dialog_field_label(m, 1))
		(void)snprintf(how, sizeof how, refusal ? "%s" : d->plan.risk == RISK_R0 ? "Y: done" : "Y commits", refusal);
	else if (d->kind == DIALOG_PREVIEW && second && !refusal)
		(void)snprintf(how, sizeof how, "Enter commits; %.40s confirmed", second);
	else if (d->kind == DIALOG_PREVIEW)
		(void)snprintf(how, sizeof how, "%s", refusal ? refusal : "Enter commits (paste is not accepted)");
	else
		how[0] = '\0';
	if (drill_keys(m))
		(void)snprintf(how, sizeof how, "%s", drill_keys(m));
	if (d->refusal)
		(void)snprintf(how, sizeof how, "%s", d->refusal);
	int n = canvas_text(c, row, 2, c->cols - 4, INK_LINK, d->kind == DIALOG_PREVIEW ? "Esc keeps all as it is" : "Esc closes") + 4;
	(void)canvas_text(c, row, n + 2, c->cols - n - 4, refusal || d->refusal ? INK_WARN : INK_LINK, how);
	(void)canvas_text(c, row - 1, 2, c->cols - 4, INK_LINK, read);
}

static void newcomers(const struct model *m, struct canvas *c)
{
	size_t gone = 0, fresh = 0;
	char text[160];
	if (m->dialog.kind != DIALOG_PREVIEW || !m->dialog.plan.n)
		return;
	(void)plan_now_text(m, &m->dialog.plan, &gone, &fresh, text, sizeof text);
	(void)canvas_text(c, c->rows - 1, 1, c->cols - 1, fresh ? INK_WARN : INK_PLAIN, text);
}

void view_dialog(const struct model *m, struct canvas *c)
{
	if (m->dialog.kind == DIALOG_NONE)
		return;
	if (dialog_inline(m->dialog.kind)) {
		inline_dialog(m, c);
		return;
	}
	char title[200], named[260];
	int top = c->rows > 3 ? 1 : 0, bottom = c->rows - 2, page = layout_dialog_rows(c->rows, dialog_fields(m));
	canvas_fill(c, top, 0, c->rows - top, c->cols, INK_PLAIN);
	canvas_box(c, top, 0, bottom - top + 1, c->cols, INK_RULE);
	const char *label = m->opt.label && strcmp(m->opt.label, "DRILL") == 0 ? "DRILL: " : "";
	(void)snprintf(named, sizeof named, " %s%s ", label, dialog_title(m, title, sizeof title));
	(void)canvas_text(c, top, 3, c->cols - 6, INK_STRONG, named);
	if (m->dialog.kind == DIALOG_PREVIEW)
		(void)canvas_printf(c, top, c->cols - 14, 11, m->dialog.plan.risk == RISK_R3 ? INK_DANGER : INK_STRONG, " class %s ",
				    risk_word(m->dialog.plan.risk));
	autoarena struct arena a = { 0 };
	struct prose p = { .a = &a, .width = c->cols - 4 };
	dialog_lines(m, &p);
	for (int i = 0; i < page && (size_t)(m->dialog.top + i) < p.n && top + 1 + i < bottom; i++)
		(void)canvas_text(c, top + 1 + i, 2, c->cols - 4, p.v[m->dialog.top + i].ink, p.v[m->dialog.top + i].text);
	if (c->rows >= 10) {
		fields(m, c, top + 1 + page);
		commit_line(m, c, bottom - 1, (int)p.n, page);
	}
	newcomers(m, c);
}
