/* Numbers of files, mounts and namespaces; see statx.h. */
#include "probes/statx.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* STATX_MNT_ID_UNIQUE, Linux 6.8: never reused in one boot, and readable after a lazy unmount. */
#define WANT_UNIQUE 0x4000u

static uint64_t nanoseconds(const struct statx_timestamp *t)
{
	return t->tv_sec < 0 ? 0 : (uint64_t)t->tv_sec * 1000000000u + t->tv_nsec;
}

int identity_at(int dirfd, const char *path, int flags, struct identity *ret)
{
	struct statx sx = { 0 };
	if (statx(dirfd, path, flags | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT,
		  STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID | WANT_UNIQUE, &sx))
		return -errno;
	*ret = (struct identity){
		.inode = sx.stx_ino,
		.mount = sx.stx_mask & (STATX_MNT_ID | WANT_UNIQUE) ? sx.stx_mnt_id : 0,
		.mtime = (uint64_t)sx.stx_mtime.tv_sec,
		.ctime = (uint64_t)sx.stx_ctime.tv_sec,
		.changed = nanoseconds(&sx.stx_ctime),
		.birth = sx.stx_mask & STATX_BTIME ? nanoseconds(&sx.stx_btime) : 0,
		.bytes = sx.stx_blocks * 512,
		.major = sx.stx_dev_major,
		.minor = sx.stx_dev_minor,
		.uid = sx.stx_uid,
		.mode = sx.stx_mode,
		.links = sx.stx_nlink,
		.unique = sx.stx_mask & WANT_UNIQUE,
		.mount_root = sx.stx_attributes & STATX_ATTR_MOUNT_ROOT,
		.deleted = sx.stx_nlink == 0,
	};
	return 0;
}

uint64_t namespace_at(int dirfd, const char *which)
{
	char path[32], link[64];
	(void)snprintf(path, sizeof path, "ns/%s", which);
	ssize_t n = readlinkat(dirfd, path, link, sizeof link - 1);
	if (n <= 0)
		return 0;
	link[n] = '\0';
	const char *number = strchr(link, '[');
	return number ? strtoull(number + 1, NULL, 10) : 0;
}
