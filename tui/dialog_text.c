/* Dialogs as text. The preview is the plan: identities, order, the literal command, what stays, and undo. */
#include "tui/drill.h"
#include "tui/dialog_text.h"

#include <stdio.h>
#include <string.h>

#include "probes/base/clock.h"
#include "probes/base/text.h"
#include "tui/keys.h"
#include "tui/space.h"
#include "tui/update.h"
#include "tui/why.h"

const char *risk_word(enum risk risk)
{
	static const char *const words[] = {
		[RISK_R0] = "R0", [RISK_R1] = "R1", [RISK_R2] = "R2", [RISK_R3] = "R3",
	};
	return words[risk];
}

bool dialog_inline(enum dialog_kind kind)
{
	return kind == DIALOG_FILTER || kind == DIALOG_PALETTE || kind == DIALOG_NOTE || kind == DIALOG_SKIP ||
	       kind == DIALOG_ARM;
}

const char *dialog_field_label(const struct model *m, int field)
{
	const struct dialog *d = &m->dialog;
	if (d->kind == DIALOG_PREVIEW) {
		if (d->plan.refused || d->plan.risk < RISK_R2)
			return NULL;
		if (field == 0)
			return d->plan.risk == RISK_R3 ? "reason (goes in the report): " : NULL;
		return "type: ";
	}
	static const char *const labels[DIALOG_KINDS] = {
		[DIALOG_ARM] = "ARM: why do you act? ", [DIALOG_SKIP] = "skip this step because: ",
		[DIALOG_NOTE] = "note: ", [DIALOG_FILTER] = "/", [DIALOG_PALETTE] = ":",
	};
	return field == 0 ? labels[d->kind] : NULL;
}

int dialog_fields(const struct model *m)
{
	int rows = 0;
	for (int f = 0; f < FIELDS; f++)
		if (!dialog_inline(m->dialog.kind) && dialog_field_label(m, f))
			rows += 1 + f; /* the phrase is shown above the field it is typed in */
	return rows;
}

static void target_lines(const struct model *m, const struct plan *p, struct prose *out)
{
	for (size_t i = 0; i < p->n; i++) {
		char name[200], lead[32];
		const struct row *row = rows_find(&m->table, p->v[i].kind, p->v[i].id);
		(void)snprintf(lead, sizeof lead, " %3zu %c ", i + 1, resource_kind_letter(p->v[i].kind));
		(void)text_escape(p->v[i].name, name, sizeof name);
		prose_add(out, row && row_actable(row) ? INK_PLAIN : INK_GONE, lead, "%s   id %s%s", name, p->v[i].id,
			  row && row_actable(row) ? "" : "   (gone already: fine)");
	}
}

static void left_out_lines(const struct model *m, const struct plan *p, struct prose *out)
{
	for (size_t i = 0; i < p->nout; i++) {
		char name[200];
		const struct row *row = rows_find(&m->table, p->out[i].kind, p->out[i].id);
		unsigned below = row && row->res->kind == RES_TEMPDIR ? row->res->tempdir.mounts_below : 0;
		(void)text_escape(p->out[i].name, name, sizeof name);
		if (p->out[i].kind == RES_PROCESS)
			prose_add(out, INK_GONE, "   - P ", "%s   not included: it has ended already (Z); its parent %d has to take note, P4.4",
				  name, row ? (int)row->res->process.ppid : 0);
		else
			prose_add(out, INK_GONE, "   - D ", "%s   not included: %u mount%s below, P2 first", name, below,
				  below == 1 ? "" : "s");
	}
}

static void command_lines(const struct model *m, const struct plan *p, struct prose *out)
{
	const char **argv = plan_argv(m, p, m->dialog.field[0], out->a);
	char line[2048] = "";
	struct text t = TEXT_ON(line);
	plan_line(argv, &t);
	prose_add(out, INK_STRONG, "WILL RUN   ", "%s%s", line, t.cut ? " ... (all ids listed below)" : "");
}

static void lazy_lines(const struct model *m, const struct plan *p, struct prose *out)
{
	const struct row *row = p->n ? rows_find(&m->table, p->v[0].kind, p->v[0].id) : NULL;
	if (!row || row->res->kind != RES_MOUNT)
		return;
	const struct mount_facts *f = &row->res->mount;
	char detail[80];
	size_t n = strlen(row->res->name), below = 0;
	for (size_t i = 0; i < m->table.n; i++) {
		const struct row *o = m->table.v[i];
		below += row_alive(o) && o->res->kind == RES_MOUNT && strncmp(o->res->name, row->res->name, n) == 0 &&
			 o->res->name[n] == '/';
	}
	prose_add(out, INK_STRONG, "", "BLAST RADIUS");
	prose_add(out, INK_PLAIN, " this namespace    ", "1 mount goes, %zu child mounts go with it", below);
	if (f->shared)
		prose_add(out, INK_WARN, " other namespaces  ", "its peers (group %u) lose it too", f->shared);
	else
		prose_add(out, INK_PLAIN, " other namespaces  ", "none: it does not propagate");
	prose_add(out, INK_PLAIN, " stays allocated   ", "%s, until the last holder ends",
		  row->res->detail ? text_escape(row->res->detail, detail, sizeof detail) : "the file system");
	for (size_t i = 0; m->holding.known && !strcmp(m->holding.id, row->res->id) && i < m->holding.of.n; i++) {
		const struct holder *h = &m->holding.of.v[i];
		char comm[40];
		if (h->pid)
			prose_add(out, INK_PLAIN, " keeps it          ", "%d %s (%s)", (int)h->pid,
				  text_escape(h->comm ? h->comm : "?", comm, sizeof comm), hold_word(h->hold));
	}
	prose_add(out, INK_PLAIN, "AFTERWARDS  ", "it is listed as a Ghost until its last holder is gone; P6 stays "
		  "locked while a Ghost is open");
}

static void tried_lines(const struct model *m, const struct plan *p, struct prose *out)
{
	for (int i = 0; m->walk.proc && i < p->step; i++) {
		const struct step_state *s = &m->walk.of[i];
		char note[120];
		if (s->tries || s->mark == STEP_SKIPPED)
			prose_add(out, INK_PLAIN, "TRIED BEFORE  ", "%u.%d %s [%s] %s", m->walk.proc->number, i + 1,
				  m->walk.proc->steps[i].brief, step_mark_word(s->mark),
				  text_escape(s->note, note, sizeof note));
	}
}

static const char *undo_text(const struct model *m, const struct plan *p)
{
	if (p->verb && strcmp(p->verb, "delete") == 0)
		return space_is_needed(m) ? "no undo: space is needed; nothing below a mount is touched" :
					    "u brings them back, for 10 minutes; nothing below a mount is touched";
	if (p->n && p->v[0].kind == RES_CGROUP && p->risk == RISK_R1 && p->verb && strcmp(p->verb, "kill") == 0)
		return "no undo needed: only empty groups go";
	static const struct {
		const char *verb, *text;
	} undo[] = {
		{ "quarantine", "P6 puts it back: verified clean, with a reason" },
		{ "capture", "adds a directory of evidence below incidents/; the process is neither stopped nor told" },
		{ "unmount", "no undo needed: only mounts nobody lives in go; a busy one stays and says so" },
		{ "kill", "no undo: the processes end; what they wrote stays" },
		{ "undo", "they are leftovers again, and can be deleted again" },
		{ "lazy", "no undo: a detached mount cannot be attached again" },
		{ "clear", "no undo needed: a stale lock protects nothing" },
		{ "recover", "no undo; on success this also marks the worker healthy" },
		{ "baseline", "no undo: the stored baseline is replaced; keep a copy of it if somebody may ask" },
		{ "unquarantine", "rustbox health --quarantine --reason R takes it out of service again" },
	};
	for (size_t i = 0; p->verb && i < sizeof undo / sizeof undo[0]; i++)
		if (strcmp(undo[i].verb, p->verb) == 0)
			return undo[i].text;
	return "no undo";
}

static void takeover_lines(const struct model *m, struct prose *out)
{
	const struct peer *p = &m->peer;
	char at[24];
	clock_rfc3339(p->since, at, sizeof at);
	prose_add(out, INK_WARN, "ARMED NOW  ", "%s on %s since %s, at step %s", p->user, p->tty, at, p->step);
	prose_add(out, p->running[0] ? INK_BAD : INK_PLAIN, "RUNNING    ", "%s", p->running[0] ? p->running : "nothing");
	prose_add(out, INK_PLAIN, "IF YOU     ", "take over, that console is disarmed and says so, by your name and with your reason. "
		  "A command it has started goes on to its end; a second one cannot run beside it.");
	prose_add(out, INK_PLAIN, "IF NOT     ", "you go on watching, live; this console arms when the other lets go.");
	prose_add(out, INK_PLAIN, "UNDO       ", "the other one can take over again, in the same way");
}

static void preview_lines(const struct model *m, struct prose *out)
{
	const struct plan *p = &m->dialog.plan;
	static void (*const others[])(const struct model *m, struct prose *out) = {
		[PLAN_TAKEOVER] = takeover_lines, [PLAN_CONFIRM] = second_lines, [PLAN_HANDOVER] = handover_lines,
	};
	if (p->of != PLAN_COMMAND) {
		others[p->of](m, out);
		return;
	}
	if (p->step < 0 && p->refused && !p->n && !p->nout) { /* nothing would run: no word of what it would do */
		prose_add(out, INK_BAD, "NOT NOW    ", "%s", p->refused);
		return;
	}
	if (p->step >= 0 && m->walk.proc)
		prose_add(out, INK_PLAIN, "", "%s", m->walk.proc->steps[p->step].say);
	if (p->nwords && (p->n || !p->nout))
		command_lines(m, p, out);
	if (p->refused)
		prose_add(out, INK_BAD, "NOT NOW    ", "%s", p->refused);
	if (p->n)
		prose_add(out, INK_PLAIN, "", "%s, in this order, each looked at again by its identity when its turn comes:",
			  p->verb && !strcmp(p->verb, "recover") ? "EXPECTED TO VANISH" : "ON");
	if (p->verb && strcmp(p->verb, "baseline") == 0)
		baseline_lines(m, out);
	target_lines(m, p, out);
	left_out_lines(m, p, out);
	if (p->n && p->v[0].owner == OWNER_ORPHAN)
		prose_add(out, INK_BAD, "ORPHAN     ", "security rule: a sandboxed process outside its cgroup. Its evidence is kept first, security is "
			  "told, and then it may be ended, alone and with a reason.%s", p->verb && !strcmp(p->verb, "capture") ?
			  " This step only keeps the evidence; x again ends it." : "");
	if (p->then_retry)
		prose_add(out, INK_PLAIN, "THEN       ", "the %zu that were busy are tried again, the same ones only", m->nretry);
	if (plan_says(p, "--recover"))
		prose_add(out, m->incident.recoveries < RECOVERIES_MOST ? INK_PLAIN : INK_WARN, "ATTEMPT    ",
			  "%u automatic attempt%s failed since the worker was last clean; after %d the page says: by hand, or escalate%s",
			  m->incident.recoveries, m->incident.recoveries == 1 ? "" : "s", RECOVERIES_MOST,
			  m->incident.recoveries < RECOVERIES_MOST ? "" : ". One more needs a reason");
	if (p->verb && strcmp(p->verb, "lazy") == 0) {
		lazy_lines(m, p, out);
		tried_lines(m, p, out);
	}
	size_t active = 0;
	for (int k = 0; k < RES_KINDS; k++)
		active += m->count[OWNER_ACTIVE][k];
	if (p->nwords)
		prose_add(out, INK_PLAIN, "STAYS      ", "what running executions own (%zu things), the service, everything foreign", active);
	if (p->nwords)
		prose_add(out, INK_PLAIN, "UNDO       ", "%s", undo_text(m, p));
	if (p->risk == RISK_R3 && m->arm.pair)
		prose_add(out, INK_WARN, "TWO PEOPLE ", "when reason and phrase are typed, another operator's console is asked, and :confirm there "
			  "lets Enter run it here");
}

static void help_lines(const struct model *m, struct prose *out)
{
	prose_add(out, INK_PLAIN, "", "No single key changes the host: what acts is previewed with x, then confirmed with Y "
		  "or a typed phrase. Esc is always safe.");
	for (int a = ACTION_NONE + 1; a < ACTION_COUNT; a++) {
		char keys[40] = "", lead[48];
		struct text t = TEXT_ON(keys);
		for (size_t i = 0; i < key_row_count; i++)
			if (key_rows[i].action == (enum action)a)
				text_add(&t, "%s%s", keys[0] ? " " : "", key_rows[i].name);
		(void)snprintf(lead, sizeof lead, "%-16.16s %-11s ", keys, action_rows[a].name);
		prose_add(out, action_works(m, (enum action)a) ? INK_STRONG : INK_PLAIN, lead, "%s", action_rows[a].help);
	}
}

static void procedures_lines(const struct model *m, struct prose *out)
{
	int key = 1;
	for (size_t b = 0; b < m->nbooks; b++) {
		const struct runbook *book = &m->books[b];
		if (book->n)
			prose_add(out, INK_STRONG, "", "%s", book->title);
		for (size_t i = 0; i < book->n; i++, key++)
			prose_add(out, INK_LINK, "  ", "%c  P%u %s, %zu steps", key <= 9 ? '0' + key : key <= 35 ? 'a' + key - 10 : ' ',
				  book->v[i].number, book->v[i].title, book->v[i].nsteps);
	}
	prose_add(out, INK_PLAIN, "", "The blockers run P4.2 > P3.3 > P2 > P3.5 > P5 > P6; P1 tries all of it by itself.");
}

/* The procedure as its page has it, word for word; the step that is next is marked. */
static void page_lines(const struct model *m, struct prose *out)
{
	unsigned number = 0, item = 0;
	bool within = false, here = false;
	for (const char *line = m->walk.book->text, *next; line && *line; line = next) {
		size_t n = strcspn(line, "\n");
		next = line[n] ? line + n + 1 : NULL;
		if (strspn(line, "#") >= 1 && strspn(line, "#") <= 3)
			within = sscanf(line, "### Procedure %3u:", &number) == 1 && number == m->walk.proc->number;
		if (!within)
			continue;
		if (line[0] >= '1' && line[0] <= '9' && sscanf(line, "%3u.", &item) == 1)
			here = item == m->walk.at + 1;
		const char *text = arena_strndup(out->a, line, n);
		size_t indent = strspn(text, " ");
		prose_add(out, here ? INK_STRONG : INK_PLAIN, here ? "> " : "  ", "%s%s", indent ? "  " : "", text + indent);
	}
}

static void original_lines(const struct model *m, struct prose *out)
{
	const struct step *s = walk_step(&m->walk);
	if (!s)
		return;
	prose_add(out, INK_STRONG, "this step  ", "%s", s->say);
	char line[512] = "";
	struct text t = TEXT_ON(line);
	for (size_t i = 0; i < s->nwords; i++)
		text_add(&t, " %s", s->words[i]);
	prose_add(out, INK_PLAIN, "does       ", "%s%s", verb_word(s->verb), line);
	prose_add(out, INK_PLAIN, "original   ", "%s", s->original ? s->original : "(none: the step is ours)");
	if (s->original || s->why)
		prose_add(out, INK_PLAIN, "why ours   ", "%s", s->why ? s->why : "the same");
	prose_add(out, INK_PLAIN, "", "%s", "");
	prose_add(out, INK_STRONG, "", "runbooks/%s.md, word for word; > is this step", m->walk.book->name);
	page_lines(m, out);
}

static void messages_lines(const struct model *m, struct prose *out)
{
	for (size_t i = ring_count(&m->log); i-- > 0;) {
		const struct ring_line *line = ring_back(&m->log, i);
		char at[24];
		clock_rfc3339(line->wall, at, sizeof at);
		prose_add(out, line->level == RING_BAD ? INK_BAD : line->level == RING_WARN ? INK_WARN : INK_PLAIN, "",
			  "%s %s", strlen(at) > 11 ? at + 11 : at, line->text);
	}
}

static void output_lines(const struct model *m, struct prose *out)
{
	const struct job *job = &m->job[JOB_LOOK];
	for (size_t i = 0; i < job->n; i++)
		prose_add(out, INK_PLAIN, "", "%s", job->v[i].name);
	if (!job->n)
		prose_add(out, job->last[0] ? INK_BAD : INK_PLAIN, "", "%s", job->last[0] ? job->last : "it said nothing");
}

void dialog_lines(const struct model *m, struct prose *out)
{
	const struct row *at = list_at(&m->list);
	switch (m->dialog.kind) {
	case DIALOG_PREVIEW:
		preview_lines(m, out);
		break;
	case DIALOG_FAILURE:
		failure_lines(m, out);
		break;
	case DIALOG_PROCEDURES:
		procedures_lines(m, out);
		break;
	case DIALOG_HELP:
		help_lines(m, out);
		break;
	case DIALOG_WHY:
		if (at)
			why_lines(m, at, out);
		break;
	case DIALOG_ORIGINAL:
		original_lines(m, out);
		break;
	case DIALOG_MESSAGES:
		messages_lines(m, out);
		break;
	case DIALOG_RESUME:
		resume_lines(m, out);
		break;
	case DIALOG_SPACE:
		space_lines(m, out);
		break;
	case DIALOG_OUTPUT:
		output_lines(m, out);
		break;
	case DIALOG_NONE:
	case DIALOG_ARM:
	case DIALOG_SKIP:
	case DIALOG_NOTE:
	case DIALOG_FILTER:
	case DIALOG_PALETTE:
	case DIALOG_KINDS:
		break;
	}
}

const char *dialog_title(const struct model *m, char *out, size_t cap)
{
	const struct plan *p = &m->dialog.plan;
	static const char *const titles[DIALOG_KINDS] = {
		[DIALOG_PREVIEW] = "chosen rows", [DIALOG_FAILURE] = "NOT ALL OF IT WORKED", [DIALOG_PROCEDURES] = "procedures",
		[DIALOG_HELP] = "every key", [DIALOG_ORIGINAL] = "the founding runbook and this step",
		[DIALOG_MESSAGES] = "messages", [DIALOG_OUTPUT] = "what it said",
		[DIALOG_RESUME] = "an incident was left open",
	};
	const struct row *at = list_at(&m->list);
	const struct procedure *proc = m->walk.proc;
	if (m->dialog.kind == DIALOG_PREVIEW && (p->of == PLAN_TAKEOVER || p->of == PLAN_CONFIRM))
		(void)snprintf(out, cap, "%s %s", p->of == PLAN_CONFIRM ? "second person for" : "take over from", m->peer.user);
	else if (m->dialog.kind == DIALOG_PREVIEW && p->of == PLAN_HANDOVER)
		(void)snprintf(out, cap, "hand over the incident");
	else if (m->dialog.kind == DIALOG_PREVIEW && p->step < 0 && !p->n && p->verb && (!p->refused || p->nout))
		(void)snprintf(out, cap, "%s", p->verb);
	else if (m->dialog.kind == DIALOG_PREVIEW && p->step >= 0 && proc)
		(void)snprintf(out, cap, "P%u.%d %s%s", proc->number, p->step + 1, proc->steps[p->step].brief,
			       p->verb && !strcmp(p->verb, "lazy") ? ": LAST RESORT" : "");
	else if (m->dialog.kind == DIALOG_WHY && at)
		row_title(at, out, cap);
	else if (m->dialog.kind == DIALOG_SPACE)
		return space_title(m, out, cap);
	else if (drill_title(m))
		(void)snprintf(out, cap, "%s", drill_title(m));
	else
		(void)snprintf(out, cap, "%s", titles[m->dialog.kind] ? titles[m->dialog.kind] : "");
	return out;
}
