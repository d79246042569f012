/* What changed between two snapshots, as lines; see watch_delta.h. Matched by identity, so that something that
 * was renamed is a change and something new under an old name is not. */
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "probes/base/json.h"
#include "probes/base/own.h"
#include "probes/watch_delta.h"

static int by_id(const void *a, const void *b)
{
	const struct resource *const *x = a, *const *y = b;
	return strcmp((*x)->id, (*y)->id);
}

static const struct resource **sorted(const struct resource_set *set)
{
	const struct resource **v = calloc(set->n + 1, sizeof *v);
	if (!v)
		abort();
	for (size_t i = 0; i < set->n; i++)
		v[i] = &set->v[i];
	qsort(v, set->n, sizeof *v, by_id);
	return v;
}

void watch_put_line(FILE *out, json_t *j)
{
	(void)json_dumpf(j, out, JSON_COMPACT);
	(void)fputc('\n', out);
	json_decref(j);
}

void watch_put_when_new(FILE *out, const char *op, json_t *body, char **last)
{
	json_t *line = json_object();
	json_object_set_new(line, "op", json_string(op));
	json_object_update(line, body);
	json_decref(body);
	char *text = json_dumps(line, JSON_COMPACT);
	json_decref(line);
	if (!text)
		abort();
	if (*last && strcmp(*last, text) == 0) {
		free(text);
		return;
	}
	free(*last);
	*last = text;
	(void)fprintf(out, "%s\n", text);
}

void watch_put_hello(FILE *out, const char *boot_id)
{
	struct utsname u = { 0 };
	(void)uname(&u);
	watch_put_line(out, json_pack("{s:s,s:i,s:o,s:s,s:s,s:i}", "op", "hello", "schema", 1, "host", json_text(u.nodename),
				      "boot_id", boot_id, "kernel", u.release, "pid", (int)getpid()));
}

void watch_put_source(FILE *out, enum resource_kind kind, const char *mode, const struct resource_set *set)
{
	watch_put_line(out, json_pack("{s:s,s:s,s:s,s:b,s:o}", "op", "source", "name", resource_kind_key(kind), "mode", mode,
				      "complete", (int)set->complete, "why",
				      set->complete ? json_null() : json_text(set->why.text)));
}

void watch_put_sync(FILE *out, uint64_t wall_s, uint64_t ms, const uint64_t as_of[RES_KINDS])
{
	json_t *times = json_object();
	for (int k = 0; k < RES_KINDS; k++)
		json_object_set_new(times, resource_kind_key((enum resource_kind)k),
				    as_of[k] ? json_integer((json_int_t)as_of[k]) : json_null());
	watch_put_line(out, json_pack("{s:s,s:I,s:I,s:o}", "op", "sync", "at", (json_int_t)wall_s, "ms", (json_int_t)ms, "as_of",
				      times));
}

void watch_put_gone(FILE *out, const struct resource *r)
{
	watch_put_line(out, json_pack("{s:s,s:s,s:s}", "op", "gone", "kind", resource_kind_word(r->kind), "id", r->id));
}

static void delta_kind(const struct resource_set *before, const struct resource_set *after, FILE *out)
{
	autofree const struct resource **b = sorted(before), **n = sorted(after);
	size_t i = 0, k = 0;
	while (i < before->n || k < after->n) {
		int order = i == before->n ? 1 : k == after->n ? -1 : strcmp(b[i]->id, n[k]->id);
		if (order < 0) {
			watch_put_gone(out, b[i++]);
		} else if (order > 0) {
			resource_write(out, "add", n[k++]);
		} else {
			if (!resource_same(b[i], n[k]))
				resource_write(out, "change", n[k]);
			i++;
			k++;
		}
	}
}

int watch_delta(const struct snapshot *before, const struct snapshot *after, FILE *out, struct err *e)
{
	for (int k = 0; k < RES_KINDS; k++) {
		const struct resource_set *b = &before->of[k], *n = &after->of[k];
		if (b->v != n->v || b->n != n->n) /* a kind that was not looked at again is the same memory */
			delta_kind(b, n, out);
	}
	return ferror(out) ? err_set(e, errno ? errno : EIO, "write the changes") : 0;
}
