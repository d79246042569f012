/*
 * The mounts of the watch, kept by single events: fanotify names the mount that came or went, statmount(2)
 * tells all about that one, and ten thousand others need not be read again. What it makes is checked by a
 * whole reading soon after, so a mistake here lives for a moment, not for ever.
 */
#ifndef PROBES_WATCH_MOUNTS_H
#define PROBES_WATCH_MOUNTS_H

#include <stdio.h>

#include "probes/snapshot.h"
#include "probes/watch_sources.h"

struct live_mounts {
	struct resource *v; /* sorted by resource_compare(); strings are the last whole reading's or `extra`'s */
	size_t n, room;
	uint64_t newest; /* unique id in the last whole reading: later ones are only here when an event said so */
	struct arena extra;
};

/* After a whole reading: takes its rows and makes the set point to the copy. */
void live_mounts_take(struct live_mounts *l, struct resource_set *set);
/* Applies the events, writes add, change and gone lines, and corrects the set. False: something could not be
 * told from the events alone, so the table must be read. */
bool live_mounts_apply(struct live_mounts *l, const struct scope *scope, const struct mount_event *v, size_t n,
		       struct resource_set *set, FILE *out);
void live_mounts_done(struct live_mounts *l);

#endif
