/*
 * `watch` on the real kernel: it starts in a world whose directories do not exist yet, and tells of what
 * appears there and goes again, without being asked.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/base/clock.h"
#include "probes/base/own.h"
#include "probes/watch.h"
#include "tests/harness/world.h"

enum { SOON_S = 20, ROOM = 1 << 20 };

struct watched {
	char root[32], box[PATH_ROOM + 80];
	struct paths paths;
	pid_t watch;
	int out;
	size_t len, from; /* what was read, and where the next expectation begins */
	char text[ROOM + 1];
};

static void make_dirs(const char *path)
{
	char part[PATH_ROOM + 80];
	for (size_t i = 1; i <= strlen(path); i++)
		if (path[i] == '/' || path[i] == '\0') {
			(void)snprintf(part, sizeof part, "%.*s", (int)i, path);
			(void)mkdir(part, 0755);
		}
}

static int setup(void **state)
{
	struct watched *w = calloc(1, sizeof *w);
	int ends[2];
	(void)snprintf(w->root, sizeof w->root, "/tmp/rbt-watch-XXXXXX");
	if (!mkdtemp(w->root) || paths_init(&w->paths, w->root, NULL) || pipe2(ends, O_CLOEXEC))
		return -1;
	paths_box_dir(&w->paths, "b", w->box);
	w->watch = fork();
	if (w->watch == 0) {
		struct scope scope = scope_host(&w->paths);
		(void)close(ends[0]);
		_exit(watch_run(&scope, ends[1], NULL) ? 1 : 0);
	}
	(void)close(ends[1]);
	w->out = ends[0];
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct watched *w = *state;
	char command[100];
	if (w->watch > 0) {
		(void)kill(w->watch, SIGKILL);
		(void)waitpid(w->watch, NULL, 0);
	}
	(void)close(w->out);
	(void)umount2(w->box, UMOUNT_NOFOLLOW);
	(void)snprintf(command, sizeof command, "rm -rf --one-file-system %s", w->root);
	int rc = system(command);
	free(w);
	return rc;
}

/* What comes next is expected after the lines that are here. */
static void pass(struct watched *w)
{
	const char *end = memrchr(w->text, '\n', w->len);
	w->from = end ? (size_t)(end + 1 - w->text) : 0;
}

/* Waits until a line that holds all of the words has come after the last expected one. */
static void expect(struct watched *w, const char *a, const char *b)
{
	double end = world_now() + world_patience(SOON_S);
	for (;;) {
		for (char *line = w->text + w->from, *next; (next = memchr(line, '\n', w->len - (size_t)(line - w->text)));
		     line = next + 1) {
			*next = '\0';
			bool is = strstr(line, a) && strstr(line, b);
			*next = '\n';
			if (is)
				return;
		}
		double left = end - world_now();
		struct pollfd p = { .fd = w->out, .events = POLLIN };
		if (left <= 0 || poll(&p, 1, (int)(left * 1000) + 1) <= 0)
			fail_msg("no line with '%s' and '%s' in:\n%s", a, b, w->text + w->from);
		ssize_t n = read(w->out, w->text + w->len, ROOM - w->len);
		assert_true(n > 0);
		w->len += (size_t)n;
		w->text[w->len] = '\0';
	}
}

static void expect_sync_line(struct watched *w)
{
	expect(w, "\"op\":\"sync\"", "as_of");
}

static void expect_sync(struct watched *w)
{
	expect(w, "\"op\":\"sync\"", "ms");
	pass(w);
}

/* Kinds are looked at one lane after the other: the ghosts' come last. */
static void expect_all(struct watched *w)
{
	expect(w, "\"op\":\"source\"", "\"ghosts\"");
	expect_sync(w);
}

static void from_nothing_to_nothing(void **state)
{
	struct watched *w = *state;
	char ledger[PATH_ROOM + 80];
	expect(w, "\"op\":\"hello\"", "boot_id");
	expect(w, "\"op\":\"source\"", "\"mounts\"");
	expect(w, "\"op\":\"health\"", "healthy");
	expect_all(w);
	make_dirs(w->box);
	expect(w, "\"op\":\"add\",\"kind\":\"tempdir\"", w->box);
	assert_int_equal(mount("rustbox-b", w->box, "tmpfs", 0, NULL), 0);
	expect(w, "\"op\":\"add\",\"kind\":\"mount\"", w->box);
	expect(w, "\"op\":\"change\",\"kind\":\"tempdir\"", "a mount lies on it");
	pass(w);
	/* The lock is taken: what is there becomes active; it falls: it is left over. */
	make_dirs(w->paths.of[PATH_LEDGER]);
	paths_ledger(&w->paths, "b", ledger);
	int lock = open(ledger, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	assert_int_equal(write(lock, "", 0), 0);
	expect(w, "\"kind\":\"mount\"", "\"owner\":\"active\"");
	pass(w);
	(void)close(lock);
	expect(w, "\"kind\":\"mount\"", "\"owner\":\"leak\"");
	pass(w);
	assert_true(world_unmount(w->box)); /* the one that watches may be looking at it */
	expect(w, "\"op\":\"gone\"", "\"mount\"");
	assert_int_equal(rmdir(w->box), 0);
	expect(w, "\"op\":\"gone\"", "\"tempdir\"");
}

static void health_follows_its_file(void **state)
{
	struct watched *w = *state;
	char fresh[PATH_ROOM + 8];
	expect_sync(w);
	make_dirs(w->paths.of[PATH_STATE]);
	(void)snprintf(fresh, sizeof fresh, "%s.new", w->paths.of[PATH_HEALTH]);
	{
		autofile FILE *f = fopen(fresh, "we");
		(void)fputs("{\"schema\":1,\"status\":\"unhealthy\",\"reason\":\"cleanup_failure\",\"failures\":1,\"since\":7}", f);
	}
	assert_int_equal(rename(fresh, w->paths.of[PATH_HEALTH]), 0);
	expect(w, "\"op\":\"health\"", "unhealthy");
	pass(w);
	autofd int fd = open(w->paths.of[PATH_HEALTH], O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_true(fd >= 0);
	expect(w, "\"op\":\"health\"", "state_corrupt");
}

/* The value of as_of for a kind in the newest whole sync line, in milliseconds; 0 for null. */
static unsigned long long as_of(struct watched *w, const char *kind)
{
	char key[40], *line = w->text + w->from, *last = NULL;
	(void)snprintf(key, sizeof key, "\"%s\":", kind);
	while ((line = strstr(line, "{\"op\":\"sync\"")) && strchr(line, '\n'))
		last = line++;
	char *at = last ? strstr(last, key) : NULL;
	if (!at)
		fail_msg("no as_of of %s", kind);
	return strtoull(at + strlen(key), NULL, 10);
}

/* A lazy unmount that leaves a ghost: no sync after it says that ghosts are known before one has been looked for, and
 * when one says so, the ghost is there. */
static void a_ghost_is_proven_or_unknown(void **state)
{
	struct watched *w = *state;
	expect_all(w);
	make_dirs(w->box);
	assert_int_equal(mount("rustbox-b", w->box, "tmpfs", 0, NULL), 0);
	expect(w, "\"op\":\"add\",\"kind\":\"mount\"", w->box);
	pid_t holder = fork();
	if (holder == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
			_exit(1);
		(void)raise(SIGSTOP); /* stands still with a copy of the mount */
		_exit(0);
	}
	int status = 0;
	assert_int_equal(waitpid(holder, &status, WUNTRACED), holder);
	assert_true(WIFSTOPPED(status));
	pass(w);
	unsigned long long then = clock_mono_ns() / NS_PER_MS;
	assert_int_equal(umount2(w->box, MNT_DETACH), 0);
	expect(w, "\"op\":\"gone\"", "\"mount\"");
	bool ghost = false;
	for (bool proven = false; !proven;) {
		expect_sync_line(w);
		proven = as_of(w, "ghosts") > then;
		ghost = ghost || strstr(w->text + w->from, "\"op\":\"add\",\"kind\":\"ghost\"");
		pass(w);
	}
	(void)kill(holder, SIGKILL);
	(void)waitpid(holder, NULL, 0);
	assert_true(ghost);
}

/* Asked, it looks at everything again, and says so though nothing is new. */
static void proves_when_asked(void **state)
{
	static const char *const kinds[] = { "mounts", "cgroups", "processes", "temp_dirs", "locks", "ghosts" };
	struct watched *w = *state;
	expect_all(w);
	unsigned long long then = clock_mono_ns() / NS_PER_MS;
	assert_int_equal(kill(w->watch, SIGURG), 0);
	for (size_t known = 0; known < 6;) {
		expect_sync_line(w);
		for (known = 0; known < 6 && as_of(w, kinds[known]) > then; known++)
			;
		pass(w);
	}
}

static void ends_with_its_reader(void **state)
{
	struct watched *w = *state;
	int status = 0;
	expect_sync(w);
	(void)close(w->out);
	w->out = -1;
	for (double end = world_now() + world_patience(SOON_S); waitpid(w->watch, &status, WNOHANG) == 0 && world_now() < end;)
		(void)usleep(10000);
	assert_int_equal(kill(w->watch, 0), -1); /* reaped above */
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	w->watch = 0;
}

static void idle_costs_next_to_nothing(void **state)
{
	struct watched *w = *state;
	char path[40], text[512];
	unsigned long before = 0, after = 0, sys = 0;
	expect_all(w);
	(void)snprintf(path, sizeof path, "/proc/%d/stat", (int)w->watch);
	for (int i = 0; i < 2; i++) {
		autofd int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = read(fd, text, sizeof text - 1);
		text[n > 0 ? n : 0] = '\0';
		unsigned long user = 0;
		assert_int_equal(sscanf(strrchr(text, ')'), ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &sys), 2);
		*(i ? &after : &before) = user + sys;
		if (i == 0)
			(void)sleep(4);
	}
	print_message("idle for 4 s: %lu ticks of %ld\n", after - before, 4 * sysconf(_SC_CLK_TCK));
	assert_true(after - before <= 8); /* two percent */
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(from_nothing_to_nothing),
		CASE(health_follows_its_file),
		CASE(a_ghost_is_proven_or_unknown),
		CASE(proves_when_asked),
		CASE(ends_with_its_reader),
		CASE(idle_costs_next_to_nothing),
	};
	world_alone(); /* how much there is to look at is this test's own doing */
	if (world_lacking()) {
		(void)printf("skipped: %s\n", world_lacking());
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
