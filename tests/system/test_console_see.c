/*
 * Seeing, through a real terminal on a real kernel: who holds what, in which namespace, whose it is, what is in no list
 * of mounts any more, what contradicts the worker's own word; and the shapes without a full screen.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/base/own.h"
#include "tests/harness/console.h"

/* A child that has done `what` and then waits; it is ended by end(). */
static pid_t stand(void (*what)(const char *), const char *path)
{
	int ready[2];
	char byte;
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		(void)setsid();
		what(path);
		(void)!write(ready[1], "r", 1);
		(void)execlp("sleep", "sleep", "60", (char *)NULL);
		_exit(127);
	}
	(void)close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	return pid;
}

static void end(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void in_own_namespace(const char *path)
{
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0 || chdir(path) != 0)
		_exit(1);
}

/* S04: the holder stands in another mount namespace; the host's umount is busy or leaves a ghost, and w names it. */
static void a_holder_in_another_namespace(void **state)
{
	struct world *w = world_need(state);
	struct leftover a;
	char pid[32];
	leftover_plant(w, "far", &a);
	pid_t holder = stand(in_own_namespace, a.root);
	struct pty *p = console_sized(w, 45, 160);
	assert_true(pty_wait(p, ">+ M leak", 5));
	pty_send(p, "w");
	snprintf(pid, sizeof pid, "%d sleep (cwd", (int)holder);
	assert_true(pty_wait(p, pid, 5));
	assert_true(pty_wait(p, "another mount ns", 2));
	assert_true(pty_wait(p, "If you", 2)); /* and what each way out would do */
	assert_true(pty_wait(p, "HIDDEN, not freed", 2));
	console_leave(p);
	end(holder);
	leftover_remove(&a);
}

/* S05: unmounted here, alive elsewhere: no mount, one ghost with its holder, and nothing that says clean. */
static void a_ghost_is_not_clean(void **state)
{
	struct world *w = world_need(state);
	struct leftover a;
	leftover_plant(w, "ghost", &a);
	pid_t holder = stand(in_own_namespace, a.root);
	assert_int_equal(umount2(a.root, MNT_DETACH | UMOUNT_NOFOLLOW), 0);
	struct pty *p = console_sized(w, 24, 80);
	assert_true(pty_wait(p, "Ghost +1", 10));
	assert_true(pty_shows(p, "Mount +0"));
	pty_send(p, "6");
	assert_true(pty_wait(p, "held by", 5));
	assert_true(pty_shows(p, "CONFLICT")); /* the worker's record says healthy */
	end(holder);
	assert_true(pty_wait(p, "Ghost +0", 15));
	console_leave(p);
	leftover_remove(&a);
}

/* The worker says healthy while a leftover is there: that is the word on the screen, and it goes with the leftover. */
static void healthy_beside_a_leftover(void **state)
{
	struct world *w = world_need(state);
	struct leftover a;
	struct pty *p = console_sized(w, 24, 80);
	assert_true(pty_wait(p, "[H] HEALTHY", 5));
	leftover_plant(w, "lie", &a);
	assert_true(pty_wait(p, "CONFLICT: the worker says HEALTHY", 5));
	assert_false(pty_shows(p, "[H]"));
	leftover_remove(&a);
	assert_true(pty_wait(p, "[H] HEALTHY", 5));
	console_leave(p);
}

/* S03: no baseline is said, and none may be made of a host with leftovers. */
static void no_baseline(void **state)
{
	struct world *w = world_need(state);
	struct leftover a;
	leftover_plant(w, "base", &a);
	struct pty *p = console_sized(w, 24, 80);
	assert_true(pty_wait(p, "NO BASELINE", 5));
	pty_send(p, ":");
	pty_settle(p, 0.3, 1); /* keys of the first moment are type-ahead */
	pty_send(p, "baseline capture\r");
	assert_true(pty_wait(p, "while anything is left over", 3));
	assert_int_not_equal(access(w->paths.of[PATH_BASELINE], F_OK), 0);
	console_leave(p);
	leftover_remove(&a);
}

/* A baseline that has more than the host, and less: both are rows, and counts of their tab. */
static void changed_and_missing(void **state)
{
	struct world *w = world_need(state);
	char dir[PATH_ROOM + 80], lost[PATH_ROOM + 80];
	snprintf(dir, sizeof dir, "%s/kept", w->root);
	snprintf(lost, sizeof lost, "%s/lost", w->root);
	assert_int_equal(mkdir(dir, 0700) | mkdir(lost, 0700), 0);
	assert_int_equal(mount("none", dir, "tmpfs", 0, "size=64k") | mount("none", lost, "tmpfs", 0, "size=64k"), 0);
	struct ran r;
	world_call(w, &r, 20, "rustbox-probe", "baseline", "capture");
	assert_int_equal(r.code, 0);
	char *slash = strrchr(strcpy(dir, w->paths.of[PATH_BASELINE]), '/');
	*slash = '\0';
	char make[PATH_ROOM * 2];
	snprintf(make, sizeof make, "mkdir -p %s", dir);
	assert_int_equal(system(make), 0);
	autofile FILE *f = fopen(w->paths.of[PATH_BASELINE], "we");
	assert_non_null(f);
	assert_true(fputs(r.out, f) >= 0 && fflush(f) == 0);
	ran_done(&r);
	snprintf(dir, sizeof dir, "%s/kept", w->root);
	struct pty *p = console_sized(w, 24, 80);
	assert_true(pty_wait(p, "+0 ~0 -0", 5));
	assert_int_equal(mount("none", dir, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	assert_true(world_unmount(lost));
	assert_true(pty_wait(p, "Mount +0 ~1 -1", 5));
	assert_true(pty_wait(p, "rw", 2));
	assert_true(pty_wait(p, "GONE", 2));
	assert_true(pty_wait(p, "~ M", 2));
	assert_true(pty_wait(p, "- M", 2));
	console_leave(p);
	assert_true(world_unmount(dir));
}

/* S08: what only looks like ours is hidden, counted, and cannot be marked. */
static void foreign_look_alikes(void **state)
{
	struct world *w = world_need(state);
	char dir[PATH_ROOM + 80];
	snprintf(dir, sizeof dir, "%s/rustbox-src", w->root);
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(mount("rustbox-leak", dir, "tmpfs", 0, "size=64k"), 0);
	struct pty *p = console_sized(w, 24, 80);
	assert_true(pty_wait(p, "foreign hidden, F shows", 5));
	assert_false(pty_shows(p, "rustbox-src"));
	pty_send(p, "F/");
	pty_settle(p, 0.3, 1);
	pty_send(p, "rustbox-src\r");
	assert_true(pty_wait(p, ". M foreign", 3));
	pty_send(p, " ");
	assert_true(pty_wait(p, "it cannot be in a plan", 3));
	assert_false(pty_shows(p, "*. M"));
	console_leave(p);
	assert_true(world_unmount(dir));
}

/* S09: the shell that started the console stands in the leftover. It is you, and nothing offers to end it. */
static void the_holder_is_you(void **state)
{
	struct world *w = world_need(state);
	struct leftover a;
	static const char *const argv[] = { "/bin/bash", "--norc", "--noprofile", "-i", NULL };
	static const char *const more[] = { "PS1=prompt$ ", "HISTFILE=", NULL };
	char tui[PATH_ROOM * 2], line[PATH_ROOM * 4];
	leftover_plant(w, "self", &a);
	pty_program("rustbox-tui", tui, sizeof tui);
	struct pty *p = pty_start(&(struct pty_how){ .argv = argv, .root = w->root, .env = more, .rows = 45, .cols = 160 });
	assert_true(pty_wait(p, "prompt$", 5));
	snprintf(line, sizeof line, "cd %s && %s\n", a.root, tui);
	pty_send(p, line);
	assert_true(pty_wait(p, ">+ M leak", 10));
	pty_send(p, "w");
	assert_true(pty_wait(p, "YOU: ", 5));
	assert_true(pty_wait(p, "the holder is you", 2));
	assert_false(pty_shows(p, "If you kill"));
	pty_send(p, "q");
	assert_true(pty_wait_gone(p, "OBSERVE", 5));
	pty_send(p, "cd /; exit\n");
	assert_true(pty_wait_exit(p, 5) >= 0);
	pty_done(p);
	leftover_remove(&a);
}

static void makes_a_zombie(struct lab *l, void *arg)
{
	uid_t uid = l->world->paths.uid_base;
	(void)arg;
	(void)signal(SIGCHLD, SIG_DFL); /* ignored, the kernel would reap for us */
	if (fork() == 0) /* v1 moves a zombie to the root group: what ties it to a box is its uid */
		_exit(setresuid(uid, uid, uid) != 0);
	lab_ready();
	for (;;)
		(void)pause();
}

static void stops_itself(struct lab *l, void *arg)
{
	(void)l;
	(void)arg;
	lab_ready();
	for (;;)
		(void)raise(SIGSTOP);
}

/* S07: a zombie and a stopped process are told apart in letters, in words and in what comes next. D needs a frozen file
 * system: tests of reclaim plant it. */
static void zombie_and_stopped(void **state)
{
	struct world *w = world_need(state);
	struct lab l;
	char group[PATH_ROOM * 2];
	lab_open(&l, w, "states");
	assert_true(lab_cgroup(&l, "", group));
	assert_true(lab_process(&l, true, makes_a_zombie, NULL) > 0);
	assert_true(lab_process(&l, true, stops_itself, NULL) > 0);
	struct pty *p = console_sized(w, 45, 160);
	pty_send(p, "4");
	assert_true(pty_wait(p, "leak Z", 10));
	assert_true(pty_wait(p, "leak T", 10));
	assert_true(pty_wait(p, "stopped", 5));
	assert_true(pty_wait(p, "P4.4", 5));
	console_leave(p);
	lab_undo(&l);
	world_sweep(w);
}

/* S31: an R3 dialog half typed survives every size; too small says so and commits nothing. */
static void resize_with_a_dialog(void **state)
{
	struct world *w = world_need(state);
	struct pty *p = console_sized(w, 24, 80);
	pty_send(p, "A");
	console_press(p, "why do you act", "half typed rea");
	assert_true(pty_wait(p, "half typed rea", 3));
	static const int sizes[][2] = { { 45, 160 }, { 10, 40 }, { 60, 200 }, { 1, 1 }, { 24, 80 } };
	for (size_t i = 0; i < 25; i++) {
		pty_resize(p, sizes[i % 5][0], sizes[i % 5][1]);
		if (i % 5 == 1)
			assert_true(pty_wait(p, "half typed rea", 3));
	}
	assert_true(pty_wait(p, "half typed rea", 3));
	pty_send(p, "\033");
	assert_true(pty_wait(p, "OBSERVE", 3));
	console_leave(p);
}

/* S36: not root: what can be seen is seen, what cannot is said, and nothing is claimed to be clean. */
static void not_root(void **state)
{
	struct world *w = world_need(state);
	char tui[PATH_ROOM * 2];
	static const char *argv[] = { "/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", NULL, NULL };
	pty_program("rustbox-tui", tui, sizeof tui);
	if (access(argv[0], X_OK) != 0)
		skip();
	argv[4] = tui;
	struct pty *p = pty_start(&(struct pty_how){ .argv = argv, .root = w->root });
	assert_true(pty_wait(p, "OBSERVE", 5));
	assert_true(pty_wait(p, "PARTLY", 10));
	assert_true(pty_wait(p, "hidden by permissions", 5));
	console_leave(p);
}

/* S39: a terminal that reads nothing for seconds: frames are dropped, not queued, and it is said. */
static void a_slow_link(void **state)
{
	struct world *w = world_need(state);
	struct leftover a;
	struct pty *p = console_sized(w, 60, 200);
	pty_settle(p, 0.3, 2);
	leftover_plant(w, "slow", &a);
	char dir[PATH_ROOM + 120];
	snprintf(dir, sizeof dir, "%s/x", a.root);
	assert_int_equal(mkdir(dir, 0700), 0);
	bool lagging = false;
	for (double end = world_now() + world_patience(20); !lagging && world_now() < end;) {
		size_t before = pty_bytes(p);
		for (double began = world_now(); world_now() - began < 2.5;) { /* nobody reads: only the kernel's buffer is filled */
			pty_send(p, "\014"); /* every cell anew, each time */
			assert_int_equal(mount("none", dir, "tmpfs", 0, "size=64k"), 0);
			(void)usleep(30000);
			assert_true(world_unmount(dir));
		}
		pty_settle(p, 0.5, 5);
		assert_true(pty_bytes(p) - before < 192 * 1024); /* what the kernel held, and the frames after; not eighty */
		lagging = strstr(pty_log(p), "LAGGING") != NULL; /* not yet, when it was given too little time to fill that */
	}
	assert_true(lagging);
	assert_true(pty_wait(p, "Mounts +1", 5));
	leftover_remove(&a);
	console_leave(p);
}

/* S40: the report's exit status is the state, without a terminal and without an escape. */
static void batch(void **state)
{
	struct world *w = world_need(state);
	struct leftover a;
	struct ran r;
	world_call(w, &r, 20, "rustbox-tui", "--once", "--json");
	int clean = r.code;
	assert_null(strchr(r.out, '\033'));
	ran_done(&r);
	leftover_plant(w, "batch", &a);
	world_call(w, &r, 20, "rustbox-tui", "--once", "--json");
	assert_true(clean == 0 || clean == 4); /* without a baseline it cannot tell */
	assert_int_equal(r.code, 1);
	json_t *j = ran_json(&r);
	assert_int_equal(json_integer_value(json_object_get(j, "code")), 1);
	json_decref(j);
	ran_done(&r);
	leftover_remove(&a);
}

/* The dialogue: the same row, the same refusal, no escape sequence. */
static void plain(void **state)
{
	struct world *w = world_need(state);
	struct leftover a;
	static const char *const argv[] = { "rustbox-tui", "--plain", NULL };
	leftover_plant(w, "plain", &a);
	struct pty *p = pty_start(&(struct pty_how){ .argv = argv, .root = w->root, .rows = 60, .cols = 120 });
	assert_true(pty_wait(p, "1. mount leak", 10));
	pty_send(p, "1\n");
	assert_true(pty_wait(p, "no live owner", 5));
	pty_settle(p, 0.3, 2); /* sooner it would be type-ahead */
	pty_send(p, "\n");
	pty_send(p, "x\n");
	assert_true(pty_wait(p, "--- chosen rows", 5));
	pty_settle(p, 0.3, 2); /* sooner it would be type-ahead */
	pty_send(p, "Y\n");
	assert_true(pty_wait(p, "refused: ", 5)); /* looks only, until armed */
	assert_int_equal(access(a.root, F_OK), 0);
	pty_send(p, "\n");
	pty_settle(p, 0.3, 2);
	pty_send(p, "quit\n");
	assert_int_equal(pty_wait_exit(p, 5), 0);
	assert_null(strchr(pty_log(p), '\033'));
	pty_done(p);
	leftover_remove(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(a_holder_in_another_namespace), WORLD_TEST(a_ghost_is_not_clean), WORLD_TEST(healthy_beside_a_leftover), WORLD_TEST(no_baseline),
		WORLD_TEST(changed_and_missing), WORLD_TEST(foreign_look_alikes), WORLD_TEST(the_holder_is_you), WORLD_TEST(zombie_and_stopped),
		WORLD_TEST(resize_with_a_dialog), WORLD_TEST(not_root), WORLD_TEST(a_slow_link), WORLD_TEST(batch), WORLD_TEST(plain),
	};
	world_alone();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
