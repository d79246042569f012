/*
 * Drills that are killed, whole or in parts, open or while they are planted: the host is what it was, always.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "tests/harness/drillhost.h"
#include "tests/harness/world.h"

enum { SECONDS = 60 };
static struct world world; /* only for its programs: a drill makes its own */

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
	while (n < sizeof text - 1 && poll(&p, 1, (int)world_patience(20) * 1000) == 1) {
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

/* Of a killed drill the watchdog and init become our children, the world's reaper's: their end is the end of all. */
static void end(struct held *h, struct drillhost *before)
{
	close(h->in);
	alarm((unsigned)world_patience(SECONDS));
	while (waitpid(-1, NULL, 0) > 0)
		;
	alarm(0);
	assert_int_equal(errno, ECHILD);
	close(h->out);
	drillhost_compare(before);
}

static void killed_while_open(void **state)
{
	static const char *const which[] = { "D1", "D4", "D5", "D9" };
	static const int by[] = { SIGKILL, SIGTERM, SIGKILL, SIGHUP };
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct drillhost before = drillhost_look();
		struct held h = hold_open(which[i], NULL);
		(void)await_planted(&h);
		kill(h.pid, by[i]);
		end(&h, &before);
	}
}

/* At many moments of its making, before anybody says it is open. */
static void killed_while_planting(void **state)
{
	(void)state;
	for (unsigned us = 1000; us < 120000; us = us * 3 / 2) {
		struct drillhost before = drillhost_look();
		struct held h = hold_open(us % 2 ? "D5" : "D2", NULL);
		usleep(us);
		kill(h.pid, SIGKILL);
		end(&h, &before);
	}
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
		struct drillhost before = drillhost_look();
		struct held h = hold_open("D5", NULL);
		(void)await_planted(&h);
		pid_t part = child_of(h.pid, watchdog);
		assert_true(part > 0);
		kill(part, SIGKILL); /* our child's child, alive: the number is its */
		if (!watchdog) /* by itself, while its standard input is still open */
			assert_int_equal(waitpid(h.pid, NULL, 0), h.pid);
		end(&h, &before);
	}
}

static int writer_now(int place)
{
	autodir DIR *proc = opendir("/proc");
	for (struct dirent *d; proc && (d = readdir(proc));) {
		char path[64], text[512];
		if (d->d_name[0] < '1' || d->d_name[0] > '9' || drillhost_place_of(d->d_name) != place)
			continue;
		snprintf(path, sizeof path, "/proc/%.12s/stat", d->d_name);
		if (kfile_read(AT_FDCWD, path, text, sizeof text) > 0 && strstr(text, ") D "))
			return (int)syscall(SYS_pidfd_open, atoi(d->d_name), 0);
	}
	return -1;
}

/* The process in the drill's place that sleeps uninterruptibly, once it does: a pidfd. */
static int find_writer(int place)
{
	int fd = -1;
	for (double end = world_now() + world_patience(20); (fd = writer_now(place)) < 0 && world_now() < end;)
		(void)poll(NULL, 0, 10);
	return fd;
}

/* Starter and watchdog both, under a frozen file system: what they leave, the next drill in the place removes first. */
static void nobody_left_to_undo(void **state)
{
	struct held next[PLACES];
	int place[PLACES], n = 0;
	(void)state;
	struct drillhost before = drillhost_look();
	struct held h = hold_open("D5", NULL);
	int dead = await_planted(&h);
	autofd int writer = find_writer(dead);
	pid_t watchdog = child_of(h.pid, true);
	assert_true(writer >= 0 && watchdog > 0);
	kill(watchdog, SIGKILL); /* it first: the starter's end would have it begin */
	kill(h.pid, SIGKILL);
	assert_int_equal(waitpid(h.pid, NULL, 0), h.pid);
	struct pollfd ended = { .fd = writer, .events = POLLIN };
	assert_int_equal(poll(&ended, 1, 0), 0);
	assert_int_equal(drillhost_disks(dead), 1);
	do { /* others may have left lower places meanwhile */
		next[n] = hold_open("D1", NULL);
		place[n] = await_planted(&next[n]);
	} while (place[n++] != dead && n < PLACES);
	assert_int_equal(place[n - 1], dead);
	assert_int_equal(poll(&ended, 1, (int)world_patience(20) * 1000), 1);
	for (double end = world_now() + world_patience(20); drillhost_disks(dead) > 0 && world_now() < end;) /* a device's end tells nobody */
		(void)poll(NULL, 0, 10);
	assert_int_equal(drillhost_disks(dead), 0);
	close(h.in);
	close(h.out);
	while (--n > 0)
		close(next[n].in);
	end(&next[0], &before);
}

/* Inside, the host's files cannot be written. */
static void host_files_are_read_only(void **state)
{
	(void)state;
	struct drillhost before = drillhost_look();
	struct held h = hold_open("D3", NULL);
	(void)await_planted(&h);
	pid_t init = child_of(h.pid, false);
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/root/usr/drill-was-here", init);
	assert_int_equal(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600), -1);
	assert_int_equal(errno, EROFS);
	snprintf(path, sizeof path, "/proc/%d/root/tmp/drill-was-here", init);
	assert_int_equal(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600), -1);
	assert_int_equal(errno, EROFS);
	end(&h, &before);
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
		cmocka_unit_test(host_files_are_read_only),
		cmocka_unit_test(killed_while_open),
		cmocka_unit_test(killed_while_planting),
		cmocka_unit_test(parts_killed),
		cmocka_unit_test(nobody_left_to_undo),
	};
	world_alone();
	if (world_lacking()) {
		printf("[  SKIPPED ] 5 tests: %s\n", world_lacking());
		return 77;
	}
	return cmocka_run_group_tests(tests, open_world, close_world);
}
