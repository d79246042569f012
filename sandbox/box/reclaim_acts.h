/* What is done to one resource of each kind. Each looks again by identity, acts, and verifies that it is gone. */
#ifndef SANDBOX_BOX_RECLAIM_ACTS_H
#define SANDBOX_BOX_RECLAIM_ACTS_H

#include "sandbox/box/claim.h"
#include "sandbox/box/reclaim.h"

enum { UMOUNT_MS = 10000, TREE_MS = 60000, KILL_MS = 5000, RMDIR_MS = 5000 };

/* Sets outcome, err and because. */
void reclaim_mount(struct reclaim_item *item, const struct reclaim_how *how, struct claim *box);
void reclaim_cgroup(struct reclaim_item *item, const struct reclaim_how *how);
void reclaim_tempdir(struct reclaim_item *item, const struct reclaim_how *how,
		     void (*progress)(void *, uint64_t), void *progress_arg);
void reclaim_lock(struct reclaim_item *item, const struct reclaim_how *how, struct claim *box);
/* All at once: every one is signalled before any is waited for. Items that are PENDING, of kind process. */
void reclaim_processes(struct reclaim_item **items, size_t n, const struct reclaim_how *how);

/* Kills what is in the cgroup at this path of a hierarchy, and below it, until nothing new appears, and thaws it. */
int reclaim_empty_cgroup(int hierarchy_fd, const char *path, unsigned ms, struct err *e) MUST_CHECK;

/* Opens the root of a mounted hierarchy ("memory", "unified", ...). -ENOENT when it is not mounted. */
int reclaim_hierarchy(const struct scope *scope, const char *hierarchy, struct err *e) MUST_CHECK;

/* Is a resource with this kind, name and identity there now? 1, 0 or -errno: unknown is not gone. */
int reclaim_is_there(const struct scope *scope, enum resource_kind kind, const char *name, const char *id,
		     struct err *e) MUST_CHECK;

/* The number of mounts in this namespace on or below a path. -errno when the table could not be read. */
int reclaim_mounts_below(const struct scope *scope, const char *path) MUST_CHECK;

/* Nothing outside rustbox's own names is ever acted upon, whatever a plan, a ledger or a snapshot says. */
bool reclaim_in_bounds(const struct resource *r, const struct paths *p);

void reclaim_set(struct reclaim_item *item, enum reclaim_outcome outcome, int err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
