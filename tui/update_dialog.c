/*
 * Keys while something lies over the main screen. A key that was on its way before the question was visible
 * does not answer it; Esc always leaves everything as it is; Enter commits only a phrase typed in full.
 */
#include <stdio.h>
#include <string.h>

#include "probes/base/json.h"
#include "tui/dialog_text.h"
#include "tui/drill.h"
#include "tui/keys.h"
#include "tui/layout.h"
#include "tui/update.h"

enum { TYPE_AHEAD_MS = 150 };

static const struct effect nothing = { 0 };

static int lines_now(const struct model *m)
{
	autoarena struct arena a = { 0 };
	struct prose p = { .a = &a, .width = m->cols - 4 };
	dialog_lines(m, &p);
	return (int)p.n;
}

static int page_now(const struct model *m)
{
	return layout_dialog_rows(m->rows, dialog_fields(m));
}

static void saw(struct model *m)
{
	int seen = m->dialog.top + page_now(m);
	if (seen > m->dialog.read && layout_can_commit(m->rows, m->cols))
		m->dialog.read = seen;
}

void dialog_open(struct model *m, enum dialog_kind kind)
{
	dialog_close(m);
	m->dialog.kind = kind;
	m->dialog.opened_ms = m->now_ms;
}

void dialog_close(struct model *m)
{
	arena_done(&m->dialog.mem);
	m->dialog = (struct dialog){ .kind = DIALOG_NONE };
}

static void scroll(struct model *m, int by)
{
	struct dialog *d = &m->dialog;
	int last = lines_now(m) - page_now(m);
	d->top += by;
	if (d->top > last)
		d->top = last;
	if (d->top < 0)
		d->top = 0;
	saw(m);
}

static bool scroll_key(struct model *m, uint32_t key)
{
	int page = page_now(m);
	switch (key) {
	case K_UP: case K_WHEEL_UP: scroll(m, -1); return true;
	case K_DOWN: case K_WHEEL_DOWN: scroll(m, 1); return true;
	case K_PGUP: scroll(m, -page); return true;
	case K_PGDN: scroll(m, page); return true;
	case K_HOME: scroll(m, -(1 << 20)); return true;
	case K_END: scroll(m, 1 << 20); return true;
	}
	return false;
}

/* Typing: printable ASCII and what UTF-8 the terminal sent as code points, kept as UTF-8. */
static bool type_key(struct model *m, int field, uint32_t key)
{
	char *s = m->dialog.field[field];
	size_t n = strlen(s);
	if (key == K_BACKSPACE || key == 0x08) {
		while (n && ((unsigned char)s[n - 1] & 0xc0) == 0x80)
			n--;
		if (n)
			n--;
		s[n] = '\0';
		return true;
	}
	if (key == 0x15) { /* Ctrl-U */
		s[0] = '\0';
		return true;
	}
	if (key < 0x20 || (key >= 0x7f && key < 0xa0) || key >= KEY_CODE_FIRST || n + 5 > FIELD_ROOM)
		return false;
	if (key < 0x80) {
		s[n++] = (char)key;
	} else if (key < 0x800) {
		s[n++] = (char)(0xc0 | key >> 6);
		s[n++] = (char)(0x80 | (key & 0x3f));
	} else {
		if (key >= 0x10000)
			s[n++] = (char)(0xf0 | key >> 18), s[n++] = (char)(0x80 | (key >> 12 & 0x3f));
		else
			s[n++] = (char)(0xe0 | key >> 12);
		s[n++] = (char)(0x80 | (key >> 6 & 0x3f));
		s[n++] = (char)(0x80 | (key & 0x3f));
	}
	s[n] = '\0';
	return true;
}

static void skip(struct model *m)
{
	char reason[FIELD_ROOM];
	(void)snprintf(reason, sizeof reason, "%s", m->dialog.field[0]);
	if (!m->walk.proc)
		return;
	incident_begin(m);
	step_mark(m, m->walk.at, STEP_SKIPPED, reason);
	m->walk.at = walk_next(&m->walk);
}

static struct effect line_done(struct model *m)
{
	enum dialog_kind kind = m->dialog.kind;
	char text[FIELD_ROOM];
	(void)snprintf(text, sizeof text, "%s", m->dialog.field[0]);
	bool needed = kind == DIALOG_ARM || kind == DIALOG_SKIP;
	if (needed && strspn(text, " ") == strlen(text)) {
		m->dialog.refusal = "a reason is needed: it goes in the report";
		return nothing;
	}
	if (kind == DIALOG_ARM)
		arm_ask(m, text, false);
	if (kind == DIALOG_SKIP)
		skip(m);
	if (kind == DIALOG_NOTE && text[0]) {
		incident_begin(m);
		ring_add(&m->log, m->wall, RING_SAID, "note (%s): %s", m->opt.user, text);
		record_add(m, "note", json_pack("{s:o}", "text", json_text(text)));
	}
	dialog_close(m);
	return kind == DIALOG_PALETTE ? command_run(m, text) : nothing;
}

static struct effect line_key(struct model *m, uint32_t key)
{
	if (key == K_ENTER)
		return line_done(m);
	(void)type_key(m, 0, key);
	m->dialog.refusal = NULL;
	if (m->dialog.kind == DIALOG_FILTER)
		list_filter(m, m->dialog.field[0]);
	return nothing;
}

static struct effect preview_key(struct model *m, uint32_t key)
{
	struct dialog *d = &m->dialog;
	bool fields = dialog_field_label(m, 1) != NULL, reason = dialog_field_label(m, 0) != NULL;
	d->refusal = NULL;
	if (scroll_key(m, key))
		return nothing;
	if (!fields && key == 'Y')
		return dialog_commit(m);
	if (!fields) {
		if (key == 'y' || key == K_ENTER)
			d->refusal = "Y (shift-y) commits; Esc keeps everything as it is";
		return nothing;
	}
	if (key == K_TAB)
		d->focus = reason ? !d->focus : 1;
	else if (key == K_ENTER && reason && d->focus == 0)
		d->focus = 1;
	else if (key == K_ENTER)
		return dialog_commit(m);
	else
		(void)type_key(m, reason ? d->focus : 1, key);
	return nothing;
}

static struct effect failure_key(struct model *m, uint32_t key)
{
	if (scroll_key(m, key))
		return nothing;
	if (key == 'r' && retry_is_on(m)) {
		dialog_open(m, DIALOG_PREVIEW);
		plan_for_retry(m);
		saw(m);
	} else if (key == 'r') {
		m->dialog.refusal = "off: nothing that concerns it changed since it failed";
	} else if (key == 'a' && m->walk.proc) {
		way_take(m);
	} else if (key == 'S' && m->walk.proc) {
		m->walk.at = failed_step(m); /* in the list, S means the step the pointer shows */
		dialog_open(m, DIALOG_SKIP);
	} else if (key == '!' && m->walk.proc) {
		incident_begin(m);
		step_mark(m, failed_step(m), STEP_ESCALATED, "escalated to engineering");
		dialog_close(m);
		m->walk.at = walk_next(&m->walk);
		return escalate(m);
	} else if (key == 'N') {
		dialog_open(m, DIALOG_NOTE);
	} else if (key == 'b' || key == 'q') {
		dialog_close(m);
	}
	return nothing;
}

static struct effect procedures_key(struct model *m, uint32_t key)
{
	int wanted = key >= 'a' && key <= 'z' ? (int)key - 'a' + 9 : (int)key - '1', at = 0;
	if (scroll_key(m, key))
		return nothing;
	dialog_close(m);
	if ((key < '1' || key > '9') && (key < 'a' || key > 'z'))
		return nothing;
	for (size_t b = 0; b < m->nbooks; b++)
		for (size_t i = 0; i < m->books[b].n; i++, at++)
			if (at == wanted) {
				job_leave(m);
				walk_open(&m->walk, &m->books[b], &m->books[b].v[i], m->wall);
				m->nback = 0;
				m->retry_step = -1;
				m->nretry = 0;
				m->focus = FOCUS_STEPS;
				ring_add(&m->log, m->wall, RING_SAID, "P%u %s opened", m->books[b].v[i].number,
					 m->books[b].v[i].title);
				if (m->incident.open)
					record_add(m, "procedure", json_pack("{s:s,s:i,s:s}", "book", m->books[b].name, "procedure",
									     (int)m->books[b].v[i].number, "text", m->books[b].v[i].title));
			}
	step_checks(m);
	return nothing;
}

struct effect dialog_key(struct model *m, uint32_t key)
{
	enum dialog_kind kind = m->dialog.kind;
	bool asks = kind == DIALOG_PREVIEW || kind == DIALOG_FAILURE || kind == DIALOG_SKIP || kind == DIALOG_ARM ||
		    kind == DIALOG_RESUME;
	if (key == K_ESC) {
		if (kind == DIALOG_FILTER)
			list_filter(m, "");
		dialog_close(m);
		return nothing;
	}
	if (asks && m->now_ms - m->dialog.opened_ms < TYPE_AHEAD_MS) {
		m->dialog.refusal = "a key from before this question was dropped";
		return nothing;
	}
	if (kind == DIALOG_PREVIEW || kind == DIALOG_FAILURE)
		saw(m);
	if (dialog_inline(kind))
		return line_key(m, key);
	if (kind == DIALOG_PREVIEW)
		return preview_key(m, key);
	if (kind == DIALOG_FAILURE)
		return failure_key(m, key);
	if (kind == DIALOG_PROCEDURES)
		return procedures_key(m, key);
	if (kind == DIALOG_RESUME)
		return resume_key(m, key);
	if (scroll_key(m, key))
		return nothing;
	struct effect asked = nothing;
	if (drill_key(m, key, &asked))
		return asked;
	if (action_of_key(key) == ACTION_HELP && kind != DIALOG_HELP)
		dialog_open(m, DIALOG_HELP);
	else if (key == 'q' || key == 'b' || key == K_ENTER || key == '?')
		dialog_close(m);
	return nothing;
}
