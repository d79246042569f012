/*
 * Small kernel files (/proc, cgroupfs, /sys), read whole, relative to a directory descriptor so that
 * tests can hand in a recorded tree. Kernel files report size 0: only reading tells what they hold.
 */
#ifndef PROBES_BASE_KFILE_H
#define PROBES_BASE_KFILE_H

#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "probes/base/err.h"

/* Reads up to cap-1 bytes and NUL-terminates. Returns the length or -errno (-EFBIG when it is longer). */
ssize_t kfile_read(int dirfd, const char *name, char *buf, size_t cap) MUST_CHECK;
/* Reads it all; *ret is the caller's to free, NUL-terminated. Returns the length or -errno. */
ssize_t kfile_read_all(int dirfd, const char *name, char **ret) MUST_CHECK;
/* The same from a descriptor that is already open, from where it stands. */
ssize_t kfile_read_fd(int fd, char **ret) MUST_CHECK;
/* One unsigned decimal; "max" gives UINT64_MAX. Returns 0 or -errno. */
int kfile_u64(int dirfd, const char *name, uint64_t *ret) MUST_CHECK;
/* The value after `key ` at the start of a line ("oom_kill 3"). Returns 0, -ENOENT when absent, -errno. */
int kfile_keyed_u64(int dirfd, const char *name, const char *key, uint64_t *ret) MUST_CHECK;
/* The same from a descriptor kept open, read from its beginning each time. */
int kfile_u64_fd(int fd, uint64_t *ret) MUST_CHECK;
int kfile_keyed_u64_fd(int fd, const char *key, uint64_t *ret) MUST_CHECK;
/* The next entry of a directory. NULL: *error is 0 at its end, else why the rest of it is not known (readdir(3) hides the
 * difference, and unknown is never empty). */
struct dirent *kfile_next(DIR *dir, int *error) MUST_CHECK;

#endif
