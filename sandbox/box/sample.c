/* See sample.h. A pid is looked at through one descriptor of its /proc directory, which never becomes another's. */
#include "sandbox/box/sample.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "sandbox/kernel/sys.h"

enum { MEMBERS_MAX = 256 };

/* Since Linux 6.2 the size of /proc/PID/fd is the number of descriptors; before, one has to count. */
static uint64_t count_descriptors(int proc)
{
	struct stat st;
	uint64_t n = 0;
	if (fstatat(proc, "fd", &st, 0) == 0 && st.st_size > 0)
		return (uint64_t)st.st_size;
	int fd = sys_openat(proc, "fd", O_RDONLY | O_DIRECTORY, 0);
	autodir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		own_close(&fd);
		return 0;
	}
	for (struct dirent *d = readdir(dir); d; d = readdir(dir))
		n += d->d_name[0] != '.';
	return n;
}

/* The line "key<tab>value" of a status file; NULL when absent. */
static const char *field(const char *status, const char *key)
{
	const char *at = strstr(status, key);
	return at ? at + strlen(key) : NULL;
}

static void sample_one(pid_t pid, uid_t uid, struct evidence *ev)
{
	char path[32], status[4096];
	(void)snprintf(path, sizeof path, "/proc/%d", pid);
	autofd int proc = sys_openat(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0);
	if (proc < 0 || kfile_read(proc, "status", status, sizeof status) < 0)
		return;
	/* By uid and not by the number alone: the box's init is nobody's peak, nor is a stranger with a reused pid. */
	const char *who = field(status, "\nUid:\t"), *queued = field(status, "\nSigQ:\t");
	if (!who || strtoul(who, NULL, 10) != uid || !queued)
		return;
	uint64_t signals = strtoull(queued, NULL, 10), descriptors = count_descriptors(proc);
	ev->signals_peak = signals > ev->signals_peak ? signals : ev->signals_peak;
	ev->fd_peak = descriptors > ev->fd_peak ? descriptors : ev->fd_peak;
}

void sample_peaks(const struct cgroup *cg, uid_t uid, struct evidence *ev)
{
	pid_t members[MEMBERS_MAX];
	size_t n = cgroup_members(cg, members, MEMBERS_MAX);
	for (size_t i = 0; i < n; i++)
		sample_one(members[i], uid, ev);
}
