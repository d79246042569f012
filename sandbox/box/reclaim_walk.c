/* The walk through a plan; what is done to one item is in reclaim_{process,mount,cgroup,files}.c. */
#include "sandbox/box/reclaim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/base/clock.h"
#include "probes/base/json.h"
#include "probes/base/text.h"
#include "sandbox/box/claim.h"
#include "sandbox/box/reclaim_acts.h"

const char *reclaim_outcome_word(enum reclaim_outcome o)
{
	static const char *const words[] = {
#define X(id, word, why) [RECLAIM_##id] = word,
		RECLAIM_OUTCOMES(X)
#undef X
	};
	_Static_assert(sizeof words / sizeof *words == RECLAIM_OUTCOME_COUNT, "one word per outcome");
	return words[o];
}

static bool settled(const struct reclaim_item *item)
{
	return item->outcome == RECLAIM_RELEASED || item->outcome == RECLAIM_GONE;
}

struct telling {
	const struct reclaim_how *how;
	const struct reclaim_plan *plan;
	size_t at;
};

static void tell(void *arg, uint64_t done)
{
	const struct telling *t = arg;
	if (t->how->tell)
		t->how->tell(t->how->arg, t->plan, t->at, done);
}

/*
 * The lock of the item's box is held while it is acted upon: nobody can begin a box of that name meanwhile, and
 * one that is alive, whatever the plan says, is left alone. No ledger is a box that never was recorded: free.
 */
static bool hold_box(struct reclaim_item *item, const struct reclaim_how *how, struct claim *ret)
{
	struct err e = { 0 };
	if (!item->of.box || !text_is_box_name(item->of.box))
		return true;
	int r = claim_take(how->scope->paths, item->of.box, ret, &e);
	if (r == 0 || r == -ENOENT)
		return true;
	if (r == -EBUSY)
		reclaim_set(item, RECLAIM_SKIPPED, EBUSY, "box %s is alive now: its lock is held", item->of.box);
	else
		reclaim_set(item, RECLAIM_FAILED, r, "%s", e.text);
	return false;
}

static void act(struct reclaim_item *item, const struct reclaim_how *how, struct claim *box, struct telling *t)
{
	switch (item->of.kind) {
	case RES_PROCESS:
		reclaim_processes(&item, 1, how);
		break;
	case RES_MOUNT:
		reclaim_mount(item, how, box);
		break;
	case RES_CGROUP:
		reclaim_cgroup(item, how);
		break;
	case RES_TEMPDIR:
		reclaim_tempdir(item, how, tell, t);
		break;
	case RES_LOCK:
		reclaim_lock(item, how, box);
		break;
	case RES_GHOST:
		reclaim_set(item, RECLAIM_BUSY, EBUSY, "a ghost ends when its last holder does; holder: pid %d (%s)",
			    item->of.ghost.holder, item->of.ghost.holder_comm ? item->of.ghost.holder_comm : "none seen");
		break;
	case RES_KINDS:
		break;
	}
}

static bool names(const struct ledger_entry *at, const struct resource *r)
{
	if (at->kind != r->kind || at->gone || at->ghost)
		return false;
	return at->identity ? strcmp(at->identity, r->id) == 0 : strcmp(at->name, r->name) == 0;
}

/* Verified gone: struck off at once, so that nobody looks for it again, whatever becomes of the rest. */
static void strike_off(struct reclaim_item *item, struct claim *box)
{
	autoarena struct arena a = { 0 };
	struct ledger l;
	struct err e = { 0 };
	if (box->fd < 0 || item->ghost || !settled(item) || claim_read(box, &a, &l, NULL) < 0)
		return;
	for (size_t i = 0; i < l.n; i++)
		if (names(&l.v[i], &item->of) && claim_gone(box, l.v[i].seq, &e) < 0)
			reclaim_set(item, RECLAIM_FAILED, e.code, "gone, but not struck off: %s", e.text);
}

static void one(struct reclaim_item *item, const struct reclaim_how *how, struct telling *t)
{
	autoclaim struct claim box = CLAIM_NONE;
	uint64_t start = clock_mono_ns();
	if (item->of.kind != RES_GHOST && !reclaim_in_bounds(&item->of, how->scope->paths))
		reclaim_set(item, RECLAIM_SKIPPED, EPERM, "not below rustbox's own names: left alone");
	else if (hold_box(item, how, &box))
		act(item, how, &box, t);
	strike_off(item, &box);
	item->ms = (clock_mono_ns() - start) / NS_PER_MS;
}

/* The first item in the way, followed to the root of it. */
static void pass_on_blockage(struct reclaim_plan *plan, size_t at)
{
	const struct reclaim_item *bad = &plan->v[at];
	int root = bad->blocker >= 0 ? bad->blocker : (int)at;
	for (int b = 0; b < RECLAIM_BLOCKS && bad->blocks[b] >= 0; b++) {
		struct reclaim_item *next = &plan->v[bad->blocks[b]];
		if (next->outcome == RECLAIM_PENDING && next->blocker < 0)
			next->blocker = root;
	}
}

static void skip_blocked(struct reclaim_plan *plan, struct reclaim_item *item)
{
	const struct resource *r = &plan->v[item->blocker].of;
	reclaim_set(item, RECLAIM_SKIPPED, EBUSY, "blocked by %s %s: %s", resource_kind_word(r->kind), r->name,
		    plan->v[item->blocker].because);
}

/* Each process is first asked for its box's life; then all that may go are ended together. */
static void end_processes(struct reclaim_plan *plan, const struct reclaim_how *how, struct telling *t)
{
	struct reclaim_item **v = calloc(plan->n + 1, sizeof *v);
	size_t n = 0;
	if (!v)
		abort();
	for (size_t i = 0; i < plan->n; i++) {
		struct reclaim_item *item = &plan->v[i];
		autoclaim struct claim box = CLAIM_NONE;
		if (item->of.kind != RES_PROCESS || item->outcome != RECLAIM_PENDING)
			continue;
		t->at = i;
		tell(t, 0);
		if (hold_box(item, how, &box))
			v[n++] = item;
	}
	reclaim_processes(v, n, how);
	for (size_t i = 0; i < n; i++) {
		autoclaim struct claim box = CLAIM_NONE;
		if (settled(v[i]) && v[i]->of.box && hold_box(v[i], how, &box))
			strike_off(v[i], &box);
	}
	free(v);
}

size_t reclaim_walk(struct reclaim_plan *plan, const struct reclaim_how *how)
{
	struct telling t = { .how = how, .plan = plan };
	size_t left = 0;
	if (!how->dry)
		end_processes(plan, how, &t);
	for (size_t i = 0; !how->dry && i < plan->n; i++) {
		struct reclaim_item *item = &plan->v[i];
		t.at = i;
		if (how->stop && how->stop(how->arg))
			break;
		if (item->outcome == RECLAIM_PENDING) {
			tell(&t, 0);
			if (item->blocker >= 0)
				skip_blocked(plan, item);
			else
				one(item, how, &t);
		}
		bool zombie = item->err == ECHILD; /* in nobody's way */
		if ((!settled(item) && !zombie) || item->ghost)
			pass_on_blockage(plan, i);
		tell(&t, 0);
	}
	for (size_t i = 0; i < plan->n; i++)
		left += !settled(&plan->v[i]);
	return left;
}

json_t *reclaim_item_to_json(const struct reclaim_item *item)
{
	const struct resource *r = &item->of;
	json_t *o = json_object();
	json_object_set_new(o, "kind", json_string(r->kind < RES_KINDS ? resource_kind_word(r->kind) : "unknown"));
	json_object_set_new(o, "id", json_text(r->id ? r->id : ""));
	json_object_set_new(o, "name", json_text(r->name ? r->name : ""));
	json_object_set_new(o, "box", r->box ? json_text(r->box) : json_null());
	json_object_set_new(o, "outcome", json_string(reclaim_outcome_word(item->outcome)));
	json_object_set_new(o, "errno", item->err ? json_string(err_name(item->err)) : json_null());
	json_object_set_new(o, "because", *item->because ? json_text(item->because) : json_null());
	json_object_set_new(o, "ms", json_integer((json_int_t)item->ms));
	if (item->undo_until)
		json_object_set_new(o, "undo_until", json_integer((json_int_t)item->undo_until));
	return o;
}
