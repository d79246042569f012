/*
 * The drills on the real kernel: each is solved by the reference solution, five are lost by the founding runbook's
 * lines, the same seed is the same drill, and after every one, killed ones included, the host is what it was.
 *
 * What belongs to the host is compared as a whole where nobody else can change it (this test's own mount table),
 * else by the drill's own marks (its cgroup's name, the mounts its processes see): other tests run beside this one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/base/json.h"
#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "sandbox/drill/score.h"
#include "tests/harness/world.h"

enum { SECONDS = 60, PLACES = 64 };
static struct world world; /* only for its programs: a drill makes its own */

#define NEED(condition)                                                                 \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			fail();                                                         \
		}                                                                       \
	} while (0)

/* ---- the host --------------------------------------------------------------------------------- */

struct host {
	char *mounts;
	char *base; /* names in the directories a drill may cover */
};

static char *names_in(const char *dir, char *out, size_t cap)
{
	struct dirent **list = NULL;
	int n = scandir(dir, &list, NULL, alphasort);
	size_t at = strlen(out);
	for (int i = 0; i < n; i++) {
		struct stat st;
		autofree char *path = NULL;
		NEED(asprintf(&path, "%s/%s", dir, list[i]->d_name) > 0);
		if (lstat(path, &st) == 0 && at < cap)
			at += (size_t)snprintf(out + at, cap - at, "%s %llu %lld\n", path, (unsigned long long)st.st_ino,
					       (long long)st.st_mtim.tv_sec);
		free(list[i]);
	}
	free(list);
	return out;
}

static struct host host_look(void)
{
	struct host h = { .base = calloc(1, 65536) };
	NEED(kfile_read_all(AT_FDCWD, "/proc/self/mountinfo", &h.mounts) > 0);
	names_in("/mnt", h.base, 65536);
	names_in("/media", h.base, 65536);
	names_in("/srv", h.base, 65536);
	return h;
}

/* A place nobody holds has no drill: whatever stands in its name is left over. -> the place, held, or -1: it is somebody's. */
static int hold_place(int place)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int len = snprintf(at.sun_path + 1, sizeof at.sun_path - 1, "rustbox-drill-%d", place);
	autofd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	NEED(fd >= 0);
	bool held = bind(fd, (struct sockaddr *)&at, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)) < 0;
	return held ? -1 : take_fd(&fd);
}

static bool place_is_held(int place)
{
	autofd int fd = hold_place(place);
	return fd < 0;
}

/* Seen once, it may be a drill's that ends just now, and its place be let go a moment later: so it is looked for again while
 * the place is held, when no drill can begin in it. */
static void cgroup_of(const char *point, const char *name, void *arg)
{
	struct err e;
	(void)name;
	for (int place = 0; place < PLACES; place++) {
		char root[40], path[PATH_ROOM * 2];
		struct paths p;
		(void)snprintf(root, sizeof root, "/mnt/drill-%d", place);
		NEED(paths_init(&p, root, &e) == 0);
		(void)snprintf(path, sizeof path, "%s/%s", point, p.cgroup_parent);
		autofd int hold = access(path, F_OK) == 0 ? hold_place(place) : -1;
		if (hold >= 0 && access(path, F_OK) == 0)
			snprintf(arg, PATH_ROOM * 2, "%s", path);
	}
}

static ino_t namespace_of(const char *pid)
{
	char path[64];
	struct stat st;
	snprintf(path, sizeof path, "/proc/%.12s/ns/mnt", pid);
	return stat(path, &st) == 0 ? st.st_ino : 0;
}

/* -> the place of the drill whose mounts this process sees, or -1 */
static int place_of(const char *pid)
{
	char path[64];
	int place = -1;
	autofree char *text = NULL;
	ino_t its = namespace_of(pid);
	if (its == namespace_of("self") || its == namespace_of("1")) /* where most are, thousands when another test makes them */
		return -1;
	snprintf(path, sizeof path, "/proc/%.12s/mountinfo", pid);
	const char *at = kfile_read_all(AT_FDCWD, path, &text) > 0 ? strstr(text, "/mnt/drill-") : NULL;
	return at && sscanf(at, "/mnt/drill-%d/", &place) == 1 ? place : -1;
}

/* Processes of a drill whose place is free. */
static int drill_processes(void)
{
	int n = 0;
	autodir DIR *proc = opendir("/proc");
	for (struct dirent *d; proc && (d = readdir(proc));) {
		int place = d->d_name[0] < '1' || d->d_name[0] > '9' ? -1 : place_of(d->d_name);
		autofd int hold = place < 0 ? -1 : hold_place(place);
		n += hold >= 0 && place_of(d->d_name) == place;
	}
	return n;
}

static void host_compare(struct host *before)
{
	struct host now = host_look();
	char cgroup[PATH_ROOM * 2] = "";
	if (strcmp(before->mounts, now.mounts) || strcmp(before->base, now.base))
		fprintf(stderr, "before:\n%s%s\nnow:\n%s%s\n", before->mounts, before->base, now.mounts, now.base);
	assert_string_equal(before->mounts, now.mounts);
	assert_string_equal(before->base, now.base);
	world_hierarchies(cgroup_of, cgroup);
	assert_string_equal(cgroup, "");
	assert_int_equal(drill_processes(), 0);
	free(now.mounts);
	free(now.base);
	free(before->mounts);
	free(before->base);
}

/* ---- runs ------------------------------------------------------------------------------------- */

static json_t *run(const char *drill, const char *seed, const char *how)
{
	struct ran r;
	world_call(&world, &r, SECONDS, "rustbox", "drill", "run", drill, "--seed", seed, how, "--json");
	json_t *j = ran_json(&r);
	if (!j || r.late)
		fprintf(stderr, "%s %s: %d%s\n%s%s\n", drill, how, r.code, r.late ? " (late)" : "", r.out, r.err);
	NEED(j);
	ran_done(&r);
	return j;
}

static int count_dead(const json_t *j)
{
	int dead = 0;
	size_t i;
	json_t *canary;
	json_array_foreach(json_object_get(j, "canaries"), i, canary)
		dead += json_is_false(json_object_get(canary, "alive"));
	return dead;
}

static int score(const json_t *j)
{
	return (int)json_integer_value(json_object_get(j, "score"));
}

static void solved(void **state)
{
	static const char *const seeds[] = { "1", "41", "7" };
	(void)state;
	for (unsigned i = 0; i < drill_count; i++)
		for (unsigned s = 0; s < (strcmp(drills[i].id, "D10") ? 3 : 1); s++) {
			struct host before = host_look();
			autojson json_t *j = run(drills[i].id, seeds[s], "--solve");
			if (score(j) < 95 || count_dead(j) || json_array_size(json_object_get(j, "left")))
				json_dumpf(j, stderr, JSON_INDENT(1));
			assert_true(score(j) >= 95);
			assert_int_equal(count_dead(j), 0);
			assert_int_equal(json_array_size(json_object_get(j, "left")), 0);
			host_compare(&before);
		}
}

static void lost_by_the_literal_runbook(void **state)
{
	int fails = 0;
	(void)state;
	for (unsigned i = 0; i < drill_count; i++) {
		if (!drills[i].literal_fails)
			continue;
		struct host before = host_look();
		autojson json_t *j = run(drills[i].id, "41", "--literal");
		if (!count_dead(j) && !json_array_size(json_object_get(j, "left")))
			json_dumpf(j, stderr, JSON_INDENT(1));
		assert_true(count_dead(j) > 0 || json_array_size(json_object_get(j, "left")) > 0);
		assert_true(score(j) <= SCORE_DEAD_CAP);
		host_compare(&before);
		fails++;
	}
	assert_int_equal(fails, 5);
}

/* Everything that is planted, but not when. */
static void same_seed_same_drill(void **state)
{
	(void)state;
	autojson json_t *a = run("D2", "1234", "--literal");
	autojson json_t *b = run("D2", "1234", "--literal");
	autojson json_t *c = run("D2", "1235", "--literal");
	assert_true(json_equal(json_object_get(a, "left"), json_object_get(b, "left")));
	assert_true(json_equal(json_object_get(a, "canaries"), json_object_get(b, "canaries")));
	assert_false(json_equal(json_object_get(a, "left"), json_object_get(c, "left")));
}

/* ---- killed ----------------------------------------------------------------------------------- */

struct held { pid_t pid; int in, out; };

static struct held hold_open(const char *drill, const char *minutes)
{
	int in[2], out[2];
	char path[PATH_ROOM * 2];
	NEED(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		snprintf(path, sizeof path, "%s/rustbox", world.build);
		execl(path, path, "drill", "run", drill, "--seed", "5", "--keep-open", "--text", minutes ? "--minutes" : NULL, minutes,
		      (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	return (struct held){ pid, in[1], out[0] };
}

/* -> its place */
static int await_planted(const struct held *h)
{
	char text[4096];
	size_t n = 0;
	int place = -1;
	struct pollfd p = { .fd = h->out, .events = POLLIN };
	while (n < sizeof text - 1 && poll(&p, 1, 20000) == 1) {
		ssize_t got = read(h->out, text + n, sizeof text - 1 - n);
		NEED(got > 0);
		n += (size_t)got;
		text[n] = '\0';
		if (strstr(text, "RUSTBOX_DRILL=")) {
			NEED(sscanf(strstr(text, "RUSTBOX_ROOT="), "RUSTBOX_ROOT=/mnt/drill-%d", &place) == 1);
			return place;
		}
	}
	fail_msg("the drill did not open");
	return -1;
}

/* The watchdog, nobody's child of ours, lets go of the place when all is undone. */
static void end(struct held *h, int place, struct host *before)
{
	int status;
	close(h->in);
	assert_int_equal(waitpid(h->pid, &status, 0), h->pid);
	close(h->out);
	for (int i = 0; i < 400 && place >= 0 && place_is_held(place); i++)
		usleep(25000);
	assert_false(place >= 0 && place_is_held(place));
	host_compare(before);
}

static void killed_while_open(void **state)
{
	static const char *const which[] = { "D1", "D4", "D5", "D9" };
	static const int by[] = { SIGKILL, SIGTERM, SIGKILL, SIGHUP };
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct host before = host_look();
		struct held h = hold_open(which[i], NULL);
		int place = await_planted(&h);
		kill(h.pid, by[i]);
		end(&h, place, &before);
	}
}

/* At many moments of its making, before anybody says it is open. */
static void killed_while_planting(void **state)
{
	(void)state;
	for (unsigned us = 1000; us < 120000; us = us * 3 / 2) {
		struct host before = host_look();
		struct held h = hold_open(us % 2 ? "D5" : "D2", NULL);
		usleep(us);
		kill(h.pid, SIGKILL);
		end(&h, -1, &before);
	}
	usleep(500000); /* the last watchdogs: what they leave, the next comparison finds */
	struct host before = host_look();
	host_compare(&before);
}

static pid_t child_of(pid_t parent, bool session)
{
	char path[64], text[512];
	pid_t pid = 0;
	snprintf(path, sizeof path, "/proc/%d/task/%d/children", parent, parent);
	autofree char *list = NULL;
	NEED(kfile_read_all(AT_FDCWD, path, &list) > 0);
	char *save = NULL;
	for (char *w = strtok_r(list, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		int ppid, group, sid;
		snprintf(path, sizeof path, "/proc/%.12s/stat", w);
		NEED(kfile_read(AT_FDCWD, path, text, sizeof text) > 0);
		NEED(sscanf(strrchr(text, ')'), ") %*c %d %d %d", &ppid, &group, &sid) == 3);
		if ((sid == atoi(w)) == session)
			pid = atoi(w);
	}
	return pid;
}

/* The watchdog alone, then the drill's init alone: the other two undo it. */
static void parts_killed(void **state)
{
	(void)state;
	for (int watchdog = 0; watchdog < 2; watchdog++) {
		struct host before = host_look();
		struct held h = hold_open("D5", NULL);
		int place = await_planted(&h);
		pid_t part = child_of(h.pid, watchdog);
		assert_true(part > 0);
		kill(part, SIGKILL); /* our child's child, alive: the number is its */
		if (!watchdog) {
			int status;
			assert_int_equal(waitpid(h.pid, &status, 0), h.pid);
			close(h.in);
			close(h.out);
			host_compare(&before);
			continue;
		}
		end(&h, place, &before);
	}
}

/* Inside, the host's files cannot be written. */
static void host_files_are_read_only(void **state)
{
	(void)state;
	struct host before = host_look();
	struct held h = hold_open("D3", NULL);
	int place = await_planted(&h);
	pid_t init = child_of(h.pid, false);
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/root/usr/drill-was-here", init);
	assert_int_equal(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600), -1);
	assert_int_equal(errno, EROFS);
	snprintf(path, sizeof path, "/proc/%d/root/tmp/drill-was-here", init);
	assert_int_equal(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600), -1);
	assert_int_equal(errno, EROFS);
	end(&h, place, &before);
}

static void usage(void **state)
{
	static const char *const bad[][4] = {
		{ "run", "D11" }, { "run" }, { "run", "D1", "--seed", "x" }, { "run", "D1" }, { "nonsense" }, { "hint" }, { "result" },
		{ "say", "words" }, { "say" }, { "walkthrough" },
	};
	(void)state;
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		const char *argv[8] = { "rustbox", "drill" };
		struct ran r;
		for (int k = 0; k < 4 && bad[i][k]; k++)
			argv[2 + k] = bad[i][k];
		world_run(&world, &r, SECONDS, NULL, argv);
		assert_int_equal(r.code, 2);
		assert_string_equal(r.out, "");
		assert_non_null(strstr(r.err, "rustbox: drill: "));
		ran_done(&r);
	}
}

static int open_world(void **state)
{
	(void)state;
	world_open(&world, WORLD_MOUNTS); /* nobody else changes this mount table */
	return 0;
}

static int close_world(void **state)
{
	(void)state;
	return world_done(&world) ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usage),
		cmocka_unit_test(solved),
		cmocka_unit_test(lost_by_the_literal_runbook),
		cmocka_unit_test(same_seed_same_drill),
		cmocka_unit_test(host_files_are_read_only),
		cmocka_unit_test(killed_while_open),
		cmocka_unit_test(killed_while_planting),
		cmocka_unit_test(parts_killed),
	};
	if (world_lacking()) {
		printf("[  SKIPPED ] 8 tests: %s\n", world_lacking());
		return 77;
	}
	return cmocka_run_group_tests(tests, open_world, close_world);
}
