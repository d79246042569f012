/* See crash.h; the invariants are those of the failure matrix, checked by machine after each point. */
#include "tests/harness/crash.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "probes/base/own.h"

struct world crash_world;
const char *const crash_recovery_argv[] = { "rustbox", "health", "--recover", "--cleanup", "--json", NULL };
const char *const crash_run_argv[] = { "rustbox", "run", "--json", "-", "--wall-time", "10s", "--", "/bin/true", NULL };

/* A box that runs beside all crashes: it repeats two lines, one before them and one after, and ends. Not at the end of its
 * input: planted processes hold the pipe, too. */
static struct {
	pid_t pid;
	int in, out;
	char *left; /* what the world holds while only it runs, sorted */
} beside;

static int by_line(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The world's contents, line by line, sorted, those of `without` taken out. The caller frees. */
static char *left_but(const char *without)
{
	autofree char *text = world_left(&crash_world);
	char *line[4096], *ret = calloc(1, strlen(text) + 1);
	size_t n = 0;
	for (char *save = NULL, *l = strtok_r(text, "\n", &save); l && n < 4096; l = strtok_r(NULL, "\n", &save))
		line[n++] = l;
	qsort(line, n, sizeof *line, by_line);
	for (size_t i = 0; i < n; i++) {
		char whole[1024];
		int known = 0; /* a process is known by its number: its name is still changing when it starts */
		if (sscanf(line[i], "process %*d%n", &known) < 0 || known == 0)
			snprintf(whole, sizeof whole, "%s\n", line[i]);
		else
			snprintf(whole, sizeof whole, "%.*s ", known, line[i]);
		if (!without || !strstr(without, whole))
			strcat(ret, whole);
	}
	return ret;
}

/* Six bytes there and back, within ten seconds. */
static bool beside_repeats(const char *line)
{
	struct pollfd p = { .fd = beside.out, .events = POLLIN };
	char echo[6] = "";
	return write(beside.in, line, 6) == 6 && poll(&p, 1, (int)world_patience(10000)) == 1 && read(beside.out, echo, 6) == 6 &&
	       !memcmp(echo, line, 6);
}

static void beside_start(void)
{
	int in[2], out[2];
	char path[PATH_ROOM + 16];
	snprintf(path, sizeof path, "%s/rustbox", crash_world.build);
	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
		abort();
	fflush(NULL);
	beside.pid = fork();
	if (beside.pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		setenv("RUSTBOX_ROOT", crash_world.root, 1);
		execl(path, "rustbox", "run", "--quiet", "--wall-time", "30m", "--time", "60s", "--", "/bin/sh", "-c",
		      "read a; echo $a; read b; echo $b", NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	beside.in = in[1];
	beside.out = out[0];
	assert_true(beside_repeats("ready\n"));
	beside.left = left_but(NULL);
}

static void beside_end(void)
{
	int status = -1;
	if (!beside_repeats("still\n"))
		fail_msg("the box that ran beside has been hurt");
	close(beside.in);
	waitpid(beside.pid, &status, 0);
	close(beside.out);
	free(beside.left);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static bool complain(struct crash_sweep *s, unsigned at, const struct inject_call *c, const char *what, const char *more)
{
	s->failures++;
	print_message("point %u (before %s by %s): %s\n%.1200s\n", at, inject_name(c->nr), c->main ? "supervisor" : "child",
		      what, more);
	return false;
}

static bool no_process_after(double died)
{
	for (;;) {
		autofree char *left = left_but(beside.left);
		if (!strstr(left, "process ") && !strstr(left, " held\n")) /* who is still on his way out holds his box */
			return true;
		if (world_now() - died > world_patience(1)) /* who is told to die may wait for a processor */
			return false;
		usleep(5000);
	}
}

static bool health_answers(void)
{
	struct ran r;
	world_call(&crash_world, &r, 5, "rustbox", "health", "--json");
	json_t *j = ran_json(&r);
	bool ok = !r.late && r.code >= 0 && r.code <= 2 && json_is_string(json_object_get(j, "status"));
	if (!ok)
		print_message("health: exit %d signal %d late %d: %.300s %.300s\n", r.code, r.signal, r.late, r.out, r.err);
	json_decref(j);
	ran_done(&r);
	return ok;
}

static bool recovers(void)
{
	struct ran r;
	world_run(&crash_world, &r, 60, NULL, crash_recovery_argv);
	bool ok = !r.late && r.code == 0;
	if (!ok)
		print_message("recovery: exit %d signal %d late %d: %.600s %.300s\n", r.code, r.signal, r.late, r.out, r.err);
	ran_done(&r);
	return ok;
}

/* A second recovery acts on nothing: seen from its own system calls. */
static bool second_is_idle(void)
{
	struct inject_plan none = { .act = INJECT_NOTHING, .seconds = 60 };
	struct injected *r = inject_run(&crash_world, &none, crash_recovery_argv);
	bool ok = WIFEXITED(r->wstatus) && WEXITSTATUS(r->wstatus) == 0;
	for (unsigned i = 0; i < r->calls; i++) {
		uint32_t nr = r->v[i].nr;
		if (nr == SYS_kill || nr == 424 || nr == SYS_umount2 || nr == SYS_rmdir || nr == SYS_unlink ||
		    (nr == SYS_unlinkat && r->v[i].result == 0)) {
			print_message("the second recovery calls %s\n", inject_name(nr));
			ok = false;
		}
	}
	inject_free(r);
	return ok;
}

bool crash_run_honest(const struct injected *r, const char *left)
{
	(void)left; /* one recovery removes it: the sweep demands that */
	struct ran said = { .out = (char *)(uintptr_t)r->out, .out_len = strlen(r->out) };
	char status[32] = "", cause[64] = "";
	json_t *j = NULL;
	for (char *line = said.out; !j && line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		j = json_loadb(line, strcspn(line, "\n"), 0, NULL);
	json_at(j, "status", status, sizeof status);
	json_at(j, "verdict.cause", cause, sizeof cause);
	bool any = j != NULL;
	json_decref(j);
	if (WIFSIGNALED(r->wstatus)) /* out of memory aborts: arena.h says so */
		return WTERMSIG(r->wstatus) == SIGABRT;
	int code = WEXITSTATUS(r->wstatus);
	if (!strcmp(status, "OK"))
		return code == 0;
	if (!strcmp(status, "IE"))
		return code == 3 && *cause;
	return !any && code >= 2; /* said why on stderr, or could not even begin */
}

/* The recovery after the crash at `at` is killed, too; how often differs from one crash to the next, so the lot is drawn
 * among the calls of the last one that came to its end. */
static void dies_again(struct crash_sweep *s, unsigned at)
{
	static unsigned span = 8;
	struct inject_plan plan = { .act = at % 2 ? INJECT_KILL_SELF : INJECT_KILL_ALL, .acting = true, .seconds = 60,
				    .at = 1 + at * 2654435761u / 16 % span };
	struct injected *r = inject_run(&crash_world, &plan, crash_recovery_argv);
	s->again += r->fired;
	span = r->fired ? span + 1 : r->acting + 1;
	inject_free(r);
}

static bool one_point(struct crash_sweep *s, unsigned at, int error, const struct inject_call *c)
{
	if (s->before && !s->before(&crash_world))
		return complain(s, at, c, "the world could not be set up", "");
	struct inject_plan plan = { .act = s->act, .at = at, .error = error, .seconds = 15 };
	if (s->act == INJECT_ERRNO) { /* the same call of its number: an error meets no call that cannot have it */
		plan.only = &c->nr;
		plan.at = 0;
		for (const struct inject_call *k = c - (at - 1); k <= c; k++)
			plan.at += k->nr == c->nr;
	}
	struct injected *r = inject_run(&crash_world, &plan, s->argv);
	s->fired += r->fired;
	bool good = !r->late || complain(s, at, c, "hangs", r->out);
	double died = r->died;
	autofree char *told = left_but(beside.left);
	if (good && s->act == INJECT_ERRNO && s->verdict && !s->verdict(r, told)) {
		print_message("wait status %x; left: %s\n", r->wstatus, told);
		good = complain(s, at, c, strerror(error), r->out);
	}
	inject_free(r);
	/* what was planted beside a recovery lives on when that dies; the program of a run must not */
	if (good && s->act != INJECT_ERRNO && !s->before && !no_process_after(died)) {
		autofree char *left = left_but(beside.left);
		good = complain(s, at, c, "a process outlives it", left);
	}
	if (s->pairs)
		dies_again(s, at);
	if (s->finish) {
		struct ran again;
		world_run(&crash_world, &again, 20, NULL, s->finish);
		bool none = again.code != 0 && strstr(again.err, "there is no box"); /* it died with its work done */
		if (again.late || (again.code != 0 && !none))
			good = complain(s, at, c, "the same command again fails", again.err);
		ran_done(&again);
	}
	autofree char *left = left_but(beside.left);
	s->dirty += *left != '\0';
	bool often = getenv("CRASH_EVERY") || s->points % 16 == 0;
	if ((*left || often) && (!health_answers() || !recovers()))
		good = complain(s, at, c, "health or recovery failed", left);
	autofree char *after = left_but(beside.left);
	if (*after)
		good = complain(s, at, c, "left after recovery", after);
	if (often && !second_is_idle())
		good = complain(s, at, c, "the second recovery is not a no-op", "");
	return good;
}

/* Is "before call i" a state of its own? */
static bool is_point(const struct injected *r, unsigned i)
{
	if (i == 0 || getenv("CRASH_EVERY"))
		return true;
	return !inject_is_idle(r, i - 1) || r->v[i - 1].pid != r->v[i].pid;
}

/* Has this call been made from this place often enough already? */
static bool seen_enough(const struct crash_sweep *s, const struct injected *r, unsigned i)
{
	unsigned seen = 0;
	for (unsigned k = 0; s->same && k < i; k++)
		seen += r->v[k].nr == r->v[i].nr && r->v[k].place == r->v[i].place;
	return s->same && seen >= s->same;
}

static unsigned number_from(const char *name, unsigned otherwise)
{
	const char *text = getenv(name);
	return text && *text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

void crash_sweep(struct crash_sweep *s)
{
	unsigned stride = number_from("CRASH_STRIDE", getenv("MATRIX") || !s->sample ? 1 : s->sample), nth = 0;
	unsigned offset = number_from("CRASH_OFFSET", 0);
	if (stride == 0)
		stride = 1;
	beside_start();
	if (s->before)
		assert_true(s->before(&crash_world));
	struct inject_plan none = { .act = INJECT_NOTHING, .seconds = 60 };
	struct injected *r = inject_run(&crash_world, &none, s->argv);
	if (r->late || !WIFEXITED(r->wstatus) || WEXITSTATUS(r->wstatus) != 0) {
		print_message("undisturbed, it ends with status %x: %.800s\n", r->wstatus, r->out);
		s->failures++;
	}
	s->calls = r->calls;
	for (unsigned i = 0; i < r->calls && s->failures < 8; i++) {
		static const int no_error[] = { -1, 0 };
		const int *errors = s->act != INJECT_ERRNO	? (is_point(r, i) ? no_error : NULL)
				    : seen_enough(s, r, i) ? NULL
							   : inject_errors(r->v[i].nr);
		for (; errors && *errors; errors++) {
			/* a kernel that says what is planted is not there has not failed but lied: no look could be true */
			if (*errors == ENOENT && s->before && r->v[i].result >= 0)
				continue;
			if (nth++ % stride != offset % stride)
				continue;
			s->points++;
			(void)one_point(s, i + 1, *errors, &r->v[i]);
		}
	}
	inject_free(r);
	beside_end();
}

void crash_sweep_holds(struct crash_sweep *s, unsigned least)
{
	crash_sweep(s);
	print_message("%u calls, %u points, %u fired, %u fired again in the recovery, %u had left something\n", s->calls, s->points,
		      s->fired, s->again, s->dirty);
	assert_true(s->points >= least);
	assert_int_equal(s->failures, 0);
}

int crash_main(const char *name, const struct CMUnitTest *tests, size_t n)
{
	world_alone();
	if (world_lacking()) {
		printf("skipped: %s\n", world_lacking());
		return 77;
	}
	world_open(&crash_world, WORLD_MOUNTS);
	int failed = _cmocka_run_group_tests(name, tests, n, NULL, NULL);
	return !world_done(&crash_world) || failed != 0;
}
