/* The table of rows; see rows.h for when a row counts. */
#include "tui/rows.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/base/text.h"
#include "probes/resource_json.h"

enum { ROW_DROPPED = UINT32_MAX }; /* the round of a row about to be freed */

/* A resource and everything it points to, in one block that is never changed once it is made. */
struct kept {
	unsigned holds;
	size_t bytes;
	const char *find;
	struct resource res;
};

static struct kept *kept_of(const struct resource *r)
{
	return (struct kept *)((uintptr_t)r - offsetof(struct kept, res));
}

const struct resource *resource_hold(const struct resource *r)
{
	if (r)
		kept_of(r)->holds++;
	return r;
}

void resource_drop(const struct resource *r)
{
	if (r && --kept_of(r)->holds == 0)
		free(kept_of(r));
}

size_t resource_bytes(const struct resource *r)
{
	return r ? kept_of(r)->bytes : 0;
}

/* Names as the screen shows them, so that what can be read can be found. */
static size_t search_text(const struct resource *r, char line[static 1024])
{
	char name[512], detail[256];
	(void)snprintf(line, 1024, "%s %s %s %s %s", resource_kind_word(r->kind), owner_word(r->owner),
		       text_escape(r->name, name, sizeof name), r->detail ? text_escape(r->detail, detail, sizeof detail) : "",
		       r->box ? r->box : "");
	size_t n = 0;
	for (; line[n]; n++)
		line[n] = (char)tolower((unsigned char)line[n]);
	return n + 1;
}

static const struct resource *resource_copy(const struct resource *r)
{
	struct resource head = *r;
	const char **slot[RESOURCE_STRINGS];
	char find[1024];
	size_t n = resource_strings(&head, slot), found = search_text(r, find), room = sizeof(struct kept) + found;
	for (size_t i = 0; i < n; i++)
		room += *slot[i] ? strlen(*slot[i]) + 1 : 0;
	struct kept *k = malloc(room);
	if (!k)
		abort();
	char *at = (char *)(k + 1);
	for (size_t i = 0; i < n; i++)
		if (*slot[i])
			*slot[i] = strcpy(at, *slot[i]), at += strlen(at) + 1;
	*k = (struct kept){ .holds = 1, .bytes = room, .find = memcpy(at, find, found), .res = head };
	return &k->res;
}

static int compare(enum resource_kind kind, const char *id, const struct row *b)
{
	if (kind != b->res->kind)
		return kind < b->res->kind ? -1 : 1;
	return strcmp(id, b->res->id);
}

/* Where (kind, id) is or belongs; *found tells which. */
static size_t place(const struct rows *t, enum resource_kind kind, const char *id, bool *found)
{
	size_t low = 0, high = t->n;
	*found = false;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = compare(kind, id, t->v[mid]);
		if (c == 0) {
			*found = true;
			return mid;
		}
		if (c < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

int rows_compare_names(const struct resource *a, const struct resource *b)
{
	int c = resource_compare(a, b);
	return c ? c : (a->kind > b->kind) - (a->kind < b->kind);
}

static size_t place_by_name(const struct rows *t, const struct resource *r, size_t n)
{
	size_t low = 0, high = n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (rows_compare_names(r, t->by_name[mid]->res) <= 0)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

static void insert(struct row **v, size_t n, size_t at, struct row *row)
{
	memmove(v + at + 1, v + at, (n - at) * sizeof *v);
	v[at] = row;
}

struct row *rows_find(const struct rows *t, enum resource_kind kind, const char *id)
{
	bool found;
	size_t at = place(t, kind, id, &found);
	return found ? t->v[at] : NULL;
}

static struct row **grown(struct row **v, size_t room)
{
	struct row **more = realloc(v, room * sizeof *v);
	if (!more)
		abort();
	return more;
}

struct row *row_of(const struct resource *held)
{
	struct row *row = calloc(1, sizeof *row);
	if (!row)
		abort();
	*row = (struct row){ .res = held, .find = kept_of(held)->find, .sign = CHANGE_SAME };
	return row;
}

static struct row *row_new(struct rows *t, const struct resource *r, size_t at, uint64_t now_ms)
{
	if (t->n == t->room) {
		t->room = t->room ? t->room * 2 : 64;
		t->v = grown(t->v, t->room);
		t->by_name = grown(t->by_name, t->room);
	}
	struct row *row = row_of(resource_copy(r));
	row->seen_ms = now_ms;
	insert(t->v, t->n, at, row);
	insert(t->by_name, t->n, place_by_name(t, r, t->n), row);
	t->n++;
	return row;
}

static void row_again(struct rows *t, struct row *row, const struct resource *r)
{
	t->gone -= row->gone_ms != 0;
	row->gone_ms = 0;
	if (resource_same(row->res, r)) /* heard again and nothing new: most lines of a resync */
		return;
	const struct resource *res = resource_copy(r);
	if (rows_compare_names(row->res, res) != 0) {
		size_t at = place_by_name(t, row->res, t->n);
		memmove(t->by_name + at, t->by_name + at + 1, (t->n - at - 1) * sizeof *t->by_name);
		insert(t->by_name, t->n - 1, place_by_name(t, res, t->n - 1), row);
	}
	resource_drop(row->res);
	row->res = res;
	row->find = kept_of(res)->find;
}

struct row *rows_put(struct rows *t, const struct resource *r, uint64_t now_ms, bool *fresh)
{
	bool found;
	size_t at = place(t, r->kind, r->id, &found);
	struct row *row = found ? t->v[at] : NULL;
	*fresh = !row || !row_alive(row);
	if (row)
		row_again(t, row, r);
	else
		row = row_new(t, r, at, now_ms);
	row->missing = false;
	row->round = t->round;
	return row;
}

void rows_resync(struct rows *t)
{
	t->round++;
}

void rows_vanish(struct rows *t, struct row *r, uint64_t now_ms)
{
	r->gone_ms = now_ms ? now_ms : 1;
	r->marked = false;
	t->gone++;
}

void rows_settle(struct rows *t, uint64_t now_ms, rows_silent *each, void *ctx)
{
	for (size_t i = 0; i < t->n; i++) {
		if (!row_alive(t->v[i]) || t->v[i]->round == t->round)
			continue;
		each(ctx, t->v[i]);
		rows_vanish(t, t->v[i], now_ms);
	}
}

static void row_free(struct row *r)
{
	resource_drop(r->res);
	free(r);
}

void rows_sweep(struct rows *t, uint64_t now_ms, bool missing_too)
{
	size_t kept = 0, named = 0;
	bool storm = t->gone > ROW_STORM;
	/* By name first and only marked: both arrays must lose the same rows before one is freed. */
	for (size_t i = 0; i < t->n; i++) {
		struct row *r = t->by_name[i];
		/* What came and went in a moment nobody has read; in a storm thousands of such would bury the rest. */
		bool flash = storm && r->gone_ms && r->gone_ms - r->seen_ms < ROW_FLASH_MS;
		bool old = r->gone_ms && (flash || now_ms - r->gone_ms >= ROW_LINGER_MS);
		if (old || (missing_too && r->missing))
			r->round = ROW_DROPPED;
		else
			t->by_name[named++] = r;
	}
	for (size_t i = 0; i < t->n; i++) {
		struct row *r = t->v[i];
		if (r->round != ROW_DROPPED) {
			t->v[kept++] = r;
			continue;
		}
		t->gone -= r->gone_ms != 0;
		row_free(r);
	}
	t->n = kept;
}

void rows_done(struct rows *t)
{
	for (size_t i = 0; i < t->n; i++)
		row_free(t->v[i]);
	free(t->v);
	free(t->by_name);
	*t = (struct rows){ 0 };
}
