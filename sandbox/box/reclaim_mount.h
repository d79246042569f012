/* Mounts by identity: is this very one still there, which one is on top of a point. */
#ifndef SANDBOX_BOX_RECLAIM_MOUNT_H
#define SANDBOX_BOX_RECLAIM_MOUNT_H

#include "probes/scope.h"

enum { MOUNT_ID_ROOM = 24 };

/* 1, 0 or -errno. `id` as in probes/resource.h. */
int reclaim_mount_there(const struct scope *scope, const char *id) MUST_CHECK;
/* The id of the mount whose root is at `name` below dirfd; "": dirfd itself. -ENOENT: no such name. -EINVAL: no mount is on it.
 * Does not ask a remote server for anything (AT_STATX_DONT_SYNC). */
int reclaim_mount_id_at(int dirfd, const char *name, char id[static MOUNT_ID_ROOM]) MUST_CHECK;

#endif
