/*
 * The box's root: rows in, a private tree out. All of it is made inside the child's own mount namespace, on
 * file systems without a name on the host; when the namespace's last process dies, the kernel forgets it.
 * Heapless; used after clone, except rootfs_workspace.
 *
 * That namespace is a copy, and what is copied, and freed again, is the host's whole mount table: 5 ms with a thousand
 * mounts. A nest is a mount namespace with an empty root and nothing else; a copy of that costs the same everywhere.
 * The host's files are out of its reach, so what is bound is taken before.
 */
#ifndef SANDBOX_KERNEL_ROOTFS_H
#define SANDBOX_KERNEL_ROOTFS_H

#include <stdbool.h>
#include <sys/types.h>

#include "probes/base/err.h"
#include "sandbox/policy/rows.h"

struct rootfs {
	const struct mount_row *rows;
	size_t nrows;
	const int *sources;    /* one for each row, by rootfs_take */
	const char *stage_dir; /* an empty directory of the host: where the root is attached for a moment; in a nest "/" */
	int workspace_fd;      /* a detached mount, or -1 */
	uid_t uid;	       /* of rows that are `owned` */
};

/* A tmpfs that is mounted nowhere: the supervisor fills and reads it through the descriptor, the child attaches it.
 * `data` is mount options ("size=...,nr_inodes=...,mode=0700"). Returns a descriptor or -errno. */
int rootfs_workspace(const char *data, uid_t uid, struct err *e) MUST_CHECK;

/* The same file system `n` times more, each detached, for `n` boxes one after the other: a mount that was attached
 * once cannot be attached again. Before Linux 6.15 only one with a place can be copied (open_tree(2)): there it is attached
 * on stage_dir for a moment, in the mount namespace of a child that shares our descriptors. */
int rootfs_copies(int workspace_fd, const char *stage_dir, int *ret, size_t n, struct err *e) MUST_CHECK;

/* What the rows bind, detached copies with the rows' flags: a descriptor or -errno for each row, -1 for those that bind
 * nothing. Done where the host's files can be seen; the caller closes them. */
void rootfs_take(const struct mount_row *rows, size_t n, int *ret);
/* From the host's namespace into a copy of the nest, never the nest itself. Opens nothing: there is no /proc in there. */
int rootfs_enter_nest(int nest_fd) MUST_CHECK;
/* Makes every mount of this namespace private, then the root and its rows. Returns the root's descriptor, or
 * -errno with *row = the number of the row that failed, counted from 1 (0: the root itself). */
int rootfs_build(const struct rootfs *r, size_t *row) MUST_CHECK;
/* The root becomes "/", read-only, and the host's tree is let go; in a nest there is none. */
int rootfs_enter(int root_fd, bool nested) MUST_CHECK;
/* Makes a nest, on this processor; stage_dir is an empty directory. Returns a descriptor of the namespace or -errno. */
int rootfs_nest(const char *stage_dir, unsigned cpu, struct err *e) MUST_CHECK;

#endif
