/* Changes kept, and states made from them; see past.h. */
#include "tui/past.h"

#include <stdlib.h>
#include <string.h>

#include "probes/base/own.h"

static size_t cost(const struct past_change *c)
{
	return 2 * sizeof *c + /* the array grows by doubling */
	       resource_bytes(c->was) + (c->health ? sizeof *c->health : 0);
}

static void forget(struct past *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		p->bytes -= cost(&p->v[i]);
		resource_drop(p->v[i].was);
		resource_drop(p->v[i].is);
		free(p->v[i].health);
		p->since = p->v[i].wall;
	}
	p->n -= n;
	p->forgotten += n;
	if (p->n)
		memmove(p->v, p->v + n, p->n * sizeof *p->v);
}

/* An eighth at a time: what forgets one change each time moves the rest each time. */
static void add(struct past *p, struct past_change c)
{
	size_t old = 0;
	while (old < p->n && p->v[old].wall + PAST_S < c.wall)
		old++;
	if (p->bytes + cost(&c) > PAST_BYTES && old < p->n / 8 + 1)
		old = p->n / 8 + 1;
	if (old > p->n / 16)
		forget(p, old < p->n ? old : p->n);
	if (p->n == p->room) {
		p->room = p->room ? p->room * 2 : 256;
		p->v = realloc(p->v, p->room * sizeof *p->v);
		if (!p->v)
			abort();
	}
	c.moment = p->moment;
	p->v[p->n++] = c;
	p->bytes += cost(&c);
}

void past_thing(struct past *p, uint64_t wall, const struct resource *was, const struct resource *is, bool matters)
{
	if (p->since)
		add(p, (struct past_change){ .wall = wall, .what = PAST_THING, .matters = matters,
					     .was = resource_hold(was), .is = resource_hold(is) });
}

void past_health(struct past *p, uint64_t wall, const struct health *was)
{
	struct health *copy = was ? malloc(sizeof *copy) : NULL;
	if (!p->since) {
		free(copy);
		return;
	}
	if (copy)
		*copy = *was;
	add(p, (struct past_change){ .wall = wall, .what = PAST_HEALTH, .matters = true, .health = copy });
}

void past_mark(struct past *p, uint64_t wall, enum past_what what)
{
	if (p->since && past_is_blind(p, past_end(p)) != (what == PAST_BLIND))
		add(p, (struct past_change){ .wall = wall, .what = what, .matters = true });
}

void past_shown_done(struct shown *s)
{
	rows_done(&s->table);
	arena_done(&s->diff_mem);
	free(s->rows);
	free(s->lots);
	*s = (struct shown){ 0 };
}

void past_done(struct past *p)
{
	past_shown_done(&p->other);
	forget(p, p->n);
	free(p->v);
	*p = (struct past){ 0 };
}

const struct past_change *past_change(const struct past *p, uint64_t at)
{
	return at >= p->forgotten && at < past_end(p) ? &p->v[at - p->forgotten] : NULL;
}

static uint64_t moment_of(const struct past *p, uint64_t at)
{
	while (at > p->forgotten && past_change(p, at - 1)->moment == past_change(p, at)->moment)
		at--;
	return at;
}

uint64_t past_step(const struct past *p, uint64_t at, int by)
{
	const struct past_change *here = past_change(p, at), *c;
	if (by > 0) {
		while ((c = past_change(p, at)) && c->moment == here->moment)
			at++;
		while ((c = past_change(p, at)) && !c->matters)
			at++;
		return c ? moment_of(p, at) : at;
	}
	while (at > p->forgotten && !past_change(p, at - 1)->matters)
		at--;
	return at > p->forgotten ? moment_of(p, at - 1) : at;
}

uint64_t past_place(const struct past *p, uint64_t wall)
{
	size_t low = 0, high = p->n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (p->v[mid].wall <= wall)
			low = mid + 1;
		else
			high = mid;
	}
	return p->forgotten + low;
}

bool past_is_blind(const struct past *p, uint64_t at)
{
	while (at-- > p->forgotten) {
		const struct past_change *c = past_change(p, at);
		if (c->what == PAST_BLIND || c->what == PAST_SEEING)
			return c->what == PAST_BLIND;
	}
	return false;
}

const struct health *past_health_at(const struct past *p, uint64_t at, const struct health *now)
{
	for (; at < past_end(p); at++)
		if (past_change(p, at)->what == PAST_HEALTH)
			return past_change(p, at)->health;
	return now;
}

/* ---- a state ---------------------------------------------------------------------------------- */

struct undo { /* what stood there before the first change of one thing after the place */
	const struct resource *thing, *was;
	size_t order;
};

static int by_identity(const struct resource *a, const struct resource *b)
{
	return a->kind != b->kind ? (a->kind > b->kind) - (a->kind < b->kind) : strcmp(a->id, b->id);
}

static int compare_undos(const void *x, const void *y)
{
	const struct undo *a = x, *b = y;
	int c = by_identity(a->thing, b->thing);
	return c ? c : (a->order > b->order) - (a->order < b->order);
}

static int compare_rows(const void *x, const void *y)
{
	return rows_compare_names((*(struct row *const *)x)->res, (*(struct row *const *)y)->res);
}

static struct undo *undos_from(const struct past *p, uint64_t at, size_t *ret_n)
{
	struct undo *u = calloc(p->n + 1, sizeof *u);
	size_t n = 0, kept = 0;
	if (!u)
		abort();
	for (size_t i = (size_t)(at - p->forgotten); i < p->n; i++)
		if (p->v[i].what == PAST_THING)
			u[n++] = (struct undo){ p->v[i].was ? p->v[i].was : p->v[i].is, p->v[i].was, i };
	if (n)
		qsort(u, n, sizeof *u, compare_undos);
	for (size_t i = 0; i < n; i++)
		if (!kept || by_identity(u[kept - 1].thing, u[i].thing) != 0)
			u[kept++] = u[i];
	*ret_n = kept;
	return u;
}

static struct row *brought_back(struct rows *t, const struct resource *r)
{
	return t->v[t->n++] = row_of(resource_hold(r));
}

/* Both tables are in both orders, so that a state is two merges: 30,000 rows must not cost the key its echo. */
void past_rows(const struct past *p, uint64_t at, const struct rows *now, struct rows *ret)
{
	size_t nu = 0, u = 0, nback = 0, named = 0, b = 0;
	autofree struct undo *undo = undos_from(p, at, &nu);
	autofree struct row **back = calloc(nu + 1, sizeof *back);
	struct rows t = { .room = now->n + nu + 1 };
	t.v = calloc(t.room, sizeof *t.v);
	t.by_name = calloc(t.room, sizeof *t.by_name);
	if (!t.v || !t.by_name || !back)
		abort();
	for (size_t i = 0; i < now->n || u < nu;) {
		struct row *row = i < now->n ? now->v[i] : NULL;
		int c = !row ? 1 : u == nu ? -1 : by_identity(row->res, undo[u].thing);
		if (row && c <= 0)
			row->twin = c < 0 && row_alive(row) ? brought_back(&t, row->res) : NULL;
		if (c >= 0 && undo[u].was)
			back[nback++] = brought_back(&t, undo[u].was);
		i += c <= 0;
		u += c >= 0;
	}
	if (nback)
		qsort(back, nback, sizeof *back, compare_rows);
	for (size_t i = 0; i < now->n; i++) {
		struct row *twin = now->by_name[i]->twin;
		while (twin && b < nback && compare_rows(&back[b], &twin) < 0)
			t.by_name[named++] = back[b++];
		if (twin)
			t.by_name[named++] = twin;
	}
	while (b < nback)
		t.by_name[named++] = back[b++];
	*ret = t;
}
