/*
 * The real console in a real terminal over a real host: a world of its own in a private mount namespace,
 * leftovers planted with mount(2), and the kernel's own files read beside the screen.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "tests/harness/console.h"

static void assert_sane(struct pty *p, const struct termios *before, const char *what)
{
	struct termios after;
	struct pty_modes m = pty_modes(p);
	pty_termios(p, &after);
	if (m.alternate || !m.cursor || m.mouse || m.paste)
		fail_msg("%s: alternate %d cursor %d mouse %d paste %d", what, m.alternate, m.cursor, m.mouse, m.paste);
	if (after.c_lflag != before->c_lflag || after.c_iflag != before->c_iflag || after.c_oflag != before->c_oflag ||
	    memcmp(after.c_cc, before->c_cc, sizeof after.c_cc) != 0)
		fail_msg("%s: the terminal's settings were not put back", what);
}

/* ---- seeing ----------------------------------------------------------------------------------------------- */

static void a_clean_host(void **state)
{
	struct world *w = world_need(state);
	struct pty *p = console_sized(w, 24, 80);
	assert_true(pty_wait(p, "HEALTHY", 5));
	assert_true(pty_shows(p, "OBSERVE"));
	assert_true(pty_shows(p, "+0 ~0 -0"));
	console_leave(p);
}

/* S02: within a second, as a leak, without moving the cursor off the row it was on. */
static void a_leak_appears_while_looking(void **state)
{
	struct world *w = world_need(state);
	struct leftover a, b;
	int row, col;
	leftover_plant(w, "aaa", &a);
	struct pty *p = console_sized(w, 24, 80);
	assert_true(pty_wait(p, "+ M leak", 5));
	assert_true(pty_find(p, ">+ M leak", &row, &col));
	double began = world_now();
	leftover_plant(w, "bbb", &b);
	assert_true(pty_wait(p, "rustbox-bbb/root", 1));
	print_message("mount(2) to screen: %.1f ms\n", (world_now() - began) * 1e3);
	assert_true(strstr(pty_row(p, row), "rustbox-aaa") != NULL && strstr(pty_row(p, row), ">+ M leak") != NULL);
	assert_true(world_mounted(b.root));
	leftover_remove(&b);
	assert_true(pty_wait(p, "Mount +1", 5));
	leftover_remove(&a);
	assert_true(pty_wait(p, "Mount +0", 5));
	console_leave(p);
}

/* A process standing in the mount is named by w, with what it holds. */
static void who_holds_it(void **state)
{
	struct world *w = world_need(state);
	struct leftover a;
	char pid[32];
	leftover_plant(w, "held", &a);
	pid_t holder = fork();
	if (holder == 0) {
		(void)setsid();
		if (chdir(a.root) == 0)
			(void)execlp("sleep", "sleep", "60", (char *)NULL);
		_exit(127);
	}
	struct pty *p = console_sized(w, 24, 80);
	assert_true(pty_wait(p, ">+ M leak", 5));
	pty_send(p, "w");
	snprintf(pid, sizeof pid, "%d sleep", (int)holder);
	assert_true(pty_wait(p, pid, 5));
	assert_true(pty_wait(p, "cwd", 2));
	console_leave(p);
	assert_int_equal(kill(holder, SIGKILL), 0);
	assert_int_equal(waitpid(holder, NULL, 0), holder);
	leftover_remove(&a);
}

/* S12: nothing of a name reaches the terminal as anything but visible text. */
static void hostile_names(void **state)
{
	struct world *w = world_need(state);
	struct leftover a;
	leftover_plant(w, "evil", &a);
	char dir[PATH_ROOM + 200];
	snprintf(dir, sizeof dir, "%s/\033[31mRED\033]0;title\a\r\n\xff\xe2\x80\xae" "x", a.root);
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(mount("x on /tmp/victim type rustbox\033[2J", dir, "tmpfs", 0, "size=64k"), 0);
	struct pty *p = console_sized(w, 24, 80);
	assert_true(pty_wait(p, "\\x1b[31m", 5));
	pty_send(p, "j\r");
	pty_settle(p, 0.3, 2);
	assert_null(strstr(pty_log(p), "\033[31mRED"));
	assert_null(strstr(pty_log(p), "\033]0;title"));
	assert_null(strstr(pty_log(p), "rustbox\033[2J"));
	assert_null(strstr(pty_log(p), "\xe2\x80\xae"));
	for (const char *s = pty_log(p); *s; s++)
		assert_true((unsigned char)*s < 0xf8); /* no byte that cannot be UTF-8 */
	console_leave(p);
	assert_true(world_unmount(dir));
	leftover_remove(&a);
}

/* The watcher dies: said, and the screen lives on with the next one. */
static void the_watcher_is_killed(void **state)
{
	struct world *w = world_need(state);
	struct leftover a;
	char path[96], text[32] = "";
	struct pty *p = console_sized(w, 24, 80);
	assert_true(pty_wait(p, "live: mounts", 5));
	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pty_console(p), (int)pty_console(p));
	assert_true(kfile_read(AT_FDCWD, path, text, sizeof text) > 0);
	assert_true(atoi(text) > 1);
	assert_int_equal(kill(atoi(text), SIGKILL), 0);
	assert_true(pty_wait(p, "signal 9", 5));
	leftover_plant(w, "late", &a);
	assert_true(pty_wait(p, "rustbox-late/root", 5));
	leftover_remove(&a);
	console_leave(p);
}

/* ---- keys ------------------------------------------------------------------------------------------------- */

/* In OBSERVE no sequence of keys changes the host: the mounts stand, and no command but looks was started. */
static void garbage_keys_change_nothing(void **state)
{
	struct world *w = world_need(state);
	struct leftover a;
	leftover_plant(w, "keep", &a);
	struct pty *p = console_sized(w, 24, 80);
	assert_true(pty_wait(p, "+ M leak", 5));
	srand(1977);
	static const char likely[] = "xxYYYp123456\r\rASUrab!w jkdDK:/\t\x1b\x04\x0b\x12\x7f";
	for (int i = 0; i < 3000; i++) {
		char c = rand() % 3 ? likely[(size_t)rand() % (sizeof likely - 1)] : (char)(rand() % 127 + 1);
		if (c == 'q' || c == 0x1c || c == 0x1a) /* leaving and stopping are keys too */
			c = 'x';
		pty_send_bytes(p, &c, 1);
	}
	pty_send(p, "\033");
	pty_settle(p, 0.5, 10);
	assert_true(world_mounted(a.root));
	assert_int_equal(access(a.dir, F_OK), 0);
	assert_int_equal(pty_wait_exit(p, 0), -1);
	pty_done(p);
	leftover_remove(&a);
}

static void paste_is_ignored(void **state)
{
	struct world *w = world_need(state);
	struct pty *p = console_sized(w, 24, 80);
	pty_send(p, "\033[200~rm -rf /\nY\nkill 2 on h\nqqq\033[201~");
	assert_true(pty_wait(p, "paste ignored", 3));
	assert_int_equal(pty_wait_exit(p, 0), -1); /* its q did not leave */
	console_leave(p);
}

static void both_forms_of_arrows(void **state)
{
	struct world *w = world_need(state);
	struct leftover a, b;
	int row, col;
	leftover_plant(w, "one", &a);
	leftover_plant(w, "two", &b);
	struct pty *p = console_sized(w, 24, 80);
	assert_true(pty_wait(p, "rustbox-two/root", 5));
	static const char *const down[] = { "\033[B", "\033OB", "j" }, *const up[] = { "\033[A", "\033OA", "k" };
	for (int i = 0; i < 3; i++) {
		assert_true(pty_find(p, ">+ M", &row, &col));
		pty_send(p, down[i]);
		assert_true(pty_wait_in(p, row + 1, ">+ M", 2));
		assert_true(pty_wait_gone_in(p, row, ">+ M", 2)); /* a frame may come in two pieces */
		pty_send(p, up[i]);
		assert_true(pty_wait_in(p, row, ">+ M", 2));
	}
	console_leave(p);
	leftover_remove(&a);
	leftover_remove(&b);
}

/* ---- the terminal ----------------------------------------------------------------------------------------- */

/* Without the first row, the clock's, and with every number and the space around it as one: ages go on. */
static char *but_for_time(struct pty *p)
{
	char *text = strdup(strchr(pty_screen(p), '\n')), *to = text;
	for (const char *from = text; *from;) {
		size_t n = strspn(from, "0123456789 ");
		*to++ = n ? '#' : *from;
		from += n ? n : 1;
	}
	*to = '\0';
	return text;
}

static void resize_storm(void **state)
{
	struct world *w = world_need(state);
	struct leftover a;
	leftover_plant(w, "size", &a);
	struct pty *p = console_sized(w, 24, 80);
	assert_true(pty_wait(p, "+ M leak", 5));
	static const struct {
		int rows, cols;
	} sizes[] = { { 45, 160 }, { 24, 80 }, { 10, 40 }, { 60, 200 }, { 1, 1 }, { 2, 300 }, { 100, 3 }, { 24, 80 } };
	for (int i = 0; i < 100; i++) {
		size_t n = (size_t)i % (sizeof sizes / sizeof *sizes);
		pty_resize(p, sizes[n].rows, sizes[n].cols);
		if (i % 7 == 0)
			pty_settle(p, 0.03, 0.3);
	}
	pty_resize(p, 24, 80);
	assert_true(pty_wait(p, "+ M leak", 5));
	assert_true(pty_wait(p, "? help", 5));
	bool same = false;
	for (double end = world_now() + world_patience(20); !same && world_now() < end;) { /* something may be new between the two looks */
		pty_settle(p, 0.2, 3);
		autofree char *after = but_for_time(p);
		pty_send(p, "\014"); /* Ctrl-L paints every cell anew: nothing may have been astray */
		assert_true(pty_wait_byte(p, 5) >= 0);
		pty_settle(p, 0.2, 3);
		autofree char *anew = but_for_time(p);
		same = strcmp(after, anew) == 0;
	}
	assert_true(same);
	console_leave(p);
	leftover_remove(&a);
}

static const struct {
	const char *what;
	int sig;
	bool guard; /* aimed at the guard, not at the console itself */
	int status;
} deaths[] = {
	{ "SIGTERM", SIGTERM, false, 128 + SIGTERM }, { "SIGHUP", SIGHUP, false, 128 + SIGHUP },
	{ "SIGSEGV", SIGSEGV, false, 128 + SIGSEGV }, { "SIGABRT", SIGABRT, false, 128 + SIGABRT },
	{ "SIGBUS", SIGBUS, false, 128 + SIGBUS },    { "SIGKILL", SIGKILL, false, 128 + SIGKILL },
	{ "SIGKILL of the guard", SIGKILL, true, 128 + SIGKILL },
	{ "SIGTERM of the guard", SIGTERM, true, 128 + SIGTERM },
};

/* S33: of whatever it dies, the shell gets its terminal back. */
static void every_way_to_die(void **state)
{
	struct world *w = world_need(state);
	const char *runs = getenv("CONSOLE_DEATHS"); /* of each way; make soak-console asks for 50 */
	size_t ways = sizeof deaths / sizeof *deaths, all = ways * (runs ? strtoul(runs, NULL, 10) : 1);
	for (size_t run = 0; run < all; run++) {
		size_t i = run % ways;
		struct pty *p = pty_start(&(struct pty_how){ .root = w->root });
		assert_true(pty_wait(p, "live:", 5));
		assert_true(pty_modes(p).alternate && pty_modes(p).paste && !pty_modes(p).cursor);
		pid_t ui = pty_console(p), target = deaths[i].guard ? pty_pid(p) : ui;
		assert_true(ui > 0);
		assert_int_equal(kill(target, deaths[i].sig), 0);
		assert_int_equal(pty_wait_exit(p, 5), deaths[i].status);
		int gone = 0; /* without a guard the console is ours to reap: the world made us a subreaper */
		for (double end = world_now() + world_patience(5); deaths[i].guard && deaths[i].sig == SIGKILL && gone == 0 && world_now() < end;) {
			pty_settle(p, 0.02, 0.02);
			gone = waitpid(ui, NULL, WNOHANG);
		}
		struct termios clean;
		pty_termios(p, &clean);
		if (!(clean.c_lflag & ICANON && clean.c_lflag & ECHO && clean.c_iflag & ICRNL && clean.c_oflag & OPOST))
			fail_msg("%s: the terminal's settings were not put back", deaths[i].what);
		struct pty_modes m = pty_modes(p);
		if (m.alternate || !m.cursor || m.mouse || m.paste)
			fail_msg("%s: alternate %d cursor %d mouse %d paste %d", deaths[i].what, m.alternate, m.cursor,
				 m.mouse, m.paste);
		if (deaths[i].sig == SIGKILL && !deaths[i].guard)
			assert_true(pty_shows(p, "the console died of SIGKILL"));
		pty_done(p);
	}
}

static void leaving_gives_the_terminal_back(void **state)
{
	struct world *w = world_need(state);
	static const char *const argv[] = { "/bin/sh", "-c", "stty -a >/dev/null; read x; exec \"$TUI\"", NULL };
	char tui[PATH_ROOM * 2], env[PATH_ROOM * 2 + 8];
	pty_program("rustbox-tui", tui, sizeof tui);
	snprintf(env, sizeof env, "TUI=%s", tui);
	const char *const more[] = { env, NULL };
	struct pty *p = pty_start(&(struct pty_how){ .argv = argv, .root = w->root, .env = more });
	struct termios before;
	pty_termios(p, &before);
	pty_send(p, "\n");
	assert_true(pty_wait(p, "live:", 5));
	pty_send(p, "q");
	assert_int_equal(pty_wait_exit(p, 5), 0);
	assert_sane(p, &before, "q");
	pty_done(p);
}

/* S34: Ctrl-Z gives the shell back, fg the screen. */
static void suspend_and_resume(void **state)
{
	struct world *w = world_need(state);
	static const char *const argv[] = { "/bin/bash", "--norc", "--noprofile", "-i", NULL };
	char tui[PATH_ROOM * 2], line[PATH_ROOM * 2 + 8];
	static const char *const more[] = { "PS1=prompt$ ", "HISTFILE=", NULL };
	pty_program("rustbox-tui", tui, sizeof tui);
	struct pty *p = pty_start(&(struct pty_how){ .argv = argv, .root = w->root, .env = more });
	assert_true(pty_wait(p, "prompt$", 5));
	snprintf(line, sizeof line, "%s\n", tui);
	pty_send(p, line);
	assert_true(pty_wait(p, "OBSERVE", 5));
	for (int i = 0; i < 3; i++) {
		pty_send(p, "\032");
		assert_true(pty_wait(p, "Stopped", 5));
		struct pty_modes m = pty_modes(p);
		assert_false(m.alternate);
		assert_true(m.cursor);
		pty_send(p, "echo al''ive\n");
		assert_true(pty_wait(p, "alive", 5));
		pty_send(p, "fg\n");
		assert_true(pty_wait(p, "OBSERVE", 5));
		assert_true(pty_wait(p, "? help", 5));
		assert_true(pty_modes(p).alternate);
		pty_send(p, "?");
		assert_true(pty_wait(p, "every key", 5));
		pty_send(p, "\033");
		assert_true(pty_wait_gone(p, "every key", 5));
	}
	pty_send(p, "q");
	assert_true(pty_wait_gone(p, "OBSERVE", 5));
	pty_send(p, "exit\n");
	assert_true(pty_wait_exit(p, 5) >= 0);
	pty_done(p);
}

/* S32: every type of terminal gets a readable screen or a plain report, never an error. */
static void every_terminal(void **state)
{
	struct world *w = world_need(state);
	static const struct {
		const char *term, *notice;
	} terms[] = {
		{ "xterm-256color", NULL },
		{ "xterm", NULL },
		{ "tmux-256color", NULL },
		{ "screen", NULL },
		{ "linux", NULL },
		{ "vt100", NULL },
		{ "xterm-ghostty", "terminal type xterm-ghostty unknown, using xterm-256color" },
		{ "xterm-nonesuch", "terminal type xterm-nonesuch unknown, using xterm" },
	};
	for (size_t i = 0; i < sizeof terms / sizeof *terms; i++) {
		struct pty *p = pty_start(&(struct pty_how){ .root = w->root, .term = terms[i].term });
		if (!pty_wait(p, "OBSERVE", 5) || !pty_wait(p, "? help", 5))
			fail_msg("TERM=%s", terms[i].term);
		if (terms[i].notice)
			assert_true(pty_wait(p, terms[i].notice, 3));
		console_leave(p);
	}
	static const char *const plain[] = { "dumb", "" };
	for (size_t i = 0; i < 2; i++) {
		struct pty *p = pty_start(&(struct pty_how){ .root = w->root, .term = plain[i] });
		assert_true(pty_wait(p, "cannot place a cursor", 5));
		assert_true(pty_wait(p, "health healthy", 10)); /* the dialogue in lines instead */
		pty_send(p, "quit\n");
		assert_int_equal(pty_wait_exit(p, 10), 0);
		assert_null(strchr(pty_log(p), '\033'));
		pty_done(p);
	}
}

/* Without colours every state is still a word: the text is the same, and nothing is coloured. */
static void without_colours(void **state)
{
	struct world *w = world_need(state);
	struct leftover a;
	leftover_plant(w, "mono", &a);
	static const char *const mono[] = { "NO_COLOR=1", NULL };
	struct pty *p = pty_start(&(struct pty_how){ .root = w->root, .env = mono });
	assert_true(pty_wait(p, "+ M leak", 5));
	for (int row = 0; row < 24; row++)
		for (int col = 0; col < 80; col++)
			assert_false(pty_cell(p, row, col).coloured);
	console_leave(p);
	static const char *const ascii[] = { "LC_ALL=C", NULL };
	p = pty_start(&(struct pty_how){ .root = w->root, .env = ascii });
	assert_true(pty_wait(p, "+ M leak", 5));
	for (const char *s = pty_log(p); *s; s++)
		assert_true((unsigned char)*s < 0x80);
	console_leave(p);
	leftover_remove(&a);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	const struct CMUnitTest tests[] = {
		WORLD_TEST(a_clean_host), WORLD_TEST(a_leak_appears_while_looking), WORLD_TEST(who_holds_it), WORLD_TEST(hostile_names),
		WORLD_TEST(the_watcher_is_killed), WORLD_TEST(garbage_keys_change_nothing), WORLD_TEST(paste_is_ignored), WORLD_TEST(both_forms_of_arrows),
		WORLD_TEST(resize_storm), WORLD_TEST(every_way_to_die), WORLD_TEST(leaving_gives_the_terminal_back), WORLD_TEST(suspend_and_resume),
		WORLD_TEST(every_terminal), WORLD_TEST(without_colours),
	};
	world_alone(); /* the screen shows the processes of this test, not those of the tests beside it */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
