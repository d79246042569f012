/* See drillhost.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "tests/harness/drillhost.h"
#include "tests/harness/world.h"

static char *names_in(const char *dir, char *out, size_t cap)
{
	struct dirent **list = NULL;
	int n = scandir(dir, &list, NULL, alphasort);
	size_t at = strlen(out);
	for (int i = 0; i < n; i++) {
		struct stat st;
		autofree char *path = NULL;
		NEED(asprintf(&path, "%s/%s", dir, list[i]->d_name) > 0);
		bool above = strcmp(list[i]->d_name, "..") == 0; /* anybody's */
		if (!above && lstat(path, &st) == 0 && at < cap)
			at += (size_t)snprintf(out + at, cap - at, "%s %llu %lld\n", path, (unsigned long long)st.st_ino,
					       (long long)st.st_mtim.tv_sec);
		free(list[i]);
	}
	free(list);
	return out;
}

/* A place nobody holds has no drill: whatever stands in its name is left over. -> the place, held, or -1: it is somebody's. */
static int hold_place(int place)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int len = snprintf(at.sun_path + 1, sizeof at.sun_path - 1, "rustbox-drill-%d", place);
	autofd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	NEED(fd >= 0);
	bool held = bind(fd, (struct sockaddr *)&at, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)) < 0;
	return held ? -1 : take_fd(&fd);
}

/* Seen once, it may be a drill's that ends just now, and its place be let go a moment later: so it is looked for again while
 * the place is held, when no drill can begin in it. */
static void cgroup_of(const char *point, const char *name, void *arg)
{
	struct err e;
	(void)name;
	for (int place = 0; place < PLACES; place++) {
		char root[40], path[PATH_ROOM * 2];
		struct paths p;
		(void)snprintf(root, sizeof root, "/mnt/drill-%d", place);
		NEED(paths_init(&p, root, &e) == 0);
		(void)snprintf(path, sizeof path, "%s/%s", point, p.cgroup_parent);
		autofd int hold = access(path, F_OK) == 0 ? hold_place(place) : -1;
		if (hold >= 0 && access(path, F_OK) == 0)
			fprintf(arg, "%s\n", path);
	}
}

struct drillhost drillhost_look(void)
{
	struct drillhost h = { .base = calloc(1, 65536) };
	NEED(kfile_read_all(AT_FDCWD, "/proc/self/mountinfo", &h.mounts) > 0);
	names_in("/mnt", h.base, 65536);
	names_in("/media", h.base, 65536);
	names_in("/srv", h.base, 65536);
	size_t n = 0;
	autofile FILE *f = open_memstream(&h.cgroups, &n);
	NEED(f);
	world_hierarchies(cgroup_of, f);
	NEED(fflush(f) == 0);
	return h;
}

static ino_t namespace_of(const char *pid)
{
	char path[64];
	struct stat st;
	snprintf(path, sizeof path, "/proc/%.12s/ns/mnt", pid);
	return stat(path, &st) == 0 ? st.st_ino : 0;
}

/* -> the place of the drill whose mounts this process sees, or -1 */
int drillhost_place_of(const char *pid)
{
	char path[64];
	int place = -1;
	autofree char *text = NULL;
	ino_t its = namespace_of(pid);
	if (its == namespace_of("self") || its == namespace_of("1")) /* where most are, thousands when another test makes them */
		return -1;
	snprintf(path, sizeof path, "/proc/%.12s/mountinfo", pid);
	const char *at = kfile_read_all(AT_FDCWD, path, &text) > 0 ? strstr(text, "/mnt/drill-") : NULL;
	return at && sscanf(at, "/mnt/drill-%d/", &place) == 1 ? place : -1;
}

/* Processes of a drill whose place is free. */
static int left_processes(void)
{
	int n = 0;
	autodir DIR *proc = opendir("/proc");
	for (struct dirent *d; proc && (d = readdir(proc));) {
		int place = d->d_name[0] < '1' || d->d_name[0] > '9' ? -1 : drillhost_place_of(d->d_name);
		autofd int hold = place < 0 ? -1 : hold_place(place);
		n += hold >= 0 && drillhost_place_of(d->d_name) == place;
	}
	return n;
}

/* Of a loop device that is a drill's disk, whose image's path tells it: the place; else -1. */
static int place_of_disk(const char *device)
{
	char path[300], file[1024];
	int place = -1;
	snprintf(path, sizeof path, "/sys/block/%.40s/loop/backing_file", device);
	const char *at = kfile_read(AT_FDCWD, path, file, sizeof file) > 0 ? strstr(file, "/drill-") : NULL;
	return at && sscanf(at, "/drill-%d/drill/image", &place) == 1 ? place : -1;
}

int drillhost_disks(int place)
{
	int n = 0;
	autodir DIR *blocks = opendir("/sys/block");
	for (struct dirent *d; blocks && (d = readdir(blocks));)
		n += place_of_disk(d->d_name) == place;
	return n;
}

static int left_disks(void)
{
	int n = 0;
	autodir DIR *blocks = opendir("/sys/block");
	for (struct dirent *d; blocks && (d = readdir(blocks));) {
		int place = place_of_disk(d->d_name);
		autofd int hold = place < 0 ? -1 : hold_place(place);
		n += hold >= 0 && place_of_disk(d->d_name) == place;
	}
	return n;
}

/* A mount of `some` that `others` do not have. One whose directory somebody removes the kernel detaches, in every namespace
 * that has a copy of it, ours included: that is no drill's doing. */
static bool lacks_one(const char *some, const char *others)
{
	for (size_t n; *some; some += n) {
		char point[1024];
		n = strcspn(some, "\n") + 1;
		autofree char *line = strndup(some, n);
		NEED(line && sscanf(line, "%*s %*s %*s %*s %1023s", point) == 1);
		if (!strstr(others, line) && access(point, F_OK) == 0)
			return true;
	}
	return false;
}

void drillhost_compare(struct drillhost *before)
{
	struct drillhost now = drillhost_look();
	bool same = !lacks_one(before->mounts, now.mounts) && !lacks_one(now.mounts, before->mounts) && !strcmp(before->base, now.base);
	if (!same)
		fprintf(stderr, "before:\n%s%s\nnow:\n%s%s\n", before->mounts, before->base, now.mounts, now.base);
	assert_true(same);
	for (char *save = NULL, *path = strtok_r(now.cgroups, "\n", &save); path; path = strtok_r(NULL, "\n", &save))
		if (!strstr(before->cgroups, path))
			fail_msg("%s is left", path);
	assert_int_equal(left_processes(), 0);
	assert_int_equal(left_disks(), 0);
	free(now.mounts);
	free(now.base);
	free(now.cgroups);
	free(before->mounts);
	free(before->base);
	free(before->cgroups);
}
