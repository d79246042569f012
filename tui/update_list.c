/* Which rows are shown, in which order; and the cursor, which stays on the same thing when rows move. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/base/text.h"
#include "tui/update.h"

static const unsigned tab_kinds[TAB_COUNT] = {
#define X(id, narrow, wide, kinds) [TAB_##id] = (kinds),
	TABS(X)
#undef X
};

/* What needs the operator first: leftovers, then what differs from the baseline, then the rest. */
static int urgency(const struct row *r)
{
	static const int of[OWNER_COUNT] = {
		[OWNER_LEAK] = 0, [OWNER_ORPHAN] = 0, [OWNER_ACTIVE] = 4, [OWNER_SERVICE] = 5, [OWNER_SELF] = 6,
		[OWNER_FOREIGN] = 7,
	};
	if (r->missing)
		return 3;
	if (r->sign == CHANGE_CHANGED && of[r->res->owner] > 2)
		return 2;
	return of[r->res->owner];
}

static size_t depth(const char *path)
{
	size_t n = 0;
	for (; *path; path++)
		n += *path == '/';
	return n;
}

static int by_number(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int by_name(const struct row *a, const struct row *b)
{
	int c = strcmp(a->res->name, b->res->name);
	return c ? c : strcmp(a->res->id, b->res->id);
}

static int compare_blocking(const void *x, const void *y)
{
	const struct row *a = *(const struct row *const *)x, *b = *(const struct row *const *)y;
	int c = by_number((uint64_t)urgency(a), (uint64_t)urgency(b));
	if (!c)
		c = by_number(a->res->kind, b->res->kind);
	bool path = a->res->kind == RES_MOUNT || a->res->kind == RES_CGROUP;
	if (!c && path && urgency(a) == 0) /* deepest first: it blocks those above it */
		c = by_number(depth(b->res->name), depth(a->res->name));
	return c ? c : by_name(a, b);
}

static int compare_age(const void *x, const void *y)
{
	const struct row *a = *(const struct row *const *)x, *b = *(const struct row *const *)y;
	int c = by_number(a->res->born ? a->res->born : UINT64_MAX, b->res->born ? b->res->born : UINT64_MAX);
	return c ? c : by_name(a, b);
}

static int compare_name(const void *x, const void *y)
{
	const struct row *a = *(const struct row *const *)x, *b = *(const struct row *const *)y;
	return by_name(a, b);
}

static bool matches(const struct list *l, const struct row *r)
{
	if (!l->filter[0])
		return true;
	char line[1024], name[512], detail[256];
	(void)snprintf(line, sizeof line, "%s %s %s %s %s", resource_kind_word(r->res->kind),
		       owner_word(r->res->owner), text_escape(r->res->name, name, sizeof name),
		       r->res->detail ? text_escape(r->res->detail, detail, sizeof detail) : "",
		       r->res->box ? r->res->box : "");
	if (l->mode == FILTER_REGEX)
		return !l->has_regex || regexec(&l->regex, line, 0, NULL, 0) == 0;
	const char *needle = l->filter + (l->mode == FILTER_INVERSE);
	return (strcasestr(line, needle) != NULL) == (l->mode == FILTER_TEXT);
}

static bool in_scope(const struct list *l, const struct row *r)
{
	bool leak = r->res->owner == OWNER_LEAK || r->res->owner == OWNER_ORPHAN;
	if (l->scope == SHOW_LEAKS_ONLY)
		return leak;
	if (l->scope == SHOW_DIFF_ONLY)
		return leak || r->sign != CHANGE_SAME || r->gone_ms;
	return true;
}

static void keep_cursor(struct list *l)
{
	for (size_t i = 0; l->at_id[0] && i < l->n; i++)
		if (l->shown[i]->res->kind == l->at_kind && strcmp(l->shown[i]->res->id, l->at_id) == 0) {
			l->cursor = i;
			return;
		}
	if (l->cursor >= l->n)
		l->cursor = l->n ? l->n - 1 : 0;
	if (!l->n)
		return;
	/* Until the operator has chosen, the first row is what they look at. */
	if (!l->at_id[0])
		l->cursor = 0;
}

static void remember(struct list *l)
{
	if (l->cursor >= l->n)
		return;
	const struct resource *r = l->shown[l->cursor]->res;
	l->at_kind = r->kind;
	(void)snprintf(l->at_id, sizeof l->at_id, "%s", r->id);
}

void list_build(struct model *m)
{
	static int (*const order[SORT_COUNT])(const void *, const void *) = {
		[SORT_BLOCKING] = compare_blocking, [SORT_AGE] = compare_age, [SORT_NAME] = compare_name,
	};
	struct list *l = &m->list;
	if (l->room < m->table.n) {
		l->room = m->table.n * 2;
		l->shown = realloc(l->shown, l->room * sizeof *l->shown);
		if (!l->shown)
			abort();
	}
	l->n = l->hidden_foreign = 0;
	for (size_t i = 0; i < m->table.n; i++) {
		const struct row *r = m->table.v[i];
		if (!(tab_kinds[l->tab] & 1u << r->res->kind) || !in_scope(l, r) || !matches(l, r))
			continue;
		bool foreign = r->res->owner == OWNER_FOREIGN || r->res->owner == OWNER_SELF;
		if (foreign && r->sign != CHANGE_CHANGED && !r->missing && !l->foreign) {
			l->hidden_foreign++;
			continue;
		}
		l->shown[l->n++] = r;
	}
	if (l->n)
		qsort(l->shown, l->n, sizeof *l->shown, order[l->sort]);
	keep_cursor(l);
}

void list_move(struct model *m, long by)
{
	struct list *l = &m->list;
	if (!l->n)
		return;
	long to = (long)l->cursor + by;
	l->cursor = to < 0 ? 0 : to >= (long)l->n ? l->n - 1 : (size_t)to;
	remember(l);
}

void list_go(struct model *m, const char *id)
{
	for (size_t i = 0; i < m->list.n; i++)
		if (strcmp(m->list.shown[i]->res->id, id) == 0) {
			m->list.cursor = i;
			remember(&m->list);
			return;
		}
}

void list_tab(struct model *m, enum tab tab)
{
	m->list.tab = tab;
	m->list.top = 0;
	list_build(m);
}

void list_filter(struct model *m, const char *typed)
{
	struct list *l = &m->list;
	if (l->has_regex)
		regfree(&l->regex);
	l->has_regex = false;
	(void)snprintf(l->filter, sizeof l->filter, "%s", typed);
	l->mode = typed[0] == '!' ? FILTER_INVERSE : typed[0] == '~' ? FILTER_REGEX : FILTER_TEXT;
	if (l->mode != FILTER_TEXT && !typed[1])
		l->filter[0] = '\0';
	if (l->mode == FILTER_REGEX && typed[1])
		l->has_regex = regcomp(&l->regex, typed + 1, REG_EXTENDED | REG_ICASE | REG_NOSUB) == 0;
	list_build(m);
}

const struct row *list_row(const struct model *m)
{
	return m->list.cursor < m->list.n ? m->list.shown[m->list.cursor] : NULL;
}

void list_mark(struct model *m)
{
	static const char *const refuse[OWNER_COUNT] = {
		[OWNER_ACTIVE] = "a running execution is never a leftover: it is not ours to end",
		[OWNER_SERVICE] = "rustbox needs it: it cannot be in a plan",
		[OWNER_FOREIGN] = "not rustbox's, however it is called: it cannot be in a plan",
		[OWNER_SELF] = "this is you: it cannot be in a plan",
		[OWNER_ORPHAN] = "an orphan is ended one by one, after its evidence is kept: x on its row",
	};
	const struct row *at = list_row(m);
	struct row *row = at ? rows_find(&m->table, at->res->kind, at->res->id) : NULL;
	if (!row || !row_alive(row))
		return;
	if (refuse[row->res->owner]) {
		ring_add(&m->log, m->wall, RING_WARN, "%s", refuse[row->res->owner]);
		return;
	}
	row->marked = !row->marked;
	list_move(m, 1);
}

void list_unmark(struct model *m)
{
	for (size_t i = 0; i < m->table.n; i++)
		m->table.v[i]->marked = false;
}
