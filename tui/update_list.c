/* Which rows are shown, in which order; and the cursor, which stays on the same thing when rows move. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/layout.h"
#include "tui/then.h"
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

/* Rows come by name; ordering them by one number, ties left as they come, is all that is missing. */
static uint64_t key_blocking(const struct row *r)
{
	uint64_t key = (uint64_t)urgency(r) << 40 | (uint64_t)r->res->kind << 32;
	bool path = r->res->kind == RES_MOUNT || r->res->kind == RES_CGROUP;
	if (path && urgency(r) == 0) /* deepest first: it blocks those above it */
		key |= UINT32_MAX - (uint32_t)depth(r->res->name);
	return key;
}

static uint64_t key_age(const struct row *r)
{
	return r->res->born ? r->res->born : UINT64_MAX;
}

static int compare_lots(const void *x, const void *y)
{
	const struct lot *a = x, *b = y;
	int c = by_number(a->key, b->key);
	return c ? c : by_number(a->at, b->at);
}

static void order(struct list *l, uint64_t (*key)(const struct row *))
{
	bool sorted = true;
	for (size_t i = 0; i < l->n; i++) {
		l->lots[i] = (struct lot){ key(l->shown[i]), (uint32_t)i };
		sorted = sorted && (i == 0 || l->lots[i - 1].key <= l->lots[i].key);
	}
	if (sorted)
		return;
	qsort(l->lots, l->n, sizeof *l->lots, compare_lots);
	const struct row **from = l->shown + l->room; /* the second half is the copy */
	memcpy(from, l->shown, l->n * sizeof *from);
	for (size_t i = 0; i < l->n; i++)
		l->shown[i] = from[l->lots[i].at];
}

static bool matches(const struct list *l, const struct row *r)
{
	if (!l->filter[0])
		return true;
	if (l->mode == FILTER_REGEX)
		return !l->has_regex || regexec(&l->regex, r->find, 0, NULL, 0) == 0;
	return (strstr(r->find, l->needle) != NULL) == (l->mode == FILTER_TEXT);
}

static bool in_scope(const struct list *l, const struct row *r)
{
	bool leak = owner_is_left_over(r->res->owner);
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

/* The cursor stays in sight, and the window does not move while it is. */
size_t list_first(const struct list *l, size_t rows)
{
	if (l->n <= rows || l->cursor < rows / 2)
		return 0;
	size_t first = l->cursor - rows / 2;
	return first + rows > l->n ? l->n - rows : first;
}

/* Only the cursor follows a click: nothing is chosen, opened or begun by a mouse. */
void list_click(struct model *m, int row)
{
	struct layout at = layout_for(m->rows, m->cols, time_steps(m));
	if ((at.shape != SHAPE_NORMAL && at.shape != SHAPE_WIDE) || row < at.list.row || row >= at.list.row + at.list.rows)
		return;
	size_t to = list_first(&m->list, (size_t)at.list.rows) + (size_t)(row - at.list.row);
	if (to >= m->list.n)
		return;
	m->list.cursor = to;
	remember(&m->list);
}

void list_news(struct model *m, int by)
{
	struct list *l = &m->list;
	for (size_t i = 1; i <= l->n; i++) {
		size_t at = by > 0 ? (l->cursor + i) % l->n : (l->cursor + l->n - i) % l->n;
		if (!l->shown[at]->news)
			continue;
		l->cursor = at;
		remember(l);
		struct row *row = rows_find(&m->table, l->shown[at]->res->kind, l->shown[at]->res->id);
		if (row)
			row->news = false;
		return;
	}
	ring_add(&m->log, m->wall, RING_SAID, "nothing on this list has changed since you looked at it");
}

void list_build(struct model *m)
{
	static uint64_t (*const keys[SORT_COUNT])(const struct row *) = {
		[SORT_BLOCKING] = key_blocking, [SORT_AGE] = key_age, [SORT_NAME] = NULL,
	};
	struct list *l = &m->list;
	if (l->room < m->table.n) {
		l->room = m->table.n * 2;
		l->shown = realloc(l->shown, 2 * l->room * sizeof *l->shown);
		l->lots = realloc(l->lots, l->room * sizeof *l->lots);
		if (!l->shown || !l->lots)
			abort();
	}
	l->n = l->hidden_foreign = 0;
	m->sight.news = 0;
	for (size_t i = 0; i < m->table.n; i++) {
		const struct row *r = m->table.by_name[i];
		if (!(tab_kinds[l->tab] & 1u << r->res->kind) || !in_scope(l, r) || !matches(l, r))
			continue;
		bool foreign = r->res->owner == OWNER_FOREIGN || r->res->owner == OWNER_SELF;
		if (foreign && r->sign != CHANGE_CHANGED && !r->missing && !l->foreign) {
			l->hidden_foreign++;
			continue;
		}
		m->sight.news += r->news;
		l->shown[l->n++] = r;
	}
	if (l->n && keys[l->sort])
		order(l, keys[l->sort]);
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
	const char *from = typed + (typed[0] == '!');
	size_t n = 0;
	for (; from[n] && n + 1 < sizeof l->needle; n++)
		l->needle[n] = (char)tolower((unsigned char)from[n]);
	l->needle[n] = '\0';
	l->mode = typed[0] == '!' ? FILTER_INVERSE : typed[0] == '~' ? FILTER_REGEX : FILTER_TEXT;
	if (l->mode != FILTER_TEXT && !typed[1])
		l->filter[0] = '\0';
	if (l->mode == FILTER_REGEX && typed[1])
		l->has_regex = regcomp(&l->regex, typed + 1, REG_EXTENDED | REG_ICASE | REG_NOSUB) == 0;
	list_build(m);
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
	const struct row *at = list_at(&m->list);
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
