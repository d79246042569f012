/*
 * Where rustbox keeps things: one table, and one prefix that moves all of it (--root, RUSTBOX_ROOT),
 * so that tests and drills have a world of their own. No other file spells a path.
 *
 * With a prefix the cgroups move as well: they are made under `rustbox-root.<hash>` in each hierarchy.
 * The dot keeps that name outside the alphabet of box names, so no world mistakes another's for a box.
 */
#ifndef PROBES_BASE_PATHS_H
#define PROBES_BASE_PATHS_H

#include <sys/types.h>

#include "probes/base/err.h"

#define PATHS(X)                                                                                  \
	X(WORK, "/tmp", "parent of each box's temp directory, rustbox-<box>")                     \
	X(STATE, "/var/lib/rustbox", "what survives a reboot")                                    \
	X(HEALTH, "/var/lib/rustbox/health.json", "worker health, replaced atomically")           \
	X(HISTORY, "/var/lib/rustbox/quarantine-history.json", "one JSON line per transition")    \
	X(BASELINE, "/var/lib/rustbox/baseline.txt", "the stored baseline")                       \
	X(METRICS, "/var/lib/rustbox/metrics.page", "counters shared by every process")           \
	X(EVENTS, "/var/lib/rustbox/events.jsonl", "one JSON line per event")                     \
	X(INCIDENTS, "/var/lib/rustbox/incidents", "the console's journals and reports")          \
	X(ARTIFACTS, "/var/lib/rustbox/artifacts", "kept output and evidence")                    \
	X(RUN, "/run/rustbox", "what a reboot forgets")                                           \
	X(LEDGER, "/run/rustbox/ledger", "one file per box; its flock is held while the box lives") \
	X(SLOTS, "/run/rustbox/slots", "one file per uid of the pool; flock held while in use")   \
	X(RECOVERY, "/run/rustbox/recovery.lock", "held by the recovery at work, and says who that is") \
	X(NEST, "/run/rustbox/nest", "mount point of what `rustbox prepare` keeps: see sandbox/box/nest.h") \
	X(EMPTY, "/run/rustbox/empty", "the permanent empty directory where roots are put together") \
	X(PLACES, "/run/rustbox/cgroup-places", "delegated cgroups that boxes were made in, one a line") \
	X(CONFIG, "/etc/rustbox/config.json", "overrides")                                        \
	X(TWO_PERSON, "/etc/rustbox/two-person", "while it is there, what a console does of class R3 takes two people")

enum path_id {
#define X(id, path, why) PATH_##id,
	PATHS(X)
#undef X
	PATH_COUNT
};

enum { PATH_ROOM = 256 };

struct paths {
	char root[PATH_ROOM]; /* "" on the host itself, else absolute without a trailing slash */
	char of[PATH_COUNT][PATH_ROOM];
	char cgroup_parent[40]; /* "" or "rustbox-root.<hash>", relative to each hierarchy's root */
	uid_t uid_base;		/* the pool: uid_base .. uid_base + UID_POOL - 1 */
};

enum { UID_POOL = 128 };

/* `root` NULL or "" means the host. -EINVAL for a relative or too long one. */
int paths_init(struct paths *ret, const char *root, struct err *e) MUST_CHECK;
/* <work>/rustbox-<box> and <work>/rustbox-<box>/root. */
void paths_box_dir(const struct paths *p, const char *box, char out[static PATH_ROOM + 80]);
void paths_box_root(const struct paths *p, const char *box, char out[static PATH_ROOM + 80]);
void paths_ledger(const struct paths *p, const char *box, char out[static PATH_ROOM + 80]);
/* The box a file name "rustbox-<box>" belongs to, or NULL when it is not one of ours. */
const char *paths_box_of_name(const char *file_name);

#endif
