/* Is it there, is it what it was? Asked of the kernel, by identity; see things.h. */
#include "sandbox/drill/things.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "probes/base/sha256.h"
#include "probes/mountinfo.h"
#include "probes/procread.h"
#include "probes/statx.h"
#include "sandbox/kernel/sys.h"

static struct procstat stat_of(pid_t pid)
{
	char name[16];
	struct procstat st;
	autofd int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)snprintf(name, sizeof name, "%d", (int)pid);
	return proc >= 0 && procstat_read(proc, name, &st) == 0 ? st : (struct procstat){ 0 };
}

static bool has_ended(const struct procstat *st)
{
	return st->state == 'Z' || st->state == 'X';
}

uint64_t thing_start(pid_t pid)
{
	struct procstat st = stat_of(pid);
	return has_ended(&st) ? 0 : st.start_ticks;
}

uint64_t thing_zombie(pid_t pid, pid_t *ret_parent)
{
	struct procstat st = stat_of(pid);
	*ret_parent = st.ppid;
	return has_ended(&st) ? st.start_ticks : 0;
}

static uint64_t mount_of(const char *path)
{
	struct identity id;
	return identity_at(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, &id) == 0 && id.unique ? id.mount : 0;
}

static void look_at(struct thing *t)
{
	struct stat st;
	autofree char *text = NULL;
	t->id = 0;
	if (lstat(t->name, &st) < 0)
		return;
	t->id = st.st_ino;
	t->uid = st.st_uid;
	t->mode = st.st_mode;
	t->nlink = (unsigned)st.st_nlink;
	t->mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	ssize_t n = S_ISREG(st.st_mode) ? kfile_read_all(AT_FDCWD, t->name, &text) : -1;
	if (n >= 0)
		sha256_hex(text, (size_t)n, t->sum);
}

static struct thing *add(struct thing *v, unsigned *n, unsigned most, enum thing_kind kind, const char *name)
{
	struct thing *t = &v[*n < most ? (*n)++ : most - 1]; /* the drills are fixed: a test counts theirs */
	*t = (struct thing){ .kind = kind };
	(void)snprintf(t->name, sizeof t->name, "%s", name);
	return t;
}

struct thing *thing_note(struct ground *g, enum thing_kind kind, const char *name)
{
	struct thing *t = add(g->thing, &g->nthings, GROUND_THINGS, kind, name);
	if (kind == THING_MOUNT)
		t->id = mount_of(name);
	if (kind == THING_PATH)
		look_at(t);
	return t;
}

int canary_path(struct ground *g, const char *path, struct err *e)
{
	struct thing *t = add(g->canary, &g->ncanaries, GROUND_CANARIES, THING_PATH, path);
	look_at(t);
	return t->id ? 0 : err_say(e, ENOENT, "canary %s", path);
}

int canary_kept(struct ground *g, const char *path, struct err *e)
{
	int r = canary_path(g, path, e);
	g->canary[g->ncanaries - 1].kind = THING_KEPT;
	return r;
}

int canary_mount(struct ground *g, const char *path, struct err *e)
{
	struct thing *t = add(g->canary, &g->ncanaries, GROUND_CANARIES, THING_MOUNT, path);
	t->id = mount_of(path);
	return t->id ? 0 : err_say(e, ENOENT, "canary mount %s (Linux 6.8 is needed)", path);
}

int canary_process(struct ground *g, pid_t pid, const char *name, struct err *e)
{
	struct thing *t = add(g->canary, &g->ncanaries, GROUND_CANARIES, THING_PROCESS, name);
	t->pid = pid;
	t->id = thing_start(pid);
	return t->id ? 0 : err_say(e, ESRCH, "canary process %s", name);
}

/* ---- there? ----------------------------------------------------------------------------------- */

static bool mounted_below(const char *path)
{
	autoarena struct arena a = { 0 };
	struct mount_table t;
	struct err e;
	size_t n = strlen(path);
	autofd int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0 || mountinfo_read(proc, "self", &a, &t, &e) < 0)
		return true; /* not seen is not gone */
	for (size_t i = 0; i < t.n; i++)
		if (strncmp(t.v[i].target, path, n) == 0 && (t.v[i].target[n] == '/' || t.v[i].target[n] == '\0'))
			return true;
	return false;
}

static bool holds(const char *pid, uint64_t device)
{
	static const char *const links[] = { "cwd", "root" };
	char path[64], want[40];
	struct stat st;
	for (size_t i = 0; i < 2; i++) {
		(void)snprintf(path, sizeof path, "/proc/%.12s/%s", pid, links[i]);
		if (stat(path, &st) == 0 && st.st_dev == device)
			return true;
	}
	autofree char *text = NULL;
	(void)snprintf(path, sizeof path, "/proc/%.12s/mountinfo", pid);
	(void)snprintf(want, sizeof want, " %u:%u ", major(device), minor(device));
	return kfile_read_all(AT_FDCWD, path, &text) > 0 && strstr(text, want);
}

static bool held(uint64_t device)
{
	autodir DIR *proc = opendir("/proc");
	for (struct dirent *d; proc && (d = readdir(proc));)
		if (d->d_name[0] >= '1' && d->d_name[0] <= '9' && holds(d->d_name, device))
			return true;
	return !proc;
}

bool thing_there(const struct thing *t)
{
	struct stat st;
	pid_t parent;
	switch (t->kind) {
	case THING_MOUNT: return sys_mount_exists(t->id) != 0;
	case THING_BELOW: return mounted_below(t->name);
	case THING_CGROUP: return access(t->name, F_OK) == 0;
	case THING_PROCESS: return t->id && thing_start(t->pid) == t->id;
	case THING_ZOMBIE: return t->id && thing_zombie(t->pid, &parent) == t->id;
	case THING_KEPT:
	case THING_PATH: return lstat(t->name, &st) == 0 && st.st_ino == t->id;
	case THING_HELD: return held(t->id);
	}
	return true;
}

bool canary_lives(const struct thing *t)
{
	struct thing now = *t;
	if (t->kind != THING_PATH)
		return thing_there(t);
	look_at(&now);
	return now.id == t->id && now.uid == t->uid && now.mode == t->mode && now.nlink == t->nlink &&
	       now.mtime_ns == t->mtime_ns && strcmp(now.sum, t->sum) == 0;
}
