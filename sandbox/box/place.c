/*
 * See place.h. The list is replaced whole, under a lock on its directory: a reader sees the old one or the new one. The lock
 * is taken even to find the place listed, because somebody else may be about to strike off one that went and came again.
 */
#include "sandbox/box/place.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>

#include "probes/base/clock.h"
#include "probes/base/own.h"
#include "probes/delegation.h"
#include "probes/places.h"
#include "sandbox/kernel/dirs.h"
#include "sandbox/kernel/sys.h"

enum { LOCK_MS = 2000, LOCK_NAP_MS = 5 };

static int lock_run(const struct paths *paths, struct err *e)
{
	const char *run = paths->of[PATH_RUN];
	int r = dirs_make(paths, PATH_RUN, 0755, e);
	if (r < 0)
		return r;
	autofd int fd = sys_openat(AT_FDCWD, run, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return err_set(e, -fd, "open %s", run);
	uint64_t until = clock_mono_ns() + LOCK_MS * NS_PER_MS;
	while ((r = sys_flock(fd, LOCK_EX | LOCK_NB)) == -EWOULDBLOCK && clock_mono_ns() < until)
		(void)poll(NULL, 0, LOCK_NAP_MS);
	return r < 0 ? err_set(e, -r, "lock %s: another writer does not let go", run) : take_fd(&fd);
}

static bool is_there(const struct host *host, const char *place)
{
	struct host with = *host;
	with.place = place;
	return delegation_is_there(&with);
}

static int replace(const struct paths *paths, int dir, const char *text, struct err *e)
{
	const char *name = strrchr(paths->of[PATH_PLACES], '/') + 1;
	autofd int fd = sys_openat(dir, ".cgroup-places.new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0644);
	int r = fd < 0 ? fd : sys_write_all(fd, text, strlen(text));
	r = r < 0 ? r : sys_renameat2(dir, ".cgroup-places.new", dir, name, 0);
	return r < 0 ? err_set(e, -r, "write %s", paths->of[PATH_PLACES]) : 0;
}

int place_record(const struct paths *paths, const struct host *host, struct err *e)
{
	autoarena struct arena a = { 0 };
	struct places now;
	if (!host->place)
		return 0;
	autofd int dir = lock_run(paths, e);
	if (dir < 0)
		return dir;
	places_read(paths, &a, &now);
	if (!now.complete) {
		*e = now.why;
		return err_wrap(e, "the places of boxes (set the list right, or remove it when no box is left)");
	}
	const char *text = arena_printf(&a, "/%s\n", host->place);
	for (size_t i = 1; i < now.n; i++) {
		if (strcmp(now.v[i], host->place) == 0)
			return 0;
		if (is_there(host, now.v[i]))
			text = arena_printf(&a, "%s/%s\n", text, now.v[i]);
	}
	return replace(paths, dir, text, e);
}
