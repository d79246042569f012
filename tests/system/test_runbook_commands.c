/*
 * The founding runbook's commands, each run for real by what does its work here (runbook_lines.h): on planted faults, in
 * a world of its own, beside canaries; and the runbooks' own steps, each accepted by the program that it names. Where
 * the founding line is a trap, the line itself is run too, on decoys in namespaces of its own, and must go wrong.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <glob.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "sandbox/worker/record.h"
#include "sandbox/worker/status.h"
#include "tests/system/runbook_lines.h"
#include "tui/runbook.h"

enum { WORDS = 64, TEXT = 512 };

#define demand(cond, ...)                           \
	do {                                        \
		if (!(cond)) {                      \
			print_message(__VA_ARGS__); \
			bad = true;                 \
		}                                   \
	} while (0)

/* ---- what a line needs before it ---- */

/* A cleanup that failed, as a run would record it. */
static void prepare_events(struct lab *l)
{
	struct err e = { 0 };
	struct verdict v = verdict_refused();
	struct cleanup c = { .outcome = CLEANUP_LEAKED, .nerrors = 1 };
	(void)err_say(&c.errors[0], EBUSY, "a mount would not go");
	struct record r = { .box = "leak", .verdict = &v, .cleanup = &c };
	if (record_run(&l->world->paths, &r, NULL, &e) < 0)
		fail_msg("%s", e.text);
}

static void prepare_quarantine(struct lab *l)
{
	struct ran r;
	world_call(l->world, &r, 20, "rustbox", "health", "--quarantine", "--reason", "test");
	assert_int_equal(r.code, 0);
	ran_done(&r);
}

static void prepare_corrupt_health(struct lab *l)
{
	struct err e = { 0 };
	assert_int_equal(status_directory(&l->world->paths, &e), 0);
	assert_true(lab_file(l, l->world->paths.of[PATH_HEALTH], "{\"schema\":1,\"status\":\"heal"));
}

static void prepare_ledger(struct lab *l)
{
	assert_true(lab_ledger(l, NULL));
}

/* Ours, with a uid of the pool, and not waited for until the world is looked at for leftovers. */
static void prepare_zombie(struct lab *l)
{
	uid_t uid = l->world->paths.uid_base;
	siginfo_t ended;
	pid_t pid = fork();
	if (pid == 0)
		_exit(setresuid(uid, uid, uid) < 0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOWAIT), 0);
	assert_int_equal(ended.si_status, 0);
}

/* The baseline is of the world before the fault: what was captured, without the box's lines. */
static void prepare_baseline(struct lab *l)
{
	struct ran r;
	struct err e = { 0 };
	world_call(l->world, &r, 20, "rustbox-probe", "baseline", "capture");
	assert_int_equal(r.code, 0);
	assert_int_equal(status_directory(&l->world->paths, &e), 0);
	FILE *f = fopen(l->world->paths.of[PATH_BASELINE], "we");
	assert_non_null(f);
	for (char *save = NULL, *line = strtok_r(r.out, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (!strstr(line, "rustbox-leak"))
			fprintf(f, "%s\n", line);
	fclose(f);
	ran_done(&r);
}

static void set_age(const char *path, time_t seconds)
{
	struct timespec at[2] = { { .tv_sec = time(NULL) - seconds }, { .tv_sec = time(NULL) - seconds } };
	assert_int_equal(utimensat(AT_FDCWD, path, at, 0), 0);
}

static void prepare_age(struct lab *l)
{
	char dir[PATH_ROOM + 80];
	paths_box_dir(&l->world->paths, l->box, dir);
	set_age(dir, 25 * 3600);
}

static void prepare_evidence(struct lab *l)
{
	static const enum path_id kept[] = { PATH_HISTORY, PATH_BASELINE, PATH_EVENTS };
	struct err e = { 0 };
	assert_int_equal(status_directory(&l->world->paths, &e), 0);
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
		char path[PATH_ROOM];
		snprintf(path, sizeof path, "%s.old", l->world->paths.of[kept[i]]);
		assert_true(lab_canary_file(l, path, "evidence\n"));
	}
}

/* The installed scripts find the programs beside themselves: a folder that looks like the installed one. */
static void make_bin(const struct world *w)
{
	static const char *const programs[] = { "rustbox", "rustbox-ops", "rustbox-probe" };
	static const char *const scripts[] = { "rustbox-capture-baseline.sh", "rustbox-audit-cleanup.sh" };
	char to[TEXT], from[TEXT];
	struct ran r;
	snprintf(to, sizeof to, "%s/bin", w->root);
	assert_int_equal(mkdir(to, 0755), 0);
	for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
		snprintf(from, sizeof from, "%s/%s", w->build, programs[i]);
		snprintf(to, sizeof to, "%s/bin/%s", w->root, programs[i]);
		assert_int_equal(symlink(from, to), 0);
	}
	for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
		snprintf(from, sizeof from, "sandbox/install/%s", scripts[i]);
		snprintf(to, sizeof to, "%s/bin/", w->root);
		world_call(w, &r, 10, "cp", from, to);
		assert_int_equal(r.code, 0);
		ran_done(&r);
	}
}

/* ---- commands ---- */

static void put(struct arena *a, const char ***words, size_t *n, const char *word)
{
	*(const char **)arena_push(a, words, n, sizeof **words) = word;
}

/* The identities of the leftovers of a kind, as the eyes see them: "  mount  leak  ID  NAME". */
static void put_ids(const struct world *w, const char *kind, struct arena *a, const char ***words, size_t *n)
{
	struct ran r;
	world_call(w, &r, 20, "rustbox-probe", "snapshot", "--text");
	for (char *save = NULL, *line = strtok_r(r.out, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char is[32], owner[32], id[64];
		if (sscanf(line, " %31s %31s %63s", is, owner, id) == 3 && !strcmp(is, kind) &&
		    (!strcmp(owner, "leak") || !strcmp(owner, "orphan")))
			put(a, words, n, arena_strdup(a, id));
	}
	ran_done(&r);
}

static void put_word(const struct lab *l, const char *word, struct arena *a, const char ***words, size_t *n)
{
	const char *close = strchr(word, '}');
	char box[PATH_ROOM + 80];
	paths_box_dir(&l->world->paths, l->box, box);
	if (word[0] != '{' || !close)
		put(a, words, n, arena_strdup(a, word));
	else if (strncmp(word, "{box}", 5) == 0)
		put(a, words, n, arena_printf(a, "%s%s", box, close + 1));
	else if (strncmp(word, "{bin}", 5) == 0)
		put(a, words, n, arena_printf(a, "%s/bin%s", l->world->root, close + 1));
	else if (strncmp(word, "{state}", 7) == 0)
		put(a, words, n, arena_printf(a, "%s%s", l->world->paths.of[PATH_STATE], close + 1));
	else
		put_ids(l->world, arena_strndup(a, word + 1, (size_t)(close - word - 1)), a, words, n);
}

static void run_commands(const struct lab *l, const char *commands, struct arena *a, struct ran *ret)
{
	char *save = NULL, *copy = arena_strdup(a, commands);
	*ret = (struct ran){ 0 };
	for (char *one = strtok_r(copy, ";", &save); one; one = strtok_r(NULL, ";", &save)) {
		char *inner = NULL;
		const char **words = NULL;
		size_t n = 0;
		for (char *word = strtok_r(one, " ", &inner); word; word = strtok_r(NULL, " ", &inner))
			put_word(l, word, a, &words, &n);
		put(a, &words, &n, NULL);
		ran_done(ret);
		world_run(l->world, ret, 60, NULL, words);
	}
}

/* lab_gone() for some kinds of trace only. */
static bool kinds_gone(const struct lab *l, unsigned kinds, char *left, size_t cap)
{
	static struct lab some;
	some = *l;
	some.ntraces = 0;
	for (unsigned i = 0; i < l->ntraces; i++)
		if (kinds >> l->trace[i].kind & 1)
			some.trace[some.ntraces++] = l->trace[i];
	return lab_gone(&some, left, cap);
}

/* ---- the tests ---- */

static bool judge(struct lab *l, const struct line *line, struct arena *a)
{
	bool bad = false;
	char text[2048];
	struct ran r;
	run_commands(l, line->ours, a, &r);
	const char *says = line->says;
	if (says && strncmp(says, "{box}", 5) == 0) {
		char box[PATH_ROOM + 80];
		paths_box_dir(&l->world->paths, l->box, box);
		says = arena_printf(a, "%s%s", box, says + 5);
	}
	demand(r.code == line->code && !r.late, "%s\n  %s: exit %d, not %d\n", line->founding, line->ours, r.code, line->code);
	demand(!says || strstr(r.out, says), "%s\n  %s: does not say %s\n", line->founding, line->ours, says);
	if (line->gone)
		demand(kinds_gone(l, line->gone, text, sizeof text), "%s\n  %s: left: %s\n", line->founding, line->ours, text);
	demand(lab_unharmed(l, text, sizeof text), "%s\n  %s: harm: %s\n", line->founding, line->ours, text);
	if (bad)
		print_message("  out: %.1500s\n  err: %.500s\n", r.out, r.err);
	ran_done(&r);
	return !bad;
}

/* The founding line as it stands, on decoys of its own: it must go wrong, or there is no trap. */
static bool springs(const struct world *w, const struct line *line, struct arena *a)
{
	static const char *const argv[] = { "unshare", "--mount", "--pid", "--fork", "--mount-proc", "--propagation", "private",
					    "setsid", "-w", "sh", "-s", NULL };
	struct ran r;
	/* Whatever of that name the host has mounted (a prepared one, a box that lives) is none of the decoys. */
	static const char without[] = "grep rustbox /proc/self/mountinfo | cut -d' ' -f5 | sort -r | while read -r m; do umount -l \"$(printf %b \"$m\")\"; done\n";
	const char *script = arena_printf(a, "%smount -t tmpfs decoys /tmp || exit 99\n%s", without, line->literal);
	world_run(w, &r, 30, script, argv);
	bool wrong = r.code == 0 && !r.late;
	if (!wrong)
		print_message("%s %s: the literal line did not go wrong: exit %d\n%s%s\n", line->trap, line->founding, r.code,
			      r.out, r.err);
	ran_done(&r);
	return wrong;
}

static void does_what_is_meant(void **state)
{
	const struct line *line = *state;
	static struct lab l;
	struct world w;
	autoarena struct arena a = { 0 };
	enum planted p = PLANTED;
	world_open(&w, WORLD_MOUNTS);
	lab_open(&l, &w, "leak");
	make_bin(&w);
	bool good = !line->literal || springs(&w, line, &a);
	if (line->fault)
		p = lab_plant(&l, lab_fault(line->fault));
	if (p == PLANTED) {
		if (line->prepare)
			line->prepare(&l);
		good = judge(&l, line, &a) && good;
	}
	lab_relent(&l);
	lab_undo(&l);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	assert_true(world_remove(&w));
	if (p == PLANT_IMPOSSIBLE) {
		print_message("skipped: %s: %s\n", line->fault, l.why);
		skip();
	}
	if (p != PLANTED)
		fail_msg("%s: %s", line->fault, l.why);
	assert_true(good);
}

/* PID:START of this test: a process that a capture can be made of, for it only looks. */
static const char *own_identity(void)
{
	static char id[64];
	autofree char *stat = NULL;
	unsigned long long start = 0;
	if (kfile_read_all(AT_FDCWD, "/proc/self/stat", &stat) > 0)
		(void)sscanf(strrchr(stat, ')') + 1,
			     " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu", &start);
	(void)snprintf(id, sizeof id, "%d:%llu", getpid(), start);
	return id;
}

/* The command of a step, as the console would run it on a clean host: without identities but for a capture, and never
 * for real where it would act on them. Exit status 2 is "usage": the program does not know what the page says. */
static bool step_runs(const struct world *w, const struct runbook *b, const struct step *s)
{
	const char *argv[WORDS];
	size_t n = 0;
	bool reclaim = s->nwords > 1 && strcmp(s->words[1], "reclaim") == 0;
	struct ran r;
	for (size_t i = 0; i < s->nwords && n < WORDS - 3; i++)
		if (s->words[i][0] != '{')
			argv[n++] = s->words[i];
	if (s->nwords > 1 && strcmp(s->words[1], "capture") == 0)
		argv[n++] = own_identity();
	if (reclaim)
		argv[n++] = "--dry-run";
	if (s->verb != VERB_LOOK)
		argv[n++] = "--json"; /* as the console adds it */
	argv[n] = NULL;
	world_run(w, &r, 30, NULL, argv);
	bool good = r.code == 0 && !r.late;
	if (!good)
		print_message("%s: \"%s\" runs %s %s: exit %d\n%s", b->name, s->brief, argv[0], argv[1], r.code, r.err);
	ran_done(&r);
	if (step_says(s, "--quarantine")) { /* what comes next on the page expects a remedy in between */
		world_call(w, &r, 30, "rustbox", "health", "--unquarantine");
		good = r.code == 0 && good;
		ran_done(&r);
	}
	return good;
}

static bool page_runs(const struct world *w, const char *path, unsigned *nsteps)
{
	autoarena struct arena a = { 0 };
	autofree char *text = NULL;
	struct runbook b = { 0 };
	struct err e = { 0 };
	const char *slash = strrchr(path, '/');
	bool good = true;
	assert_true(kfile_read_all(AT_FDCWD, path, &text) > 0);
	if (runbook_parse(arena_strndup(&a, slash + 1, strlen(slash + 1) - 3), text, &a, &b, &e) < 0) {
		print_message("%s: %s\n", path, e.text);
		return false;
	}
	for (size_t i = 0; i < b.n; i++)
		for (size_t s = 0; s < b.v[i].nsteps; s++) {
			const struct step *step = &b.v[i].steps[s];
			if (step->nwords == 0 || strcmp(step->words[0], "rustbox") != 0)
				continue;
			(*nsteps)++;
			good = step_runs(w, &b, step) && good;
		}
	return good;
}

static void every_step_runs(void **state)
{
	struct world w;
	glob_t pages;
	unsigned nsteps = 0;
	bool good = true;
	(void)state;
	world_open(&w, WORLD_MOUNTS);
	assert_int_equal(glob("runbooks/*.md", 0, NULL, &pages), 0);
	for (size_t i = 0; i < pages.gl_pathc; i++)
		good = page_runs(&w, pages.gl_pathv[i], &nsteps) && good;
	globfree(&pages);
	assert_true(world_remove(&w));
	assert_true(good);
	assert_true(nsteps > 30);
}

/* The founding line itself, in a network of its own, where port 9090 is free whatever this host runs. */
static void serves_metrics(void **state)
{
	static const char script[] =
		"PATH=$RUSTBOX_ROOT/bin:$PATH\n"
		"rustbox serve >\"$RUSTBOX_ROOT/said\" & server=$!\n"
		"trap 'kill $server; wait $server' EXIT\n"
		"until grep -q listening \"$RUSTBOX_ROOT/said\"; do sleep 0.05; kill -0 $server || exit 9; done\n"
		"get() { exec 3<>/dev/tcp/127.0.0.1/9090; printf 'GET %s HTTP/1.0\\r\\n\\r\\n' \"$1\" >&3; cat <&3; }\n"
		"get /metrics | grep rustbox_cleanup_total && get /health | grep '\"status\"' || exit 8\n"
		"! command -v curl >/dev/null || curl -s http://localhost:9090/metrics | grep rustbox_cleanup_total\n";
	static const char *const argv[] = { "bash", "-s", NULL };
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	struct world w;
	struct ran r;
	(void)state;
	world_open(&w, WORLD_MOUNTS);
	make_bin(&w);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	autofd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &lo), 0);
	world_run(&w, &r, 30, script, argv);
	bool good = r.code == 0 && strstr(r.out, "rustbox_cleanup_total{outcome=\"failure\"} 0");
	if (!good)
		print_message("exit %d\n%.800s\n%.800s\n", r.code, r.out, r.err);
	ran_done(&r);
	assert_true(world_remove(&w));
	assert_true(good);
}

int main(int argc, char **argv)
{
	static struct CMUnitTest tests[LINES + 2];
	static char names[LINES][96];
	size_t n = 0;
	world_alone();
	if (world_lacking()) {
		printf("skipped: %s\n", world_lacking());
		return 77;
	}
	for (size_t i = 0; i < LINES; i++) {
		snprintf(names[i], sizeof names[i], "%s%s%.70s: %.20s", lines[i].trap ? lines[i].trap : "", lines[i].trap ? " " : "",
			 lines[i].founding, lines[i].fault ? lines[i].fault : "clean");
		if (argc < 2 || strstr(names[i], argv[1]))
			tests[n++] = (struct CMUnitTest){ names[i], does_what_is_meant, NULL, NULL, (void *)(uintptr_t)&lines[i] };
	}
	if (argc < 2 || !strcmp(argv[1], "steps"))
		tests[n++] = (struct CMUnitTest){ "every step of every runbook", every_step_runs, NULL, NULL, NULL };
	if (argc < 2 || !strcmp(argv[1], "serve")) /* last: it leaves this host's network */
		tests[n++] = (struct CMUnitTest){ "curl http://localhost:9090/metrics", serves_metrics, NULL, NULL, NULL };
	return _cmocka_run_group_tests("runbook commands", tests, n, NULL, NULL);
}
