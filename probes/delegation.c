/* See delegation.h. */
#include "probes/delegation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "probes/places.h"
#include "probes/procread.h"

/* What every v2 cgroup has, and what does not have to be shared out. */
static const uint32_t core = 1u << HOST_CPUACCT | 1u << HOST_FREEZER;
/* Where systemd keeps its marks on a host without a v2 tree. */
static const char systemd_tree[] = "/sys/fs/cgroup/systemd";

/* Our path in the v2 tree, or in systemd's own v1 hierarchy; NULL at its root, or when it is outside of what we see. */
static const char *own_path(const struct scope *scope, bool v2, struct arena *a)
{
	char file[PATH_ROOM], *save = NULL;
	const char *wanted = v2 ? "0::" : "name=systemd:";
	autofree char *text = NULL;
	(void)snprintf(file, sizeof file, "%.200s/self/cgroup", scope->proc);
	if (kfile_read_all(AT_FDCWD, file, &text) < 0)
		return NULL;
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		char *at = strstr(l, wanted);
		if (at && (v2 ? at == l : at[-1] == ':')) {
			at += strlen(wanted);
			return place_check(at, NULL) == 0 ? arena_strdup(a, at) : NULL;
		}
	}
	return NULL;
}

static bool is_marked(const char *dir)
{
	char value[8] = "";
	return (getxattr(dir, "user.delegate", value, sizeof value - 1) > 0 && value[0] == '1') ||
	       (getxattr(dir, "trusted.delegate", value, sizeof value - 1) > 0 && value[0] == '1');
}

static bool is_given(const struct host *h, const char *dir, struct arena *a)
{
	if (geteuid() == 0) /* who may write everything learns nothing from being allowed to */
		return is_marked(dir);
	return h->unified && access(dir, W_OK | X_OK) == 0 && access(arena_printf(a, "%s/cgroup.procs", dir), W_OK) == 0 &&
	       access(arena_printf(a, "%s/cgroup.subtree_control", dir), W_OK) == 0;
}

pid_t delegation_stranger(const struct scope *scope, int cgroup)
{
	autofree char *text = NULL;
	autofd int proc = open(scope->proc, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ssize_t n = kfile_read_all(cgroup, "cgroup.procs", &text);
	if (n < 0)
		return n == -EOPNOTSUPP ? 0 : (pid_t)n; /* threaded: nobody can be in it as a process */
	for (char *s = text, *end; *s; s = *end ? end + 1 : end) {
		char name[24];
		struct procstat st;
		pid_t pid = (pid_t)strtol(s, &end, 10);
		(void)snprintf(name, sizeof name, "%d", (int)pid);
		bool known = pid > 0 && procstat_read(proc, name, &st) == 0;
		if (pid != getpid() && (!known || st.ppid != getpid()))
			return pid > 0 ? pid : 1;
	}
	return 0;
}

/* NULL when controllers can be shared out there, else what is in the way. */
static const char *in_the_way(const struct scope *scope, const char *dir, struct arena *a)
{
	char now[512] = "", comm[32] = "?";
	autofd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || kfile_read(fd, "cgroup.subtree_control", now, sizeof now) > 1)
		return NULL;
	pid_t pid = delegation_stranger(scope, fd);
	if (pid <= 0)
		return NULL;
	ssize_t n = kfile_read(AT_FDCWD, arena_printf(a, "%s/%d/comm", scope->proc, (int)pid), comm, sizeof comm);
	if (n > 0)
		comm[n - 1] = '\0';
	return arena_printf(a, "pid %d (%s) is in the delegated cgroup itself", (int)pid, comm);
}

/* What can be limited below it is what its parent gave it. */
static void settle(struct host *h, const char *path, struct arena *a)
{
	h->place = path + 1;
	if (h->unified && delegation_has(h, h->unified))
		h->v2_controllers = host_v2_controllers(arena_printf(a, "%s%s", h->unified, path));
}

void delegation_look(const struct scope *scope, struct arena *a, struct host *host)
{
	const char *tree = host->unified ? host->unified : systemd_tree;
	const char *path = own_path(scope, host->unified != NULL, a);
	for (int up = 0; path && up < 2; up++) {
		const char *dir = arena_printf(a, "%s%s", tree, path);
		if (is_given(host, dir, a)) {
			const char *why = host->v2_controllers & ~core ? in_the_way(scope, dir, a) : NULL;
			if (!why)
				settle(host, path, a);
			host->place_why = why;
			return;
		}
		const char *slash = strrchr(path, '/');
		path = slash > path ? arena_strndup(a, path, (size_t)(slash - path)) : NULL;
	}
}

int delegation_set(struct host *host, const char *path, struct arena *a, struct err *e)
{
	int r = place_check(path, e);
	if (r < 0)
		return r;
	struct host with = *host;
	settle(&with, path, a);
	if (!delegation_is_there(&with))
		return err_say(e, ENOENT, "cgroup %.120s is in no hierarchy here: make it, or start the unit it belongs to", path);
	with.place_why = NULL;
	*host = with;
	return 0;
}

bool delegation_has(const struct host *host, const char *mount)
{
	char dir[PATH_ROOM + PLACE_ROOM];
	if (!host->place)
		return false;
	(void)snprintf(dir, sizeof dir, "%.250s/%s", mount, host->place);
	return access(dir, X_OK) == 0;
}

bool delegation_is_there(const struct host *host)
{
	bool there = host->unified && delegation_has(host, host->unified);
	for (int c = 0; c < HOST_CONTROLLER_COUNT; c++)
		there |= host->v1[c] && delegation_has(host, host->v1[c]);
	return there;
}
