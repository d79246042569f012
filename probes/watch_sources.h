/* The kernel's event sources behind `watch`, each with the rung of its ladder that is in use. */
#ifndef PROBES_WATCH_SOURCES_H
#define PROBES_WATCH_SOURCES_H

#include "probes/snapshot.h"

/* What an event means for the next batch. */
enum {
	WAKE_MOUNTS = 1u << RES_MOUNT | 1u << RES_TEMPDIR | 1u << RES_GHOST,
	WAKE_CGROUPS = 1u << RES_CGROUP | 1u << RES_PROCESS,
	WAKE_DIRS = 1u << RES_TEMPDIR,
	WAKE_ALL = RES_ALL,
	WAKE_HEALTH = 1u << 16,
	WAKE_RESYNC = 1u << 17, /* a queue overflowed: everything anew */
	WAKE_STOP = 1u << 18,
	WAKE_MOUNT_EVENTS = 1u << 19, /* sources_mounts() has some */
	WAKE_REMOUNT = 1u << 20, /* the table changed beside what fanotify tells */
	WAKE_ASKED = 1u << 21, /* the reader wants everything looked at again now */
	WAKE_ENDED = 1u << 22, /* a process of ours ended: a lock may have fallen, a ghost lost its holder */
};

struct sources;

/* What fanotify said of one mount, by its unique id. */
struct mount_event {
	uint64_t id;
	bool came, went;
	bool passed; /* came, and went before anybody looked: no row, but perhaps a ghost */
};
/* The events since the last call, until the next one; `*all` false when there were more than are kept, or the
 * kernel gives none. */
size_t sources_mounts(struct sources *s, const struct mount_event **ret, bool *all);

/* -errno only when not even a signal could be waited for; every other source falls to a lower rung. */
int sources_open(const struct scope *scope, int out_fd, struct sources **ret, struct err *e) MUST_CHECK;
void sources_close(struct sources **s);

/* Waits for events at most `ms` and returns WAKE_* bits; 0 when none came. */
unsigned sources_wait(struct sources *s, int ms);
/* Waits `ms` for the end of the reader or a signal only: events gather in the kernel meanwhile. */
void sources_nap(struct sources *s, int ms);

/* After a scan: watches what is new in it. Returns WAKE_* bits of what may have changed between the scan
 * and the new watch, and so must be looked at again. */
unsigned sources_follow(struct sources *s, const struct snapshot *now);

const char *sources_mode(const struct sources *s, enum resource_kind kind);

#endif
