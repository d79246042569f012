/*
 * What looking costs others: no write anywhere but to its own terminal and pipes (S01, by strace), the operator's other
 * tmux pane told apart from a leftover's holder (S09), and a line of 9,600 bit/s with 300 ms there and back (S39).
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "tests/harness/console.h"

static void need_program(const char *path)
{
	if (access(path, X_OK) == 0)
		return;
	print_message("skipped: %s is not here\n", path);
	skip();
}

/* "123 write(5<pipe:[77]>, ..." : whether what it writes to is the terminal, a pipe, or nowhere. */
static bool writes_home(const char *line)
{
	static const char *const home[] = { "</dev/pts/", "</dev/tty", "</dev/null", "<pipe:[", "<anon_inode:", "<socket:[", "<UNIX", "<TCP" };
	const char *fd = strchr(line, '<');
	for (size_t i = 0; fd && i < sizeof home / sizeof *home; i++)
		if (strncmp(fd, home[i], strlen(home[i])) == 0)
			return true;
	return false;
}

static bool opens_to_read(const char *line)
{
	return !strstr(line, "O_WRONLY") && !strstr(line, "O_RDWR") && !strstr(line, "O_CREAT") && !strstr(line, "O_TRUNC");
}

static bool harmless(const char *line)
{
	const char *call = line + strcspn(line, " ") + 1;
	call += strspn(call, " ");
	if (*call == '-' || *call == '+' || *call == '<') /* a signal, an end, the second half of a call */
		return true;
	if (strncmp(call, "write", 5) == 0 || strncmp(call, "pwrite", 6) == 0)
		return writes_home(call);
	if (strncmp(call, "open", 4) == 0)
		return opens_to_read(call) || strstr(call, "/dev/pts/") || strstr(call, "/dev/tty") || strstr(call, "/dev/null");
	if (strncmp(call, "syscall_0x1c9", 13) == 0 || strncmp(call, "syscall_0x1ca", 13) == 0) /* statmount, listmount: newer than strace */
		return true;
	return strstr(call, " = -1 ") != NULL;
}

static void a_look_writes_nothing(void **state)
{
	struct world *w = world_need(state);
	char trace[PATH_ROOM + 40], tui[PATH_ROOM * 2];
	need_program("/usr/bin/strace");
	(void)snprintf(trace, sizeof trace, "%s/trace", w->root);
	pty_program("rustbox-tui", tui, sizeof tui);
	const char *const argv[] = { "/usr/bin/strace", "-f", "-y", "-qq", "-o", trace, "-e",
		"trace=write,pwrite64,writev,pwritev,open,openat,creat,mkdir,mkdirat,rmdir,unlink,unlinkat,rename,renameat,renameat2,link,linkat,"
		"symlink,symlinkat,chmod,fchmod,fchmodat,chown,fchown,fchownat,lchown,truncate,ftruncate,fallocate,mknod,mknodat,mount,umount2,"
		"setxattr,fsetxattr,utimensat", tui, NULL };
	struct pty *p = pty_start(&(struct pty_how){ .argv = argv, .root = w->root });
	if (!pty_wait(p, "live: mounts cgroups procs", 60)) {
		pty_done(p);
		print_message("skipped: nothing may be traced here\n");
		skip();
	}
	pty_send(p, "2?");
	assert_true(pty_wait(p, "every key", 10));
	pty_send(p, "\033t");
	pty_settle(p, 0.3, 3);
	pty_send(p, "\033q"); /* from the past, when there was one, to now; and out */
	assert_int_equal(pty_wait_exit(p, 10), 0);
	pty_done(p);
	autofree char *text = NULL;
	char *save = NULL;
	size_t calls = 0;
	assert_true(kfile_read_all(AT_FDCWD, trace, &text) > 0);
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save), calls++)
		if (!harmless(line))
			fail_msg("a console that only looks did: %s", line);
	print_message("%zu calls that write or open, by the guard, the console and its watcher: none changes anything\n", calls);
	assert_true(calls > 100);
	assert_int_equal(unlink(trace), 0);
}

/* ---- tmux -------------------------------------------------------------------------------------------- */

static bool pane_shows(const struct world *w, const char *server, const char *text)
{
	struct ran r;
	bool shows = false;
	for (double end = world_now() + world_patience(20); !shows && world_now() < end;) {
		world_call(w, &r, 10, "/usr/bin/tmux", "-L", server, "capture-pane", "-p", "-t", "%1");
		shows = strstr(r.out, text) != NULL;
		if (!shows && world_now() + 0.2 >= end)
			fprintf(stderr, "no '%s' in the pane:\n%s\n%s\n", text, r.out, r.err);
		ran_done(&r);
		if (!shows)
			(void)nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	}
	return shows;
}

static void tmux(const struct world *w, const char *const *argv)
{
	struct ran r;
	world_run(w, &r, 10, NULL, argv);
	if (r.code != 0)
		fail_msg("tmux: %s", r.err);
	ran_done(&r);
}

/* S09: who stands there is oneself, in the other pane, and is told where; never offered to be ended. */
static void another_pane_is_you(void **state)
{
	struct world *w = world_need(state);
	struct leftover a;
	char server[40], root[PATH_ROOM + 40], tui[PATH_ROOM * 2];
	need_program("/usr/bin/tmux");
	(void)snprintf(server, sizeof server, "%.30s", strrchr(w->root, '/') + 1); /* a pid is unique in its namespace only */
	(void)snprintf(root, sizeof root, "RUSTBOX_ROOT=%s", w->root);
	pty_program("rustbox-tui", tui, sizeof tui);
	leftover_plant(w, "pane", &a);
	tmux(w, (const char *const[]){ "/usr/bin/tmux", "-L", server, "-f", "/dev/null", "new-session", "-d", "-x", "160", "-y", "90", "-e", root,
				       "-c", a.root, "exec sleep 300", NULL });
	tmux(w, (const char *const[]){ "/usr/bin/tmux", "-L", server, "split-window", "-l", "45", "-c", "/", "-e", root, tui, NULL });
	bool up = pane_shows(w, server, ">+ M leak");
	if (up)
		tmux(w, (const char *const[]){ "/usr/bin/tmux", "-L", server, "send-keys", "-t", "%1", "w", NULL });
	bool you = up && pane_shows(w, server, "YOU: "), where = you && pane_shows(w, server, "%0"); /* the words before it may wrap */
	bool spared = you && pane_shows(w, server, "never offered to be ended");
	tmux(w, (const char *const[]){ "/usr/bin/tmux", "-L", server, "kill-server", NULL });
	assert_true(up && you && where && spared);
	leftover_remove(&a); /* once its panes have ended */
}

/* ---- a slow line --------------------------------------------------------------------------------------- */

/* S39: behind a line that carries 960 bytes a second and takes 150 ms each way, the console stays exact and never far behind. */
static void a_very_slow_line(void **state)
{
	struct world *w = world_need(state);
	struct leftover a;
	char tui[PATH_ROOM * 2];
	need_program("/usr/bin/python3");
	pty_program("rustbox-tui", tui, sizeof tui);
	const char *const argv[] = { "/usr/bin/python3", "tests/harness/slow_line.py", "960", "0.15", tui, NULL };
	struct pty *p = pty_start(&(struct pty_how){ .argv = argv, .root = w->root });
	assert_true(pty_wait(p, "live: mounts cgroups procs", 30));
	pty_settle(p, 1, 15);
	size_t before = pty_bytes(p);
	double began = world_now();
	leftover_plant(w, "slow", &a);
	assert_true(pty_wait(p, "Mount +1", 10));
	double shown = world_now() - began;
	pty_settle(p, 1, 15);
	size_t cost = pty_bytes(p) - before;
	pty_send(p, "A"); /* the echo of what is typed comes first */
	assert_true(pty_wait(p, "why do you act?", 5));
	began = world_now();
	pty_send(p, "slow but sure");
	assert_true(pty_wait(p, "slow but sure", 5));
	print_message("a leak was on the screen after %.2f s and cost %zu bytes; 13 keys were echoed after %.2f s\n", shown, cost,
		      world_now() - began);
	pty_send(p, "\033");
	assert_true(pty_wait_gone(p, "why do you act?", 5));
	pty_send(p, "q");
	assert_int_equal(pty_wait_exit(p, 15), 0);
	pty_done(p);
	leftover_remove(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(a_look_writes_nothing), WORLD_TEST(another_pane_is_you), WORLD_TEST(a_very_slow_line),
	};
	world_alone();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
