/*
 * The snapshot that stays true; see watch.h. The loop waits for events, gathers what they concern, looks at
 * just that again and writes the difference as one batch. Kinds are looked at in three lanes, because the
 * dearest must not make the cheapest wait: between two scans of a lane lie at least 20 ms and ten times what
 * its last one cost, so that a storm costs a tenth of one processor at most. Single mounts are told by single
 * events (watch_mounts.h) and need no scan. What has no event is looked at every second, or after some hundred
 * times its cost; sooner when the newest pid says that processes were made.
 */
#include "probes/watch.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "probes/base/clock.h"
#include "probes/base/json.h"
#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "probes/health.h"
#include "probes/pressure.h"
#include "probes/watch_mounts.h"
#include "probes/watch_sources.h"

#define LEAST_GAP_NS  (20 * NS_PER_MS)
#define BEAT_NS	      (5 * NS_PER_S)
#define TICK_NS	      (1 * NS_PER_S)  /* of what has no event, while there is something of ours */
#define QUIET_TICK_NS (5 * NS_PER_S)
#define PRESSURE_NS   (10 * NS_PER_S)
#define SETTLE_NS     (200 * NS_PER_MS) /* after single events, until the whole table is read to check them */

enum { MOUNT_SHARE = 10, EVENT_SHARE = 25, CHECK_SHARE = 40, NEWS_SHARE = 200, TICK_SHARE = 400, GHOST_SHARE = 100 }; /* a scan is at most one part in so many */
enum lane_id { LANE_MOUNT, LANE_DIR, LANE_TREE, LANE_PROC, LANE_GHOST, LANES };
/* Members of v1 cgroups, new processes, falling locks, contents, other namespaces: no event tells. The process
 * scan reads the cgroups anyway. */
static const unsigned lane_kinds[LANES] = {
	[LANE_MOUNT] = 1u << RES_MOUNT,
	[LANE_DIR] = 1u << RES_TEMPDIR | 1u << RES_LOCK,
	[LANE_TREE] = 1u << RES_CGROUP,
	[LANE_PROC] = 1u << RES_CGROUP | 1u << RES_PROCESS,
	[LANE_GHOST] = 1u << RES_GHOST,
};
/* Whose change a lane is for: cgroups alone do not call for the process scan. */
static const unsigned lane_wakes[LANES] = {
	[LANE_MOUNT] = 1u << RES_MOUNT,
	[LANE_DIR] = 1u << RES_TEMPDIR | 1u << RES_LOCK,
	[LANE_TREE] = 1u << RES_CGROUP,
	[LANE_PROC] = 1u << RES_PROCESS,
	[LANE_GHOST] = 1u << RES_GHOST,
};

struct lane {
	uint64_t ended, cost, next_tick;
};

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
	struct live_mounts live;
	struct lane lane[LANES];
	uint64_t events_after, check_at, next_beat, next_pressure, next_pid_look;
	unsigned last_pid; /* the newest pid of the host at the last process scan */
	unsigned pending, looked;
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

static void put_hello(const struct watch *w, FILE *out)
{
	struct utsname u = { 0 };
	(void)uname(&u);
	watch_put_line(out, json_pack("{s:s,s:i,s:o,s:s,s:s,s:i}", "op", "hello", "schema", 1, "host", json_text(u.nodename),
			   "boot_id", w->now.boot_id, "kernel", u.release, "pid", (int)getpid()));
}

static void put_sources(struct watch *w, FILE *out)
{
	for (int k = 0; k < RES_KINDS; k++) {
		if (!(w->looked & 1u << k))
			continue;
		const struct resource_set *set = &w->now.of[k];
		const char *mode = sources_mode(w->sources, (enum resource_kind)k);
		char line[320];
		(void)snprintf(line, sizeof line, "%s %d %s", mode, set->complete, set->complete ? "" : set->why.text);
		if (strcmp(line, w->said[k]) == 0)
			continue;
		memcpy(w->said[k], line, sizeof line);
		watch_put_line(out, json_pack("{s:s,s:s,s:s,s:b,s:o}", "op", "source", "name",
				   resource_kind_key((enum resource_kind)k), "mode", mode, "complete",
				   (int)set->complete, "why", set->complete ? json_null() : json_text(set->why.text)));
	}
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

/* What we used of the processor: a busy host must not make a scan look dear. */
static uint64_t cpu_ns(void)
{
	struct timespec t = { 0 };
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
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
	uint64_t start = cpu_ns();
	/* Only the mounts' own lane reads their table: the others take what is known. */
	bool reads = kinds & 1u << RES_MOUNT || !(w->looked & 1u << RES_MOUNT);
	snapshot_take_beside(w->scope, kinds, reads ? NULL : &w->now.of[RES_MOUNT], &m->a, &fresh);
	uint64_t cost = cpu_ns() - start;
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
	w->looked |= kinds;
	*rc = watch_delta(&before, &w->now, out, e);
	if (kinds & 1u << RES_MOUNT) /* only now: `before` points into it */
		live_mounts_take(&w->live, &w->now.of[RES_MOUNT]);
	if (kinds & 1u << RES_LOCK && locks_moved(&before.of[RES_LOCK], &w->now.of[RES_LOCK]))
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
	watch_put_line(out, json_pack("{s:s,s:s}", "op", "resync", "why", "overflow"));
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

static unsigned newest_pid(const struct watch *w)
{
	char path[PATH_ROOM], text[128];
	unsigned pid = 0;
	(void)snprintf(path, sizeof path, "%s/loadavg", w->scope->proc);
	const char *at = kfile_read(AT_FDCWD, path, text, sizeof text) > 0 ? strrchr(text, ' ') : NULL;
	return at && sscanf(at, "%u", &pid) == 1 ? pid : 0;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* When this lane may be scanned again for an event. */
static uint64_t lane_free(const struct watch *w, enum lane_id id)
{
	const struct lane *l = &w->lane[id];
	return l->ended ? l->ended + most(l->cost * (id == LANE_MOUNT ? MOUNT_SHARE : EVENT_SHARE), LEAST_GAP_NS) : 0;
}

static void lane_done(struct watch *w, enum lane_id id, uint64_t cost)
{
	struct lane *l = &w->lane[id];
	l->ended = clock_mono_ns();
	l->cost = cost;
	l->next_tick = id == LANE_MOUNT ? UINT64_MAX :
		       l->ended + most(is_busy(w) ? TICK_NS : QUIET_TICK_NS, cost * (id == LANE_GHOST ? GHOST_SHARE : TICK_SHARE));
	if (id == LANE_MOUNT)
		w->check_at = UINT64_MAX;
	if (id == LANE_PROC) {
		w->last_pid = newest_pid(w);
		w->next_pid_look = l->ended + most(TICK_NS, cost * NEWS_SHARE);
	}
}

/* The single mounts that came and went; what they cannot tell is left pending for a reading. */
static void take_mount_events(struct watch *w, uint64_t now, FILE *out)
{
	const struct mount_event *v;
	bool all;
	if (!(w->pending & WAKE_MOUNT_EVENTS) || now < w->events_after)
		return;
	w->pending &= ~(unsigned)WAKE_MOUNT_EVENTS;
	uint64_t start = cpu_ns();
	bool went = false;
	size_t n = sources_mounts(w->sources, &v, &all);
	if (n == 0 && all)
		return;
	for (size_t i = 0; i < n; i++)
		went = went || v[i].went;
	w->pending |= 1u << RES_TEMPDIR | (went || !all ? 1u << RES_GHOST : 0);
	if (!(w->looked & 1u << RES_MOUNT) || !all ||
	    !live_mounts_apply(&w->live, w->scope, v, n, &w->now.of[RES_MOUNT], out))
		w->pending |= 1u << RES_MOUNT;
	w->events_after = now + most(LEAST_GAP_NS, (cpu_ns() - start) * MOUNT_SHARE);
	w->check_at = most(now + SETTLE_NS, w->lane[LANE_MOUNT].ended + w->lane[LANE_MOUNT].cost * CHECK_SHARE);
}

/* What time makes due. */
static void tick(struct watch *w, uint64_t now)
{
	for (int i = 0; i < LANES; i++)
		if (w->lane[i].ended && now >= w->lane[i].next_tick) {
			w->pending |= lane_wakes[i];
			w->lane[i].next_tick = UINT64_MAX;
		}
	if (now >= w->check_at) {
		w->pending |= 1u << RES_MOUNT;
		w->check_at = UINT64_MAX;
	}
	if (w->lane[LANE_PROC].ended && now >= w->next_pid_look) {
		w->next_pid_look = now + TICK_NS;
		if (newest_pid(w) != w->last_pid)
			w->pending |= 1u << RES_PROCESS;
	}
	if (w->pending & WAKE_REMOUNT) {
		w->pending &= ~(unsigned)WAKE_REMOUNT;
		uint64_t at = most(now + SETTLE_NS, w->lane[LANE_MOUNT].ended + w->lane[LANE_MOUNT].cost * CHECK_SHARE);
		w->check_at = w->check_at < at ? w->check_at : at;
	}
}

/* The next lane that has something pending and may be scanned; LANES when none. */
static enum lane_id lane_due(const struct watch *w, uint64_t now)
{
	for (int i = 0; i < LANES; i++)
		if (w->pending & lane_wakes[i] && now >= lane_free(w, (enum lane_id)i))
			return (enum lane_id)i;
	return LANES;
}

static void look_again(struct watch *w, uint64_t now, FILE *head, FILE *body, struct err *e, int *rc, uint64_t *cost)
{
	if (w->pending & WAKE_RESYNC) {
		forget(w, head);
		w->pending = (w->pending & ~(unsigned)WAKE_RESYNC) | WAKE_ALL;
		w->looked = 0;
		for (int i = 0; i < LANES; i++)
			w->lane[i] = (struct lane){ 0 };
	}
	take_mount_events(w, now, body);
	enum lane_id lane = lane_due(w, now);
	if (lane == LANES)
		return;
	w->pending &= ~lane_kinds[lane];
	*cost = scan(w, lane_kinds[lane], body, e, rc);
	if (lane != LANE_MOUNT)
		w->pending |= sources_follow(w->sources, &w->now);
	lane_done(w, lane, *cost);
}

/* One batch: what is due, as one state. Nothing new is not a batch. */
static int batch(struct watch *w, uint64_t now, struct err *e)
{
	autofree char *head_text = NULL, *text = NULL;
	size_t head_n = 0, n = 0;
	autofile FILE *head = open_memstream(&head_text, &head_n), *body = open_memstream(&text, &n);
	if (!head || !body)
		return err_set(e, errno, "gather the lines");
	uint64_t cost = 0;
	int rc = 0;
	w->pending &= ~(unsigned)WAKE_HEALTH;
	bool first = !w->health;
	look_again(w, now, head, body, e, &rc, &cost);
	if (first)
		put_hello(w, head);
	put_sources(w, head);
	put_health(w, body);
	put_pressure(w, body, clock_mono_ns());
	(void)fflush(head);
	(void)fflush(body);
	if (rc || (head_n == 0 && n == 0))
		return rc;
	watch_put_line(body, json_pack("{s:s,s:I,s:I}", "op", "sync", "at", (json_int_t)clock_wall_s(), "ms",
			    (json_int_t)(cost / NS_PER_MS)));
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
	uint64_t at = least(w->next_pressure, w->check_at);
	if (w->pending & (WAKE_RESYNC | WAKE_HEALTH | WAKE_REMOUNT))
		return 0;
	if (w->pending & WAKE_MOUNT_EVENTS)
		at = least(at, w->events_after);
	if (w->lane[LANE_PROC].ended)
		at = least(at, w->next_pid_look);
	for (int i = 0; i < LANES; i++) {
		if (w->pending & lane_wakes[i])
			at = least(at, lane_free(w, (enum lane_id)i));
		else if (w->lane[i].ended)
			at = least(at, w->lane[i].next_tick);
	}
	return at;
}

static int wait_ms(const struct watch *w)
{
	uint64_t now = clock_mono_ns(), at = least(due_at(w), w->next_beat);
	return at <= now ? 0 : (int)((at - now + NS_PER_MS - 1) / NS_PER_MS);
}

static int watch_loop(struct watch *w, struct err *e)
{
	int rc = 0;
	w->pending = WAKE_ALL | WAKE_HEALTH;
	w->check_at = UINT64_MAX;
	while (rc == 0 && !(w->pending & WAKE_STOP)) {
		uint64_t now = clock_mono_ns();
		if (now >= due_at(w)) {
			tick(w, now);
			rc = batch(w, now, e);
		} else if (now >= w->next_beat) {
			rc = beat(w, now, e);
		}
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
	live_mounts_done(&w.live);
	free(w.health);
	free(w.pressure);
	sources_close(&w.sources);
	return rc;
}
