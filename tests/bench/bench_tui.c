/*
 * What the console costs, beside its goals (design: first frame, key latency, idle CPU and bytes, memory),
 * measured in a pseudo-terminal; and the same for htop where it is installed. Each row says ok or MISSED, and
 * one MISSED is exit status 1. The first minutes of a console show seconds; that is part of what is measured.
 *
 * usage: bench_tui [SECONDS OF IDLENESS]
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/base/kfile.h"
#include "tests/harness/pty.h"
#include "tests/harness/world.h"

enum { KEYS = 200, LEAKS = 30, STARTS = 20 };

struct row {
	const char *what;
	double measured, goal;
	const char *unit;
};

static bool missed;

static void say(const struct row *r)
{
	bool ok = r->measured <= r->goal;
	missed = missed || !ok;
	printf("  %-44s %9.2f %-10s goal %8.2f  %s\n", r->what, r->measured, r->unit, r->goal, ok ? "ok" : "MISSED");
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double percentile(double *v, int n, double p)
{
	qsort(v, (size_t)n, sizeof *v, by_value);
	int at = (int)(p * n);
	return v[at < n ? at : n - 1];
}

/* user + system time in seconds, and voluntary context switches: one for each time it slept. */
static double cpu_of(pid_t pid, uint64_t *sleeps)
{
	char path[64], buf[4096];
	unsigned long user = 0, system = 0;
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	if (kfile_read(AT_FDCWD, path, buf, sizeof buf) > 0 && strrchr(buf, ')'))
		(void)sscanf(strrchr(buf, ')'), ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	*sleeps = 0;
	if (kfile_read(AT_FDCWD, path, buf, sizeof buf) > 0 && strstr(buf, "\nvoluntary_ctxt_switches:"))
		*sleeps = strtoull(strstr(buf, "\nvoluntary_ctxt_switches:") + 25, NULL, 10);
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static double peak_mib(pid_t pid)
{
	char path[64], buf[4096];
	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	if (kfile_read(AT_FDCWD, path, buf, sizeof buf) <= 0 || !strstr(buf, "VmHWM:"))
		return -1;
	return strtod(strstr(buf, "VmHWM:") + 6, NULL) / 1024;
}

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
	say(&(struct row){ "first frame, median, from fork", percentile(v, STARTS, 0.5), 30, "ms" });
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
	say(&(struct row){ "key to bytes, p99", percentile(v, KEYS, 0.99), 10, "ms" });
	say(&(struct row){ "key to bytes, worst", v[KEYS - 1], 30, "ms" });
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
	say(&(struct row){ "mount(2) to screen, median", percentile(v, LEAKS, 0.5), 20, "ms" });
	say(&(struct row){ "mount(2) to screen, worst", v[LEAKS - 1], 1000, "ms" });
	/* The design sets a goal for a changed row, not for a first leak, which fills row, counts, why and log. */
	printf("  %-44s %9.2f bytes\n", "bytes for the first leak to appear, worst", most);
}

static void idle(struct pty *p, pid_t pid, double seconds, const char *name, bool ours)
{
	uint64_t slept, later;
	pty_settle(p, 0.5, 8);
	double cpu = cpu_of(pid, &slept), began = world_now();
	size_t bytes = pty_bytes(p);
	while (world_now() - began < seconds)
		pty_settle(p, seconds, seconds - (world_now() - began));
	double took = world_now() - began, used = cpu_of(pid, &later) - cpu;
	struct row rows[] = { { "idle CPU", 100 * used / took, 0.1, "%" },
			      { "idle wake-ups", (double)(later - slept) / took, 2, "a second" },
			      { "idle output", (double)(pty_bytes(p) - bytes) / took, 20, "bytes/s" },
			      { "memory, peak", peak_mib(pid), 8, "MiB" } };
	for (int i = 0; i < 4; i++) {
		if (ours)
			say(&rows[i]);
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
	say(&(struct row){ "bytes until every source is filled", (double)pty_bytes(p), 3072, "bytes" });
	idle(p, pty_console(p), seconds, "rustbox-tui", true);
	keys(p);
	leaks(&w, p);
	pty_done(p);
	beside_htop(seconds);
	return world_done(&w) && !missed ? 0 : 1;
}
