/* Deletes one directory tree of ours, whatever a hostile program has made of it. */
#ifndef SANDBOX_BOX_TREE_H
#define SANDBOX_BOX_TREE_H

#include <stdint.h>
#include <sys/types.h>

#include "probes/base/err.h"

struct tree_watch {
	void (*tell)(void *arg, uint64_t entries); /* now and then; may be NULL */
	void *arg;
};

/*
 * Removes the directory `name` (one component) of `parent_fd`, if it still is the one with this device and
 * inode. -ENOENT: gone already, or another thing bears the name. -EBUSY: a mount is below; nothing after it was
 * touched (callers look at the mount table first). Work that was done stays done: calling again goes on.
 */
int tree_remove(int parent_fd, const char *name, dev_t dev, ino_t inode, const struct tree_watch *watch,
		uint64_t *entries, struct err *e) MUST_CHECK;

#endif
