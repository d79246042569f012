/* Baseline and now; see diff.h. Both sets are sorted, so one walk over each pair finds everything. */
#include "probes/diff.h"

#include <string.h>

#include "probes/base/json.h"

static const char letters[] = { [CHANGE_ADDED] = '+', [CHANGE_MISSING] = '-', [CHANGE_CHANGED] = '~', [CHANGE_SAME] = '=' };

char change_letter(enum change_sign sign)
{
	return letters[sign];
}

/* What would say nothing when listed as new: rustbox itself and whoever asks. */
static bool is_quiet(const struct resource *r)
{
	return r->owner == OWNER_SELF || r->owner == OWNER_SERVICE;
}

/* "ro -> rw", naming only what differs; NULL when nothing does. Only mounts have facts that last. */
static const char *difference(const struct resource *base, const struct resource *now, struct arena *a)
{
	const struct mount_facts *b = &base->mount, *n = &now->mount;
	const struct {
		const char *word, *was, *is;
	} facts[] = {
		{ "", b->options, n->options },
		{ "type ", b->fstype, n->fstype },
		{ "source ", b->source, n->source },
		{ "root ", b->root, n->root },
	};
	if (base->kind != RES_MOUNT)
		return NULL;
	for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
		if (strcmp(facts[i].was, facts[i].is) != 0)
			return arena_printf(a, "%s%s -> %s", facts[i].word, facts[i].was, facts[i].is);
	return NULL;
}

static void add_change(struct diff *d, struct arena *a, enum change_sign sign, const struct resource *base,
		       const struct resource *now, const char *what)
{
	struct change *c = arena_push(a, &d->v, &d->n, sizeof *d->v);
	*c = (struct change){ .sign = sign, .base = base, .now = now, .what = what };
	d->added += sign == CHANGE_ADDED;
	d->missing += sign == CHANGE_MISSING;
	d->changed += sign == CHANGE_CHANGED;
}

/* A leftover is never normal, even if it was there when the baseline was captured. */
static void take_pair(struct diff *d, struct arena *a, const struct resource *base, const struct resource *now)
{
	const char *what = owner_is_left_over(now->owner) ? NULL : difference(base, now, a);
	if (owner_is_left_over(now->owner))
		add_change(d, a, CHANGE_ADDED, NULL, now, NULL);
	else if (what)
		add_change(d, a, CHANGE_CHANGED, base, now, what);
}

static void diff_kind(struct diff *d, const struct resource_set *base, const struct resource_view *now, struct arena *a)
{
	size_t b = 0, n = 0;
	while (b < base->n || n < now->n) {
		int order = b == base->n ? 1 : n == now->n ? -1 : strcmp(base->v[b].name, now->v[n]->name);
		if (order == 0) {
			take_pair(d, a, &base->v[b++], now->v[n++]);
		} else if (order < 0) {
			add_change(d, a, CHANGE_MISSING, &base->v[b++], NULL, NULL);
		} else {
			if (!is_quiet(now->v[n]))
				add_change(d, a, CHANGE_ADDED, NULL, now->v[n], NULL);
			n++;
		}
	}
}

static void leftovers_only(struct diff *d, const struct resource_view *now, struct arena *a)
{
	for (size_t i = 0; i < now->n; i++)
		if (owner_is_left_over(now->v[i]->owner))
			add_change(d, a, CHANGE_ADDED, NULL, now->v[i], NULL);
}

static void judge_trust(struct diff *d, const struct snapshot *base, const struct snapshot *now)
{
	for (int k = 0; k < RES_KINDS && d->trusted; k++) {
		const struct snapshot *gap = !now->of[k].complete ? now : base && !base->of[k].complete ? base : NULL;
		if (!gap)
			continue;
		d->trusted = false;
		d->why = gap->of[k].why;
		(void)err_wrap(&d->why, "%s of %s are not all known", resource_kind_key((enum resource_kind)k),
			       gap == now ? "this host" : "the baseline");
	}
	if (d->trusted && !base) {
		d->trusted = false;
		(void)err_say(&d->why, ENOENT, "there is no baseline; on a clean host run rustbox-capture-baseline.sh");
	}
	if (d->trusted && base->host[0] && strcmp(base->host, now->host) != 0) {
		d->trusted = false;
		(void)err_say(&d->why, EINVAL, "the baseline is of host '%s'", base->host);
	}
}

void diff_make_views(const struct snapshot *base, const struct snapshot *about, const struct resource_view now[RES_KINDS],
		     struct arena *a, struct diff *ret)
{
	struct diff d = { .trusted = true, .has_baseline = base != NULL };
	for (int k = 0; k < RES_KINDS; k++) {
		d.blind[k] = !about->of[k].complete;
		if (base)
			diff_kind(&d, &base->of[k], &now[k], a);
		else
			leftovers_only(&d, &now[k], a);
		for (size_t i = 0; i < now[k].n; i++)
			d.leftovers[k] += owner_is_left_over(now[k].v[i]->owner);
	}
	judge_trust(&d, base, about);
	*ret = d;
}

void diff_make(const struct snapshot *base, const struct snapshot *now, struct arena *a, struct diff *ret)
{
	struct resource_view views[RES_KINDS];
	for (int k = 0; k < RES_KINDS; k++) {
		const struct resource **v = arena_alloc(a, (now->of[k].n + 1) * sizeof *v);
		for (size_t i = 0; i < now->of[k].n; i++)
			v[i] = &now->of[k].v[i];
		views[k] = (struct resource_view){ v, now->of[k].n };
	}
	diff_make_views(base, now, views, a, ret);
}

static json_t *change_to_json(const struct change *c)
{
	const struct resource *r = c->now ? c->now : c->base;
	const char sign[2] = { change_letter(c->sign), '\0' };
	json_t *j = json_object();
	json_object_set_new(j, "sign", json_string(sign));
	json_object_set_new(j, "kind", json_string(resource_kind_word(r->kind)));
	json_object_set_new(j, "name", json_text(r->name));
	json_object_set_new(j, "owner", json_string(owner_word(r->owner)));
	json_object_set_new(j, "leftover", json_boolean(c->now && owner_is_left_over(c->now->owner)));
	json_object_set_new(j, "what", json_text(c->what));
	json_object_set_new(j, "base", c->base ? resource_to_json(c->base) : json_null());
	json_object_set_new(j, "now", c->now ? resource_to_json(c->now) : json_null());
	return j;
}

json_t *diff_to_json(const struct diff *d)
{
	json_t *j = json_object(), *left = json_object(), *changes = json_array();
	json_object_set_new(j, "schema", json_integer(1));
	json_object_set_new(j, "trusted", json_boolean(d->trusted));
	json_object_set_new(j, "why", d->trusted ? json_null() : json_text(d->why.text));
	json_object_set_new(j, "has_baseline", json_boolean(d->has_baseline));
	json_object_set_new(j, "added", json_integer((json_int_t)d->added));
	json_object_set_new(j, "missing", json_integer((json_int_t)d->missing));
	json_object_set_new(j, "changed", json_integer((json_int_t)d->changed));
	for (int k = 0; k < RES_KINDS; k++)
		json_object_set_new(left, resource_kind_key((enum resource_kind)k), d->blind[k] && !d->leftovers[k] ? json_null() : json_integer((json_int_t)d->leftovers[k]));
	json_object_set_new(j, "leftovers", left);
	for (size_t i = 0; i < d->n; i++)
		json_array_append_new(changes, change_to_json(&d->v[i]));
	json_object_set_new(j, "changes", changes);
	return j;
}
