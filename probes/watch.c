/*
 * The snapshot that stays true; see watch.h. The loop waits for events, gathers what they concern, looks at
 * just that again and writes the difference as one batch. Between two scans lie at least 20 ms and ten
 * times what the last one cost, so that a storm of mounts costs a tenth of one processor at most.
 */
#include "probes/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "probes/base/clock.h"
#include "probes/base/json.h"
#include "probes/base/own.h"
#include "probes/health.h"
#include "probes/pressure.h"
#include "probes/watch_sources.h"

#define LEAST_GAP_NS  (20 * NS_PER_MS)
#define BEAT_NS	      (5 * NS_PER_S)
#define TICK_NS	      (1 * NS_PER_S)  /* of what has no event, while there is something of ours */
#define QUIET_TICK_NS (5 * NS_PER_S)
#define PRESSURE_NS   (10 * NS_PER_S)
/* Members of v1 cgroups, new processes, falling locks, contents, other namespaces: no event tells. */
#define TICK_KINDS (WAKE_ALL & ~(1u << RES_MOUNT))

/* The memory of one scan, shared by the sets that came from it. */
struct memory {
	struct arena a;
	unsigned users;
};

struct watch {
	const struct scope *scope;
	int out;
	struct sources *sources;
	struct snapshot now;
	struct memory *memory[RES_KINDS];
	char said[RES_KINDS][320]; /* the last source line of each kind */
	char *health, *pressure;   /* the last lines */
	uint64_t not_before, next_tick, next_beat, next_pressure;
	unsigned pending;
};

static void drop_memory(struct memory **m)
{
	if (*m && --(*m)->users == 0) {
		arena_done(&(*m)->a);
		free(*m);
	}
	*m = NULL;
}

static int write_all(int fd, const char *s, size_t n, struct err *e)
{
	while (n > 0) {
		ssize_t done = write(fd, s, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return err_set(e, errno, "write to the reader");
		s += done;
		n -= (size_t)done;
	}
	return 0;
}

static void put(FILE *out, json_t *j)
{
	(void)json_dumpf(j, out, JSON_COMPACT);
	(void)fputc('\n', out);
	json_decref(j);
}

static void put_hello(const struct watch *w, FILE *out)
{
	struct utsname u = { 0 };
	(void)uname(&u);
	put(out, json_pack("{s:s,s:i,s:o,s:s,s:s,s:i}", "op", "hello", "schema", 1, "host", json_text(u.nodename),
			   "boot_id", w->now.boot_id, "kernel", u.release, "pid", (int)getpid()));
}

static void put_sources(struct watch *w, FILE *out)
{
	for (int k = 0; k < RES_KINDS; k++) {
		const struct resource_set *set = &w->now.of[k];
		const char *mode = sources_mode(w->sources, (enum resource_kind)k);
		char line[320];
		(void)snprintf(line, sizeof line, "%s %d %s", mode, set->complete, set->complete ? "" : set->why.text);
		if (strcmp(line, w->said[k]) == 0)
			continue;
		memcpy(w->said[k], line, sizeof line);
		put(out, json_pack("{s:s,s:s,s:s,s:b,s:o}", "op", "source", "name",
				   resource_kind_key((enum resource_kind)k), "mode", mode, "complete",
				   (int)set->complete, "why", set->complete ? json_null() : json_text(set->why.text)));
	}
}

/* Puts `op` first and writes the line when it differs from the last one of its sort. */
static void put_when_new(FILE *out, const char *op, json_t *body, char **last)
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

static void put_health(struct watch *w, FILE *out)
{
	struct health h = { .status = HEALTH_QUARANTINED, .reason = HEALTH_REASON_CORRUPT };
	struct err e = { 0 };
	int rc = health_read(w->scope, &h, &e);
	if (rc && rc != -EBADMSG) /* cannot be read: never to be taken for healthy */
		(void)snprintf(h.note, sizeof h.note, "%.199s", e.text);
	put_when_new(out, "health", health_to_json(&h), &w->health);
}

static void put_pressure(struct watch *w, FILE *out, uint64_t now)
{
	struct pressure p;
	bool known = true;
	if (now < w->next_pressure)
		return;
	pressure_look(w->scope, &p);
	for (int i = 0; i < PRESSURE_DISKS; i++)
		known &= p.disk[i].known;
	/* A file system that does not answer costs a second each time. */
	w->next_pressure = now + PRESSURE_NS * (known ? 1 : 6);
	put_when_new(out, "pressure", pressure_to_json(&p), &w->pressure);
}

/* A lock that fell or was taken changes whose everything is. */
static bool locks_moved(const struct resource_set *a, const struct resource_set *b)
{
	if (a->n != b->n)
		return true;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->v[i].id, b->v[i].id) != 0 || a->v[i].lock.held != b->v[i].lock.held)
			return true;
	return false;
}

/* Looks at `kinds` again; the sets of the others stay as they are. Returns the scan's cost. */
static uint64_t scan(struct watch *w, unsigned kinds, FILE *out, struct err *e, int *rc)
{
	if (!kinds)
		return 0;
	struct snapshot before = w->now, fresh;
	struct memory *m = calloc(1, sizeof *m), *old[RES_KINDS] = { 0 };
	if (!m)
		abort();
	m->users = 1;
	uint64_t start = clock_mono_ns();
	snapshot_take(w->scope, kinds, &m->a, &fresh);
	uint64_t cost = clock_mono_ns() - start;
	memcpy(w->now.boot_id, fresh.boot_id, sizeof fresh.boot_id);
	w->now.taken = fresh.taken;
	for (int k = 0; k < RES_KINDS; k++) {
		if (!(kinds & 1u << k))
			continue;
		w->now.of[k] = fresh.of[k];
		old[k] = w->memory[k];
		w->memory[k] = m;
		m->users++;
	}
	*rc = watch_delta(&before, &w->now, out, e);
	if (kinds != WAKE_ALL && locks_moved(&before.of[RES_LOCK], &w->now.of[RES_LOCK]))
		w->pending |= WAKE_ALL;
	for (int k = 0; k < RES_KINDS; k++)
		drop_memory(&old[k]);
	drop_memory(&m);
	return cost;
}

static bool is_busy(const struct watch *w)
{
	const struct resource_set *p = &w->now.of[RES_PROCESS];
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].owner != OWNER_SELF && p->v[i].owner != OWNER_SERVICE)
			return true;
	return w->now.of[RES_CGROUP].n || w->now.of[RES_TEMPDIR].n || w->now.of[RES_LOCK].n || w->now.of[RES_GHOST].n;
}

static void forget(struct watch *w, FILE *out)
{
	put(out, json_pack("{s:s,s:s}", "op", "resync", "why", "overflow"));
	for (int k = 0; k < RES_KINDS; k++) {
		w->now.of[k] = (struct resource_set){ 0 };
		drop_memory(&w->memory[k]);
	}
}

static int send(struct watch *w, FILE *stream, char **text, size_t *n, struct err *e)
{
	if (fflush(stream) || ferror(stream))
		return err_set(e, errno ? errno : EIO, "gather the lines");
	return write_all(w->out, *text, *n, e);
}

/* One batch: everything that is pending, as one state. Nothing new is not a batch. */
static int batch(struct watch *w, struct err *e)
{
	autofree char *head_text = NULL, *text = NULL;
	size_t head_n = 0, n = 0;
	autofile FILE *head = open_memstream(&head_text, &head_n), *body = open_memstream(&text, &n);
	if (!head || !body)
		return err_set(e, errno, "gather the lines");
	bool first = !w->health;
	unsigned kinds = w->pending & WAKE_ALL;
	int rc = 0;
	if (w->pending & WAKE_RESYNC) {
		forget(w, head);
		kinds = WAKE_ALL;
	}
	w->pending &= WAKE_STOP;
	uint64_t cost = scan(w, kinds, body, e, &rc);
	w->pending |= kinds ? sources_follow(w->sources, &w->now) : 0;
	if (first)
		put_hello(w, head);
	put_sources(w, head);
	put_health(w, body);
	put_pressure(w, body, clock_mono_ns());
	(void)fflush(head);
	(void)fflush(body);
	uint64_t end = clock_mono_ns();
	w->not_before = end + (cost * 10 > LEAST_GAP_NS ? cost * 10 : LEAST_GAP_NS);
	w->next_tick = end + (is_busy(w) ? TICK_NS : QUIET_TICK_NS);
	if (rc || (head_n == 0 && n == 0))
		return rc;
	put(body, json_pack("{s:s,s:I,s:I}", "op", "sync", "at", (json_int_t)clock_wall_s(), "ms",
			    (json_int_t)(cost / NS_PER_MS)));
	w->next_beat = end + BEAT_NS;
	rc = send(w, head, &head_text, &head_n, e);
	return rc ? rc : send(w, body, &text, &n, e);
}

static int beat(struct watch *w, uint64_t now, struct err *e)
{
	char line[80];
	int n = snprintf(line, sizeof line, "{\"op\":\"beat\",\"at\":%llu}\n", (unsigned long long)clock_wall_s());
	w->next_beat = now + BEAT_NS;
	return write_all(w->out, line, (size_t)n, e);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static int wait_ms(const struct watch *w)
{
	uint64_t now = clock_mono_ns();
	uint64_t due = w->pending ? 0 : least(w->next_tick, w->next_pressure);
	uint64_t at = least(due > w->not_before ? due : w->not_before, w->next_beat);
	return at <= now ? 0 : (int)((at - now + NS_PER_MS - 1) / NS_PER_MS);
}

static int watch_loop(struct watch *w, struct err *e)
{
	int rc = 0;
	w->pending = WAKE_ALL | WAKE_HEALTH;
	while (rc == 0 && !(w->pending & WAKE_STOP)) {
		uint64_t now = clock_mono_ns();
		if (now >= w->next_tick)
			w->pending |= TICK_KINDS;
		if (now >= w->not_before && (w->pending || now >= w->next_pressure))
			rc = batch(w, e);
		else if (now >= w->next_beat)
			rc = beat(w, now, e);
		if (rc == 0)
			w->pending |= sources_wait(w->sources, wait_ms(w));
	}
	return rc == -EPIPE ? 0 : rc;
}

int watch_run(const struct scope *scope, int out_fd, struct err *e)
{
	struct watch w = { .scope = scope, .out = out_fd };
	int rc = sources_open(scope, out_fd, &w.sources, e);
	if (rc)
		return rc;
	rc = watch_loop(&w, e);
	for (int k = 0; k < RES_KINDS; k++)
		drop_memory(&w.memory[k]);
	free(w.health);
	free(w.pressure);
	sources_close(&w.sources);
	return rc;
}
