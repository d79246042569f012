/* Text for people; see show.h. */
#include "probes/show.h"

#include <stddef.h>
#include <string.h>

#include "probes/base/json.h"
#include "probes/base/text.h"
#include "probes/told.h"

enum { NAME_ROOM = 1024 };

static const char *esc(const char *s, char *room)
{
	return text_escape(s ? s : "", room, NAME_ROOM);
}

static void show_resource(FILE *out, const struct resource *r)
{
	char name[NAME_ROOM], detail[NAME_ROOM];
	(void)fprintf(out, "  %-8s %-8s %-18s %s  (%s)\n", resource_kind_word(r->kind), owner_word(r->owner), r->id,
		      esc(r->name, name), esc(r->detail, detail));
}

/* Foreign mounts are counted, not listed: text is for finding what is wrong; JSON has them all. */
void show_snapshot(FILE *out, const struct snapshot *s)
{
	char why[NAME_ROOM], count[32];
	for (int k = 0; k < RES_KINDS; k++) {
		const struct resource_set *set = &s->of[k];
		size_t foreign = 0;
		for (size_t i = 0; i < set->n; i++)
			foreign += set->v[i].owner == OWNER_FOREIGN;
		(void)fprintf(out, "%s: %s left over, %zu of rustbox, %zu foreign\n", resource_kind_key((enum resource_kind)k),
			      told_text(set, snapshot_leftovers(s, (enum resource_kind)k), count, sizeof count),
			      set->n - foreign, foreign);
		for (size_t i = 0; i < set->n; i++)
			if (set->v[i].owner != OWNER_FOREIGN)
				show_resource(out, &set->v[i]);
		if (!set->complete)
			(void)fprintf(out, "  NOT COMPLETE: %s\n", esc(set->why.text, why));
	}
}

void show_diff(FILE *out, const struct diff *d)
{
	char name[NAME_ROOM], what[NAME_ROOM];
	for (size_t i = 0; i < d->n; i++) {
		const struct change *c = &d->v[i];
		const struct resource *r = c->now ? c->now : c->base;
		(void)fprintf(out, "%c %-8s %-8s %s%s%s\n", change_letter(c->sign), resource_kind_word(r->kind),
			      c->now ? owner_word(r->owner) : "", esc(r->name, name), c->what ? "  " : "",
			      esc(c->what, what));
	}
	(void)fprintf(out, "%zu added, %zu missing, %zu changed\n", d->added, d->missing, d->changed);
	if (!d->trusted)
		(void)fprintf(out, "NOT TRUSTED: %s\n", esc(d->why.text, what));
}

void show_holders(FILE *out, const struct resource *of, const struct holders *h)
{
	char name[NAME_ROOM], detail[NAME_ROOM], comm[NAME_ROOM];
	(void)fprintf(out, "%s %s %s: %zu hold%s\n", resource_kind_word(of->kind), of->id, esc(of->name, name), h->n,
		      h->n == 1 ? "" : "s");
	for (size_t i = 0; i < h->n; i++) {
		const struct holder *x = &h->v[i];
		(void)fprintf(out, "  %-12s", hold_word(x->hold));
		if (x->pid)
			(void)fprintf(out, " pid %d (%s) %c uid %u %s", (int)x->pid, esc(x->comm, comm), x->state,
				      (unsigned)x->uid, owner_word(x->owner));
		if (x->fd >= 0)
			(void)fprintf(out, " fd %d", x->fd);
		(void)fprintf(out, "%s%s%s%s  %s\n", x->you ? ", your session" : "", x->deleted ? ", unlinked" : "",
			      x->exact ? "" : ", by device", x->pid && !x->same_ns ? ", other mount namespace" : "",
			      esc(x->detail, detail));
	}
	if (!h->complete)
		(void)fprintf(out, "  NOT COMPLETE: %s\n", esc(h->why.text, name));
}

/* ---- host: one table for text and JSON ---------------------------------------------------------- */
static const char *const controllers[] = {
#define X(id, name) [HOST_##id] = name,
	HOST_CONTROLLERS(X)
#undef X
};

static const struct {
	const char *name;
	size_t at;
} features[] = {
#define F(member) { #member, offsetof(struct host, member) }
	F(pidfd),	    F(clone3),	  F(seccomp),  F(openat2), F(mount_api), F(cgroup_kill),
	F(mount_id_unique), F(statmount), F(landlock), F(psi),	   F(root),
#undef F
};

static bool has(const struct host *h, size_t i)
{
	return *(const bool *)((const char *)h + features[i].at);
}

void show_host(FILE *out, const struct host *h)
{
	char name[NAME_ROOM], size[16];
	text_size(h->memory, size, sizeof size);
	(void)fprintf(out, "host %s, kernel %s, %u cpus, %s memory\n", esc(h->name, name), h->kernel, h->cpus, size);
	(void)fprintf(out, "cgroups: %s\n", cgroup_layout_word(h->layout));
	for (int c = 0; c < HOST_CONTROLLER_COUNT; c++)
		(void)fprintf(out, "  %-9s %s\n", controllers[c],
			      h->v1[c]			     ? esc(h->v1[c], name) :
			      h->v2_controllers & 1u << c ? esc(h->unified, name) :
							       "missing");
	for (size_t i = 0; i < sizeof features / sizeof *features; i++)
		(void)fprintf(out, "%-16s %s\n", features[i].name, has(h, i) ? "yes" : "no");
}

json_t *show_host_json(const struct host *h)
{
	json_t *j = json_object(), *v1 = json_object(), *v2 = json_array();
	json_object_set_new(j, "schema", json_integer(1));
	json_object_set_new(j, "name", json_text(h->name));
	json_object_set_new(j, "kernel", json_text(h->kernel));
	json_object_set_new(j, "boot_id", json_text(h->boot_id));
	json_object_set_new(j, "cgroups", json_string(cgroup_layout_word(h->layout)));
	for (int c = 0; c < HOST_CONTROLLER_COUNT; c++) {
		if (h->v1[c])
			json_object_set_new(v1, controllers[c], json_text(h->v1[c]));
		if (h->v2_controllers & 1u << c)
			json_array_append_new(v2, json_string(controllers[c]));
	}
	json_object_set_new(j, "v1", v1);
	json_object_set_new(j, "v2", v2);
	json_object_set_new(j, "unified", json_text(h->unified));
	json_object_set_new(j, "namespaces", json_integer(h->namespaces));
	json_object_set_new(j, "cpus", json_integer(h->cpus));
	json_object_set_new(j, "memory", json_integer((json_int_t)h->memory));
	for (size_t i = 0; i < sizeof features / sizeof *features; i++)
		json_object_set_new(j, features[i].name, json_boolean(has(h, i)));
	return j;
}

/* ---- pressure ----------------------------------------------------------------------------------- */
static void show_disk(FILE *out, const struct pressure_disk *d)
{
	char path[NAME_ROOM], why[NAME_ROOM], room[16], size[16];
	if (!d->known) {
		(void)fprintf(out, "%-24s unknown: %s\n", esc(d->path, path), esc(d->why.text, why));
		return;
	}
	text_size(d->free, room, sizeof room);
	text_size(d->bytes, size, sizeof size);
	(void)fprintf(out, "%-24s %s free of %s, %llu inodes free of %llu\n", esc(d->path, path), room, size,
		      (unsigned long long)d->inodes_free, (unsigned long long)d->inodes);
}

void show_pressure(FILE *out, const struct pressure *p)
{
	char room[16], size[16], text[NAME_ROOM];
	for (int i = 0; i < PRESSURE_DISKS; i++)
		show_disk(out, &p->disk[i]);
	text_size(p->memory_available, room, sizeof room);
	text_size(p->memory_total, size, sizeof size);
	(void)fprintf(out, "memory                   %s available of %s\n", room, size);
	(void)fprintf(out, "file handles             %llu of %llu\n", (unsigned long long)p->files_used,
		      (unsigned long long)p->files_max);
	if (p->psi)
		(void)fprintf(out, "stalls, last 10 s        cpu %.1f%%, memory %.1f%%, io %.1f%%\n", p->some[PRESSURE_CPU],
			      p->some[PRESSURE_MEMORY], p->some[PRESSURE_IO]);
	else
		(void)fputs("stalls                   unknown: the kernel was booted without psi=1\n", out);
	if (p->log_known)
		(void)fprintf(out, "kernel log, last hour    %u out of memory, %u file system, %u cgroup, %u kernel bug%s%s\n",
			      p->log[PRESSURE_LOG_OOM], p->log[PRESSURE_LOG_FS], p->log[PRESSURE_LOG_CGROUP],
			      p->log[PRESSURE_LOG_BUG],
			      p->log_last[0] ? "; last: " : "", esc(p->log_last, text));
	else
		(void)fprintf(out, "kernel log               unknown: %s\n", esc(p->log_why.text, text));
}

void show_space(FILE *out, const struct space *s)
{
	char path[NAME_ROOM], comm[NAME_ROOM], size[16], found[16], gone[16], rest[16];
	uint64_t known = s->found + s->deleted_bytes;
	text_size(s->used, size, sizeof size);
	text_size(s->found, found, sizeof found);
	text_size(s->deleted_bytes, gone, sizeof gone);
	text_size(s->used > known ? s->used - known : 0, rest, sizeof rest);
	(void)fprintf(out, "%s: %s used = %s in %llu files and directories + %s deleted but open + %s %s\n", esc(s->mount, path),
		      size, found, (unsigned long long)s->entries, gone, rest, s->complete ? "unexplained" : "not found");
	for (size_t i = 0; i < s->ndeleted && i < SPACE_FILES; i++) {
		const struct space_deleted *d = &s->deleted[i];
		text_size(d->bytes, size, sizeof size);
		(void)fprintf(out, "  deleted  %7s  pid %d (%s)", size, (int)d->pid, esc(d->comm, comm));
		(void)(d->fd < 0 ? fputs(" mapped", out) : fprintf(out, " fd %d", d->fd));
		(void)fprintf(out, "%s  %s\n", d->holders > 1 ? " and others" : "", esc(d->path, path));
	}
	for (size_t i = 0; i < s->ndirs && i < SPACE_DIRS; i++) {
		text_size(s->dirs[i].bytes, size, sizeof size);
		(void)fprintf(out, "  in       %7s  %s\n", size, esc(s->dirs[i].path, path));
	}
	if (!s->complete)
		(void)fprintf(out, "  NOT COMPLETE: %s\n", esc(s->why.text, path));
}
