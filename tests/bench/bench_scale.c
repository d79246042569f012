/*
 * The console over ten thousand of everything: leftover mounts, cgroups and processes in a world of its own, and
 * htop and btop in front of the same processes in the same run, when they can be found (in PATH, or below
 * $BENCH_ANCHORS/usr/bin). Each of our rows says ok or MISSED; one MISSED is exit status 1.
 *
 * usage: bench_scale [HOW MANY OF EACH [SECONDS OF IDLENESS]]
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "tests/harness/measure.h"
#include "tests/harness/pty.h"
#include "tests/harness/world.h"

enum { KEYS = 200, CHANGES = 20, STORM_S = 10, STORM_RATE = 1000 };

struct crowd {
	const struct world *w;
	char big[PATH_ROOM + 80];   /* the leftover directory all mounts are in */
	char group[PATH_ROOM * 2];  /* of the pids hierarchy: the parent of all cgroups */
	unsigned n;
	pid_t keeper; /* parent of the processes: when it ends, they do */
};

static void give_up(const char *what)
{
	perror(what);
	exit(1);
}

static void find_group(const char *mount_point, const char *name, void *arg)
{
	struct crowd *c = arg;
	if (strcmp(name, "pids") != 0 && (c->group[0] || strcmp(name, "unified") != 0))
		return;
	(void)snprintf(c->group, sizeof c->group, "%s/%s", mount_point, c->w->paths.cgroup_parent);
}

static void make_mounts(struct crowd *c)
{
	char at[sizeof c->big + 16];
	paths_box_dir(&c->w->paths, "big", c->big);
	if (mkdir(c->big, 0700) != 0)
		give_up(c->big);
	for (unsigned i = 0; i < c->n; i++) {
		(void)snprintf(at, sizeof at, "%s/m%05u", c->big, i);
		if (mkdir(at, 0700) != 0 || mount("none", at, "tmpfs", 0, "size=64k") != 0)
			give_up(at);
	}
}

static void make_cgroups(struct crowd *c)
{
	char at[sizeof c->group + 32];
	(void)mkdir(c->group, 0755);
	for (unsigned i = 0; i < c->n; i++) {
		(void)snprintf(at, sizeof at, "%s/rustbox-c%05u", c->group, i);
		if (mkdir(at, 0755) != 0)
			give_up(at);
	}
}

static void make_processes(struct crowd *c)
{
	int ready[2];
	char byte = 0, path[sizeof c->group + 48];
	if (pipe2(ready, O_CLOEXEC) != 0 || (c->keeper = fork()) < 0)
		give_up("keeper");
	if (c->keeper == 0) {
		(void)setsid();
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a bench that is killed must not leave ten thousand behind */
		(void)snprintf(path, sizeof path, "%s/rustbox-c00000/cgroup.procs", c->group);
		int procs = open(path, O_WRONLY | O_CLOEXEC);
		if (procs < 0 || write(procs, "0", 1) != 1)
			_exit(1);
		for (unsigned i = 1; i < c->n; i++)
			if (fork() == 0) {
				(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
				for (;;)
					(void)pause();
			}
		(void)!write(ready[1], "r", 1);
		for (;;)
			(void)pause();
	}
	(void)close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		give_up("processes");
	(void)close(ready[0]);
}

static void disperse(struct crowd *c)
{
	char at[sizeof c->group + 32];
	if (c->keeper > 0)
		(void)kill(c->keeper, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	for (unsigned i = 0; i < c->n; i++) {
		(void)snprintf(at, sizeof at, "%s/m%05u", c->big, i);
		(void)umount2(at, UMOUNT_NOFOLLOW);
		(void)rmdir(at);
		(void)snprintf(at, sizeof at, "%s/rustbox-c%05u", c->group, i);
		(void)rmdir(at);
	}
	(void)rmdir(c->big);
	(void)rmdir(c->group);
}

static bool all_counted(struct pty *p, unsigned n, double seconds)
{
	char mounts[32], groups[32], procs[32];
	(void)snprintf(mounts, sizeof mounts, "Mount +%u", n);
	(void)snprintf(groups, sizeof groups, "Cgrp +%u", n);
	(void)snprintf(procs, sizeof procs, "Proc +%u", n);
	return pty_wait(p, procs, seconds) && pty_wait(p, groups, seconds) && pty_wait(p, mounts, seconds);
}

/* What those who stand between cause and effect have waited for a processor: of a latency, not ours. */
static double waited(pid_t ui, bool with_eyes)
{
	return measure_waited_ms(getpid()) + measure_waited_ms(ui) + (with_eyes ? measure_waited_ms(measure_child_of(ui)) : 0);
}

static double not_less(double a, double least)
{
	return a < least ? least : a;
}

/* Keys while it still reads the host, and from then on. */
static const char *const all_keys[] = { "G", "g", "\033[6~", "2", "4", "1", "?", "\033", "/", "9", "f", "\033", "s", "j", NULL };
static const char *const help_keys[] = { "?", "?", NULL }; /* a list without rows answers no other */

static void keys(struct pty *p, unsigned n, const char *const *turn, const char *what)
{
	double v[KEYS], own[KEYS];
	char name[80];
	unsigned turns = 0;
	while (turn[turns])
		turns++;
	pid_t ui = pty_console(p);
	for (unsigned i = 0; i < n; i++) {
		const char *key = turn[i % turns];
		pty_settle(p, 0.02, 0.2);
		double lost = waited(ui, false);
		pty_send(p, key);
		double s = pty_wait_byte(p, 1);
		v[i] = s < 0 ? 0 : *key == '\033' && !key[1] ? s * 1e3 - 25 : s * 1e3; /* a key may change nothing */
		own[i] = s < 0 ? 0 : not_less(v[i] - (waited(ui, false) - lost), 0);
	}
	(void)snprintf(name, sizeof name, "key to bytes%s, p99", what);
	printf("  %-44s %9.2f ms\n", name, measure_percentile(v, (int)n, 0.99));
	(void)snprintf(name, sizeof name, "without waiting for a CPU%s, p99", what);
	measure_say(&(struct measured){ name, measure_percentile(own, (int)n, 0.99), 10, "ms" });
}

static void changes(const struct crowd *c, struct pty *p)
{
	double v[CHANGES], own[CHANGES];
	size_t most = 0;
	pid_t ui = pty_console(p);
	char at[sizeof c->big + 16], seen[32];
	(void)snprintf(at, sizeof at, "%s/zz", c->big);
	(void)mkdir(at, 0700);
	(void)pty_wait(p, "live:", 5);
	for (int i = 0; i < CHANGES; i++) {
		bool more = i % 2 == 0;
		pty_settle(p, 0.3, 1);
		double lost = waited(ui, true);
		size_t before = pty_bytes(p);
		(void)snprintf(seen, sizeof seen, "Mount +%u", c->n + more);
		double began = world_now();
		if (more ? mount("none", at, "tmpfs", 0, "size=64k") : umount2(at, UMOUNT_NOFOLLOW))
			give_up(at);
		v[i] = pty_wait(p, seen, 10) ? (world_now() - began) * 1e3 : 10000;
		own[i] = not_less(v[i] - (waited(ui, true) - lost), 0);
		most = pty_bytes(p) - before > most ? pty_bytes(p) - before : most;
	}
	measure_say(&(struct measured){ "mount(2) to screen, median", measure_percentile(v, CHANGES, 0.5), 20, "ms" });
	printf("  %-44s %9.2f ms\n", "mount(2) to screen, worst", v[CHANGES - 1]);
	measure_say(&(struct measured){ "without waiting for a CPU, worst", measure_percentile(own, CHANGES, 1), 60, "ms" });
	printf("  %-44s %9zu bytes\n", "bytes of one change, worst", most);
	(void)rmdir(at);
}

static void idle(struct pty *p, pid_t pid, double seconds, double goal)
{
	pid_t eyes = measure_child_of(pid);
	pty_settle(p, 1, 20);
	struct usage ui = measure_usage(pid), probe = measure_usage(eyes);
	double began = world_now();
	while (world_now() - began < seconds)
		pty_settle(p, seconds, seconds - (world_now() - began));
	double took = world_now() - began;
	struct usage ui2 = measure_usage(pid), probe2 = measure_usage(eyes);
	measure_say(&(struct measured){ "idle CPU, console", 100 * (ui2.cpu - ui.cpu) / took, 0.1, "%" });
	measure_say(&(struct measured){ "idle wake-ups, console", (double)(ui2.sleeps - ui.sleeps) / took, 2, "a second" });
	measure_say(&(struct measured){ "idle CPU, with its watcher",
					100 * (ui2.cpu - ui.cpu + probe2.cpu - probe.cpu) / took, goal, "%" });
	measure_say(&(struct measured){ "memory, peak, console", ui2.peak_mib, 32, "MiB" });
	printf("  %-44s %9.2f MiB\n", "memory, peak, its watcher", probe2.peak_mib);
}

/* S11: a thousand mounts and unmounts a second for ten seconds. */
static void storm(const struct crowd *c, struct pty *p, pid_t pid)
{
	char at[sizeof c->big + 16], seen[32];
	(void)snprintf(at, sizeof at, "%s/storm", c->big);
	(void)mkdir(at, 0700);
	struct usage ui = measure_usage(pid), probe = measure_usage(measure_child_of(pid));
	pid_t wind = fork();
	if (wind == 0) {
		for (double began = world_now(), next = began; world_now() - began < STORM_S; next += 2.0 / STORM_RATE) {
			(void)!mount("none", at, "tmpfs", 0, "size=64k");
			(void)umount2(at, UMOUNT_NOFOLLOW);
			double left = next - world_now();
			if (left > 0)
				(void)usleep((useconds_t)(left * 1e6));
		}
		_exit(0);
	}
	double v[KEYS], began = world_now();
	size_t bytes = pty_bytes(p);
	int n = 0;
	while (waitpid(wind, NULL, WNOHANG) == 0) {
		pty_settle(p, 0.1, 0.1);
		pty_send(p, n % 2 ? "k" : "j");
		double s = pty_wait_byte(p, 1);
		if (n < KEYS)
			v[n++] = s < 0 ? 1000 : s * 1e3;
	}
	double took = world_now() - began;
	struct usage ui2 = measure_usage(pid), probe2 = measure_usage(measure_child_of(pid));
	measure_say(&(struct measured){ "storm: CPU, console", 100 * (ui2.cpu - ui.cpu) / took, 10, "%" });
	measure_say(&(struct measured){ "storm: CPU, with its watcher",
					100 * (ui2.cpu - ui.cpu + probe2.cpu - probe.cpu) / took, 20, "%" });
	measure_say(&(struct measured){ "storm: key to bytes, p99", measure_percentile(v, n, 0.99), 50, "ms" });
	printf("  %-44s %9.0f bytes/s\n", "storm: output", (double)(pty_bytes(p) - bytes) / took);
	(void)snprintf(seen, sizeof seen, "Mount +%u", c->n);
	began = world_now();
	bool exact = pty_wait(p, seen, 20);
	measure_say(&(struct measured){ "storm: exact again after", exact ? world_now() - began : 99, 5, "s" });
	(void)rmdir(at);
}

/* What nobody who looks can save: each process's stat and arguments, each cgroup's members, once, and nothing said. */
static double least_ms(const struct crowd *c)
{
	char path[sizeof c->group + 48], buf[4096];
	double began = world_now();
	for (autodir DIR *proc = opendir("/proc"); proc;) {
		struct dirent *d = readdir(proc);
		if (!d)
			break;
		for (int i = 0; i < 2 && *d->d_name >= '0' && *d->d_name <= '9'; i++) {
			(void)snprintf(path, sizeof path, "/proc/%s/%s", d->d_name, i ? "cmdline" : "stat");
			(void)!kfile_read(AT_FDCWD, path, buf, sizeof buf);
		}
	}
	for (unsigned i = 0; i < c->n; i++) {
		(void)snprintf(path, sizeof path, "%s/rustbox-c%05u/cgroup.procs", c->group, i);
		(void)!kfile_read(AT_FDCWD, path, buf, sizeof buf);
	}
	return (world_now() - began) * 1e3;
}

static void console(const struct crowd *c, double seconds)
{
	double least = least_ms(c), began = world_now();
	struct pty *p = pty_start(&(struct pty_how){ .root = c->w->root });
	(void)pty_wait(p, "OBSERVE", 10);
	double first = (world_now() - began) * 1e3;
	double whole = all_counted(p, c->n, 30) ? (world_now() - began) * 1e3 : 30000;
	pid_t pid = pty_console(p);
	printf("rustbox-tui, %u mounts, %u cgroups, %u processes:\n", c->n, c->n, c->n);
	measure_say(&(struct measured){ "first frame, from fork", first, 100, "ms" });
	measure_say(&(struct measured){ "every row counted, from fork", whole, 500, "ms" });
	printf("  %-44s %9.2f times the bare reading of it (%.0f ms)\n", "that is", whole / least, least);
	keys(p, KEYS, all_keys, "");
	pty_send(p, "\033\033");
	pty_settle(p, 0.2, 2);
	pty_send(p, "1");
	changes(c, p);
	idle(p, pid, seconds, 0.5);
	storm(c, p, pid);
	pty_done(p);
	p = pty_start(&(struct pty_how){ .root = c->w->root });
	(void)pty_wait(p, "OBSERVE", 10);
	keys(p, 40, help_keys, ", while it still reads");
	pty_done(p);
}

static void anchor(const char *name, const char *ready, double seconds)
{
	char path[PATH_ROOM];
	const char *anchors = getenv("BENCH_ANCHORS");
	const char *const argv[] = { path, NULL };
	(void)snprintf(path, sizeof path, "/usr/bin/%s", name);
	if (access(path, X_OK) != 0 && anchors)
		(void)snprintf(path, sizeof path, "%s/usr/bin/%s", anchors, name);
	if (access(path, X_OK) != 0) {
		printf("%s is not here: apt-get install %s shows it beside this\n", name, name);
		return;
	}
	double began = world_now();
	struct pty *p = pty_start(&(struct pty_how){ .argv = argv });
	bool up = pty_wait(p, ready, 20);
	printf("%s beside it:\n  %-44s %9.2f ms\n", name, "first frame with its list", up ? (world_now() - began) * 1e3 : -1);
	pty_settle(p, 1, 3);
	double v[KEYS];
	int n = 60;
	for (int i = 0; i < n; i++) {
		pty_settle(p, 0.05, 0.2);
		pty_send(p, i % 2 ? "\033[A" : "\033[B");
		double s = pty_wait_byte(p, 2);
		v[i] = s < 0 ? 2000 : s * 1e3;
	}
	printf("  %-44s %9.2f ms\n", "key to bytes, p99", measure_percentile(v, n, 0.99));
	struct usage then = measure_usage(pty_pid(p));
	size_t bytes = pty_bytes(p);
	began = world_now();
	while (world_now() - began < seconds)
		pty_settle(p, seconds, seconds - (world_now() - began));
	double took = world_now() - began;
	struct usage now = measure_usage(pty_pid(p));
	printf("  %-44s %9.2f %%\n  %-44s %9.2f a second\n  %-44s %9.0f bytes/s\n  %-44s %9.2f MiB\n", "idle CPU",
	       100 * (now.cpu - then.cpu) / took, "idle wake-ups", (double)(now.sleeps - then.sleeps) / took, "idle output",
	       (double)(pty_bytes(p) - bytes) / took, "memory, peak", now.peak_mib);
	pty_done(p);
}

int main(int argc, char **argv)
{
	struct world w;
	struct crowd c = { .w = &w, .n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 10000 };
	double seconds = argc > 2 ? strtod(argv[2], NULL) : 10;
	if (world_lacking() || seconds <= 0 || c.n == 0) {
		printf("skipped: %s\n", world_lacking() ? world_lacking() : "usage: bench_scale [N [SECONDS]]");
		return 77;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	world_open(&w, WORLD_MOUNTS);
	world_hierarchies(find_group, &c);
	double began = world_now();
	make_mounts(&c);
	make_cgroups(&c);
	make_processes(&c);
	printf("planted in %.1f s\n", world_now() - began);
	console(&c, seconds);
	anchor("htop", "F10", seconds);
	anchor("btop", "proc", seconds);
	disperse(&c);
	return world_done(&w) && !measure_missed() ? 0 : 1;
}
