/* What the acts ask the host: is it there, by identity? Unknown is never taken for gone. */
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "probes/base/text.h"
#include "probes/dirid.h"
#include "probes/hierarchy.h"
#include "sandbox/box/reclaim_acts.h"
#include "sandbox/box/reclaim_mount.h"
#include "sandbox/kernel/sys.h"

/* \ooo as the kernel writes space, tab, newline and backslash. */
static void unescape(char *s)
{
	char *to = s;
	for (; *s; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' && s[3] >= '0' && s[3] <= '7') {
			*to++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

/* Only an id and a mount point are wanted here, in a program that must not load libmount to run one box: fields 1
 * and 5 of mountinfo(5). Returns how many lines satisfy `wanted`, or -errno. */
static int count_mounts(const struct scope *scope, bool (*wanted)(const char *id, const char *point, const void *arg),
			const void *arg)
{
	char path[PATH_ROOM];
	autofree char *text = NULL;
	char *lines = NULL;
	int found = 0;
	(void)snprintf(path, sizeof path, "%s/self/mountinfo", scope->proc);
	ssize_t n = kfile_read_all(AT_FDCWD, path, &text);
	if (n < 0)
		return (int)n;
	for (char *l = strtok_r(text, "\n", &lines); l; l = strtok_r(NULL, "\n", &lines)) {
		char *words = NULL, *id = strtok_r(l, " ", &words), *point = NULL;
		for (int i = 0; i < 4; i++)
			point = strtok_r(NULL, " ", &words);
		if (!point)
			return -EBADMSG;
		unescape(point);
		found += wanted(id, point, arg);
	}
	return found;
}

static bool same_id(const char *id, const char *point, const void *arg)
{
	(void)point;
	return strcmp(id, arg) == 0;
}

static bool on_or_below(const char *id, const char *point, const void *arg)
{
	const char *path = arg;
	size_t n = strlen(path);
	(void)id;
	return strncmp(point, path, n) == 0 && (point[n] == '\0' || point[n] == '/');
}

/* One pass over a table that others change can miss a line: two must agree that there is none. */
static int count_twice(const struct scope *scope, bool (*wanted)(const char *, const char *, const void *),
		       const void *arg)
{
	int n = count_mounts(scope, wanted, arg);
	return n == 0 ? count_mounts(scope, wanted, arg) : n;
}

int reclaim_mount_there(const struct scope *scope, const char *id)
{
	if (id[0] != 'o')
		return sys_mount_exists(strtoull(id, NULL, 10));
	int n = count_twice(scope, same_id, id + 1);
	return n > 0 ? 1 : n;
}

int reclaim_mounts_below(const struct scope *scope, const char *path)
{
	return count_twice(scope, on_or_below, path);
}

int reclaim_hierarchy(const struct scope *scope, const char *hierarchy, struct err *e)
{
	autoarena struct arena a = { 0 };
	struct hierarchy *all;
	size_t n;
	int r = hierarchies_read(scope, &a, &all, &n, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(all[i].name, hierarchy) != 0)
			continue;
		r = sys_openat(AT_FDCWD, all[i].mount, O_PATH | O_DIRECTORY, 0);
		return r < 0 ? err_set(e, -r, "open %s", all[i].mount) : r;
	}
	return err_say(e, ENOENT, "the %s hierarchy is not mounted here", hierarchy);
}

static int process_there(const struct scope *scope, const char *id)
{
	char path[PATH_ROOM], stat[1024];
	unsigned long long ticks = 0, want;
	int pid;
	if (sscanf(id, "%d:%llu", &pid, &want) != 2)
		return -EINVAL;
	(void)snprintf(path, sizeof path, "%s/%d/stat", scope->proc, pid);
	ssize_t n = kfile_read(AT_FDCWD, path, stat, sizeof stat);
	if (n == -ENOENT || n == -ESRCH)
		return 0;
	if (n < 0)
		return (int)n;
	const char *p = strrchr(stat, ')');
	if (p && strchr("ZXx", p[1] ? p[2] : 'R'))
		return 0; /* it has ended and holds nothing; only its number waits for its parent */
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	if (!p || sscanf(p, " %llu", &ticks) != 1)
		return -EBADMSG;
	return ticks == want;
}

static int cgroup_in(const struct scope *scope, const char *hierarchy, const char *path, const char *inode, struct err *e)
{
	struct stat st;
	autofd int root = reclaim_hierarchy(scope, hierarchy, e);
	if (root < 0)
		return root == -ENOENT ? 0 : root;
	autofd int fd = sys_openat2(root, path + strspn(path, "/"), O_PATH | O_DIRECTORY | O_NOFOLLOW, 0,
				    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	return !inode || st.st_ino == strtoull(inode, NULL, 10);
}

/* The hierarchy stands in the id; before there is one, in the ledger's name: "memory:/rustbox-x". */
static int cgroup_there(const struct scope *scope, const char *name, const char *id, struct err *e)
{
	char hierarchy[64];
	const char *which = id ? id : name;
	const char *colon = strchr(which, ':'), *path = strchr(name, ':');
	if (!colon || !path)
		return -EINVAL;
	(void)snprintf(hierarchy, sizeof hierarchy, "%.*s", (int)(colon - which), which);
	return cgroup_in(scope, hierarchy, path + 1, id ? colon + 1 : NULL, e);
}

static int tempdir_there(const char *name, const char *id)
{
	struct stat st;
	struct dirid meant;
	if (lstat(name, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!id)
		return 1;
	return dirid_parse(id, &meant) < 0 ? -EINVAL : dirid_is(&meant, AT_FDCWD, name);
}

int reclaim_is_there(const struct scope *scope, enum resource_kind kind, const char *name, const char *id,
		     struct err *e)
{
	int r = -EINVAL;
	switch (kind) {
	case RES_MOUNT:
		r = id ? reclaim_mount_there(scope, id) : reclaim_mounts_below(scope, name);
		break;
	case RES_CGROUP:
		r = cgroup_there(scope, name, id, e);
		break;
	case RES_PROCESS:
		r = process_there(scope, id ? id : name);
		break;
	case RES_TEMPDIR:
		r = tempdir_there(name, id);
		break;
	case RES_LOCK:
	case RES_GHOST:
	case RES_KINDS:
		break; /* asked of the ledger and of a snapshot, not of the host */
	}
	if (r < 0)
		return err_set(e, -r, "look for the %s", resource_kind_word(kind));
	return r > 0;
}

bool reclaim_in_bounds(const struct resource *r, const struct paths *p)
{
	char dir[PATH_ROOM + 80], group[128];
	if (r->kind == RES_PROCESS)
		return true; /* bound by pid and start time, and its owner was decided by evidence */
	if (!r->box || !text_is_box_name(r->box))
		return false;
	paths_box_dir(p, r->box, dir);
	size_t n = strlen(dir);
	if (r->kind == RES_TEMPDIR)
		return strcmp(r->name, dir) == 0;
	if (r->kind == RES_MOUNT)
		return strncmp(r->name, dir, n) == 0 && (r->name[n] == '\0' || r->name[n] == '/') && !strstr(r->name, "/../");
	if (r->kind == RES_CGROUP) {
		/* Whatever stands before it: the delegated cgroup it was made in may not be in the list any more. */
		(void)snprintf(group, sizeof group, "/%s%srustbox-%s", p->cgroup_parent, *p->cgroup_parent ? "/" : "", r->box);
		n = strlen(group);
		const char *at = r->cgroup.path && !strstr(r->cgroup.path, "/../") ? strstr(r->cgroup.path, group) : NULL;
		while (at && at[n] != '\0' && at[n] != '/')
			at = strstr(at + 1, group);
		return at != NULL;
	}
	return r->kind == RES_LOCK && strcmp(r->id, r->box) == 0;
}

void reclaim_set(struct reclaim_item *item, enum reclaim_outcome outcome, int err, const char *fmt, ...)
{
	char raw[RECLAIM_BECAUSE];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(raw, sizeof raw, fmt, ap);
	va_end(ap);
	(void)text_escape(raw, item->because, sizeof item->because);
	item->outcome = outcome;
	item->err = err < 0 ? -err : err;
}
