/* The table of rows; see rows.h for when a row counts. */
#include "tui/rows.h"

#include <stdlib.h>
#include <string.h>

/* The strings of each kind's facts, so that one loop copies them all. */
static size_t fact_strings(struct resource *r, const char **slot[static 4])
{
	size_t n = 0;
	switch (r->kind) {
	case RES_MOUNT:
		slot[n++] = &r->mount.fstype, slot[n++] = &r->mount.source;
		slot[n++] = &r->mount.root, slot[n++] = &r->mount.options;
		break;
	case RES_CGROUP:
		slot[n++] = &r->cgroup.hierarchy, slot[n++] = &r->cgroup.path;
		break;
	case RES_PROCESS:
		slot[n++] = &r->process.comm, slot[n++] = &r->process.cmdline;
		slot[n++] = &r->process.cgroup, slot[n++] = &r->process.wchan;
		break;
	case RES_GHOST:
		slot[n++] = &r->ghost.holder_comm, slot[n++] = &r->ghost.how;
		break;
	case RES_TEMPDIR:
	case RES_LOCK:
	case RES_KINDS:
		break;
	}
	return n;
}

static struct resource *resource_copy(const struct resource *r)
{
	struct resource head = *r;
	const char **slot[9];
	size_t n = fact_strings(&head, slot), room = sizeof head;
	slot[n++] = &head.id, slot[n++] = &head.name, slot[n++] = &head.box;
	slot[n++] = &head.detail, slot[n++] = &head.why;
	for (size_t i = 0; i < n; i++)
		room += *slot[i] ? strlen(*slot[i]) + 1 : 0;
	char *block = malloc(room), *at = block + sizeof head;
	if (!block)
		abort();
	for (size_t i = 0; i < n; i++) {
		if (!*slot[i])
			continue;
		size_t len = strlen(*slot[i]) + 1;
		memcpy(at, *slot[i], len);
		*slot[i] = at;
		at += len;
	}
	memcpy(block, &head, sizeof head);
	return (struct resource *)(void *)block;
}

static int compare(enum resource_kind kind, const char *id, const struct row *b)
{
	if (kind != b->res->kind)
		return kind < b->res->kind ? -1 : 1;
	return strcmp(id, b->res->id);
}

static int compare_rows(const void *a, const void *b)
{
	const struct row *const *x = a, *const *y = b;
	return compare((*x)->res->kind, (*x)->res->id, *y);
}

struct row *rows_find(const struct rows *t, enum resource_kind kind, const char *id)
{
	size_t low = 0, high = t->sorted;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = compare(kind, id, t->v[mid]);
		if (c == 0)
			return t->v[mid];
		if (c < 0)
			high = mid;
		else
			low = mid + 1;
	}
	for (size_t i = t->n; i-- > t->sorted;)
		if (compare(kind, id, t->v[i]) == 0)
			return t->v[i];
	return NULL;
}

static void rows_sort(struct rows *t)
{
	if (t->sorted == t->n)
		return;
	qsort(t->v, t->n, sizeof *t->v, compare_rows);
	t->sorted = t->n;
}

struct row *rows_put(struct rows *t, const struct resource *r, uint64_t now_ms, bool *fresh)
{
	if (t->n - t->sorted > 512) /* keeps the unsorted tail, which is searched, short */
		rows_sort(t);
	struct row *row = rows_find(t, r->kind, r->id);
	*fresh = !row || !row_alive(row);
	if (!row) {
		if (t->n == t->room) {
			t->room = t->room ? t->room * 2 : 64;
			t->v = realloc(t->v, t->room * sizeof *t->v);
			if (!t->v)
				abort();
		}
		row = calloc(1, sizeof *row);
		if (!row)
			abort();
		row->seen_ms = now_ms;
		row->sign = CHANGE_SAME;
		t->v[t->n++] = row;
	}
	free(row->res);
	row->res = resource_copy(r);
	row->gone_ms = 0;
	row->missing = false;
	row->round = t->round;
	return row;
}

void rows_resync(struct rows *t)
{
	t->round++;
}

void rows_settle(struct rows *t, uint64_t now_ms)
{
	for (size_t i = 0; i < t->n; i++)
		if (row_alive(t->v[i]) && t->v[i]->round != t->round)
			t->v[i]->gone_ms = now_ms ? now_ms : 1;
	rows_sort(t);
}

static void row_free(struct row *r)
{
	free(r->res);
	free(r);
}

void rows_sweep(struct rows *t, uint64_t now_ms, bool missing_too)
{
	size_t kept = 0, sorted = 0;
	for (size_t i = 0; i < t->n; i++) {
		struct row *r = t->v[i];
		bool old = r->gone_ms && now_ms - r->gone_ms >= ROW_LINGER_MS;
		if (old || (missing_too && r->missing)) {
			row_free(r);
			continue;
		}
		sorted += i < t->sorted;
		t->v[kept++] = r;
	}
	t->n = kept;
	t->sorted = sorted;
}

void rows_done(struct rows *t)
{
	for (size_t i = 0; i < t->n; i++)
		row_free(t->v[i]);
	free(t->v);
	*t = (struct rows){ 0 };
}
