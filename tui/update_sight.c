/* See sight.h. A forecast needs a minute of samples and a fall in free space; without both nothing is said. */
#include <stdio.h>
#include <string.h>

#include "tui/update.h"

enum { FORECAST_LEAST_S = 60, FORECAST_MOST_S = 24 * 3600 };

static uint64_t whole(const json_t *j, const char *key)
{
	json_int_t v = json_integer_value(json_object_get(j, key));
	return v > 0 ? (uint64_t)v : 0;
}

static unsigned percent(uint64_t part, uint64_t of)
{
	return of ? (unsigned)((double)part * 100 / (double)of + 0.5) : 0;
}

static void take_disk(struct disk_sight *d, const json_t *j, uint64_t wall)
{
	(void)snprintf(d->path, sizeof d->path, "%s", json_string_value(json_object_get(j, "path")) ?: "?");
	d->known = json_is_true(json_object_get(j, "known"));
	d->bytes = whole(j, "bytes");
	d->free = whole(j, "free");
	d->inodes = whole(j, "inodes");
	d->inodes_free = whole(j, "inodes_free");
	if (!d->known)
		return;
	if (d->n == SIGHT_SAMPLES) /* the older half thins out: a long view and a short one from one array */
		for (d->n = 0; d->n < SIGHT_SAMPLES / 2; d->n++)
			d->past[d->n] = d->past[d->n * 2];
	d->past[d->n].wall = wall;
	d->past[d->n++].free = d->free;
}

void sight_pressure(struct model *m, const json_t *j)
{
	struct sight *s = &m->sight;
	const json_t *disks = json_object_get(j, "disks"), *mem = json_object_get(j, "memory");
	const json_t *files = json_object_get(j, "file_handles"), *psi = json_object_get(j, "psi");
	for (size_t i = 0; i < SIGHT_DISKS; i++)
		if (json_is_object(json_array_get(disks, i)))
			take_disk(&s->disk[i], json_array_get(disks, i), m->wall);
	uint64_t total = whole(mem, "total"), available = whole(mem, "available");
	s->memory_used = available < total ? percent(total - available, total) : 0;
	s->handles_used = percent(whole(files, "used"), whole(files, "max"));
	const json_t *io = json_object_get(json_object_get(psi, "io"), "some");
	s->io_stall = json_is_number(io) ? (int)(json_number_value(io) + 0.5) : -1;
}

unsigned disk_used(const struct disk_sight *d)
{
	return d->bytes > d->free ? percent(d->bytes - d->free, d->bytes) : 0;
}

unsigned disk_inodes_used(const struct disk_sight *d)
{
	return d->inodes > d->inodes_free ? percent(d->inodes - d->inodes_free, d->inodes) : 0;
}

uint64_t disk_full_in(const struct disk_sight *d, uint64_t wall)
{
	if (!d->known || d->n < 2)
		return 0;
	const uint64_t then = d->past[0].wall, was = d->past[0].free, last = d->past[d->n - 1].wall;
	if (last < then + FORECAST_LEAST_S || was <= d->free || d->free == 0)
		return 0;
	double rate = (double)(was - d->free) / (double)(last - then);
	double left = (double)d->free / rate - (double)(wall > last ? wall - last : 0);
	return left < 1 ? 1 : left > FORECAST_MOST_S ? 0 : (uint64_t)left;
}

/* Numbers without their age would be believed: an endpoint that is gone says so from the first time on. */
void sight_metrics(struct model *m, const struct msg *msg)
{
	struct slo *s = &m->sight.slo;
	const char *why = msg->text && slo_take(s, msg->text, m->wall) ? "" : msg->text ? "tells nothing of cleanups" : msg->note;
	if (!why[0])
		s->heard_ms = m->now_ms ? m->now_ms : 1;
	if (why[0] && !s->gone[0])
		ring_add(&m->log, m->wall, RING_WARN, "metrics: %s", why);
	else if (!why[0] && s->gone[0])
		ring_add(&m->log, m->wall, RING_SAID, "metrics: %s answers", msg->note);
	s->every_ms = msg->bytes;
	(void)snprintf(s->gone, sizeof s->gone, "%s", why);
}

/* A worker that calls itself healthy beside leftovers is what sends people home too early. */
void sight_conflict(struct model *m, size_t left)
{
	bool now = m->health_ms && m->health.status == HEALTH_HEALTHY && left > 0;
	bool say = now && !m->sight.conflict_said && m->sync_at; /* before the first whole state a number would be too small */
	if (say)
		ring_add(&m->log, m->wall, RING_BAD, "! CONFLICT: the worker says HEALTHY, this console sees %zu left over", left);
	m->sight.conflict = now;
	m->sight.conflict_said = now && (say || m->sight.conflict_said);
}
