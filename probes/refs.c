/*
 * References held by processes; see refs.h. The links below /proc/PID are followed by the kernel straight
 * to the object, so they find it after pivot_root, in other mount namespaces and after a lazy unmount,
 * where the text of the link says "/".
 */
#include "probes/refs.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"

static const char *const links[] = { [REF_CWD] = "cwd", [REF_ROOT] = "root", [REF_EXE] = "exe" };

static int each_fd(int dir, ref_fn *each, void *ctx)
{
	int fd = openat(dir, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autodir DIR *fds = fd < 0 ? NULL : fdopendir(fd);
	if (!fds)
		return -errno;
	int error = 0;
	for (struct dirent *d; (d = kfile_next(fds, &error));) {
		struct ref r = { .kind = REF_FD, .fd = (int)strtol(d->d_name, NULL, 10) };
		if (isdigit((unsigned char)d->d_name[0]) && identity_at(dirfd(fds), d->d_name, 0, &r.id) == 0)
			each(ctx, &r);
	}
	return -error;
}

/* maps(5): "start-end perms offset major:minor inode path"; the file itself is then asked through
 * map_files, which only a privileged caller may follow: without it the device has to do. */
static int each_map(int dir, unsigned major, unsigned minor, ref_fn *each, void *ctx)
{
	char wanted[32], path[80];
	autofree char *text = NULL;
	uint64_t seen = 0;
	ssize_t n = kfile_read_all(dir, "maps", &text);
	if (n < 0)
		return (int)n;
	(void)snprintf(wanted, sizeof wanted, " %02x:%02x ", major, minor);
	for (char *line = text; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
		char *end = strchr(line, '\n'), *at = strstr(line, wanted);
		if (!at || (end && at > end))
			continue;
		struct ref r = { .kind = REF_MAP, .fd = -1, .id = { .major = major, .minor = minor } };
		r.id.inode = strtoull(at + strlen(wanted), NULL, 10);
		if (r.id.inode == 0 || r.id.inode == seen)
			continue;
		seen = r.id.inode;
		(void)snprintf(path, sizeof path, "map_files/%.*s", (int)strcspn(line, " "), line);
		(void)identity_at(dir, path, 0, &r.id);
		r.link = path;
		each(ctx, &r);
	}
	return 0;
}

/* A link may lead into a file system that is dead: what it leads to is then no secret. */
static bool is_hidden(int rc)
{
	return rc == -EACCES || rc == -EPERM;
}

/* A list not read to its end, of a process that is still there. */
static bool is_cut(int rc)
{
	return rc < 0 && rc != -ENOENT && rc != -ESRCH;
}

int refs_each(int dir, unsigned major, unsigned minor, ref_fn *each, void *ctx)
{
	bool hidden = false;
	for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
		struct ref r = { .kind = (enum ref_kind)i, .fd = -1 };
		int rc = identity_at(dir, links[i], 0, &r.id);
		hidden |= is_hidden(rc);
		if (rc == 0)
			each(ctx, &r);
	}
	hidden |= is_cut(each_fd(dir, each, ctx));
	if (major != ~0u)
		hidden |= is_cut(each_map(dir, major, minor, each, ctx));
	return hidden ? -EACCES : 0;
}
