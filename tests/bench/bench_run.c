/*
 * What one run costs, beside posix_spawn and the other sandboxes that are installed: contenders take turns (A, B, C,
 * A, B, C), no shell between, medians and 95th percentiles. Absolute times move with the machine; the ratios of one
 * session are what the goals are about. On a machine that others use as well, the quarter of the rounds that was
 * disturbed least says more than the median: its ratio stands beside. CPU is user and system time of the contender and
 * all it waited for. BENCH_ROUNDS (100) sets how often each one runs; peers are looked for in PATH.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/world.h"

enum { ROUNDS_MOST = 5000, WORDS = 40 };

struct contender {
	const char *name, *isolation;
	const char *argv[WORDS];
	const char *needs; /* program looked for in PATH; NULL: ours */
	double *took, *burnt;
	double median, p95, quiet, cpu;
	bool here;
};

static char true_path[PATH_ROOM + 32], bind_arg[PATH_ROOM * 2], rustbox_path[PATH_ROOM + 32], probe_json[PATH_ROOM], prepared_root[PATH_ROOM];

static struct contender contenders[] = {
	{ .name = "posix_spawn", .isolation = "none", .argv = { true_path, "exit", "0" } },
	{ .name = "rustbox run", .isolation = "all", .argv = { rustbox_path, "run", "--quiet", "--dir", bind_arg, "--", "/p/attack_proc", "exit", "0" } },
	{ .name = "rustbox run --json", .isolation = "all, result written",
	  .argv = { rustbox_path, "run", "--json", probe_json, "--quiet", "--dir", bind_arg, "--", "/p/attack_proc", "exit", "0" } },
	{ .name = "rustbox prepared", .isolation = "all, result written",
	  .argv = { rustbox_path, "--root", prepared_root, "run", "--json", probe_json, "--quiet", "--dir", bind_arg, "--", "/p/attack_proc",
		    "exit", "0" } },
	{ .name = "python3", .isolation = "none", .argv = { "/usr/bin/python3", "-c", "print(1)" } },
	{ .name = "rustbox python3", .isolation = "all, result written",
	  .argv = { rustbox_path, "run", "--json", probe_json, "--quiet", "--", "/usr/bin/python3", "-c", "print(1)" } },
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
enum { SPAWN, RUN, RUN_JSON, PREPARED, PYTHON, RUN_PYTHON, BWRAP, NSJAIL, MINIJAIL, ISOLATE };
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

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

/* Seconds, or -1 when it did not end with status 0; *burnt is CPU time. */
static double once(const struct contender *c, double *burnt)
{
	extern char **environ;
	posix_spawn_file_actions_t quiet;
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
	struct rusage usage = { 0 };
	double start = world_now();
	pid_t pid;
	int status = -1, error = posix_spawnp(&pid, c->argv[0], &quiet, NULL, (char **)(uintptr_t)c->argv, environ);
	if (error == 0)
		wait4(pid, &status, 0, &usage);
	double took = world_now() - start;
	*burnt = seconds(usage.ru_utime) + seconds(usage.ru_stime);
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
				contenders[i].took[r] = once(&contenders[i], &contenders[i].burnt[r]);
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
		qsort(c->burnt, rounds, sizeof *c->burnt, by_time);
		c->cpu = c->burnt[rounds / 2];
		c->quiet = c->took[rounds / 4];
		c->median = c->took[rounds / 2];
		c->p95 = c->took[rounds * 95 / 100];
	}
}

/* Runs a second by `n` processes side by side. */
static double parallel(const struct contender *c, int n, int runs)
{
	double burnt, start = world_now();
	for (int i = 0; i < n; i++)
		if (fork() == 0) {
			for (int k = 0; k < runs / n; k++)
				if (once(c, &burnt) < 0)
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
	printf("%-20s %9s %8s %8s %8s %8s %6s %6s %6s %6s  %s\n", "contender", "median us", "p95 us", "cpu us", "x spawn", "quiet x",
	       "1/s", "2 par.", "4 par.", "16", "isolation");
	for (int i = 0; i < CONTENDERS; i++) {
		const struct contender *c = &contenders[i];
		if (!c->here) {
			printf("%-20s not here or not working\n", c->name);
			continue;
		}
		int runs = c->median < 0.002 ? 800 : 160;
		printf("%-20s %9.0f %8.0f %8.0f %8.2f %8.2f %6.0f %6.0f %6.0f %6.0f  %s\n", c->name, c->median * 1e6, c->p95 * 1e6,
		       c->cpu * 1e6, c->median / contenders[SPAWN].median, c->quiet / contenders[SPAWN].quiet, parallel(c, 1, runs),
		       parallel(c, 2, runs), parallel(c, 4, runs), parallel(c, 16, runs), c->isolation);
	}
}

/* Where a run's time goes, as it tells itself (--timings). */
static void phases(struct world *w, unsigned rounds)
{
	static const char *const names[] = { "plan", "claim", "launch", "run", "gather", "cleanup" };
	enum { PHASES_SEEN = sizeof names / sizeof *names };
	double *ms[PHASES_SEEN];
	for (int p = 0; p < PHASES_SEEN; p++)
		ms[p] = calloc(rounds, sizeof(double));
	for (unsigned r = 0; r < rounds; r++) {
		struct ran ran;
		world_call(w, &ran, 10, "rustbox", "run", "--json", "-", "--timings", "--dir", bind_arg, "--", "/p/attack_proc", "exit", "0");
		const char *at = strstr(ran.out, "\"timings_ms\"");
		for (int p = 0; at && p < PHASES_SEEN; p++) {
			const char *value = strstr(at, names[p]);
			ms[p][r] = value ? strtod(value + strlen(names[p]) + 2, NULL) : 0;
		}
		ran_done(&ran);
	}
	printf("phases, median us:");
	for (int p = 0; p < PHASES_SEEN; p++) {
		qsort(ms[p], rounds, sizeof(double), by_time);
		printf("  %s %.0f", names[p], ms[p][rounds / 2] * 1e3);
		free(ms[p]);
	}
	printf("\n");
}

/* Private memory of the launcher while its program sleeps, in KiB; -1 when it could not be read. */
static double launcher_memory(void)
{
	extern char **environ;
	const char *argv[] = { rustbox_path, "run", "--quiet", "--", "/bin/sleep", "1", NULL };
	char path[64], line[256];
	double kib = -1, more;
	pid_t pid;
	if (posix_spawn(&pid, rustbox_path, NULL, NULL, (char **)(uintptr_t)argv, environ) != 0)
		return -1;
	usleep(300000); /* until it sleeps: it is in the box by then or the number is too small */
	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
	FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "Private_Clean: %lf", &more) == 1 || sscanf(line, "Private_Dirty: %lf", &more) == 1)
			kib = (kib < 0 ? 0 : kib) + more;
	if (f)
		fclose(f);
	waitpid(pid, NULL, 0);
	return kib;
}

static int goals(void)
{
	const struct contender *c = contenders, *ours = &c[RUN_JSON];
	int missed = 0;
	printf("goals (ledger kept, clean-up done, JSON written; medians):\n");
	missed += goal("one-shot / posix_spawn", ours->median / c[SPAWN].median, 5.0);
	if (c[PREPARED].here)
		missed += goal("host prepared / posix_spawn", c[PREPARED].median / c[SPAWN].median, 3.0);
	missed += goal("p95 / median", ours->p95 / ours->median, 1.6);
	if (c[BWRAP].here)
		missed += goal("one-shot / bubblewrap", ours->median / c[BWRAP].median, 0.40);
	if (c[ISOLATE].here)
		missed += goal("one-shot / isolate --run", ours->median / c[ISOLATE].median, 0.75);
	if (c[PYTHON].here && c[RUN_PYTHON].here)
		missed += goal("python3 print(1) / bare", c[RUN_PYTHON].median / c[PYTHON].median, 1.25);
	missed += goal("launcher's private memory, MiB", launcher_memory() / 1024, 1.5);
	return missed;
}

int main(void)
{
	struct world w, prepared;
	const char *wish = getenv("BENCH_ROUNDS");
	unsigned rounds = wish ? (unsigned)strtoul(wish, NULL, 10) : 100;
	if (world_lacking()) {
		printf("skipped: %s\n", world_lacking());
		return 77;
	}
	if (rounds < 5 || rounds > ROUNDS_MOST)
		rounds = 100;
	world_open(&w, WORLD_MOUNTS);
	setenv("WORLD_PREPARED", "", 1);
	world_open(&prepared, WORLD_MOUNTS);
	snprintf(prepared_root, sizeof prepared_root, "%s", prepared.root);
	setenv("RUSTBOX_ROOT", w.root, 1);
	snprintf(true_path, sizeof true_path, "%s/payloads/attack_proc", w.build);
	snprintf(bind_arg, sizeof bind_arg, "/p=%s/payloads", w.build);
	snprintf(rustbox_path, sizeof rustbox_path, "%s/rustbox", w.build);
	snprintf(probe_json, sizeof probe_json, "%s/result.json", w.root);
	if (in_path("isolate"))
		(void)!system("isolate --init >/dev/null 2>&1");
	for (int i = 0; i < CONTENDERS; i++) {
		struct contender *c = &contenders[i];
		double burnt;
		c->took = calloc(rounds, sizeof *c->took);
		c->burnt = calloc(rounds, sizeof *c->burnt);
		c->here = (!c->needs || in_path(c->needs)) && once(c, &burnt) >= 0 && once(c, &burnt) >= 0;
	}
	measure(rounds);
	table();
	phases(&w, rounds);
	const struct contender *ours = &contenders[RUN_JSON];
	int missed = ours->here ? goals() : 0;
	if (in_path("isolate"))
		(void)!system("isolate --cleanup >/dev/null 2>&1");
	bool clean = world_done(&prepared) && world_done(&w);
	return !ours->here || !clean || (getenv("BENCH_STRICT") && missed);
}
