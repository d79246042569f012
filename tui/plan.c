/*
 * What a commit would do, as identities. A plan is made from rows the operator can see, holds only
 * leftovers, and is filled in again at the moment it is committed: what is still there of it runs, what
 * appeared since does not.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/base/text.h"
#include "tui/plan.h"

static struct target *plan_add(struct model *m, struct plan *p, const struct resource *r)
{
	struct arena *a = &m->dialog.mem;
	struct target *t = arena_push(a, &p->v, &p->n, sizeof *p->v);
	*t = (struct target){ .kind = r->kind, .owner = r->owner, .id = arena_strdup(a, r->id),
			      .name = arena_strdup(a, r->name), .box = r->box ? arena_strdup(a, r->box) : NULL };
	return t;
}

static size_t depth(const char *path)
{
	size_t n = 0;
	for (; *path; path++)
		n += *path == '/';
	return n;
}

/* Deepest first, and of mounts stacked on one point the newest (highest id) first. */
static int compare_targets(const void *x, const void *y)
{
	const struct target *a = x, *b = y;
	size_t da = depth(a->name), db = depth(b->name);
	if (da != db)
		return da > db ? -1 : 1;
	int c = strcmp(b->name, a->name);
	return c ? c : strcmp(b->id, a->id);
}

static bool any_marked(const struct model *m, enum resource_kind kind)
{
	for (size_t i = 0; i < m->table.n; i++)
		if (m->table.v[i]->marked && m->table.v[i]->res->kind == kind && row_actable(m->table.v[i]))
			return true;
	return false;
}

/* The marked leaks of a kind, or all of them. Orphans never come in a batch. */
static void add_leaks(struct model *m, struct plan *p, enum resource_kind kind)
{
	bool marked = any_marked(m, kind);
	for (size_t i = 0; i < m->table.n; i++) {
		const struct row *row = m->table.v[i];
		bool wanted = row_actable(row) && row->res->kind == kind && row->res->owner == OWNER_LEAK;
		if (wanted && (!marked || row->marked))
			plan_add(m, p, row->res);
	}
	if (p->n)
		qsort(p->v, p->n, sizeof *p->v, compare_targets);
}

static void add_holders(struct model *m, struct plan *p)
{
	for (size_t i = 0; m->holding.known && i < m->holding.of.n; i++) {
		const struct holder *h = &m->holding.of.v[i];
		char id[64];
		bool already = false;
		(void)snprintf(id, sizeof id, "%d:%llu", (int)h->pid, (unsigned long long)h->start_ticks);
		for (size_t k = 0; k < p->n; k++)
			already = already || strcmp(p->v[k].id, id) == 0;
		const struct row *row = rows_find(&m->table, RES_PROCESS, id);
		if (!already && h->pid && !h->you && row && row_actable(row) && row->res->owner == OWNER_LEAK)
			plan_add(m, p, row->res);
	}
	p->then_retry = m->nretry > 0;
	if (!p->n)
		p->refused = m->holding.known ? "no leftover process holds it: see who does with w"
					      : "not known who holds it: find the holders first";
}

static size_t actives(const struct model *m)
{
	size_t n = 0;
	for (int k = 0; k < RES_KINDS; k++)
		n += m->count[OWNER_ACTIVE][k];
	return n;
}

static void set_words(struct model *m, struct plan *p, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		*(const char **)arena_push(&m->dialog.mem, &p->words, &p->nwords, sizeof *p->words) = words[i];
}

static bool shares(const struct model *m, const struct plan *p)
{
	const struct row *row = rows_find(&m->table, p->v[0].kind, p->v[0].id);
	return row && row->res->kind == RES_MOUNT && row->res->mount.shared != 0;
}

/* A running execution whose mount namespace would lose this mount too; NULL when that is known not to be. */
static const char *run_that_would_lose_it(struct model *m, const struct plan *p)
{
	if (!actives(m) || !shares(m, p))
		return NULL;
	if (!m->holding.known || strcmp(m->holding.id, p->v[0].id) != 0 || !m->holding.of.complete)
		return "refused: it shares propagation and executions run; first w on it: who are its peers?";
	for (size_t i = 0; i < m->holding.of.n; i++) {
		const struct holder *h = &m->holding.of.v[i];
		for (size_t k = 0; h->hold == HOLD_PEER_MOUNT && k < m->table.n; k++) {
			const struct resource *r = m->table.v[k]->res;
			if (row_alive(m->table.v[k]) && r->kind == RES_PROCESS && r->owner == OWNER_ACTIVE && h->mnt_ns &&
			    r->process.mnt_ns == h->mnt_ns)
				return arena_printf(&m->dialog.mem, "refused: it would unmount it inside run %s", r->box ? r->box : "?");
		}
	}
	return NULL;
}

/* Whether a missing leftover proves anything; a missing baseline does not take that away. */
static bool sees_everything(const struct model *m)
{
	for (int k = 0; k < RES_KINDS; k++)
		if (!m->source[k].known || !m->source[k].complete)
			return false;
	return m->sync_at && !m->feed_lost[0];
}

/* The class follows from what the command does and to what, never from what a page calls it alone. */
static void set_risk(struct model *m, struct plan *p, bool drastic)
{
	bool kills = false, orphan = false;
	for (size_t i = 0; i < p->n; i++) {
		const struct row *row = rows_find(&m->table, p->v[i].kind, p->v[i].id);
		kills = kills || p->v[i].kind == RES_PROCESS || p->v[i].kind == RES_TEMPDIR;
		kills = kills || (row && row->res->kind == RES_CGROUP && row->res->cgroup.procs > 0);
		orphan = orphan || p->v[i].owner == OWNER_ORPHAN;
	}
	bool recover = plan_says(p, "--recover");
	if (plan_says(p, "capture")) { /* adds a file, touches nothing */
		p->risk = RISK_R1;
		p->verb = "capture";
		p->refused = m->opt.is_root ? p->refused : "needs root: start the console with sudo to act";
		return;
	}
	p->risk = drastic || (kills && !recover) ? RISK_R2 : RISK_R1;
	if (orphan || plan_says(p, "--lazy") || plan_says(p, "--unquarantine") ||
	    (recover && (actives(m) || m->incident.recoveries >= RECOVERIES_MOST)))
		p->risk = RISK_R3;
	if (plan_says(p, "--unquarantine"))
		p->verb = "unquarantine";
	else if (plan_says(p, "--quarantine"))
		p->verb = "quarantine";
	else if (recover)
		p->verb = "recover";
	else if (plan_says(p, "--lazy"))
		p->verb = "lazy";
	else if (p->nout || (p->n && p->v[0].kind == RES_TEMPDIR))
		p->verb = "delete";
	else if (p->n && p->v[0].kind == RES_MOUNT)
		p->verb = "unmount";
	else
		p->verb = p->n && p->v[0].kind == RES_LOCK ? "clear" : "kill";
	if (p->refused)
		return;
	if (!m->opt.is_root)
		p->refused = "needs root: start the console with sudo to act";
	else if (plan_says(p, "--lazy") && p->n)
		p->refused = run_that_would_lose_it(m, p);
	else if (plan_says(p, "--unquarantine") && count_leftovers(m->count, RES_ALL))
		p->refused = "locked: this console still sees leftovers";
	else if (plan_says(p, "--unquarantine") && !sees_everything(m))
		p->refused = "locked: not everything can be seen, so nothing is proven clean";
}

/* Who could take note that this process has ended; NULL when it is not on the table. */
const struct row *plan_parent(const struct model *m, const struct resource *zombie)
{
	for (size_t i = 0; i < m->table.n; i++) {
		const struct row *row = m->table.v[i];
		if (row_alive(row) && row->res->kind == RES_PROCESS && row->res->process.pid == zombie->process.ppid)
			return row;
	}
	return NULL;
}

/* The leftover parents of what has ended, or of this one. One that is no leftover is named, and never in a plan. */
static void add_parents(struct model *m, struct plan *p, const struct row *of)
{
	const struct row *other = NULL;
	pid_t unseen = 0;
	for (size_t i = 0; i < m->table.n; i++) {
		const struct row *row = m->table.v[i];
		if (!row_is_zombie(row) || (of && row != of))
			continue;
		const struct row *parent = plan_parent(m, row->res);
		bool leak = parent && row_actable(parent) && parent->res->owner == OWNER_LEAK, already = false;
		for (size_t k = 0; leak && k < p->n; k++)
			already = already || strcmp(p->v[k].id, parent->res->id) == 0;
		if (leak && !already)
			plan_add(m, p, parent->res);
		other = leak || !parent ? other : parent;
		unseen = parent ? unseen : row->res->process.ppid;
	}
	if (p->n)
		return;
	if (other)
		p->refused = arena_printf(&m->dialog.mem, "its parent %d is %s, and is never ended from here: plan a restart of it",
					  (int)other->res->process.pid, owner_word(other->res->owner));
	else if (unseen > 1)
		p->refused = arena_printf(&m->dialog.mem, "its parent %d is foreign, and is never ended from here: tell its owner", (int)unseen);
	else if (unseen)
		p->refused = "its parent is init, which takes note in its own time";
}

static void fill(struct model *m, struct plan *p, const char *word)
{
	if (strcmp(word, "{orphan}") == 0)
		return; /* add_orphan() */
	if (strcmp(word, "{holder}") == 0) {
		add_holders(m, p);
		return;
	}
	if (strcmp(word, "{parent}") == 0) {
		add_parents(m, p, NULL);
		return;
	}
	for (int k = 0; k < RES_KINDS; k++) {
		const char *kind = resource_kind_word((enum resource_kind)k);
		size_t n = strlen(kind);
		if (strncmp(word + 1, kind, n) == 0 && word[n + 1] == '}')
			add_leaks(m, p, (enum resource_kind)k);
	}
}

/* A lazy unmount is for one mount: the one under the cursor, else the deepest that is left. */
static void keep_one(const struct model *m, struct plan *p)
{
	const struct row *at = list_at(&m->list);
	p->single = true;
	for (size_t i = 0; at && i < p->n; i++)
		if (strcmp(p->v[i].id, at->res->id) == 0)
			p->v[0] = p->v[i];
	p->n = p->n ? 1 : 0;
}

static bool is_captured(const struct model *m, const char *id)
{
	for (size_t i = 0; i < m->ncaptured; i++)
		if (strcmp(m->captured[i], id) == 0)
			return true;
	return false;
}

/* One at a time: the one under the cursor, else the first whose evidence is not kept yet. */
static void add_orphan(struct model *m, struct plan *p)
{
	const struct row *at = list_at(&m->list);
	p->n = 0;
	for (size_t i = 0; i < m->table.n; i++) {
		const struct row *row = m->table.v[i];
		bool orphan = row_actable(row) && row->res->owner == OWNER_ORPHAN && row->res->kind == RES_PROCESS;
		if (orphan && (row == at || (!p->n && !is_captured(m, row->res->id)))) {
			p->n = 0;
			plan_add(m, p, row->res);
		}
	}
}

/* What would only be refused is named and waits: a directory with mounts below it, until they are unmounted; a process that
 * has ended, until its parent takes note. */
static const char *not_yet(const struct row *row)
{
	if (row && row->res->kind == RES_TEMPDIR && row->res->tempdir.mounts_below)
		return "mounts lie below: unmount them first (P2)";
	if (row && row_is_zombie(row))
		return "it has ended already; what can be ended is its parent, if that is a leftover (P4.4)";
	return NULL;
}

static void leave_out(struct model *m, struct plan *p)
{
	size_t kept = 0;
	const char *why = NULL;
	for (size_t i = 0; i < p->n; i++) {
		const char *because = not_yet(rows_find(&m->table, p->v[i].kind, p->v[i].id));
		if (because)
			*(struct target *)arena_push(&m->dialog.mem, &p->out, &p->nout, sizeof *p->out) = p->v[i];
		else
			p->v[kept++] = p->v[i];
		why = because ? because : why;
	}
	p->n = kept;
	if (p->nout && !p->n && !p->refused)
		p->refused = why;
}

void plan_for_step(struct model *m, int step)
{
	struct plan *p = &m->dialog.plan;
	const struct step *s = &m->walk.proc->steps[step];
	*p = (struct plan){ .step = step };
	set_words(m, p, s->words, s->nwords);
	(void)walk_may_do(&m->walk, (size_t)step, &p->refused);
	for (size_t i = 0; i < s->nwords; i++)
		if (s->words[i][0] == '{')
			fill(m, p, s->words[i]);
	if (plan_says(p, "--lazy"))
		keep_one(m, p);
	if (plan_says(p, "capture"))
		add_orphan(m, p);
	if (plan_says(p, "--recover"))
		for (int k = 0; k < RES_KINDS; k++)
			add_leaks(m, p, (enum resource_kind)k);
	else
		leave_out(m, p);
	set_risk(m, p, s->verb == VERB_DO_DRASTIC);
}

/* A sandboxed process outside its cgroup: what is known of it is kept before it can be ended. */
static void orphan_words(struct model *m, struct plan *p, const char *id)
{
	static const char *const capture[] = { "rustbox", "capture", "{process}" };
	static const char *const end[] = { "rustbox", "reclaim", "process", "{process}" };
	if (is_captured(m, id))
		set_words(m, p, end, sizeof end / sizeof end[0]);
	else
		set_words(m, p, capture, sizeof capture / sizeof capture[0]);
}

static void reclaim_words(struct model *m, struct plan *p, enum resource_kind kind)
{
	const char *word = resource_kind_word(kind);
	const char *const words[] = { "rustbox", "reclaim", word, arena_printf(&m->dialog.mem, "{%s}", word) };
	set_words(m, p, words, sizeof words / sizeof words[0]);
}

void plan_for_choice(struct model *m)
{
	struct plan *p = &m->dialog.plan;
	const struct row *at = list_at(&m->list);
	*p = (struct plan){ .step = -1 };
	if (!at)
		return;
	enum resource_kind kind = at->res->kind;
	if (at->res->owner == OWNER_ORPHAN)
		orphan_words(m, p, at->res->id);
	else
		reclaim_words(m, p, kind);
	if (kind == RES_GHOST)
		p->refused = "a ghost goes when its last holder ends: w shows who that is";
	else if (row_is_zombie(at))
		add_parents(m, p, at);
	else if (any_marked(m, kind) && at->res->owner != OWNER_ORPHAN)
		add_leaks(m, p, kind);
	else if (row_actable(at))
		plan_add(m, p, at->res);
	else
		p->refused = "not a leftover: it cannot be in a plan";
	leave_out(m, p);
	p->single = p->n == 1 && p->v[0].owner == OWNER_ORPHAN;
	set_risk(m, p, false);
}

void plan_for_retry(struct model *m)
{
	struct plan *p = &m->dialog.plan;
	*p = (struct plan){ .step = m->retry_step };
	if (!m->nretry)
		return;
	reclaim_words(m, p, m->retry[0].kind);
	for (size_t i = 0; i < m->nretry; i++) {
		const struct row *row = rows_find(&m->table, m->retry[i].kind, m->retry[i].id);
		if (row && row_actable(row) && row->res->kind == m->retry[0].kind)
			plan_add(m, p, row->res);
	}
	leave_out(m, p);
	set_risk(m, p, false);
}

size_t plan_now(const struct model *m, const struct plan *p, size_t *gone, size_t *fresh)
{
	size_t still = 0;
	unsigned kinds = 0;
	*gone = *fresh = 0;
	for (size_t i = 0; i < p->n; i++) {
		const struct row *row = rows_find(&m->table, p->v[i].kind, p->v[i].id);
		kinds |= 1u << p->v[i].kind;
		if (row && row_actable(row))
			still++;
		else
			(*gone)++;
	}
	for (size_t i = 0; i < m->table.n; i++)
		*fresh += row_actable(m->table.v[i]) && kinds & 1u << m->table.v[i]->res->kind &&
			  m->table.v[i]->seen_ms > m->dialog.opened_ms;
	return still;
}

/* Whether what is deleted must be gone at once: then there is no undo, and the dialog says so. */
bool space_is_needed(const struct model *m)
{
	size_t i;
	json_t *d;
	json_array_foreach(json_object_get(m->pressure, "disks"), i, d) {
		const char *what = json_string_value(json_object_get(d, "what"));
		json_int_t bytes = json_integer_value(json_object_get(d, "bytes")), room = json_integer_value(json_object_get(d, "free"));
		json_int_t inodes = json_integer_value(json_object_get(d, "inodes"));
		if (what && strcmp(what, "work") == 0 && bytes > 0)
			return room < bytes / 10 || json_integer_value(json_object_get(d, "inodes_free")) < inodes / 10;
	}
	return false;
}

void plan_for_undo(struct model *m)
{
	static const char *const words[] = { "rustbox", "reclaim", "tempdir", "--undo" };
	struct plan *p = &m->dialog.plan;
	*p = (struct plan){ .risk = RISK_R1, .step = -1, .verb = "undo" };
	set_words(m, p, words, sizeof words / sizeof words[0]);
	for (size_t i = 0; i < m->trash.n; i++) {
		const char *id = arena_strdup(&m->dialog.mem, m->trash.ids[i]);
		set_words(m, p, &id, 1);
	}
	if (!m->trash.n)
		p->refused = "nothing to undo: this console has deleted nothing that could come back";
	else if (m->trash.until <= m->wall)
		p->refused = "too late: what was deleted is kept for 10 minutes, and is gone now";
}
