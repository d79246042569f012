/*
 * See plain.h. A line is: a row's number (what it is and why it is stuck), a key of the full console, a command of its
 * palette, or, while something is asked, the answer. What the log gains is said as it comes.
 */
#include "tui/plain.h"

#include <ctype.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/base/clock.h"
#include "probes/base/text.h"
#include "tui/dialog_text.h"
#include "tui/effects.h"
#include "tui/escalate.h"
#include "tui/feed.h"
#include "tui/lines.h"
#include "tui/update.h"
#include "tui/view_parts.h"
#include "tui/why.h"

enum { ROWS = 4000, COLS = 100, ASK_MS = 160, LINE = 512, LISTED = 500 };
enum { FROM_INPUT, FROM_FEED, FROM_EFFECTS, FROM_COUNT };

struct plain {
	const struct loop_options *opt;
	struct model *m;
	struct feed feed;
	struct effects effects;
	struct lines input;
	uint64_t now_ms;
	size_t said;	/* lines of the log that were printed */
	bool quit, synced;
	enum dialog_kind shown; /* the dialog that was read out */
	uint64_t shown_ms;
	const struct procedure *proc; /* and the step of it that was told */
	size_t at;
	int code;
};

static void deliver(void *ctx, struct msg *msg)
{
	struct plain *p = ctx;
	msg->now_ms = p->now_ms;
	msg->wall = clock_wall_s();
	struct effect what = update(p->m, msg);
	if (what.kind == EFFECT_QUIT) {
		p->quit = true;
		p->code = what.code;
	} else if (what.kind == EFFECT_COPY) {
		printf("copy: %s\n", what.text);
	} else if (what.kind == EFFECT_ASIDE) {
		printf("a drill needs the whole screen: rustbox drill, in a terminal of its own\n");
	}
	effects_do(&p->effects, &what, p->now_ms, (struct feed_sink){ deliver, p });
}

static void key(struct plain *p, uint32_t code)
{
	deliver(p, &(struct msg){ .kind = MSG_KEY, .key = { .code = code } });
}

static void type(struct plain *p, const char *text)
{
	for (; *text; text++)
		key(p, (unsigned char)*text);
}

/* ---- saying ------------------------------------------------------------------------------------- */

static void say_log(struct plain *p)
{
	size_t fresh = p->m->log.n - p->said;
	for (size_t back = fresh > RING_LINES ? RING_LINES : fresh; back-- > 0;) {
		const struct ring_line *line = ring_back(&p->m->log, back);
		char at[24];
		if (!line)
			continue;
		clock_rfc3339(line->wall, at, sizeof at);
		printf("%.8s %s\n", strlen(at) > 11 ? at + 11 : "", line->text);
	}
	p->said = p->m->log.n;
}

/* What the first rows of the screen show, and must be heard with every list: of when it is, who acts, when to stop. */
static void say_state(const struct plain *p)
{
	const struct model *m = p->m;
	struct tally t = tally_of(m);
	char host[80], when[160] = "";
	bool met[ESCALATE_OF];
	const char *const *names = escalate_names(m, met);
	if (m->past.on)
		view_past_when(m, COLS, when, sizeof when);
	printf("%s%s%s: health %s%s, %zu left over, %zu changed, %zu missing. ", when, *when ? " " : "",
	       text_escape(m->opt.host, host, sizeof host), m->health_ms ? health_status_word(m->health.status) : "not known yet",
	       m->sight.conflict ? " BUT CONFLICT" : "", t.left, t.changed, t.missing);
	if (!m->arm.on && m->peer.on)
		printf("OBSERVE, %s is armed%s.", m->peer.user, m->peer.asks ? " and asks for a second person: confirm" : "");
	else
		printf("%s.", m->arm.on ? "ARMED" : "OBSERVE, read-only");
	printf("%s%s\n", m->has_baseline ? "" : " NO BASELINE.", m->feed_lost[0] ? " The watch stream is lost." : "");
	for (int i = 0; i < ESCALATE_OF; i++)
		if (met[i])
			printf("criterion to escalate: %s\n", names[i]);
}

static size_t step_now(const struct walk *w)
{
	return w->proc && walk_finished(w) ? w->proc->nsteps : w->at;
}

static void say_step(struct plain *p)
{
	const struct walk *w = &p->m->walk;
	p->proc = w->proc;
	p->at = step_now(w);
	if (w->proc && walk_finished(w))
		printf("procedure P%u: all steps are done\n", w->proc->number);
	else if (w->proc)
		printf("procedure P%u, step %zu of %zu: %s\n", w->proc->number, w->at + 1, w->proc->nsteps,
		       walk_step(w) ? walk_step(w)->say : "-");
}

/* Once a dialog is out of the way. */
static void say_new_step(struct plain *p)
{
	const struct walk *w = &p->m->walk;
	if (p->m->dialog.kind == DIALOG_NONE && w->proc && (p->proc != w->proc || p->at != step_now(w)))
		say_step(p);
}

static void say_list(const struct plain *p)
{
	const struct list *l = &p->m->list;
	char name[300], blocked[60];
	if (!l->n)
		printf("none: nothing is on this list\n");
	for (size_t i = 0; i < l->n && i < LISTED; i++) {
		const struct row *row = l->shown[i];
		row_title(row, name, sizeof name);
		row_blocked(p->m, row, blocked, sizeof blocked);
		printf("%zu. %s%s %s %s%s%s, next %s\n", i + 1, row->marked ? "marked " : "", resource_kind_word(row->res->kind),
		       row->missing ? "missing" : row->gone_ms ? "vanished" : owner_shown(row->res->owner), name,
		       strcmp(blocked, "-") ? ", blocked by " : "", strcmp(blocked, "-") ? blocked : "", row_next(p->m, row));
	}
	if (l->n > LISTED)
		printf("and %zu more: / narrows the list\n", l->n - LISTED);
	if (l->hidden_foreign)
		printf("%zu foreign hidden, F shows\n", l->hidden_foreign);
}

static void say_dialog(struct plain *p)
{
	const struct model *m = p->m;
	autoarena struct arena mem = { 0 };
	struct prose text = { .a = &mem, .width = COLS };
	char title[200];
	if (m->dialog.kind == DIALOG_NONE || (m->dialog.kind == p->shown && m->dialog.opened_ms == p->shown_ms))
		return;
	p->shown = m->dialog.kind;
	p->shown_ms = m->dialog.opened_ms;
	dialog_lines(m, &text);
	(void)dialog_title(m, title, sizeof title);
	if (m->dialog.kind == DIALOG_PREVIEW)
		printf("--- %s, class %s\n", title, risk_word(m->dialog.plan.risk));
	else
		printf("--- %s\n", title);
	for (size_t i = 0; i < text.n; i++)
		printf("%s\n", text.v[i].text);
}

/* What is to be typed, and whether the plan has changed since it was read out. */
static void say_plan(const struct model *m)
{
	const struct dialog *d = &m->dialog;
	char phrase[FIELD_ROOM + 80], now[160];
	size_t gone = 0, fresh = 0;
	(void)plan_now_text(m, &d->plan, &gone, &fresh, now, sizeof now);
	if (d->plan.n && (gone || fresh))
		printf("%s\n", now);
	plan_phrase(m, &d->plan, phrase, sizeof phrase);
	if (dialog_field_label(m, 1) && (!dialog_field_label(m, 0) || d->focus == 1))
		printf("to commit, type: %s\n", phrase);
}

static void say_question(const struct plain *p)
{
	const struct model *m = p->m;
	const struct dialog *d = &m->dialog;
	if (d->refusal)
		printf("refused: %s\n", d->refusal);
	if (d->kind == DIALOG_PREVIEW)
		say_plan(m);
	if (d->kind == DIALOG_NONE)
		printf("> ");
	else if (dialog_inline(d->kind) || dialog_field_label(m, 1))
		printf("answer (empty line: leave everything as it is): %s", dialog_field_label(m, dialog_inline(d->kind) ? 0 :
			dialog_field_label(m, 0) ? d->focus : 1));
	else if (d->kind == DIALOG_PREVIEW && !d->plan.refused)
		printf("Y commits, an empty line leaves everything as it is: ");
	else
		printf("a key, or an empty line to go back: ");
	(void)fflush(stdout);
}

/* ---- lines in ------------------------------------------------------------------------------------ */

static void answer(struct plain *p, const char *line)
{
	const struct model *m = p->m;
	bool typed = dialog_inline(m->dialog.kind) || dialog_field_label(m, 1);
	if (!*line) {
		key(p, K_ESC);
	} else if (!typed) {
		key(p, (unsigned char)line[0]);
	} else {
		key(p, 0x15); /* what was refused is typed anew */
		type(p, line);
		key(p, K_ENTER);
	}
}

static void command(struct plain *p, const char *line)
{
	char *end;
	unsigned long n = strtoul(line, &end, 10);
	if (!*line || strcmp(line, "list") == 0) {
		say_state(p);
		say_step(p);
		say_list(p);
	} else if (end != line && !*end) {
		if (n == 0 || n > p->m->list.n) {
			printf("no row %lu\n", n);
			return;
		}
		list_move(p->m, (long)n - 1 - (long)p->m->list.cursor);
		key(p, K_ENTER);
	} else if (!line[1] || (line[0] == 'p' && line[1] == ' ')) {
		for (const char *s = line; *s; s++)
			if (*s != ' ' || !line[1])
				key(p, (unsigned char)*s);
	} else if (strcmp(line, "quit") == 0) {
		key(p, 'q');
	} else {
		key(p, ':');
		p->now_ms += ASK_MS; /* the palette asks nothing that could be answered by mistake */
		type(p, line + (*line == ':'));
		key(p, K_ENTER);
	}
}

static void on_line(void *ctx, char *line, size_t len, bool whole)
{
	struct plain *p = ctx;
	(void)whole;
	while (len && isspace((unsigned char)line[len - 1]))
		line[--len] = '\0';
	if (p->m->dialog.kind == DIALOG_NONE)
		command(p, line);
	else if (p->now_ms - p->m->dialog.opened_ms < ASK_MS)
		printf("too soon: the question had not been asked yet; what was typed is dropped\n");
	else
		answer(p, line);
	if (p->m->dialog.kind == DIALOG_NONE)
		p->shown = DIALOG_NONE;
	say_log(p);
	say_dialog(p);
	say_new_step(p);
	if (!p->quit)
		say_question(p);
}

/* ---- the loop ------------------------------------------------------------------------------------ */

static int wait_ms(const struct plain *p)
{
	int ms = model_next_ms(p->m), feed = feed_next_ms(&p->feed, p->now_ms), effects = effects_next_ms(&p->effects, p->now_ms);
	ms = feed >= 0 && (ms < 0 || feed < ms) ? feed : ms;
	ms = effects >= 0 && (ms < 0 || effects < ms) ? effects : ms;
	return ms < 0 || ms > 1000 ? 1000 : ms;
}

static void turn(struct plain *p)
{
	struct pollfd v[FROM_COUNT] = { [FROM_INPUT] = { .fd = STDIN_FILENO, .events = POLLIN },
					[FROM_FEED] = { .fd = p->feed.poll, .events = POLLIN },
					[FROM_EFFECTS] = { .fd = p->effects.poll, .events = POLLIN } };
	struct feed_sink sink = { deliver, p };
	(void)poll(v, FROM_COUNT, wait_ms(p));
	p->now_ms = clock_mono_ns() / NS_PER_MS;
	if (v[FROM_FEED].revents)
		feed_ready(&p->feed, p->now_ms, sink);
	if (v[FROM_EFFECTS].revents)
		effects_ready(&p->effects, p->now_ms, sink);
	feed_tick(&p->feed, p->now_ms, sink);
	feed_ask(&p->feed, p->m->acted_ms);
	effects_tick(&p->effects, p->now_ms, sink);
	deliver(p, &(struct msg){ .kind = MSG_TICK });
	if (!p->synced && p->m->source[RES_PROCESS].settled) { /* the first whole state is read out unasked */
		p->synced = true;
		on_line(p, (char[]){ "" }, 0, true);
	}
	bool news = p->m->log.n != p->said;
	if (news)
		(void)putchar('\n');
	say_log(p);
	say_new_step(p);
	enum dialog_kind before = p->shown;
	say_dialog(p);
	if (news || p->shown != before)
		say_question(p);
	if (v[FROM_INPUT].revents && lines_read(&p->input, STDIN_FILENO, on_line, p) == LINES_END)
		p->quit = true;
}

int plain_run(const struct loop_options *opt, struct err *e)
{
	struct plain p = { .opt = opt, .m = opt->model, .now_ms = clock_mono_ns() / NS_PER_MS, .input.max = LINE };
	int r = feed_init(&p.feed, e);
	r = r ? r : effects_init(&p.effects, opt->paths, opt->incident, e);
	if (r == 0) {
		struct msg size = { .kind = MSG_SIZE };
		size.size.rows = ROWS;
		size.size.cols = COLS;
		deliver(&p, &size);
		if (opt->notice && *opt->notice)
			deliver(&p, &(struct msg){ .kind = MSG_NOTICE, .text = opt->notice });
		sigset_t none;
		(void)sigemptyset(&none); /* Ctrl-C ends a dialogue as it ends any program */
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		printf("rustbox-tui, line by line. A number tells about a row, an empty line lists, help lists the keys, quit leaves.\n");
		while (!p.quit)
			turn(&p);
	}
	feed_done(&p.feed);
	effects_done(&p.effects);
	lines_done(&p.input);
	return r ? r : p.code;
}
