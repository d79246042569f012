/*
 * What one run costs, beside posix_spawn and the other sandboxes that are installed: contenders take turns (A, B, C,
 * A, B, C), no shell between, medians and 95th percentiles. Absolute times move with the machine; the ratios of one
 * session are what the goals are about. BENCH_ROUNDS (100) sets how often each one runs.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/world.h"

enum { ROUNDS_MOST = 5000, WORDS = 40 };

struct contender {
	const char *name, *isolation;
	const char *argv[WORDS];
	const char *needs; /* program looked for in PATH; NULL: ours */
	double *took;
	double median, p95;
	bool here;
};

static char true_path[PATH_ROOM + 32], bind_arg[PATH_ROOM * 2], rustbox_path[PATH_ROOM + 32], probe_json[PATH_ROOM];

static struct contender contenders[] = {
	{ .name = "posix_spawn", .isolation = "none", .argv = { true_path, "exit", "0" } },
	{ .name = "rustbox run", .isolation = "all", .argv = { rustbox_path, "run", "--quiet", "--dir", bind_arg, "--", "/p/attack_proc", "exit", "0" } },
	{ .name = "rustbox run --json", .isolation = "all, result written",
	  .argv = { rustbox_path, "run", "--json", probe_json, "--quiet", "--dir", bind_arg, "--", "/p/attack_proc", "exit", "0" } },
	{ .name = "bubblewrap", .isolation = "no cgroup, filter, limits", .needs = "bwrap",
	  .argv = { "bwrap", "--unshare-all", "--die-with-parent", "--ro-bind", "/usr", "/usr", "--symlink", "usr/lib", "/lib",
		    "--symlink", "usr/lib64", "/lib64", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--ro-bind", true_path,
		    "/t", "/t", "exit", "0" } },
	{ .name = "nsjail", .isolation = "most", .needs = "nsjail",
	  .argv = { "nsjail", "-Mo", "-Q", "-R", true_path, "-T", "/tmp", "--", true_path, "exit", "0" } },
	{ .name = "minijail0", .isolation = "no cgroup", .needs = "minijail0",
	  .argv = { "minijail0", "-v", "-p", "-r", "-l", "-e", "-N", "-n", "-c", "0", "-u", "nobody", true_path, "exit", "0" } },
	{ .name = "isolate --run", .isolation = "no cgroup, no filter", .needs = "isolate",
	  .argv = { "isolate", "--run", "--silent", "--", "/usr/bin/true" } },
};
enum { CONTENDERS = sizeof contenders / sizeof *contenders };

static bool in_path(const char *program)
{
	char path[4096];
	snprintf(path, sizeof path, "%s", getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin");
	for (char *save = NULL, *dir = strtok_r(path, ":", &save); dir; dir = strtok_r(NULL, ":", &save)) {
		char full[4200];
		snprintf(full, sizeof full, "%s/%s", dir, program);
		if (access(full, X_OK) == 0)
			return true;
	}
	return false;
}

/* Seconds, or -1 when it did not end with status 0. */
static double once(const struct contender *c)
{
	extern char **environ;
	posix_spawn_file_actions_t quiet;
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
	double start = world_now();
	pid_t pid;
	int status = -1, error = posix_spawnp(&pid, c->argv[0], &quiet, NULL, (char **)(uintptr_t)c->argv, environ);
	if (error == 0)
		waitpid(pid, &status, 0);
	double took = world_now() - start;
	posix_spawn_file_actions_destroy(&quiet);
	return error == 0 && status == 0 ? took : -1;
}

static int by_time(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void measure(unsigned rounds)
{
	for (unsigned r = 0; r < rounds; r++)
		for (int i = 0; i < CONTENDERS; i++)
			if (contenders[i].here)
				contenders[i].took[r] = once(&contenders[i]);
	for (int i = 0; i < CONTENDERS; i++) {
		struct contender *c = &contenders[i];
		if (!c->here)
			continue;
		qsort(c->took, rounds, sizeof *c->took, by_time);
		if (c->took[0] < 0) {
			printf("%s failed now and then: not counted\n", c->name);
			c->here = false;
			continue;
		}
		c->median = c->took[rounds / 2];
		c->p95 = c->took[rounds * 95 / 100];
	}
}

/* Runs a second by `n` processes side by side. */
static double parallel(const struct contender *c, int n, int runs)
{
	double start = world_now();
	for (int i = 0; i < n; i++)
		if (fork() == 0) {
			for (int k = 0; k < runs / n; k++)
				if (once(c) < 0)
					_exit(1);
			_exit(0);
		}
	int status, bad = 0;
	while (wait(&status) > 0)
		bad |= status;
	return bad ? -1 : runs / (world_now() - start);
}

static int goal(const char *what, double is, double at_most)
{
	printf("  %-58s %7.2f  goal %5.2f  %s\n", what, is, at_most, is <= at_most ? "met" : "MISSED");
	return is > at_most;
}

static void table(void)
{
	printf("%-20s %9s %9s %8s %8s %8s %8s  %s\n", "contender", "median us", "p95 us", "x spawn", "1/s", "2 par.", "4 par.",
	       "isolation");
	for (int i = 0; i < CONTENDERS; i++) {
		const struct contender *c = &contenders[i];
		if (!c->here) {
			printf("%-20s not here or not working\n", c->name);
			continue;
		}
		int runs = c->median < 0.002 ? 800 : 200;
		printf("%-20s %9.0f %9.0f %8.2f %8.0f %8.0f %8.0f  %s\n", c->name, c->median * 1e6, c->p95 * 1e6,
		       c->median / contenders[0].median, parallel(c, 1, runs), parallel(c, 2, runs), parallel(c, 4, runs),
		       c->isolation);
	}
}

int main(void)
{
	struct world w;
	const char *wish = getenv("BENCH_ROUNDS");
	unsigned rounds = wish ? (unsigned)strtoul(wish, NULL, 10) : 100;
	if (world_lacking()) {
		printf("skipped: %s\n", world_lacking());
		return 77;
	}
	if (rounds < 5 || rounds > ROUNDS_MOST)
		rounds = 100;
	world_open(&w, WORLD_MOUNTS);
	setenv("RUSTBOX_ROOT", w.root, 1);
	snprintf(true_path, sizeof true_path, "%s/payloads/attack_proc", w.build);
	snprintf(bind_arg, sizeof bind_arg, "/p=%s/payloads", w.build);
	snprintf(rustbox_path, sizeof rustbox_path, "%s/rustbox", w.build);
	snprintf(probe_json, sizeof probe_json, "%s/result.json", w.root);
	if (in_path("isolate"))
		(void)!system("isolate --init >/dev/null 2>&1");
	for (int i = 0; i < CONTENDERS; i++) {
		struct contender *c = &contenders[i];
		c->took = calloc(rounds, sizeof *c->took);
		c->here = (!c->needs || in_path(c->needs)) && once(c) >= 0 && once(c) >= 0;
	}
	measure(rounds);
	table();
	int missed = 0;
	const struct contender *spawn = &contenders[0], *ours = &contenders[2], *bwrap = &contenders[3], *isolate = &contenders[6];
	printf("goals (ledger kept, clean-up done, JSON written):\n");
	if (ours->here) {
		missed += goal("one-shot / posix_spawn", ours->median / spawn->median, 5.0);
		missed += goal("p95 / median", ours->p95 / ours->median, 1.6);
		if (bwrap->here)
			missed += goal("one-shot / bubblewrap", ours->median / bwrap->median, 0.40);
		if (isolate->here)
			missed += goal("one-shot / isolate --run", ours->median / isolate->median, 0.75);
	}
	if (in_path("isolate"))
		(void)!system("isolate --cleanup >/dev/null 2>&1");
	bool clean = world_done(&w);
	return !ours->here || !clean || (getenv("BENCH_STRICT") && missed);
}
