/* Thawing what a drill froze; see thaw.h. */
#include "sandbox/drill/thaw.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/major.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "probes/base/own.h"
#include "probes/base/paths.h"
#include "probes/mountinfo.h"
#include "sandbox/kernel/cgroup_tree.h"
#include "sandbox/kernel/sys.h"

/* A writer on a frozen file system cannot die: thaw what any process of the drill has mounted. */
void thaw_process(const char *pid, const char *root)
{
	autoarena struct arena a = { 0 };
	struct mount_table t;
	struct err e;
	size_t n = strlen(root);
	autofd int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0 || mountinfo_read(proc, pid, &a, &t, &e) < 0)
		return;
	for (size_t i = 0; i < t.n; i++) {
		char path[PATH_ROOM * 3];
		if (strncmp(t.v[i].target, root, n) != 0 || t.v[i].target[n] != '/' || strcmp(t.v[i].facts.fstype, "ext4") != 0 ||
		    t.v[i].facts.major != LOOP_MAJOR) /* a bind of the host's own is not ours to thaw */
			continue;
		(void)snprintf(path, sizeof path, "/proc/%.12s/root%.600s", pid, t.v[i].target);
		autofd int fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
		if (fd >= 0)
			(void)ioctl(fd, FITHAW, 0); /* fails when it is not frozen: then nothing is in the way */
	}
}

static int thaw_members(int dirfd, void *arg)
{
	char text[4096];
	autofd int fd = openat(dirfd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	char *save = NULL;
	for (char *pid = strtok_r(text, "\n", &save); pid; pid = strtok_r(NULL, "\n", &save))
		thaw_process(pid, arg);
	return 0;
}

void thaw_cgroup(int top_fd, const char *cgroup, const char *root)
{
	char copy[PATH_ROOM];
	(void)snprintf(copy, sizeof copy, "%.250s", root);
	autofd int dir = sys_openat(top_fd, cgroup, O_RDONLY | O_DIRECTORY, 0);
	if (dir >= 0)
		(void)!cgroup_walk(dir, 0, thaw_members, copy);
}
