/*
 * The snapshot that stays true; see watch.h. The loop waits for events, gathers what they concern, looks at just that
 * again and writes the difference as one batch; watch_pace.h says when. Single mounts are told by single events
 * (watch_mounts.h) and need no look. During a long look those events are still told: it stops for breath.
 */
#include "probes/watch.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "probes/base/clock.h"
#include "probes/base/json.h"
#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "probes/health.h"
#include "probes/pressure.h"
#include "probes/watch_mounts.h"
#include "probes/watch_pace.h"
#include "probes/watch_sources.h"

#define BEAT_NS	    (5 * NS_PER_S)
#define PRESSURE_NS (10 * NS_PER_S)

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
	uint64_t as_of[RES_KINDS]; /* monotonic, when the newest look at a kind began; 0: none yet */
	char said[RES_KINDS][320]; /* the last source line of each kind */
	char *health, *pressure;   /* the last lines */
	struct live_mounts live;
	struct pace pace;
	uint64_t next_beat, next_pressure;
	unsigned last_pid; /* the newest pid of the host at the last process look */
	unsigned woken;	   /* WAKE_* bits beside the kinds, which are in pace.pending */
	unsigned looking;  /* the kinds of the look that is going on */
	unsigned unproven; /* the kinds of which the last sync said that news is not looked at yet, or that were asked for */
	bool follow;	   /* what the last look found is not under watch yet */
	int broken;	   /* -errno of a batch written in the middle of a look */
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

static void gather(struct watch *w, int ms)
{
	unsigned wake = sources_wait(w->sources, ms);
	w->pace.pending |= wake & WAKE_ALL;
	w->woken |= wake & ~(unsigned)WAKE_ALL;
}

static void put_sources(struct watch *w, FILE *out)
{
	for (int k = 0; k < RES_KINDS; k++) {
		const struct resource_set *set = &w->now.of[k];
		const char *mode = sources_mode(w->sources, (enum resource_kind)k);
		char line[320];
		(void)snprintf(line, sizeof line, "%s %d %s", mode, set->complete, set->complete ? "" : set->why.text);
		if (!w->as_of[k] || strcmp(line, w->said[k]) == 0)
			continue;
		memcpy(w->said[k], line, sizeof line);
		watch_put_source(out, (enum resource_kind)k, mode, set);
	}
}

/* What is pending at this moment, events that just came included, is not proven by anything in this batch. */
static void put_sync(struct watch *w, FILE *out, uint64_t cost)
{
	uint64_t as_of[RES_KINDS];
	gather(w, 0);
	unsigned news = w->pace.pending | w->looking;
	if (w->woken & WAKE_MOUNT_EVENTS)
		news |= WAKE_MOUNTS;
	for (int k = 0; k < RES_KINDS; k++)
		as_of[k] = news & 1u << k ? 0 : w->as_of[k] / NS_PER_MS;
	w->unproven = news;
	watch_put_sync(out, clock_wall_s(), cost / NS_PER_MS, as_of);
}

static void put_health(struct watch *w, FILE *out)
{
	struct health h = { .status = HEALTH_QUARANTINED, .reason = HEALTH_REASON_CORRUPT };
	struct err e = { 0 };
	int rc = health_read(w->scope, &h, &e);
	if (rc && rc != -EBADMSG) /* cannot be read: never to be taken for healthy */
		(void)snprintf(h.note, sizeof h.note, "%.199s", e.text);
	watch_put_when_new(out, "health", health_to_json(&h), &w->health);
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
	watch_put_when_new(out, "pressure", pressure_to_json(&p), &w->pressure);
}

/* What we used of the processor: a busy host must not make a scan look dear. */
static uint64_t cpu_ns(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
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
	watch_put_line(out, json_pack("{s:s,s:s}", "op", "resync", "why", "overflow"));
	pace_init(&w->pace, clock_mono_ns());
	for (int k = 0; k < RES_KINDS; k++) {
		w->as_of[k] = 0;
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

static unsigned newest_pid(const struct watch *w)
{
	char path[PATH_ROOM], text[128];
	unsigned pid = 0;
	(void)snprintf(path, sizeof path, "%s/loadavg", w->scope->proc);
	const char *at = kfile_read(AT_FDCWD, path, text, sizeof text) > 0 ? strrchr(text, ' ') : NULL;
	return at && sscanf(at, "%u", &pid) == 1 ? pid : 0;
}

/* The single mounts that came and went; what they cannot tell is left pending for a reading. */
static void take_mount_events(struct watch *w, FILE *out)
{
	const struct mount_event *v;
	bool all, went = false;
	w->woken &= ~(unsigned)WAKE_MOUNT_EVENTS;
	uint64_t start = cpu_ns();
	size_t n = sources_mounts(w->sources, &v, &all);
	if (n == 0 && all)
		return;
	for (size_t i = 0; i < n; i++)
		went = went || v[i].went || v[i].passed;
	w->pace.pending |= 1u << RES_TEMPDIR | (went || !all ? 1u << RES_GHOST : 0);
	if (!w->as_of[RES_MOUNT] || !all || !live_mounts_apply(&w->live, w->scope, v, n, &w->now.of[RES_MOUNT], out))
		w->pace.pending |= 1u << RES_MOUNT;
	pace_events_taken(&w->pace, clock_mono_ns(), cpu_ns() - start);
}

/* Event bits that stand for more than a kind. */
static void heed(struct watch *w, uint64_t now)
{
	if (w->woken & WAKE_ENDED)
		w->pace.pending |= 1u << RES_PROCESS | 1u << RES_LOCK | (w->now.of[RES_GHOST].n ? 1u << RES_GHOST : 0);
	if (w->woken & WAKE_ASKED) {
		/* as_of has whole milliseconds: the look must begin in a later one than the question. */
		sources_nap(w->sources, 1);
		pace_ask(&w->pace);
		w->unproven = WAKE_ALL;
	}
	if (w->woken & WAKE_REMOUNT)
		pace_check_mounts(&w->pace, now);
	w->woken &= ~(unsigned)(WAKE_ENDED | WAKE_ASKED | WAKE_REMOUNT);
	if (now < w->pace.next_pid_look)
		return;
	w->pace.next_pid_look = now + NS_PER_S;
	if (newest_pid(w) != w->last_pid)
		w->pace.pending |= 1u << RES_PROCESS;
}

/* In the middle of a long look: mounts that came and went are told at once. */
static void breathe(void *ctx)
{
	struct watch *w = ctx;
	struct err e;
	autofree char *text = NULL;
	size_t n = 0;
	gather(w, 0);
	if (!w->health || w->broken || !(w->woken & WAKE_MOUNT_EVENTS) || clock_mono_ns() < w->pace.events_free)
		return;
	autofile FILE *body = open_memstream(&text, &n);
	if (!body)
		abort();
	take_mount_events(w, body);
	(void)fflush(body);
	if (n == 0)
		return;
	put_sync(w, body, 0);
	w->broken = send(w, body, &text, &n, &e);
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

/* Looks at `kinds` again; the sets of the others stay as they are. Returns the look's cost. */
static uint64_t scan(struct watch *w, unsigned kinds, FILE *out, struct err *e, int *rc)
{
	struct snapshot before, fresh;
	struct memory *m = calloc(1, sizeof *m), *old[RES_KINDS] = { 0 };
	if (!m)
		abort();
	m->users = 1;
	uint64_t start = cpu_ns(), began = clock_mono_ns();
	/* Only the mounts' own lane reads their table: the others take what is known. */
	bool reads = kinds & 1u << RES_MOUNT || !w->as_of[RES_MOUNT];
	struct beside beside = { .mounts = reads ? NULL : &w->now.of[RES_MOUNT], .breathe = breathe, .ctx = w };
	snapshot_take_beside(w->scope, kinds, &beside, &m->a, &fresh);
	uint64_t cost = cpu_ns() - start;
	before = w->now; /* only now: it stopped for breath */
	memcpy(w->now.boot_id, fresh.boot_id, sizeof fresh.boot_id);
	w->now.taken = fresh.taken;
	for (int k = 0; k < RES_KINDS; k++) {
		if (!(kinds & 1u << k))
			continue;
		w->now.of[k] = fresh.of[k];
		w->as_of[k] = began;
		old[k] = w->memory[k];
		w->memory[k] = m;
		m->users++;
	}
	*rc = watch_delta(&before, &w->now, out, e);
	if (kinds & 1u << RES_MOUNT) /* only now: `before` points into it */
		live_mounts_take(&w->live, &w->now.of[RES_MOUNT]);
	if (kinds & 1u << RES_LOCK && locks_moved(&before.of[RES_LOCK], &w->now.of[RES_LOCK]))
		w->pace.pending |= WAKE_ALL;
	for (int k = 0; k < RES_KINDS; k++)
		drop_memory(&old[k]);
	drop_memory(&m);
	return cost;
}

static void look_again(struct watch *w, FILE *head, FILE *body, struct err *e, int *rc, uint64_t *cost)
{
	uint64_t now = clock_mono_ns();
	if (w->woken & WAKE_RESYNC)
		forget(w, head);
	w->woken &= ~(unsigned)WAKE_RESYNC;
	if (w->woken & WAKE_MOUNT_EVENTS && now >= w->pace.events_free) {
		take_mount_events(w, body); /* alone: a look that stops for breath must not overtake it */
		return;
	}
	enum lane_id lane = pace_lane(&w->pace, now);
	if (lane == LANES)
		return;
	w->pace.pending &= ~lane_kinds[lane];
	w->looking = lane_kinds[lane];
	*cost = scan(w, lane_kinds[lane], body, e, rc);
	w->looking = 0;
	w->follow = lane != LANE_MOUNT;
	if (lane == LANE_PROC)
		w->last_pid = newest_pid(w);
	pace_looked(&w->pace, lane, clock_mono_ns(), *cost, is_busy(w), w->now.of[RES_GHOST].n);
}

/* One batch: what is due, as one state. Nothing new is not a batch. */
static int batch(struct watch *w, struct err *e)
{
	autofree char *head_text = NULL, *text = NULL;
	size_t head_n = 0, n = 0;
	autofile FILE *head = open_memstream(&head_text, &head_n), *body = open_memstream(&text, &n);
	if (!head || !body)
		return err_set(e, errno, "gather the lines");
	uint64_t cost = 0;
	int rc = 0;
	w->woken &= ~(unsigned)WAKE_HEALTH;
	bool first = !w->health;
	look_again(w, head, body, e, &rc, &cost);
	if (first)
		watch_put_hello(head, w->now.boot_id);
	put_sources(w, head);
	put_health(w, body);
	put_pressure(w, body, clock_mono_ns());
	(void)fflush(head);
	(void)fflush(body);
	rc = rc ? rc : w->broken;
	bool proves = w->unproven & ~w->pace.pending; /* that nothing is new is news to who waits for it */
	if (rc || (head_n == 0 && n == 0 && !proves))
		return rc;
	put_sync(w, body, cost);
	w->next_beat = clock_mono_ns() + BEAT_NS;
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

/* When something is due: now when it is in the past. */
static uint64_t due_at(const struct watch *w)
{
	if (w->woken & ~(unsigned)WAKE_MOUNT_EVENTS)
		return 0;
	uint64_t at = least(w->next_pressure, pace_next(&w->pace));
	return w->woken & WAKE_MOUNT_EVENTS ? least(at, w->pace.events_free) : at;
}

static int watch_loop(struct watch *w, struct err *e)
{
	int rc = 0;
	pace_init(&w->pace, clock_mono_ns());
	w->woken = WAKE_HEALTH;
	while (rc == 0 && !(w->woken & WAKE_STOP)) {
		uint64_t now = clock_mono_ns(), due = due_at(w);
		if (now >= due) {
			heed(w, now);
			pace_tick(&w->pace, now);
			rc = batch(w, e);
			if (w->follow) /* only now: ten thousand new watches take their time */
				w->pace.pending |= sources_follow(w->sources, &w->now);
			w->follow = false;
		} else if (now >= w->next_beat) {
			rc = beat(w, now, e);
		}
		now = clock_mono_ns();
		due = least(due_at(w), w->next_beat);
		int ms = due <= now ? 0 : (int)((due - now + NS_PER_MS - 1) / NS_PER_MS);
		/* Between two takings of a storm its events do not wake us one by one. */
		if (ms && w->woken & WAKE_MOUNT_EVENTS)
			sources_nap(w->sources, ms);
		if (rc == 0)
			gather(w, w->woken & WAKE_MOUNT_EVENTS ? 0 : ms);
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
	live_mounts_done(&w.live);
	free(w.health);
	free(w.pressure);
	sources_close(&w.sources);
	return rc;
}
