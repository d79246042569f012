/*
 * One proof a row: for every limit of limits.def a program that the kernel holds to it, for every verdict a program that
 * earns it. The tables here are indexed by the product's own enums; a row without a proof fails.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/base/json.h"
#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "sandbox/policy/verdict.h"
#include "tests/harness/boxes.h"

static struct world w;
static char payloads[PATH_ROOM + 40];

enum { WORDS = 40 };

static size_t split(char *text, const char **words, size_t n)
{
	char *save = NULL;
	for (char *word = strtok_r(text, " ", &save); word && n < WORDS - 1; word = strtok_r(NULL, " ", &save))
		words[n++] = word;
	return n;
}

/* "FLAGS -- PROGRAM ..." in a box, its result in `file` (NULL: in the output). Ended by NULL in argv. */
static void words_of(char *text, const char *file, const char *command, const char **argv)
{
	const char *head[] = { "rustbox", command, "--quiet", "--json", file ? file : "-" };
	memcpy(argv, head, sizeof head);
	size_t n = 5;
	if (strcmp(command, "run") == 0) {
		argv[n++] = "--dir";
		argv[n++] = payloads;
	}
	argv[split(text, argv, n)] = NULL;
}

static json_t *run(const char *line)
{
	char text[512];
	const char *argv[WORDS];
	struct ran r;
	(void)snprintf(text, sizeof text, "%s", line);
	words_of(text, NULL, "run", argv);
	world_run(&w, &r, 30, NULL, argv);
	json_t *j = ran_json(&r);
	if (!j)
		fail_msg("%s: exit %d: %.300s", line, r.code, r.err);
	ran_done(&r);
	return j;
}

static pid_t start(const char *line, const char *file)
{
	static char text[512];
	const char *argv[WORDS];
	(void)snprintf(text, sizeof text, "%s", line);
	words_of(text, file, "run", argv);
	return box_begin(&w, argv);
}

static json_t *finish(pid_t pid, const char *file)
{
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	json_t *j = json_load_file(file, 0, NULL);
	assert_non_null(j);
	return j;
}

static const char *result_file(char tag)
{
	static char file[2][PATH_ROOM + 16];
	char *f = file[tag == 'b'];
	(void)snprintf(f, sizeof file[0], "%s/result-%c", w.root, tag);
	return f;
}

static double number(const json_t *j, const char *path)
{
	char buf[512];
	return atof(json_at(j, path, buf, sizeof buf));
}

static void want(json_t *j, const char *path, const char *value)
{
	char buf[4096];
	if (!strstr(json_at(j, path, buf, sizeof buf), value) || (!*value && *buf)) {
		autofree char *all = json_dumps(j, JSON_COMPACT);
		fail_msg("%s is '%s', not '%s': %.1500s", path, buf, value, all);
	}
}

/* The result of `line` has this status, and says this. */
static void earns(const char *line, const char *status, const char *says)
{
	autojson json_t *j = run(line);
	want(j, "status", status);
	want(j, "output.stdout", says);
}

/* ---- limits ---- */

static void memory(void)
{
	earns("--mem 64M -- /p/in_use memory 16", "OK", "alive");
	earns("--mem 32M -- /p/in_use memory 100", "MLE", "alive");
}

/* Without a swap area nothing can be swapped; the kernel's own knob is then all there is to see. */
static void swap(void)
{
	char pattern[PATH_ROOM], text[64] = "";
	pid_t pid = start("--mem 32M --swap 8M --wall-time 10m -- /p/in_use sleep 600000", result_file('a'));
	for (double until = world_now() + world_patience(20); !*text && world_now() < until; (void)usleep(1000)) {
		glob_t found;
		(void)snprintf(pattern, sizeof pattern, "/sys/fs/cgroup/{memory/%s/rustbox-*/memory.memsw.limit_in_bytes,"
			       "%s/rustbox-*/memory.swap.max}", w.paths.cgroup_parent, w.paths.cgroup_parent);
		if (glob(pattern, GLOB_BRACE, NULL, &found) == 0 &&
		    kfile_read(AT_FDCWD, found.gl_pathv[0], text, sizeof text) > 0 && (*text == 'm' || atoll(text) > 1LL << 40))
			*text = '\0'; /* not limited yet */
		globfree(&found);
	}
	assert_int_equal(kill(pid, SIGTERM), 0);
	json_decref(finish(pid, result_file('a')));
	long long value = atoll(text);
	if (value != 40LL << 20 && value != 8LL << 20)
		fail_msg("the knob says '%s'", text);
	earns("--mem 32M --swap 0 -- /p/in_use memory 100", "MLE", "alive");
}

static void cpu_time(void)
{
	autojson json_t *j = run("--time 0.3 --wall-time 60 -- /p/in_use spin");
	want(j, "status", "TLE");
	assert_true(number(j, "cpu_time") >= 0.3 && number(j, "cpu_time") < 3); /* it would go on for ever */
	earns("--time 1 --wall-time 60 -- /p/in_use burn 200", "OK", "alive");
}

static void wall_time(void)
{
	autojson json_t *j = run("--wall-time 0.3 -- /p/in_use sleep 60000");
	want(j, "status", "TLE");
	assert_true(number(j, "wall_time") >= 0.3 && number(j, "wall_time") < 30); /* not when it liked to end */
}

static void extra_time(void)
{
	autojson json_t *own = run("--wall-time 0.2 --extra-time 60 -- /p/in_use sleep 400");
	want(own, "verdict.cause", "wall_time_after_exit");
	want(own, "exit_code", "0"); /* it was let finish */
	autojson json_t *j = run("--wall-time 0.2 --extra-time 0.5 -- /p/in_use sleep 60000");
	want(j, "verdict.cause", "wall_time");
	assert_true(number(j, "wall_time") >= 0.7 && number(j, "wall_time") < 30);
}

static void processes(void)
{
	earns("--processes 4 -- /p/in_use children 3", "OK", "children 3");
	earns("--processes 4 -- /p/in_use children 9", "PLE", "children 3");
}

static void open_files(void)
{
	earns("--open-files 17 -- /p/in_use files", "OK", "files 17");
}

static void fsize(void)
{
	earns("--fsize 2M -- /p/in_use file 1000000", "OK", "alive");
	earns("--fsize 1M -- /p/in_use file 3000000", "FSE", "alive");
}

static void stack(void)
{
	autojson json_t *j = run("--stack 4M -- /p/in_use stack 8");
	want(j, "signal", "11");
	earns("--stack 16M -- /p/in_use stack 8", "OK", "depth 1");
}

static void output(void)
{
	char buf[65536];
	autojson json_t *j = run("--output 10k -- /p/in_use output 50000");
	want(j, "output.integrity.stdout", "truncated_by_limit");
	assert_int_equal(strlen(json_at(j, "output.stdout", buf, sizeof buf)), 10240);
}

static void workspace(void)
{
	earns("--workspace 4M -- /p/in_use file 3000000", "OK", "alive");
	earns("--workspace 1M -- /p/in_use file 3000000", "RE", "errno 28");
}

static void inodes(void)
{
	earns("--inodes 200 -- /p/in_use inodes 100", "OK", "alive");
	earns("--inodes 20 -- /p/in_use inodes 100", "RE", "errno 28");
}

/* Whether a file appears is the host's core_pattern's to decide; where it names a plain file, the limit decides. */
static void core(void)
{
	char pattern[128] = "";
	earns("-- /p/in_use core", "OK", "limit 1 dumped 0 file 0");
	bool plain = kfile_read(AT_FDCWD, "/proc/sys/kernel/core_pattern", pattern, sizeof pattern) > 0 &&
		     strncmp(pattern, "core\n", 5) == 0;
	earns("--core 8M -- /p/in_use core", "OK", plain ? "limit 8388608 dumped 1 file 1" : "limit 8388608");
}

static void cpus(void)
{
	autojson json_t *j = run("--cpus 0.3 --wall-time 60 -- /p/in_use work 1500");
	want(j, "status", "OK");
	double share = number(j, "cpu_time") / number(j, "wall_time");
	if (share <= 0 || share > 0.4) /* on a busy host it gets less */
		fail_msg("got %.2f of a processor, not 0.3", share);
}

static void cpu_weight(void)
{
	static const char *const weights[] = { "1000", "100" };
	double worked[2] = { -1, -1 };
	for (int ahead = 1; (worked[0] < 0 || worked[1] < 0) && ahead < 100; ahead *= 3) { /* until neither comes late to their time */
		long long from = (long long)((world_now() + ahead) * 1000);
		pid_t pid[2];
		for (int i = 0; i < 2; i++) {
			char line[160];
			(void)snprintf(line, sizeof line, "--time 60 --wall-time 10m --cpuset 0 --cpu-weight %s -- /p/in_use share %lld %lld",
				       weights[i], from, from + 2000);
			pid[i] = start(line, result_file((char)('a' + i)));
		}
		for (int i = 0; i < 2; i++) {
			autojson json_t *j = finish(pid[i], result_file((char)('a' + i)));
			worked[i] = number(j, "exit_code") == 0 ? number(j, "cpu_time") : -1;
		}
	}
	if (worked[1] < 0 || worked[0] < 4 * worked[1])
		fail_msg("weight 1000 got %.3f s, weight 100 got %.3f s", worked[0], worked[1]);
}

static void cpuset(void)
{
	autojson json_t *j = run("--cpuset 0 -- /p/in_use affinity 1");
	want(j, "output.stdout", "alive affinity\ncpu 0\ntaking another: refused");
}

static void (*const limit_proofs[LIMIT_COUNT])(void) = {
	[LIMIT_MEMORY] = memory, [LIMIT_SWAP] = swap, [LIMIT_TIME] = cpu_time, [LIMIT_WALL_TIME] = wall_time,
	[LIMIT_EXTRA_TIME] = extra_time, [LIMIT_PROCESSES] = processes, [LIMIT_OPEN_FILES] = open_files,
	[LIMIT_FSIZE] = fsize, [LIMIT_STACK] = stack, [LIMIT_OUTPUT] = output, [LIMIT_WORKSPACE] = workspace,
	[LIMIT_INODES] = inodes, [LIMIT_CORE] = core, [LIMIT_CPUS] = cpus, [LIMIT_CPU_WEIGHT] = cpu_weight,
	[LIMIT_CPUSET] = cpuset,
};

static void test_limit(void **state)
{
	size_t l = (size_t)(uintptr_t)*state;
	if (!limit_proofs[l])
		fail_msg("nobody proves --%s", limit_rows[l].flag);
	limit_proofs[l]();
	assert_true(world_clean_within(&w, 20));
}

/* ---- verdicts ---- */

/* Why no program can earn it: only evidence made by hand can, in tests/unit/test_verdict. */
static const char *const only_made_up[CAUSE_COUNT] = {
	[CAUSE_NOT_CONTAINED] = "a process that outlives its pid namespace would be a kernel's bug",
	[CAUSE_CONTRADICTION] = "our own records contradict each other only when we are wrong",
	[CAUSE_MISSING_EVIDENCE] = "a source goes missing only when the kernel's files do",
	[CAUSE_MEMORY_FULL] = "v1 only, and only when the supervisor is faster than the kernel's own count",
};

enum act { PLAIN, TERMINATED, STOPPED, CODE };

static const struct {
	enum act act;
	const char *line;
} verdict_proofs[CAUSE_COUNT] = {
	[CAUSE_REFUSED] = { PLAIN, "--box-id nobody -- /bin/true" },
	[CAUSE_TROUBLE] = { PLAIN, "--stdout /dev/full -- /p/in_use output 100000" },
	[CAUSE_EXEC_FAILED] = { PLAIN, "-- /no/such/program" },
	[CAUSE_SETUP_FAILED] = { PLAIN, "--dir /usr/not/there=/usr -- /bin/true" },
	[CAUSE_CANCELLED] = { TERMINATED, "--wall-time 10m -- /p/in_use sleep 600000" },
	[CAUSE_SECCOMP] = { PLAIN, "-- /usr/bin/unshare --net true" },
	[CAUSE_FORK_BOMB] = { PLAIN, "--time 60 --wall-time 25 -- /p/attack_proc fork_storm" },
	[CAUSE_SIGNAL_STORM] = { PLAIN, "-- /p/in_use signal_storm" },
	[CAUSE_FD_EXHAUSTION] = { PLAIN, "--open-files 100 -- /p/in_use hoard" },
	[CAUSE_OOM] = { PLAIN, "--mem 32M -- /p/in_use memory 100" },
	[CAUSE_CPU_KERNEL] = { STOPPED, "--time 0.5 --wall-time 300 -- /p/in_use spin_when_told" },
	[CAUSE_CPU_TIME] = { PLAIN, "--time 0.2 --wall-time 60 -- /p/in_use spin" },
	[CAUSE_PROCESSES] = { PLAIN, "--processes 3 -- /p/in_use children 9" },
	[CAUSE_WALL_TIME] = { PLAIN, "--wall-time 0.2 -- /p/in_use sleep 60000" },
	[CAUSE_CPU_LATE] = { PLAIN, "--time 0.1 --wall-time 60 --extra-time 60 -- /p/in_use burn 300" },
	[CAUSE_WALL_LATE] = { PLAIN, "--wall-time 0.1 --extra-time 60 -- /p/in_use sleep 300" },
	[CAUSE_FILE_SIZE] = { PLAIN, "--fsize 1M -- /p/in_use file 3000000" },
	[CAUSE_SIGNAL] = { PLAIN, "-- /p/in_use signal 9" },
	[CAUSE_EXIT] = { PLAIN, "-- /p/in_use exit 7" },
	[CAUSE_COMPILE_ERROR] = { CODE, "--language c --code nonsense" },
	[CAUSE_SUCCESS] = { PLAIN, "-- /p/in_use exit 0" },
};

static json_t *run_code(const char *line)
{
	char text[256];
	const char *argv[WORDS];
	struct ran r;
	(void)snprintf(text, sizeof text, "%s", line);
	words_of(text, NULL, "execute-code", argv);
	world_run(&w, &r, 30, NULL, argv);
	json_t *j = ran_json(&r);
	ran_done(&r);
	assert_non_null(j);
	return j;
}

/* The program's pid; with `stopped`, only when it stands still. 0: not there. */
static pid_t program_pid(bool stopped)
{
	autofree char *left = world_left(&w);
	char stat[1024] = "", file[32], name[32], *save = NULL;
	int pid = 0;
	for (char *l = strtok_r(left, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		if (sscanf(l, "process %d %31s", &pid, name) == 2 && strcmp(name, "in_use") == 0)
			break;
		pid = 0;
	}
	(void)snprintf(file, sizeof file, "/proc/%d/stat", pid);
	bool standing = pid && kfile_read(AT_FDCWD, file, stat, sizeof stat) > 0 && strstr(stat, ") T ");
	return stopped && !standing ? 0 : (pid_t)pid;
}

/* The supervisor stands still before the program begins to spin and until it is gone, so that the kernel alone is left to
 * act, however slow the host; or it is told to stop. */
static json_t *disturb(const char *line, enum act act)
{
	pid_t pid = start(line, result_file('a')), program = 0;
	for (double until = world_now() + 60; !program && world_now() < until; (void)usleep(20000))
		program = program_pid(act == STOPPED);
	assert_true(program > 0);
	assert_int_equal(kill(pid, act == STOPPED ? SIGSTOP : SIGTERM), 0);
	if (act == STOPPED) {
		assert_int_equal(kill(program, SIGCONT), 0);
		for (double until = world_now() + 200; program_pid(false) && world_now() < until;)
			(void)usleep(50000);
		assert_int_equal(kill(pid, SIGCONT), 0);
	}
	return finish(pid, result_file('a'));
}

static void test_verdict(void **state)
{
	size_t c = (size_t)(uintptr_t)*state;
	const char *line = verdict_proofs[c].line;
	if (only_made_up[c]) {
		assert_null(line);
		print_message("%s: %s\n", cause_word((enum cause)c), only_made_up[c]);
		return;
	}
	if (!line)
		fail_msg("nobody earns %s", cause_word((enum cause)c));
	enum act act = verdict_proofs[c].act;
	autojson json_t *j = act == PLAIN ? run(line) : act == CODE ? run_code(line) : disturb(line, act);
	want(j, "verdict.cause", cause_word((enum cause)c));
	for (unsigned i = 0; i < verdict_rule_count; i++)
		if (verdict_rules[i].cause == c)
			want(j, "status", status_word(verdict_rules[i].status));
	assert_true(world_clean_within(&w, 20));
}

int main(void)
{
	enum { N = LIMIT_COUNT + CAUSE_COUNT };
	static char names[N][64];
	struct CMUnitTest tests[N];
	world_alone();
	if (world_lacking()) {
		printf("skipped: %s\n", world_lacking());
		return 77;
	}
	for (size_t i = 0; i < N; i++) {
		bool limit = i < LIMIT_COUNT;
		size_t row = limit ? i : i - LIMIT_COUNT;
		(void)snprintf(names[i], sizeof names[i], "%s %s", limit ? "limit" : "verdict",
			       limit ? limit_rows[row].flag : cause_word((enum cause)row));
		tests[i] = (struct CMUnitTest){ .name = names[i], .test_func = limit ? test_limit : test_verdict,
						.initial_state = (void *)(uintptr_t)row };
	}
	world_open(&w, WORLD_SHARED);
	(void)snprintf(payloads, sizeof payloads, "/p=%s/payloads", w.build);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	return !world_done(&w) || failed != 0;
}
