/* One mount at a time; see watch_mounts.h. */
#include "probes/watch_mounts.h"

#include <stdlib.h>
#include <string.h>

#include "probes/probe.h"
#include "probes/watch_delta.h"

enum { EXTRA_ROWS = 1024 }; /* between two whole readings; then memory is given back by the next */

void live_mounts_take(struct live_mounts *l, struct resource_set *set)
{
	if (l->room < set->n + EXTRA_ROWS) {
		l->room = set->n + EXTRA_ROWS;
		free(l->v);
		l->v = malloc(l->room * sizeof *l->v);
		if (!l->v)
			abort();
	}
	memcpy(l->v, set->v, set->n * sizeof *l->v);
	l->n = set->n;
	l->newest = 0;
	for (size_t i = 0; i < l->n; i++) {
		uint64_t id = strtoull(l->v[i].id, NULL, 10);
		l->newest = id > l->newest ? id : l->newest;
	}
	arena_done(&l->extra);
	set->v = l->v;
}

static struct resource *by_identity(struct live_mounts *l, const char *id)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i].id, id) == 0)
			return &l->v[i];
	return NULL;
}

static struct resource *by_mount_id(struct live_mounts *l, uint64_t mount_id)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].mount.mount_id == mount_id)
			return &l->v[i];
	return NULL;
}

static void children(struct live_mounts *l, uint64_t parent, int by, FILE *out)
{
	struct resource *r = by_mount_id(l, parent);
	if (!r)
		return;
	r->mount.children += (unsigned)by;
	resource_write(out, "change", r);
}

static bool mount_gone(struct live_mounts *l, const char *id, FILE *out)
{
	struct resource *r = by_identity(l, id);
	if (!r) /* came and went between two looks */
		return true;
	if (r->mount.children) /* what lay above it went elsewhere: only a reading tells */
		return false;
	uint64_t parent = r->mount.parent, self = r->mount.mount_id;
	watch_put_gone(out, r);
	memmove(r, r + 1, (size_t)(l->v + l->n - (r + 1)) * sizeof *r);
	l->n--;
	if (parent != self)
		children(l, parent, -1, out);
	return true;
}

static bool mount_came(struct live_mounts *l, struct look *look, uint64_t unique, FILE *out)
{
	struct resource r;
	if (!mounts_observe_one(look, unique, &r))
		return true; /* gone again: its going is an event of its own */
	if (by_identity(l, r.id) || l->n == l->room)
		return false;
	const struct resource *under = by_mount_id(l, r.mount.parent);
	if (!under)
		return false;
	if (strcmp(under->name, r.name) == 0)
		return false; /* a layer: counted by a reading */
	size_t at = 0, high = l->n;
	while (at < high) {
		size_t mid = at + (high - at) / 2;
		if (resource_compare(&r, &l->v[mid]) > 0)
			at = mid + 1;
		else
			high = mid;
	}
	memmove(l->v + at + 1, l->v + at, (l->n - at) * sizeof *l->v);
	l->v[at] = r;
	l->n++;
	resource_write(out, "add", &l->v[at]);
	children(l, r.mount.parent, 1, out);
	return true;
}

bool live_mounts_apply(struct live_mounts *l, const struct scope *scope, const struct mount_event *v, size_t n,
		       struct resource_set *set, FILE *out)
{
	struct look look;
	bool whole = true;
	look_init(&look, scope, &l->extra);
	for (size_t i = 0; i < n && whole; i++) {
		/* A whole reading may have seen it before its events were heard. */
		if (v[i].passed && v[i].id > l->newest)
			continue;
		const char *id = arena_printf(&l->extra, "%llu", (unsigned long long)v[i].id);
		whole = v[i].came ? mount_came(l, &look, v[i].id, out) : mount_gone(l, id, out);
	}
	look_done(&look);
	set->v = l->v;
	set->n = l->n;
	return whole;
}

void live_mounts_done(struct live_mounts *l)
{
	free(l->v);
	arena_done(&l->extra);
	*l = (struct live_mounts){ 0 };
}
