/* The faults that need more than a namespace: a frozen file system, a full disk, a storm. */
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/base/clock.h"
#include "probes/base/own.h"
#include "sandbox/drill/disk.h"
#include "sandbox/drill/faults.h"
#include "sandbox/drill/program.h"
#include "sandbox/drill/things.h"
#include "sandbox/kernel/sys.h"

enum { IMAGE_BYTES = 16 << 20, STORM_MOUNTS = 2000, STORM_CGROUPS = 500, STORM_BYTES = 6 << 20, STATE_BYTES = 64 << 20 };

/* ---- D5 --------------------------------------------------------------------------------------- */

static int make_image(const char *image)
{
	static const char *const places[] = { "/sbin/mkfs.ext4", "/usr/sbin/mkfs.ext4" };
	autofd int null = sys_openat(AT_FDCWD, "/dev/null", O_RDWR, 0);
	autofd int fd = sys_openat(AT_FDCWD, image, O_RDWR | O_CREAT, 0600);
	int r = fd < 0 ? fd : sys_ftruncate(fd, IMAGE_BYTES);
	if (r < 0)
		return r;
	for (size_t i = 0; i < 2; i++) {
		const char *argv[] = { places[i], "-q", "-F", image, NULL };
		if (access(places[i], X_OK) == 0)
			return program_run(argv, null, null) == 0 ? 0 : -EIO;
	}
	return -ENOENT;
}

static void write_late(struct ground *g, void *at)
{
	char file[THING_NAME + 16];
	(void)snprintf(file, sizeof file, "%s/late", (const char *)at);
	plant_ready(g);
	autofd int fd = sys_openat(AT_FDCWD, file, O_WRONLY | O_CREAT, 0600); /* sleeps here, uninterruptible, until the thaw */
	(void)!sys_write(fd, "x", 1);
}

static int freeze(const char *path, unsigned long how)
{
	autofd int fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
	return fd < 0 ? fd : ioctl(fd, how, 0) < 0 ? -errno : 0;
}

int fault_thaw(const struct ground *g, struct err *e)
{
	int r = freeze(g->busy, FITHAW);
	return r == 0 || r == -EINVAL || r == -ENOTTY || r == -ENOENT || r == -EOPNOTSUPP ? 0 : err_set(e, -r, "thaw %s", g->busy);
}

int fault_d_state(struct ground *g, struct err *e)
{
	char image[THING_NAME], device[THING_NAME];
	ground_path(g, "image", image);
	int r = make_image(image);
	autofd int loop = r < 0 ? r : disk_attach(g->paths.root, device, sizeof device);
	if (loop < 0)
		return err_set(e, -loop, "D5 needs mkfs.ext4 (e2fsprogs) and a loop device");
	r = plant_path(g, g->box[0], ground_draw(g, 2) ? "root" : "disk", g->busy, e);
	if (r == 0 && (r = sys_mount(device, g->busy, "ext4", 0, NULL)) < 0)
		r = err_set(e, -r, "mount %s", image);
	if (r < 0)
		return r;
	thing_note(g, THING_MOUNT, g->busy);
	r = freeze(g->busy, FIFREEZE);
	return r < 0 ? err_set(e, -r, "freeze %s", g->busy) : fault_sleep(g, e, "a.out", write_late, g->busy);
}

/* ---- D7 --------------------------------------------------------------------------------------- */

/* Kept open: that is the fault. */
static void hold(const char *dir, const char *name, unsigned most)
{
	char file[THING_NAME + 16];
	static const char block[1 << 16];
	(void)snprintf(file, sizeof file, "%s/%s", dir, name);
	int fd = sys_openat(AT_FDCWD, file, O_RDWR | O_CREAT, 0600);
	for (unsigned i = 0; fd >= 0 && i < most / sizeof block; i++)
		if (sys_write(fd, block, sizeof block) < 0)
			break;
	(void)!sys_unlinkat(AT_FDCWD, file, 0);
}

/* On the worker's own disk as well, until it is full: a console's journal has to wait in memory there. */
static void hold_deleted(struct ground *g, void *at)
{
	hold(at, "core", STORM_BYTES);
	hold(g->paths.of[PATH_STATE], ".core", STATE_BYTES);
}

int fault_disk_full(struct ground *g, struct err *e)
{
	static const char block[1 << 16];
	char fill[THING_NAME + 16];
	int r = sys_mount("drill-tmp", g->paths.of[PATH_WORK], "tmpfs", MS_NOSUID | MS_NODEV, "size=8m,mode=1777");
	if (r < 0)
		return err_set(e, -r, "mount a small %s", g->paths.of[PATH_WORK]);
	r = canary_mount(g, g->paths.of[PATH_WORK], e);
	r = r ? r : plant_path(g, g->box[0], ground_draw(g, 2) ? "root" : "output", g->busy, e);
	r = r ? r : fault_sleep(g, e, "java", hold_deleted, g->busy);
	(void)snprintf(fill, sizeof fill, "%s/output.log", g->busy);
	autofd int fd = r ? -1 : sys_openat(AT_FDCWD, fill, O_WRONLY | O_CREAT, 0600);
	while (fd >= 0 && sys_write(fd, block, sizeof block) > 0)
		; /* until it is full */
	r = r ? r : sys_set_mtime(AT_FDCWD, g->paths.of[PATH_HISTORY], clock_wall_s() - 30 * 86400);
	return r ? r : canary_kept(g, g->paths.of[PATH_HISTORY], e);
}

/* ---- D10 -------------------------------------------------------------------------------------- */

/* Until one of the first mounts is gone: the kernel says when the table has changed (POLLPRI). */
static void await_first(const struct ground *g)
{
	autofd int table = sys_openat(AT_FDCWD, "/proc/self/mountinfo", O_RDONLY, 0);
	struct pollfd changed = { .fd = table, .events = POLLPRI };
	for (;;) {
		for (unsigned i = 0; i < g->nthings; i++)
			if (g->thing[i].kind == THING_MOUNT && !thing_there(&g->thing[i]))
				return;
		if (table < 0 || (poll(&changed, 1, -1) < 0 && errno != EINTR))
			return;
	}
}

static void storm(struct ground *g, void *cgroups)
{
	char path[THING_NAME], name[24];
	struct err e;
	plant_ready(g);
	await_first(g);
	struct ground apart = *g; /* its things are two, known before: what is below the box's paths */
	for (int i = 0; i < STORM_MOUNTS; i++) {
		(void)snprintf(name, sizeof name, "m/%04d", i);
		if (plant_path(&apart, g->box[1], name, path, &e) == 0)
			(void)!sys_mount("rustbox", path, "tmpfs", 0, "size=4k");
	}
	autofd int dir = sys_openat(AT_FDCWD, cgroups, O_RDONLY | O_DIRECTORY, 0);
	for (int i = 0; i < STORM_CGROUPS && dir >= 0; i++) {
		(void)snprintf(name, sizeof name, "c%03d", i);
		(void)!sys_mkdirat(dir, name, 0755);
	}
	(void)!ground_log(g, "storm", "2000 mounts and 500 cgroups appeared");
	_exit(0); /* closes the storm's pipe */
}

int fault_storm(struct ground *g, struct err *e)
{
	char path[THING_NAME], name[24], cgroups[THING_NAME];
	int passed[2], r = 0;
	unsigned first = 4 + ground_draw(g, 5);
	for (unsigned i = 0; r == 0 && i < first; i++) {
		(void)snprintf(name, sizeof name, "m/%u", i);
		r = plant_path(g, g->box[0], name, g->busy, e);
		r = r ? r : plant_tmpfs(g, g->busy, g->box[0], "size=64k", e);
	}
	r = r ? r : plant_path(g, g->box[1], "", path, e);
	r = r ? r : plant_cgroup(g, g->box[1], "", e);
	r = r ? r : plant_cgroup_dir(g, g->box[1], cgroups, e);
	if (r < 0)
		return r;
	thing_note(g, THING_BELOW, path);
	if (sys_pipe(passed, 0) < 0)
		return err_say(e, EMFILE, "no pipe for the storm");
	g->keep = passed[1];
	pid_t pid = plant_process(g, NULL, "storm", storm, cgroups, e);
	(void)close(passed[1]);
	g->keep = -1;
	g->storm = passed[0];
	return pid < 0 ? pid : 0;
}
