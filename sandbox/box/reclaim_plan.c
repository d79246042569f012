/*
 * The plan, as a pure function of what was seen and what was asked. The order follows from edges "this cannot
 * go before that": a mount blocks the mount it stands on and the layer below it, the directory above it; a member
 * blocks its cgroup, a cgroup its parent; everything of a box blocks the box's lock. Items that nothing blocks are
 * taken in the order of the kinds, deepest first, which puts the processes (blocked by nothing, holding everything)
 * in front and makes the order the same every time.
 */
#include <stdlib.h>
#include <string.h>

#include "probes/dirid.h"
#include "sandbox/box/reclaim.h"

struct node {
	struct reclaim_item item;
	size_t depth;
	unsigned waits; /* how many block it and are not placed yet */
	bool placed;
};

struct graph {
	struct node *v;
	size_t n;
};

static size_t depth_of(const char *name)
{
	size_t d = 0;
	for (const char *p = name ? name : ""; *p; p++)
		d += *p == '/';
	return d;
}

static bool is_named(const struct resource *r, const char *asked)
{
	bool by_path = asked[0] == '/' &&
		       (r->kind == RES_MOUNT || r->kind == RES_TEMPDIR || r->kind == RES_CGROUP);
	struct dirid own, meant;
	if (strcmp(r->id, asked) == 0)
		return true;
	if (r->kind == RES_TEMPDIR && !by_path && dirid_parse(r->id, &own) == 0 && dirid_parse(asked, &meant) == 0)
		return dirid_same(&own, &meant);
	return by_path && (strcmp(r->name, asked) == 0 || (r->kind == RES_CGROUP && r->cgroup.path &&
							  strcmp(r->cgroup.path, asked) == 0));
}

/* A plan's "mount 5" must not take the lock of a box named 5. */
static bool is_meant(const struct resource *r, const struct reclaim_choice *c, size_t i)
{
	if (c->id_names && (!r->name || strcmp(r->name, c->id_names[i]) != 0))
		return false;
	return (!c->id_kinds || (c->id_kinds[i] & (1u << r->kind))) && is_named(r, c->ids[i]);
}

static bool asked_for(const struct resource *r, const struct reclaim_choice *c)
{
	for (size_t i = 0; i < c->nids; i++)
		if (is_meant(r, c, i))
			return true;
	return false;
}

static bool old_enough(const struct resource *r, const struct reclaim_choice *c)
{
	return !c->older_than || (r->born && c->now >= r->born && c->now - r->born >= c->older_than);
}

static bool kind_chosen(enum resource_kind kind, const struct reclaim_choice *c)
{
	return !c->kinds || (c->kinds & (1u << kind));
}

static bool chosen(const struct resource *r, const struct reclaim_choice *c)
{
	if (!kind_chosen(r->kind, c) || !owner_is_left_over(r->owner) || !old_enough(r, c))
		return false;
	if (c->box && (!r->box || strcmp(r->box, c->box) != 0))
		return false;
	return c->nids ? asked_for(r, c) : r->owner == OWNER_LEAK;
}

static struct node *add(struct graph *g, struct arena *a, const struct resource *r)
{
	struct node *n = arena_push(a, &g->v, &g->n, sizeof *n);
	n->item.of = *r;
	for (int i = 0; i < RECLAIM_BLOCKS; i++)
		n->item.blocks[i] = RECLAIM_NOTHING;
	n->item.blocker = RECLAIM_NOTHING;
	n->depth = depth_of(r->kind == RES_CGROUP ? r->cgroup.path : r->name);
	return n;
}

static void refuse(struct node *n, enum reclaim_outcome outcome, const char *why)
{
	n->item.outcome = outcome;
	(void)strncpy(n->item.because, why, sizeof n->item.because - 1);
}

/* Everything asked for by name gets an item, so that nothing is lost in silence. */
static void add_refusals(struct graph *g, struct arena *a, const struct snapshot *s, const struct reclaim_choice *c)
{
	for (size_t i = 0; i < c->nids; i++) {
		const struct resource *found = NULL;
		for (int k = 0; k < RES_KINDS; k++)
			for (size_t j = 0; kind_chosen((enum resource_kind)k, c) && j < s->of[k].n; j++)
				if (is_meant(&s->of[k].v[j], c, i) && (!found || owner_is_left_over(s->of[k].v[j].owner)))
					found = &s->of[k].v[j];
		if (found && chosen(found, c))
			continue;
		struct resource missing = { .kind = RES_KINDS, .owner = OWNER_FOREIGN, .id = c->ids[i],
					    .name = c->id_names ? c->id_names[i] : c->ids[i] };
		for (int k = 0; k < RES_KINDS && missing.kind == RES_KINDS; k++)
			if (kind_chosen((enum resource_kind)k, c) && (!c->id_kinds || (c->id_kinds[i] & (1u << k))))
				missing.kind = (enum resource_kind)k;
		struct node *n = add(g, a, found ? found : &missing);
		if (!found)
			refuse(n, s->of[missing.kind].complete ? RECLAIM_GONE : RECLAIM_SKIPPED,
			       s->of[missing.kind].complete ? "no such thing is here" : "not seen, but the look was incomplete");
		else if (!owner_is_left_over(found->owner))
			refuse(n, RECLAIM_SKIPPED, arena_printf(a, "%s, not a leftover: %s", owner_word(found->owner),
								 found->why ? found->why : "left alone"));
		else
			refuse(n, RECLAIM_SKIPPED, "not as old as asked for, or its age is not known");
	}
}

static void edge(struct graph *g, size_t from, size_t to)
{
	if (from == to)
		return;
	for (int i = 0; i < RECLAIM_BLOCKS; i++) {
		int *slot = &g->v[from].item.blocks[i];
		if (*slot == (int)to)
			return;
		if (*slot == RECLAIM_NOTHING) {
			*slot = (int)to;
			g->v[to].waits++;
			return;
		}
	}
}

/* An index sorted by text, so that 2,000 mounts do not compare 4,000,000 times. */
struct key {
	const char *text;
	uint64_t number;
	size_t node;
};

struct keys {
	struct key *v;
	size_t n;
};

static int key_compare(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	int c = strcmp(x->text, y->text);
	return c ? c : x->number < y->number ? -1 : x->number > y->number;
}

static const struct key *find(const struct keys *k, const char *text, uint64_t number)
{
	struct key want = { .text = text, .number = number };
	return k->n ? bsearch(&want, k->v, k->n, sizeof *k->v, key_compare) : NULL;
}

static void put(struct keys *k, struct arena *a, const char *text, uint64_t number, size_t node)
{
	*(struct key *)arena_push(a, &k->v, &k->n, sizeof(struct key)) = (struct key){ text, number, node };
}

static void sort(struct keys *k)
{
	if (k->n)
		qsort(k->v, k->n, sizeof *k->v, key_compare);
}

struct index {
	struct keys mount_ids, layers, cgroups, dirs, locks;
};

static const char *hierarchy_of(const struct resource *r)
{
	return r->cgroup.hierarchy ? r->cgroup.hierarchy : "";
}

static const char *cgroup_key(struct arena *a, const char *hierarchy, const char *path, size_t n)
{
	return arena_printf(a, "%s:%.*s", hierarchy, (int)n, path);
}

static void index_make(const struct graph *g, struct arena *a, struct index *ix)
{
	for (size_t i = 0; i < g->n; i++) {
		const struct resource *r = &g->v[i].item.of;
		if (g->v[i].item.outcome != RECLAIM_PENDING)
			continue;
		if (r->kind == RES_MOUNT) {
			put(&ix->mount_ids, a, "", r->mount.mount_id, i);
			put(&ix->layers, a, r->name, r->mount.layer, i);
		} else if (r->kind == RES_CGROUP && r->cgroup.path) {
			put(&ix->cgroups, a, cgroup_key(a, hierarchy_of(r), r->cgroup.path, strlen(r->cgroup.path)), 0, i);
		} else if (r->kind == RES_TEMPDIR) {
			put(&ix->dirs, a, r->name, 0, i);
		} else if (r->kind == RES_LOCK) {
			put(&ix->locks, a, r->id, 0, i);
		}
	}
	sort(&ix->mount_ids), sort(&ix->layers), sort(&ix->cgroups), sort(&ix->dirs), sort(&ix->locks);
}

static void edge_to(struct graph *g, size_t from, const struct key *to)
{
	if (to)
		edge(g, from, to->node);
}

/* The chosen directory a path is on or below. */
static const struct key *dir_above(const struct index *ix, struct arena *a, const char *path)
{
	const struct key *found = NULL;
	for (const char *p = strchr(path + 1, '/'); !found; p = strchr(p + 1, '/')) {
		size_t n = p ? (size_t)(p - path) : strlen(path);
		found = find(&ix->dirs, arena_strndup(a, path, n), 0);
		if (!p)
			break;
	}
	return found;
}

static void edges_of(struct graph *g, size_t i, const struct index *ix, struct arena *a)
{
	const struct resource *r = &g->v[i].item.of;
	if (r->kind == RES_MOUNT) {
		edge_to(g, i, find(&ix->mount_ids, "", r->mount.parent));
		if (r->mount.layer)
			edge_to(g, i, find(&ix->layers, r->name, r->mount.layer - 1));
		edge_to(g, i, dir_above(ix, a, r->name));
	} else if (r->kind == RES_CGROUP && r->cgroup.path) {
		const char *slash = strrchr(r->cgroup.path, '/');
		if (slash)
			edge_to(g, i, find(&ix->cgroups, cgroup_key(a, hierarchy_of(r), r->cgroup.path,
								    (size_t)(slash - r->cgroup.path)), 0));
	}
	if (r->box && r->kind != RES_LOCK)
		edge_to(g, i, find(&ix->locks, r->box, 0));
}

/* Among the free ones: by kind, then the deepest, then the topmost layer, then as sorted in the snapshot. */
static int before(const struct node *x, const struct node *y)
{
	static const int rank[RES_KINDS + 1] = { [RES_PROCESS] = 0, [RES_MOUNT] = 1, [RES_CGROUP] = 2, [RES_TEMPDIR] = 3,
						 [RES_GHOST] = 4, [RES_LOCK] = 5, [RES_KINDS] = 6 };
	const struct resource *a = &x->item.of, *b = &y->item.of;
	if (rank[a->kind] != rank[b->kind])
		return rank[a->kind] < rank[b->kind] ? -1 : 1;
	if (x->depth != y->depth)
		return x->depth > y->depth ? -1 : 1;
	if (a->kind == RES_MOUNT && a->mount.layer != b->mount.layer)
		return a->mount.layer > b->mount.layer ? -1 : 1;
	int c = strcmp(a->name ? a->name : "", b->name ? b->name : "");
	return c ? c : strcmp(a->id, b->id);
}

static int before_sort(const void *a, const void *b)
{
	return before(*(const struct node *const *)a, *(const struct node *const *)b);
}

static void place_one(struct graph *g, struct node *n, struct reclaim_plan *p, int *where)
{
	n->placed = true;
	for (int b = 0; b < RECLAIM_BLOCKS && n->item.blocks[b] >= 0; b++)
		g->v[n->item.blocks[b]].waits--;
	where[n - g->v] = (int)p->n;
	p->v[p->n++] = n->item;
}

/*
 * Sorted by preference, the items satisfy almost every edge already, so one pass places nearly all; a mount moved
 * onto a deeper one needs another. A cycle cannot be real: its first item is placed rather than lost.
 */
static void place(struct graph *g, struct arena *a, struct reclaim_plan *ret)
{
	struct node **by = arena_alloc(a, (g->n + 1) * sizeof *by);
	int *where = arena_alloc(a, (g->n + 1) * sizeof *where);
	struct reclaim_plan p = { .v = arena_alloc(a, (g->n + 1) * sizeof *p.v) };
	for (size_t i = 0; i < g->n; i++)
		by[i] = &g->v[i];
	if (g->n)
		qsort(by, g->n, sizeof *by, before_sort);
	struct node *stuck;
	do {
		size_t placed = p.n;
		stuck = NULL;
		for (size_t i = 0; i < g->n; i++) {
			if (by[i]->placed)
				continue;
			if (!by[i]->waits)
				place_one(g, by[i], &p, where);
			else if (!stuck)
				stuck = by[i];
		}
		if (stuck && placed == p.n)
			place_one(g, stuck, &p, where);
	} while (stuck);
	for (size_t i = 0; i < p.n; i++)
		for (int b = 0; b < RECLAIM_BLOCKS && p.v[i].blocks[b] >= 0; b++)
			p.v[i].blocks[b] = where[p.v[i].blocks[b]];
	*ret = p;
}

/* A lock may only be emptied when everything else of its box is in the plan, and everything was seen. */
static const char *lock_refusal(const struct snapshot *s, const struct reclaim_choice *c, const char *box)
{
	for (int k = 0; k < RES_KINDS; k++) {
		if (k == RES_LOCK)
			continue;
		if (!s->of[k].complete && k != RES_GHOST) /* ghosts stand in the ledger: see reclaim_lock() */
			return "the look was incomplete: something of its box may be left";
		for (size_t j = 0; j < s->of[k].n; j++) {
			const struct resource *r = &s->of[k].v[j];
			if (owner_is_left_over(r->owner) && r->box && strcmp(r->box, box) == 0 && !chosen(r, c))
				return "its box has other leftovers: reclaim them first";
		}
	}
	return NULL;
}

static void guard_locks(struct graph *g, const struct snapshot *s, const struct reclaim_choice *c)
{
	for (size_t i = 0; i < g->n; i++) {
		struct node *n = &g->v[i];
		const char *why = n->item.of.kind == RES_LOCK && n->item.outcome == RECLAIM_PENDING
					  ? lock_refusal(s, c, n->item.of.id)
					  : NULL;
		n->item.unsure = !s->of[RES_GHOST].complete;
		if (why)
			refuse(n, RECLAIM_SKIPPED, why);
	}
}

void reclaim_plan_make(const struct snapshot *now, const struct reclaim_choice *c, struct arena *a,
		       struct reclaim_plan *ret)
{
	struct graph g = { 0 };
	struct index ix = { 0 };
	for (int k = 0; k < RES_KINDS; k++)
		for (size_t i = 0; i < now->of[k].n; i++)
			if (chosen(&now->of[k].v[i], c))
				(void)add(&g, a, &now->of[k].v[i]);
	add_refusals(&g, a, now, c);
	guard_locks(&g, now, c);
	index_make(&g, a, &ix);
	for (size_t i = 0; i < g.n; i++)
		if (g.v[i].item.outcome == RECLAIM_PENDING)
			edges_of(&g, i, &ix, a);
	place(&g, a, ret);
}
