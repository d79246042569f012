/* Planting; see plant.h. */
#include "sandbox/drill/plant.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "probes/base/text.h"
#include "probes/hierarchy.h"
#include "sandbox/drill/things.h"
#include "sandbox/kernel/child.h"
#include "sandbox/kernel/sys.h"

/* ---- files and mounts ------------------------------------------------------------------------- */

/* mkdir -p of everything of `path` below the world's root. */
int plant_dir(const struct ground *g, const char *path, struct err *e)
{
	char part[THING_NAME];
	(void)snprintf(part, sizeof part, "%s", path);
	for (char *s = strchr(part + strlen(g->paths.root) + 1, '/');; s = strchr(s + 1, '/')) {
		if (s)
			*s = '\0';
		int r = sys_mkdirat(AT_FDCWD, part, 0755);
		if (r < 0 && r != -EEXIST)
			return err_set(e, -r, "make %s", part);
		if (!s)
			return 0;
		*s = '/';
	}
}

int plant_path(struct ground *g, const char *box, const char *below, char out[THING_NAME], struct err *e)
{
	char dir[PATH_ROOM + 80];
	struct stat st;
	paths_box_dir(&g->paths, box, dir);
	bool made = lstat(dir, &st) < 0;
	(void)snprintf(out, THING_NAME, "%.200s%s%.100s", dir, *below ? "/" : "", below);
	int r = plant_dir(g, out, e);
	if (r == 0 && made)
		thing_note(g, THING_PATH, dir);
	return r;
}

int plant_tmpfs(struct ground *g, const char *path, const char *box, const char *options, struct err *e)
{
	char source[40];
	(void)snprintf(source, sizeof source, "rustbox-%s", box);
	int r = sys_mount(source, path, "tmpfs", MS_NOSUID | MS_NODEV, options);
	if (r < 0)
		return err_set(e, -r, "mount a tmpfs on %s", path);
	thing_note(g, THING_MOUNT, path);
	return 0;
}

int plant_bind(struct ground *g, const char *from, const char *path, bool leftover, struct err *e)
{
	int r = plant_dir(g, path, e);
	if (r < 0)
		return r;
	r = sys_mount(from, path, NULL, MS_BIND, NULL);
	if (r < 0)
		return err_set(e, -r, "bind %s on %s", from, path);
	if (leftover)
		thing_note(g, THING_MOUNT, path);
	return 0;
}

int plant_file(const char *path, const char *content, struct err *e)
{
	autofd int fd = sys_openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	int r = fd < 0 ? fd : sys_write_all(fd, content, strlen(content));
	return r < 0 ? err_set(e, -r, "write %s", path) : 0;
}

/* ---- cgroups ---------------------------------------------------------------------------------- */

/* Enough to be found by each of the ways there are: one controller of each kind the runbook meets. */
static bool used(const char *hierarchy)
{
	static const char *const names[] = { "pids", "memory", "freezer", "unified" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(names[i], hierarchy) == 0)
			return true;
	return false;
}

typedef int visit_cgroup(const struct ground *g, const char *dir, const char *name, void *arg);

/* Calls with the path of `cgroup` ("rustbox-8f3a/evil") in each hierarchy used. */
static int each_cgroup(const struct ground *g, const char *cgroup, visit_cgroup *visit, void *arg, struct err *e)
{
	autoarena struct arena a = { 0 };
	struct scope scope = scope_host(&g->paths);
	struct hierarchy *h = NULL;
	size_t n = 0;
	int r = hierarchies_read(&scope, &a, &h, &n, e);
	bool any = false;
	for (size_t i = 0; r == 0 && i < n; i++) {
		char dir[THING_NAME];
		if (!used(h[i].name))
			continue;
		any = true;
		(void)snprintf(dir, sizeof dir, "%.120s/%s/%.120s", h[i].mount, g->paths.cgroup_parent, cgroup);
		r = visit(g, dir, h[i].name, arg);
		if (r < 0)
			return err_set(e, -r, "cgroup %s", dir);
	}
	return r || any ? r : err_say(e, ENODEV, "it needs cgroups, and none are mounted: mount -t cgroup2 none /sys/fs/cgroup");
}

static int make_one(const struct ground *g, const char *dir, const char *name, void *arg)
{
	(void)g, (void)name;
	int r = sys_mkdirat(AT_FDCWD, dir, 0755);
	if (r == 0)
		thing_note(arg, THING_CGROUP, dir);
	return r == -EEXIST ? 0 : r;
}

int plant_cgroup(struct ground *g, const char *box, const char *below, struct err *e)
{
	char cgroup[120];
	(void)snprintf(cgroup, sizeof cgroup, "rustbox-%s", box);
	int r = each_cgroup(g, cgroup, make_one, g, e);
	for (const char *s = below; r == 0 && *s;) {
		s += strcspn(s, "/");
		(void)snprintf(cgroup, sizeof cgroup, "rustbox-%s/%.*s", box, (int)(s - below), below);
		r = each_cgroup(g, cgroup, make_one, g, e);
		s += *s == '/';
	}
	return r;
}

static int first_one(const struct ground *g, const char *dir, const char *name, void *arg)
{
	char *out = arg;
	(void)g, (void)name;
	if (!*out)
		(void)snprintf(out, THING_NAME, "%s", dir);
	return 0;
}

int plant_cgroup_dir(const struct ground *g, const char *box, char out[THING_NAME], struct err *e)
{
	char cgroup[80];
	out[0] = '\0';
	(void)snprintf(cgroup, sizeof cgroup, "rustbox-%s", box);
	return each_cgroup(g, cgroup, first_one, out, e);
}

struct knob { const char *file, *value; };

static int write_knob(const struct ground *g, const char *dir, const char *name, void *arg)
{
	const struct knob *k = arg;
	char path[THING_NAME + 40];
	(void)g, (void)name;
	(void)snprintf(path, sizeof path, "%s/%s", dir, k->file);
	int r = sys_write_file(AT_FDCWD, path, k->value);
	return r == -ENOENT || r == -EACCES ? 0 : r; /* another hierarchy's knob */
}

int plant_cgroup_knob(const struct ground *g, const char *box, const char *file, const char *value)
{
	struct knob k = { file, value };
	char cgroup[80];
	struct err e;
	(void)snprintf(cgroup, sizeof cgroup, "rustbox-%s", box);
	return each_cgroup(g, cgroup, write_knob, &k, &e);
}

/* ---- ledgers ---------------------------------------------------------------------------------- */

int plant_ledger(struct ground *g, const char *box, struct err *e)
{
	char path[PATH_ROOM + 80], text[6000], boot[64] = "", mark[GROUND_BOX + 16];
	struct text t = TEXT_ON(text);
	static const char *const kinds[] = { [THING_MOUNT] = "mount", [THING_PATH] = "tempdir" };
	paths_ledger(&g->paths, box, path);
	(void)snprintf(mark, sizeof mark, "/rustbox-%s", box);
	int r = plant_dir(g, g->paths.of[PATH_LEDGER], e);
	if (r < 0)
		return r;
	if (kfile_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", boot, sizeof boot) > 0)
		boot[strcspn(boot, "\n")] = '\0';
	text_add(&t, "rustbox-ledger 1 %s %s\n", box, boot);
	for (unsigned i = 0, seq = 1; i < g->nthings; i++) {
		const struct thing *of = &g->thing[i];
		const char *kind = of->kind < sizeof kinds / sizeof *kinds ? kinds[of->kind] : NULL;
		if (!kind || !strstr(of->name, mark))
			continue;
		text_add(&t, "own %u %s %s\n", seq, kind, of->name);
		if (of->kind == THING_MOUNT)
			text_add(&t, "is %u %llu\n", seq, (unsigned long long)of->id);
		seq++;
	}
	return plant_file(path, text, e);
}

/* ---- processes -------------------------------------------------------------------------------- */

static int join_one(const struct ground *g, const char *dir, const char *name, void *arg)
{
	char path[THING_NAME + 20];
	(void)g, (void)name, (void)arg;
	(void)snprintf(path, sizeof path, "%s/cgroup.procs", dir);
	return sys_write_file(AT_FDCWD, path, "0");
}

void plant_ready(struct ground *g)
{
	own_close(&g->ready);
	g->ready = -1;
}

static void be_planted(struct ground *g, const char *cgroup, const char *name, plant_body *body, void *arg, int ready)
{
	struct err e = { 0 };
	pid_t me = getpid();
	sigset_t none;
	(void)!sys_setsid();
	(void)!child_title(name);
	autofd int null = sys_openat(AT_FDCWD, "/dev/null", O_RDWR, 0);
	for (int i = 0; i < 3; i++) /* whoever reads what the drill prints must not wait for the planted */
		if (null < 0 || sys_dup2(null, i) < 0)
			_exit(1);
	int keep[] = { 0, 1, 2, ready, g->keep };
	if (child_keep_only(keep, sizeof keep / sizeof *keep) < 0)
		_exit(1);
	(void)take_fd(&null); /* closed with the others */
	if (cgroup && each_cgroup(g, cgroup, join_one, NULL, &e) < 0)
		_exit(1);
	if (sys_write_all(ready, &me, sizeof me) < 0)
		_exit(1);
	g->ready = ready;
	if (body)
		body(g, arg);
	plant_ready(g);
	(void)sigemptyset(&none);
	for (;;)
		(void)sigsuspend(&none);
}

/* The pid comes before the body is done, so that a body may exec: the pipe's end says that it is done. */
pid_t plant_process(struct ground *g, const char *cgroup, const char *name, plant_body *body, void *arg, struct err *e)
{
	int ready[2];
	pid_t pid = -1, parent;
	char more;
	if (sys_pipe(ready, 0) < 0)
		return err_say(e, EMFILE, "no pipe for a planted process");
	(void)fflush(NULL);
	parent = sys_fork();
	if (parent == 0) {
		(void)close(ready[0]);
		if (sys_fork() == 0)
			be_planted(g, cgroup, name, body, arg, ready[1]);
		_exit(0);
	}
	(void)close(ready[1]);
	autofd int parentfd = parent > 0 ? sys_pidfd_open(parent) : -1;
	siginfo_t info;
	if (parentfd >= 0)
		(void)!sys_pidfd_wait(parentfd, 0, &info, NULL);
	bool born = read(ready[0], &pid, sizeof pid) == (ssize_t)sizeof pid;
	while (born && read(ready[0], &more, 1) < 0 && errno == EINTR)
		;
	(void)close(ready[0]);
	return born ? pid : err_say(e, ESRCH, "the planted process '%s' died before it was ready", name);
}

pid_t plant_leak(struct ground *g, const char *cgroup, const char *name, plant_body *body, void *arg, struct err *e)
{
	pid_t pid = plant_process(g, cgroup, name, body, arg, e);
	if (pid > 0) {
		struct thing *t = thing_note(g, THING_PROCESS, name);
		t->pid = pid;
		t->id = thing_start(pid);
	}
	return pid;
}
