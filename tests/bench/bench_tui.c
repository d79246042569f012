/*
 * What the console costs, beside its goals (design: first frame, key latency, idle CPU and bytes, memory),
 * measured in a pseudo-terminal; and the same for htop where it is installed. Each row says ok or MISSED, and
 * one MISSED is exit status 1. The first minutes of a console show seconds; that is part of what is measured.
 *
 * usage: bench_tui [SECONDS OF IDLENESS]
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness/lab.h"
#include "tests/harness/measure.h"
#include "tests/harness/pty.h"
#include "tests/harness/world.h"

enum { KEYS = 200, LEAKS = 30, STARTS = 20, CHANGED = 8 };

static void first_frame(const struct world *w)
{
	double v[STARTS];
	for (int i = 0; i < STARTS; i++) {
		double began = world_now();
		struct pty *p = pty_start(&(struct pty_how){ .root = w->root });
		(void)pty_wait(p, "OBSERVE", 5);
		v[i] = (world_now() - began) * 1e3;
		pty_done(p);
	}
	measure_say(&(struct measured){ "first frame, median, from fork", measure_percentile(v, STARTS, 0.5), 30, "ms" });
}

static void keys(struct pty *p)
{
	static const char *const turn[] = { "?", "\033", "2", "1" };
	double v[KEYS];
	for (int i = 0; i < KEYS; i++) {
		pty_settle(p, 0.03, 0.5);
		pty_send(p, turn[i % 4]);
		double s = pty_wait_byte(p, 1);
		v[i] = i % 4 == 1 && s > 0 ? s * 1e3 - 25 : s * 1e3; /* a lone ESC is given 25 ms to become a sequence */
	}
	measure_say(&(struct measured){ "key to bytes, p99", measure_percentile(v, KEYS, 0.99), 10, "ms" });
	measure_say(&(struct measured){ "key to bytes, worst", v[KEYS - 1], 30, "ms" });
}

static void leaks(const struct world *w, struct pty *p)
{
	double v[LEAKS], most = 0;
	for (int i = 0; i < LEAKS; i++) {
		char dir[PATH_ROOM + 80], box[32], seen[64];
		snprintf(box, sizeof box, "b%02d", i);
		paths_box_dir(&w->paths, box, dir);
		snprintf(seen, sizeof seen, "rustbox-%s", box);
		(void)mkdir(dir, 0700);
		pty_settle(p, 0.3, 3);
		size_t before = pty_bytes(p);
		double began = world_now();
		(void)!mount("none", dir, "tmpfs", 0, "size=64k");
		v[i] = pty_wait(p, "Mount +1", 5) ? (world_now() - began) * 1e3 : 5000;
		pty_settle(p, 0.1, 1);
		double cost = (double)(pty_bytes(p) - before);
		most = cost > most ? cost : most;
		(void)umount2(dir, UMOUNT_NOFOLLOW);
		(void)rmdir(dir);
		(void)pty_wait(p, "All +0", 5);
	}
	measure_say(&(struct measured){ "mount(2) to screen, median", measure_percentile(v, LEAKS, 0.5), 20, "ms" });
	measure_say(&(struct measured){ "mount(2) to screen, worst", v[LEAKS - 1], 1000, "ms" });
	/* The design sets a goal for a changed row, not for a first leak, which fills row, counts, why and log. */
	printf("  %-44s %9.2f bytes\n", "bytes for the first leak to appear, worst", most);
}

/* A process that is stopped and goes on: one row, not the cursor's, says other
 * things, and nothing comes or goes. */
static void changed_row(const struct world *w, struct pty *p)
{
	static struct lab lab;
	double v[CHANGED];
	lab_open(&lab, w, "changing");
	if (lab_plant(&lab, lab_fault("cgroup_sleeper")) != PLANTED || !pty_wait(p, "Proc +1", 30)) {
		printf("  no row to change: %s\n", lab.why);
		lab_undo(&lab);
		return;
	}
	pid_t pid = lab.trace[lab.ntraces - 1].pid;
	pty_settle(p, 12, 15); /* its age is told in steps of 10 s at first */
	for (int i = 0; i < CHANGED; i++) {
		size_t before = pty_bytes(p);
		(void)kill(pid, i % 2 ? SIGCONT : SIGSTOP);
		(void)(i % 2 ? pty_wait_gone(p, "stopped", 30) : pty_wait(p, "stopped", 30));
		v[i] = (double)(pty_bytes(p) - before);
		pty_settle(p, 0.3, 2);
	}
	/* The median: now and then the ages of the young rows are told anew in the same frame. */
	measure_say(&(struct measured){ "bytes for a changed row, median", measure_percentile(v, CHANGED, 0.5), 64, "bytes" });
	lab_undo(&lab);
	(void)pty_wait(p, "Proc +0", 30);
}

static void idle(struct pty *p, pid_t pid, double seconds, const char *name, bool ours)
{
	pty_settle(p, 0.5, 8);
	struct usage then = measure_usage(pid);
	double began = world_now();
	size_t bytes = pty_bytes(p);
	while (world_now() - began < seconds)
		pty_settle(p, seconds, seconds - (world_now() - began));
	double took = world_now() - began, used;
	struct usage now = measure_usage(pid);
	used = now.cpu - then.cpu;
	struct measured rows[] = { { "idle CPU", 100 * used / took, 0.1, "%" },
			      { "idle wake-ups", (double)(now.sleeps - then.sleeps) / took, 2, "a second" },
			      { "idle output", (double)(pty_bytes(p) - bytes) / took, 20, "bytes/s" },
			      { "memory, peak", now.peak_mib, 8, "MiB" } };
	for (int i = 0; i < 4; i++) {
		if (ours)
			measure_say(&rows[i]);
		else
			printf("  %-44s %9.2f %s (%s)\n", rows[i].what, rows[i].measured, rows[i].unit, name);
	}
}

static void beside_htop(double seconds)
{
	static const char *const argv[] = { "htop", NULL };
	if (access("/usr/bin/htop", X_OK) != 0) {
		printf("htop is not installed: apt-get install htop shows it beside this\n");
		return;
	}
	double began = world_now();
	struct pty *p = pty_start(&(struct pty_how){ .argv = argv });
	bool up = pty_wait(p, "F10", 5);
	printf("htop beside it:\n  %-44s %9.2f ms\n", "first frame", up ? (world_now() - began) * 1e3 : -1);
	idle(p, pty_pid(p), seconds, "htop", false);
	pty_done(p);
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? strtod(argv[1], NULL) : 10;
	setvbuf(stdout, NULL, _IOLBF, 0);
	struct world w;
	if (world_lacking() || seconds <= 0) {
		printf("skipped: %s\n", world_lacking() ? world_lacking() : "usage: bench_tui [SECONDS]");
		return 77;
	}
	world_open(&w, WORLD_MOUNTS);
	printf("rustbox-tui, 80x24, clean host of its own:\n");
	first_frame(&w);
	struct pty *p = pty_start(&(struct pty_how){ .root = w.root });
	(void)pty_wait(p, "live: mounts", 5);
	pty_settle(p, 0.5, 5);
	measure_say(&(struct measured){ "bytes until every source is filled", (double)pty_bytes(p), 3072, "bytes" });
	idle(p, pty_console(p), seconds, "rustbox-tui", true);
	keys(p);
	leaks(&w, p);
	changed_row(&w, p);
	pty_done(p);
	beside_htop(seconds);
	return world_done(&w) && !measure_missed() ? 0 : 1;
}
