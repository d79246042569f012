/*
 * What commits and what does not, in the real console on real leftovers: neither Enter nor a small y nor a
 * pasted phrase; only the shown key and the typed phrase. The kernel's own mountinfo stands beside the
 * screen at each of these points, and a canary mount with a process in it must survive.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/console.h"

static const char pids[] = "/sys/fs/cgroup/pids";

struct scene {
	struct world w;
	char root[PATH_ROOM + 80], data[PATH_ROOM + 90], canary[PATH_ROOM + 80], cgroup[PATH_ROOM + 160];
	pid_t holder, bystander;		/* the processes */
	pid_t holders_parent, bystanders_parent; /* ours to wait for */
	struct pty *p;
};

static int each_scene(void **state)
{
	static struct scene s;
	memset(&s, 0, sizeof s);
	if (world_lacking() || access(pids, W_OK) != 0)
		return 0;
	world_open(&s.w, WORLD_MOUNTS);
	*state = &s;
	return 0;
}

/* The canary is a mount of the same world under no box's name. */
static void canary(struct scene *s)
{
	snprintf(s->canary, sizeof s->canary, "%s/canary", s->w.root);
	assert_int_equal(mkdir(s->canary, 0700), 0);
	assert_int_equal(mount("rustbox-like", s->canary, "tmpfs", 0, "size=64k"), 0);
}

static int each_end(void **state)
{
	struct scene *s = *state;
	if (!s)
		return 0;
	pty_done(s->p);
	pid_t of[] = { s->holder, s->bystander }, parents[] = { s->holders_parent, s->bystanders_parent };
	for (int i = 0; i < 2; i++)
		if (parents[i] > 0) { /* it has not been waited for, so it still watches over its child's number */
			(void)kill(of[i], SIGKILL);
			(void)waitpid(parents[i], NULL, 0);
		}
	if (*s->canary) {
		(void)umount2(s->canary, MNT_DETACH);
		(void)rmdir(s->canary);
	}
	/* P2 ends with the mounts: the box's cgroup and directories are for P3 and P5. A mount left over is not
	 * undone here: rmdir fails on it, and the world says what is left. */
	char dir[PATH_ROOM + 80];
	paths_box_dir(&s->w.paths, "walk", dir);
	(void)rmdir(s->cgroup);
	(void)rmdir(s->root);
	(void)rmdir(dir);
	return world_done(&s->w) ? 0 : -1;
}

static _Noreturn void stand(const char *dir, const char *procs, int ready)
{
	pid_t self = getpid();
	(void)setsid();
	int fd = procs ? open(procs, O_WRONLY | O_CLOEXEC) : -1;
	if ((procs && write(fd, "0", 1) != 1) || chdir(dir) != 0 || write(ready, &self, sizeof self) != sizeof self)
		_exit(126);
	(void)execlp("sleep", "sleep", "300", (char *)NULL);
	_exit(127);
}

/* A process standing in `dir`, in the box's cgroup when `join`. Its parent reads its end and then ends the
 * same way: a zombie nobody reads would rightly count as still there. Returns the parent; *pid is it. */
static pid_t standing_in(const struct scene *s, const char *dir, bool join, pid_t *pid)
{
	int ready[2], status = 0;
	char procs[PATH_ROOM + 200];
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	snprintf(procs, sizeof procs, "%s/cgroup.procs", s->cgroup);
	pid_t parent = fork();
	if (parent == 0) {
		pid_t child = fork();
		if (child == 0)
			stand(dir, join ? procs : NULL, ready[1]);
		(void)waitpid(child, &status, 0);
		_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
	}
	(void)close(ready[1]);
	assert_int_equal(read(ready[0], pid, sizeof *pid), sizeof *pid);
	(void)close(ready[0]);
	return parent;
}

static void plant(struct scene *s)
{
	char dir[PATH_ROOM + 80], parent[PATH_ROOM + 64];
	paths_box_dir(&s->w.paths, "walk", dir);
	paths_box_root(&s->w.paths, "walk", s->root);
	snprintf(s->data, sizeof s->data, "%s/data", s->root);
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(mkdir(s->root, 0700), 0);
	assert_int_equal(mount("none", s->root, "tmpfs", 0, "size=1m"), 0);
	assert_int_equal(mkdir(s->data, 0700), 0);
	assert_int_equal(mount("none", s->data, "tmpfs", 0, "size=1m"), 0);
	snprintf(parent, sizeof parent, "%s/%s", pids, s->w.paths.cgroup_parent);
	(void)mkdir(parent, 0755);
	snprintf(s->cgroup, sizeof s->cgroup, "%s/rustbox-walk", parent);
	assert_int_equal(mkdir(s->cgroup, 0755), 0);
	canary(s);
	s->bystanders_parent = standing_in(s, s->canary, false, &s->bystander);
}

static void arm(struct scene *s, const char *procedure, const char *title)
{
	s->p = pty_start(&(struct pty_how){ .root = s->w.root });
	console_press(s->p, "+ M leak", "A");
	console_press(s->p, "why do you act?", "drill\r");
	console_press(s->p, "ARMED", "p");
	console_press(s->p, "P6 Worker unquarantine", procedure);
	assert_true(pty_wait(s->p, title, 5));
}

static void assert_innocents_live(const struct scene *s)
{
	assert_true(world_mounted(s->canary));
	assert_int_equal(kill(s->bystander, 0), 0);
	assert_int_equal(waitpid(s->bystanders_parent, NULL, WNOHANG), 0);
}

static void no_such_host(void **state)
{
	if (!*state) {
		print_message("skipped: needs root and the v1 pids hierarchy\n");
		skip();
	}
}

/* S14: busy at first; the holder is named, ended by a typed phrase, and the same mounts are tried again. */
static void only_what_was_typed_acts(void **state)
{
	no_such_host(state);
	struct scene *s = *state;
	char typed[120], holder[40];
	plant(s);
	s->holders_parent = standing_in(s, s->data, true, &s->holder);
	arm(s, "2", "P2 Manual mount cleanup -- step 1");
	console_press(s->p, "step 1 of 7", "x");
	console_press(s->p, "step 2 of 7", "x");
	console_press(s->p, "WILL RUN", "y\r"); /* neither small y nor Enter commits */
	assert_true(pty_wait(s->p, "WILL RUN", 2));
	assert_true(world_mounted(s->data));
	console_press(s->p, "commits", "Y"); /* "Y commits", or "Y (shift-y) commits" when the wrong keys were seen and refused */
	assert_true(pty_wait(s->p, "NOT ALL OF IT WORKED", 30));
	assert_true(world_mounted(s->data) && world_mounted(s->root));
	console_press(s->p, "a alternative", "a");
	console_press(s->p, "step 4 of 7", "x");
	snprintf(holder, sizeof holder, "%d sleep", (int)s->holder);
	assert_true(pty_wait(s->p, holder, 10));
	console_press(s->p, "step 5 of 7", "x");
	assert_true(pty_wait(s->p, "class R2", 5));
	console_phrase("kill 1", typed, sizeof typed);
	console_press(s->p, typed, "\033[200~kill 1 on\033[201~"); /* a pasted phrase is none */
	pty_settle(s->p, 0.2, 1);
	pty_send(s->p, "\r");
	pty_settle(s->p, 0.2, 1);
	assert_int_equal(waitpid(s->holders_parent, NULL, WNOHANG), 0);
	pty_send(s->p, typed);
	console_press(s->p, "Enter commits", "\r");
	assert_true(pty_wait(s->p, "DONE", 20));
	assert_false(world_mounted(s->data) || world_mounted(s->root));
	int status = 0;
	assert_int_equal(waitpid(s->holders_parent, &status, 0), s->holders_parent);
	s->holders_parent = 0;
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) > 128); /* a signal ended it, not its own 300 seconds */
	assert_innocents_live(s);
}

/* A process that gets the number of one that has ended: what a wrapped pid counter does, without the wait for it. */
static pid_t born_as(pid_t number)
{
	struct clone_args how = { .exit_signal = SIGCHLD, .set_tid = (uint64_t)(uintptr_t)&number, .set_tid_size = 1 };
	pid_t pid = (pid_t)syscall(SYS_clone3, &how, sizeof how);
	if (pid == 0)
		for (;;)
			(void)pause();
	return pid;
}

/* S20: between the preview and the phrase the number goes over to somebody innocent, who is not touched. */
static void a_number_taken_by_another(void **state)
{
	no_such_host(state);
	struct scene *s = *state;
	char typed[120], id[64], born[32];
	struct ran r;
	plant(s);
	s->holders_parent = standing_in(s, s->data, true, &s->holder);
	s->p = pty_start(&(struct pty_how){ .root = s->w.root, .rows = 30, .cols = 110 });
	console_press(s->p, "Proc +1", "A");
	console_press(s->p, "why do you act?", "drill\r");
	console_press(s->p, "ARMED", "4");
	console_press(s->p, ">+ P leak", "x");
	assert_true(pty_wait(s->p, "class R2", 5));
	snprintf(id, sizeof id, "rustbox reclaim process %d:", (int)s->holder);
	assert_true(pty_wait(s->p, id, 5));
	assert_int_equal(sscanf(strstr(pty_screen(s->p), id) + strlen(id), "%20[0-9]", born), 1);
	assert_int_equal(kill(s->holder, SIGKILL), 0);
	assert_int_equal(waitpid(s->holders_parent, NULL, 0), s->holders_parent);
	s->holders_parent = 0;
	pid_t innocent = born_as(s->holder);
	assert_int_equal(innocent, s->holder);
	assert_true(pty_wait(s->p, "1 already gone (fine)", 20));
	console_phrase("kill 1", typed, sizeof typed);
	pty_send(s->p, typed);
	pty_send(s->p, "\r");
	pty_settle(s->p, 0.5, 5);
	snprintf(id, sizeof id, "%d:%s", (int)innocent, born); /* the line as it was shown, pasted into a shell later */
	world_call(&s->w, &r, 20, "rustbox", "reclaim", "process", id, "--json");
	assert_non_null(strstr(r.out, "\"gone\""));
	ran_done(&r);
	assert_int_equal(waitpid(innocent, NULL, WNOHANG), 0);
	assert_int_equal(kill(innocent, SIGKILL), 0);
	assert_int_equal(waitpid(innocent, NULL, 0), innocent);
	assert_true(world_unmount(s->data));
	assert_true(world_unmount(s->root));
	assert_innocents_live(s);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, each_scene, each_end)
	const struct CMUnitTest tests[] = { T(only_what_was_typed_acts), T(a_number_taken_by_another) };
	world_alone(); /* the screen shows the processes of this test, not those of the tests beside it */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
