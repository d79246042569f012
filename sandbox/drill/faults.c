/* The faults made of mounts, processes and directories. Those that need a device, a full disk or a storm are in
 * faults_hard.c. */
#include "sandbox/drill/faults.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/base/clock.h"
#include "probes/base/own.h"
#include "sandbox/box/claim.h"
#include "sandbox/drill/program.h"
#include "sandbox/drill/things.h"
#include "sandbox/drill/wall.h"
#include "sandbox/kernel/sys.h"

enum { REAP_S = 60, REAP_NAP_MS = 5 };
static const char small[] = "size=8m,mode=755";

/* In the box's cgroup, a leftover; `fault_sleep` because it sleeps until it is ended. */
int fault_sleep(struct ground *g, struct err *e, const char *name, plant_body *body, void *arg)
{
	char cgroup[40];
	(void)snprintf(cgroup, sizeof cgroup, "rustbox-%s", g->box[0]);
	int r = plant_cgroup(g, g->box[0], "", e);
	if (r < 0)
		return r;
	pid_t pid = plant_leak(g, cgroup, name, body, arg, e);
	return pid < 0 ? pid : 0;
}

/* Execs, so that it is no executable of rustbox's any more: argv is what ps shows. */
static void become_sleep(const char *const *argv)
{
	(void)!program_become(argv);
}

static void stand_in(struct ground *g, void *at)
{
	static const char *const argv[] = { "/bin/sleep", "86400", NULL };
	(void)g;
	if (sys_chdir(at) == 0)
		become_sleep(argv);
}

static void hold_open(struct ground *g, void *at)
{
	static const char *const argv[] = { "/bin/sleep", "86400", NULL };
	int fd = sys_openat(AT_FDCWD, at, O_RDONLY | O_DIRECTORY, 0);
	if (fd >= 0 && sys_dup2(fd, 9) >= 0) /* stays open across exec */
		become_sleep(argv);
	(void)g;
}

/* D1: three tmpfs, each in the one before, and somebody in the deepest. */
int fault_nested_busy(struct ground *g, struct err *e)
{
	static const char *const names[][3] = {
		{ "root", "root/data", "root/data/cache" }, { "root", "root/a", "root/a/b" }, { "work", "work/tmp", "work/tmp/build" },
	};
	unsigned pick = ground_draw(g, 3);
	int r = canary_mount(g, g->paths.of[PATH_STATE], e);
	for (int i = 0; r == 0 && i < 3; i++) {
		r = plant_path(g, g->box[0], names[pick][i], g->busy, e);
		r = r ? r : plant_tmpfs(g, g->busy, g->box[0], small, e);
	}
	return r ? r : fault_sleep(g, e, "python3", ground_draw(g, 2) ? stand_in : hold_open, g->busy);
}

/* The tmpfs becomes its root, and the old root goes: no path of it says rustbox any more. */
static void pivot(struct ground *g, void *at)
{
	static const char *const needs[] = { "/usr", "/bin", "/lib", "/lib64" }; /* of sleep */
	static const char *const argv[] = { "/bin/sleep", "86400", NULL };
	(void)g;
	int r = sys_unshare(CLONE_NEWNS);
	r = r ? r : sys_mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	for (size_t i = 0; r == 0 && i < sizeof needs / sizeof *needs; i++)
		r = wall_show(at, needs[i]);
	r = r ? r : sys_chdir(at);
	r = r ? r : sys_pivot_root(".", "old");
	r = r ? r : sys_chdir("/");
	r = r ? r : sys_umount2("/old", MNT_DETACH);
	if (r == 0)
		become_sleep(argv);
	_exit(1);
}

/* D2 */
int fault_pivoted_holder(struct ground *g, struct err *e)
{
	char keep[THING_NAME], at[THING_NAME], file[THING_NAME + 16];
	struct stat st;
	(void)snprintf(keep, sizeof keep, "%.200s/srv/images", g->paths.root);
	(void)snprintf(at, sizeof at, "%.200s/srv/rustbox-images", g->paths.root);
	(void)snprintf(file, sizeof file, "%s/base.img", keep);
	int r = plant_dir(g, keep, e);
	r = r ? r : plant_file(file, "the image every run starts from\n", e);
	r = r ? r : plant_bind(g, keep, at, false, e);
	r = r ? r : canary_mount(g, at, e);
	r = r ? r : canary_path(g, file, e);
	r = r ? r : plant_path(g, g->box[0], ground_draw(g, 2) ? "root" : "root/data", g->busy, e);
	r = r ? r : plant_tmpfs(g, g->busy, g->box[0], small, e);
	(void)snprintf(file, sizeof file, "%s/old", g->busy);
	r = r ? r : plant_dir(g, file, e);
	r = r ? r : plant_ledger(g, g->box[0], e);
	r = r ? r : fault_sleep(g, e, "sh", pivot, g->busy);
	if (r == 0 && stat(g->busy, &st) == 0)
		thing_note(g, THING_HELD, g->busy)->id = st.st_dev;
	return r;
}

/* D3: the directory is old enough for everybody's clean-up, and a door to something precious. */
int fault_bind_trap(struct ground *g, struct err *e)
{
	char keep[THING_NAME], file[THING_NAME + 32], dir[THING_NAME], other[THING_NAME];
	static const char *const doors[] = { "root/work", "root/home", "work/input/data" };
	uint64_t old = clock_wall_s() - (72 + ground_draw(g, 24)) * 3600;
	(void)snprintf(keep, sizeof keep, "%.200s/srv/customers", g->paths.root);
	(void)snprintf(file, sizeof file, "%s/ledger-2026.csv", keep);
	int r = plant_dir(g, keep, e);
	r = r ? r : plant_file(file, "do not lose me\n", e);
	r = r ? r : canary_path(g, file, e);
	r = r ? r : canary_path(g, keep, e);
	r = r ? r : plant_path(g, g->box[1], "leftover", other, e);
	r = r ? r : plant_path(g, g->box[0], doors[ground_draw(g, 3)], g->busy, e);
	r = r ? r : plant_bind(g, keep, g->busy, true, e);
	for (int i = 0; r == 0 && i < 2; i++) {
		r = plant_path(g, g->box[i], "", dir, e);
		r = r ? r : sys_set_mtime(AT_FDCWD, dir, old);
	}
	return r;
}

/* ---- an execution under way -------------------------------------------------------------------- */

static void work(struct ground *g, void *arg)
{
	(void)g, (void)arg; /* holds the ledger's lock, which it inherited */
}

/* An execution under way: its box's lock is held, its cgroup has a live process. Both are canaries. */
static int fault_active_run(struct ground *g, const char *box, struct err *e)
{
	struct claim claim = CLAIM_NONE;
	char cgroup[40], title[60];
	struct ground apart = *g; /* what it has is no leftover */
	(void)snprintf(cgroup, sizeof cgroup, "rustbox-%s", box);
	(void)snprintf(title, sizeof title, "rustbox run --box-id %s", box);
	int r = plant_dir(g, g->paths.of[PATH_LEDGER], e);
	r = r ? r : plant_cgroup(&apart, box, "", e);
	r = r ? r : claim_open(&g->paths, box, &claim, e);
	if (r < 0)
		return r;
	g->keep = claim.fd;
	pid_t pid = plant_process(g, cgroup, title, work, NULL, e);
	own_close(&claim.fd);
	g->keep = -1;
	return pid < 0 ? pid : canary_process(g, pid, title, e);
}

/* Always another process: whoever kills one by one comes too late. */
static void fork_for_ever(struct ground *g, void *arg)
{
	struct timespec pause = { .tv_nsec = 3000000 };
	(void)arg;
	(void)!sys_signal_ignore(SIGCHLD);
	plant_ready(g);
	for (;;) {
		if (sys_fork() == 0) {
			(void)nanosleep(&pause, NULL);
			_exit(0);
		}
		(void)nanosleep(&pause, NULL);
	}
}

/* D4 */
int fault_nested_cgroup(struct ground *g, struct err *e)
{
	static const char *const below[] = { "evil/deeper", "a/b", "job/step-1" };
	char cgroup[80];
	unsigned pick = ground_draw(g, 3);
	int r = fault_active_run(g, g->box[1], e);
	r = r ? r : plant_cgroup(g, g->box[0], below[pick], e);
	r = r ? r : plant_cgroup_dir(g, g->box[0], g->busy, e);
	if (r == 0 && plant_cgroup_knob(g, g->box[0], "pids.max", "32") < 0)
		r = err_say(e, EIO, "the forker could not be bounded: not started");
	if (r < 0)
		return r;
	(void)snprintf(cgroup, sizeof cgroup, "rustbox-%s/%s", g->box[0], below[pick]);
	pid_t pid = plant_leak(g, cgroup, "a.out", fork_for_ever, NULL, e);
	return pid < 0 ? pid : 0;
}

/* Looks until they are zombies, says their numbers, and leaves them so. They have a box's uid, by which they are known: no
 * cgroup lists a zombie. */
static void never_wait(struct ground *g, void *children)
{
	siginfo_t info;
	const unsigned *n = children;
	for (unsigned i = 0; i < *n; i++) {
		pid_t child = sys_fork();
		if (child == 0)
			_exit(sys_setresuid(g->paths.uid_base) < 0);
		if (waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT) < 0 || sys_write_all(g->keep, &child, sizeof child) < 0)
			_exit(1);
	}
}

static int note_zombies(struct ground *g, int from, unsigned n, struct err *e)
{
	for (pid_t child, parent; n-- > 0;) {
		if (read(from, &child, sizeof child) != (ssize_t)sizeof child)
			return err_say(e, ECHILD, "the zombies did not say who they are");
		struct thing *t = thing_note(g, THING_ZOMBIE, "a zombie of make");
		t->pid = child;
		t->id = thing_zombie(child, &parent);
	}
	return 0;
}

/* D6: under a PID 1 that reads the ends of children left to it, or one that does not. */
int fault_zombies(struct ground *g, struct err *e)
{
	unsigned n = 1 + ground_draw(g, 3);
	int numbers[2];
	g->idle_init = ground_draw(g, 2);
	if (sys_pipe(numbers, 0) < 0)
		return err_say(e, EMFILE, "no pipe for the zombies");
	g->keep = numbers[1];
	int r = fault_sleep(g, e, "make", never_wait, &n);
	(void)close(numbers[1]);
	g->keep = -1;
	r = r ? r : note_zombies(g, numbers[0], n, e);
	(void)close(numbers[0]);
	return r ? r : plant_cgroup_dir(g, g->box[0], g->busy, e);
}

static bool is_left_to_init(const struct thing *t)
{
	pid_t parent;
	return t->kind == THING_ZOMBIE && thing_zombie(t->pid, &parent) == t->id && parent == 1;
}

int fault_reap(const struct ground *g, struct err *e)
{
	uint64_t until = clock_mono_ns() + REAP_S * NS_PER_S;
	autofd int init = sys_pidfd_open(1);
	int r = init < 0 ? init : sys_pidfd_signal(init, SIGUSR1);
	for (unsigned i = 0; r == 0 && i < g->nthings;) { /* the kernel has no event for being read: short naps */
		if (!is_left_to_init(&g->thing[i]))
			i++;
		else if (clock_mono_ns() < until)
			(void)poll(NULL, 0, REAP_NAP_MS);
		else
			r = -ETIMEDOUT;
	}
	return r < 0 ? err_set(e, -r, "have PID 1 read its children's ends") : 0;
}

/* D8: the stub that lies stands in the drill's bin (world.c); here is what it does not see. */
int fault_false_clean(struct ground *g, struct err *e)
{
	int r = plant_path(g, g->box[0], ground_draw(g, 2) ? "root" : "work", g->busy, e);
	return r ? r : plant_tmpfs(g, g->busy, g->box[0], small, e);
}

static void be_somebody_else(struct ground *g, void *arg)
{
	static const char *const argv[] = { "/bin/sleep", "86400", NULL };
	(void)arg;
	if (sys_setresgid(g->paths.uid_base) == 0 && sys_setresuid(g->paths.uid_base) == 0)
		become_sleep(argv);
	_exit(1);
}

/* No drill: what the orphan's runbook is walked on. */
int fault_orphan(struct ground *g, struct err *e)
{
	pid_t pid = plant_leak(g, NULL, "a process of a box", be_somebody_else, NULL, e);
	if (pid > 0)
		(void)snprintf(g->busy, sizeof g->busy, "%d:%llu", (int)pid, (unsigned long long)thing_start(pid));
	return pid < 0 ? pid : 0;
}

static void edit(struct ground *g, void *file)
{
	const char *argv[] = { "/usr/bin/tail", "-f", file, NULL }; /* stands for the editor: it has the file open */
	(void)g;
	become_sleep(argv);
}

/* A shell that keeps its history in the directory it stands in. */
static void stand_and_write(struct ground *g, void *at)
{
	char file[THING_NAME + 16];
	struct err e;
	const char *argv[] = { "/usr/bin/tail", "-f", file, NULL };
	(void)g;
	(void)snprintf(file, sizeof file, "%s/.history", (const char *)at);
	if (plant_file(file, "cd\n", &e) == 0 && sys_chdir(at) == 0)
		become_sleep(argv);
}

/* D9 */
int fault_wrong_target(struct ground *g, struct err *e)
{
	char file[THING_NAME];
	(void)snprintf(file, sizeof file, "%.200s/etc/rustbox.conf", g->paths.root);
	int r = plant_file(file, "# the service's configuration\n", e);
	r = r ? r : fault_active_run(g, g->box[1], e);
	pid_t editor = r ? r : plant_process(g, NULL, "vim", edit, file, e);
	r = editor < 0 ? editor : canary_process(g, editor, "the editor of rustbox.conf", e);
	r = r ? r : plant_path(g, g->box[0], "root", g->busy, e);
	pid_t self = r ? r : plant_process(g, NULL, "bash", stand_and_write, g->busy, e);
	r = self < 0 ? self : canary_process(g, self, "your own shell, in the leaked directory", e);
	return r ? r : fault_sleep(g, e, "a.out", NULL, NULL);
}
