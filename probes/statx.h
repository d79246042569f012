/*
 * What a file or mount is, by number, asked so that a dead FUSE or NFS server cannot hang the asker: no
 * attribute is refreshed from the file system and no automount is triggered.
 */
#ifndef PROBES_STATX_H
#define PROBES_STATX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct identity {
	uint32_t links;
	uint64_t inode, mount; /* mount: unique id when `unique`, else the reusable one, 0 when unknown */
	uint64_t mtime, ctime; /* wall clock seconds */
	uint64_t changed, birth; /* ctime and time of birth in wall clock nanoseconds; birth 0: the file system keeps none */
	uint64_t bytes;	       /* allocated */
	unsigned major, minor; /* st_dev */
	uid_t uid;
	mode_t mode;
	bool unique, mount_root, deleted;
};

/* `flags` are AT_SYMLINK_NOFOLLOW and AT_EMPTY_PATH. Returns 0 or -errno. */
int identity_at(int dirfd, const char *path, int flags, struct identity *ret);
/* The inode number of a namespace link ("mnt", "pid"), 0 when it cannot be read. dirfd: /proc/PID. */
uint64_t namespace_at(int dirfd, const char *which);

#endif
