/* Snapshots: taken through the table of observers, and as JSON. */
#include "probes/snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "probes/base/clock.h"
#include "probes/base/json.h"
#include "probes/base/kfile.h"
#include "probes/probe.h"

enum { SCHEMA = 1, LOOKS = 4 };

/* ---- a box may be born or die while we look: then what was seen of it is told from the wrong lock ----
 * Left over is what belongs to a box whose lock nobody holds. Of what was there before the ledgers were read that is
 * certain, because a box's ledger is there before anything else of it and goes last. Of anything younger that no ledger
 * knows it takes a second look that finds it again, as recovery does; until then it counts as active. */
static bool moved(const struct ledgers *a, const struct ledgers *b, const char *box)
{
	const struct ledger *x = ledgers_find(a, box), *y = ledgers_find(b, box);
	return !x != !y || (x && (x->held != y->held || x->n != y->n));
}

static bool is_sure(const struct resource *r, const struct ledgers *l)
{
	const struct ledger *own = r->box ? ledgers_find(l, r->box) : NULL;
	return r->old || (own && *own->boot_id);
}

static bool was_left_over(const struct resource_set *before, const struct resource *r)
{
	const struct resource *old = before->n ? bsearch(r, before->v, before->n, sizeof *r, resource_compare) : NULL;
	return old && owner_is_left_over(old->owner);
}

static void put_off(struct resource *r, const char *why)
{
	r->owner = OWNER_ACTIVE;
	r->why = why;
}

/* Which of the kinds just looked at must be looked at again, `before` being the look before; nothing at the `last`. */
static unsigned unsettled(struct snapshot *s, unsigned kinds, const struct snapshot *before, const struct ledgers *l,
			  const struct ledgers *after, bool last)
{
	unsigned again = 0;
	for (int k = 0; k < RES_KINDS; k++)
		for (size_t i = 0; kinds & 1u << k && i < s->of[k].n; i++) {
			struct resource *r = &s->of[k].v[i];
			bool moves = owner_is_left_over(r->owner) && r->box && moved(l, after, r->box);
			if (!owner_is_left_over(r->owner) || (!moves && (is_sure(r, l) || was_left_over(&before->of[k], r))))
				continue;
			again |= 1u << k;
			if (last)
				put_off(r, moves ? "its box came or went while we looked" :
						   "it was not there a moment ago: a box may be beginning");
		}
	return last ? 0 : again;
}

/* Looks at `kinds`, leaves the others as they are, and returns which want another look. */
static unsigned take_once(const struct scope *scope, unsigned kinds, const struct beside *beside, struct arena *a, bool last,
			  struct snapshot *s)
{
	struct snapshot before = *s;
	struct ledgers after;
	struct look l;
	look_init(&l, scope, a);
	if (beside->mounts && beside->mounts->complete)
		look_mounts_known(&l, beside->mounts);
	l.breathe = beside->breathe;
	l.breathe_ctx = beside->ctx;
	char boot[64];
	if (kfile_read(l.proc, "sys/kernel/random/boot_id", boot, sizeof boot) >= 36)
		(void)snprintf(s->boot_id, sizeof s->boot_id, "%.36s", boot);
	size_t left = 0;
	for (int k = 0; k < RES_KINDS; k++) {
		if (!(kinds & 1u << k))
			continue;
		s->of[k] = (struct resource_set){ .complete = true };
		observers[k](&l, &s->of[k]);
		set_note_unowned(&s->of[k], &l.ledgers);
		resource_set_sort(&s->of[k]);
		left += snapshot_leftovers(s, (enum resource_kind)k);
	}
	if (left)
		ledgers_read(scope, a, &after);
	look_done(&l);
	return left ? unsettled(s, kinds, &before, &l.ledgers, &after, last) : 0;
}

void snapshot_take(const struct scope *scope, unsigned kinds, struct arena *a, struct snapshot *ret)
{
	snapshot_take_beside(scope, kinds, &(struct beside){ 0 }, a, ret);
}

void snapshot_take_beside(const struct scope *scope, unsigned kinds, const struct beside *beside, struct arena *a,
			  struct snapshot *ret)
{
	struct snapshot s = { .taken = clock_wall_s() };
	struct utsname u;
	unsigned todo = kinds ? kinds : RES_ALL;
	if (uname(&u) == 0)
		(void)snprintf(s.host, sizeof s.host, "%s", u.nodename);
	for (int k = 0; k < RES_KINDS; k++)
		if (!(todo & 1u << k))
			(void)err_say(&s.of[k].why, EAGAIN, "not asked for");
	for (int i = 1; todo && i <= LOOKS; i++)
		todo = take_once(scope, todo, beside, a, i == LOOKS, &s);
	*ret = s;
}

size_t snapshot_leftovers(const struct snapshot *s, enum resource_kind kind)
{
	size_t n = 0;
	for (size_t i = 0; i < s->of[kind].n; i++)
		n += owner_is_left_over(s->of[kind].v[i].owner);
	return n;
}

size_t snapshot_all_leftovers(const struct snapshot *s)
{
	size_t n = 0;
	for (int k = 0; k < RES_KINDS; k++)
		n += snapshot_leftovers(s, (enum resource_kind)k);
	return n;
}

bool snapshot_complete(const struct snapshot *s)
{
	for (int k = 0; k < RES_KINDS; k++)
		if (!s->of[k].complete)
			return false;
	return true;
}

/* ---- whole snapshots ---------------------------------------------------------------------------- */
json_t *snapshot_to_json(const struct snapshot *s)
{
	json_t *j = json_object();
	json_object_set_new(j, "schema", json_integer(SCHEMA));
	json_object_set_new(j, "host", json_text(s->host));
	json_object_set_new(j, "boot_id", json_text(s->boot_id));
	json_object_set_new(j, "taken", json_integer((json_int_t)s->taken));
	json_object_set_new(j, "complete", json_boolean(snapshot_complete(s)));
	for (int k = 0; k < RES_KINDS; k++) {
		json_t *set = json_object(), *items = json_array();
		for (size_t i = 0; i < s->of[k].n; i++)
			json_array_append_new(items, resource_to_json(&s->of[k].v[i]));
		json_object_set_new(set, "complete", json_boolean(s->of[k].complete));
		json_object_set_new(set, "why", s->of[k].complete ? json_null() : json_text(s->of[k].why.text));
		json_object_set_new(set, "items", items);
		json_object_set_new(j, resource_kind_key((enum resource_kind)k), set);
	}
	return j;
}
