/* Reading small kernel files; see kfile.h. */
#include "probes/base/kfile.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/base/own.h"

static ssize_t read_some(int fd, char *buf, size_t cap)
{
	size_t got = 0;
	while (got < cap) {
		ssize_t n = read(fd, buf + got, cap - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

ssize_t kfile_read(int dirfd, const char *name, char *buf, size_t cap)
{
	autofd int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -errno;
	ssize_t n = read_some(fd, buf, cap);
	if (n < 0)
		return n;
	if ((size_t)n == cap)
		return -EFBIG;
	buf[n] = '\0';
	return n;
}

ssize_t kfile_read_fd(int fd, char **ret)
{
	autofree char *buf = NULL;
	size_t cap = 4096, len = 0;
	for (;;) {
		char *bigger = realloc(buf, cap);
		if (!bigger)
			abort();
		buf = bigger;
		ssize_t n = read_some(fd, buf + len, cap - len - 1);
		if (n < 0)
			return n;
		len += (size_t)n;
		if (len < cap - 1)
			break;
		cap *= 2;
	}
	buf[len] = '\0';
	*ret = take_ptr(&buf);
	return (ssize_t)len;
}

ssize_t kfile_read_all(int dirfd, const char *name, char **ret)
{
	autofd int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? -errno : kfile_read_fd(fd, ret);
}

static int parse_u64(const char *s, uint64_t *ret)
{
	if (strncmp(s, "max", 3) == 0) {
		*ret = UINT64_MAX;
		return 0;
	}
	char *end = NULL;
	errno = 0;
	unsigned long long v = strtoull(s, &end, 10);
	if (end == s || errno)
		return -EINVAL;
	*ret = v;
	return 0;
}

/* From the beginning, wherever the descriptor stands. */
static ssize_t read_again(int fd, char *buf, size_t cap)
{
	ssize_t n;
	do
		n = pread(fd, buf, cap - 1, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return n;
}

int kfile_u64_fd(int fd, uint64_t *ret)
{
	char buf[64];
	ssize_t n = read_again(fd, buf, sizeof buf);
	return n < 0 ? (int)n : parse_u64(buf, ret);
}

int kfile_u64(int dirfd, const char *name, uint64_t *ret)
{
	char buf[64];
	ssize_t n = kfile_read(dirfd, name, buf, sizeof buf);
	return n < 0 ? (int)n : parse_u64(buf, ret);
}

static int find_key(const char *text, const char *key, uint64_t *ret)
{
	size_t len = strlen(key);
	/* NOLINTNEXTLINE: the analyser takes -errno for a possible 0, and so a failed read for an empty one */
	for (const char *line = text; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : NULL)
		if (strncmp(line, key, len) == 0 && line[len] == ' ')
			return parse_u64(line + len + 1, ret);
	return -ENOENT;
}

int kfile_keyed_u64_fd(int fd, const char *key, uint64_t *ret)
{
	char buf[4096];
	ssize_t n = read_again(fd, buf, sizeof buf);
	return n < 0 ? (int)n : find_key(buf, key, ret);
}

int kfile_keyed_u64(int dirfd, const char *name, const char *key, uint64_t *ret)
{
	char buf[4096];
	ssize_t n = kfile_read(dirfd, name, buf, sizeof buf);
	return n < 0 ? (int)n : find_key(buf, key, ret);
}

struct dirent *kfile_next(DIR *dir, int *error)
{
	errno = 0;
	struct dirent *d = readdir(dir);
	*error = d ? 0 : errno;
	return d;
}
