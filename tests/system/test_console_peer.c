/*
 * S16: a leftover mount whose peer is in the mount namespace of a run: a lazy unmount would take it away inside the run, so
 * the console refuses it, by the run's name. The product makes the tree of every run private; the peer is therefore a
 * member of the run's cgroups that has kept its copy of the host's mounts, as a run of an older version would have.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/base/own.h"
#include "tests/harness/boxes.h"
#include "tests/harness/console.h"

enum { LONG = 60 };

struct joining {
	const struct world *w;
	unsigned joined;
};

static void join(const char *point, const char *name, void *arg)
{
	struct joining *j = arg;
	char procs[PATH_ROOM * 2];
	(void)name;
	(void)snprintf(procs, sizeof procs, "%s/%s/rustbox-live/cgroup.procs", point, j->w->paths.cgroup_parent);
	autofd int fd = open(procs, O_WRONLY | O_CLOEXEC);
	j->joined += fd >= 0 && write(fd, "0", 1) == 1;
}

/* Keeps a copy of every mount, and is a member of the run; it says so by closing its end of a pipe with a byte in it. */
static pid_t member(const struct world *w)
{
	int told[2];
	char byte = 0;
	assert_int_equal(pipe2(told, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct joining j = { .w = w };
		if (unshare(CLONE_NEWNS) != 0)
			_exit(1);
		for (double end = world_now() + world_patience(LONG); !j.joined && world_now() < end; (void)poll(NULL, 0, 20))
			world_hierarchies(join, &j); /* the run makes its cgroups in its own time */
		if (j.joined)
			(void)!write(told[1], "j", 1);
		(void)close(told[1]);
		for (;;)
			pause();
	}
	(void)close(told[1]);
	assert_int_equal(read(told[0], &byte, 1), 1);
	(void)close(told[0]);
	return pid;
}

static void a_run_would_lose_it(void **state)
{
	struct world *w = world_need(state);
	static struct lab peer;
	char left[2048];
	console_plant(&peer, w, "shared");
	struct ran r;
	world_call(w, &r, LONG, "rustbox", "init", "--box-id", "live");
	assert_int_equal(r.code, 0);
	ran_done(&r);
	pid_t run = box_begin(w, (const char *const[]){ "rustbox", "run", "--box-id", "live", "--wall-time", "30m", "--", "/bin/sleep", "1800", NULL });
	pid_t inside = member(w);
	struct pty *p = console_armed(w, "+ M leak");
	pty_send(p, "4");
	assert_true(pty_wait(p, "ACTIVE", LONG));
	pty_send(p, "1");
	console_begin(p, "2", "P2 Manual mount", "[ok]1 List");
	pty_send(p, "jj");
	console_press(p, "step 4 of 7", "x");
	assert_true(pty_wait(p, "[ok]4 Holders", LONG));
	console_press(p, "step 5 of 7", "S");
	console_press(p, "skip this step because", "nothing to end\r");
	console_press(p, "step 6 of 7", "x");
	assert_true(pty_wait(p, "refused: it would unmount it inside run live", LONG));
	pty_settle(p, 0.3, 2);
	pty_send(p, "\033[FY\r");
	pty_settle(p, 0.3, 2);
	assert_true(pty_shows(p, "refused: it would unmount it inside run live"));
	assert_false(lab_gone(&peer, left, sizeof left));
	console_unharmed(&peer);
	pty_send(p, "\033");
	console_leave(p);
	(void)kill(inside, SIGKILL);
	(void)waitpid(inside, NULL, 0);
	assert_int_equal(kill(run, SIGTERM), 0);
	assert_int_equal(waitpid(run, NULL, 0), run);
	world_call(w, &r, LONG, "rustbox", "cleanup", "--box-id", "live");
	ran_done(&r);
	console_undo(w, &peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = { WORLD_TEST(a_run_would_lose_it) };
	world_alone(); /* its runs, namespaces and mounts are the only ones there are */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
