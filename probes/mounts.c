/*
 * The mounts of the caller's namespace, all of them, because the baseline compares all of them. Whose a
 * mount is follows from its mount point alone; its source text is anybody's to choose.
 */
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "probes/probe.h"

static const char *id_of(struct arena *a, const struct mount_row *row)
{
	if (row->unique)
		return arena_printf(a, "%llu", (unsigned long long)row->unique);
	return arena_printf(a, "o%llu", (unsigned long long)row->facts.mount_id);
}

static const char *detail_of(struct arena *a, const struct mount_facts *m)
{
	const char *mode = m->options[0] == 'r' && m->options[1] == 'o' ? "ro" : "rw";
	const char *copied = m->shared || m->master ? ", propagates" : "";
	if (m->layer)
		return arena_printf(a, "%s %s from %s, layer %u%s", m->fstype, mode, m->source, m->layer, copied);
	return arena_printf(a, "%s %s from %s%s", m->fstype, mode, m->source, copied);
}

/* What an unmount would free. Only of a left-over tmpfs nothing lies on: memory always answers, a dead server never. */
static uint64_t bytes_in(const struct mount_row *row, enum owner owner)
{
	struct statvfs v;
	if (owner != OWNER_LEAK || strcmp(row->facts.fstype, "tmpfs") != 0 || statvfs(row->target, &v) != 0)
		return 0;
	return (uint64_t)(v.f_blocks - v.f_bfree) * v.f_frsize;
}

static struct resource resource_of(struct look *l, const struct mount_row *row)
{
	struct ownership o = ownership_of_mount(&l->world, row->target, l->a);
	struct mount_facts facts = row->facts;
	facts.bytes = bytes_in(row, o.owner);
	/* A mount has no age. But only a box that lives across runs mounts anything here, and none of those begins and ends
	 * within one look: one that began has its ledger by the second reading of them. */
	return (struct resource){ .kind = RES_MOUNT, .old = true, .owner = o.owner, .id = id_of(l->a, row), .name = row->target,
				  .box = o.box, .why = o.why, .detail = detail_of(l->a, &row->facts),
				  .mount = facts };
}

void mounts_observe(struct look *l, struct resource_set *ret)
{
	const struct mount_table *t = look_mounts(l);
	if (!t) {
		set_incomplete(ret, &l->mounts_why);
		return;
	}
	if (t->bad) {
		struct err why;
		(void)err_say(&why, EBADMSG, "%zu lines of the mount table cannot be parsed", t->bad);
		set_incomplete(ret, &why);
	}
	for (size_t i = 0; i < t->n; i++)
		*resource_set_add(ret, l->a) = resource_of(l, &t->v[i]);
}

bool mounts_observe_one(struct look *l, uint64_t unique, struct resource *ret)
{
	struct mount_row row;
	if (!mountinfo_one(unique, l->a, &row))
		return false;
	*ret = resource_of(l, &row);
	return true;
}
