/*
 * Attacks on whoever calls rustbox: through arguments, names, the terminal, files it is asked to read and write,
 * and death at the wrong moment. The caller's terminal, files and screen must be what they were.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "probes/base/own.h"
#include "tests/harness/world.h"

static struct world world;
static char payloads[PATH_ROOM + 40];

/* Control bytes would be obeyed by the operator's terminal; only newline and tab are text. */
static bool plain(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];
		if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static bool one_line(const char *s)
{
	const char *end = strchr(s, '\n');
	return *s && (!end || end[1] == '\0');
}

static void refuses(void **state)
{
	(void)state;
	static const char *const wishes[][8] = {
		{ "rustbox" }, { "rustbox", "no-such-command" }, { "rustbox", "run" }, { "rustbox", "run", "--" },
		{ "rustbox", "run", "--mem", "lots", "--", "/bin/true" }, { "rustbox", "run", "--mem", "-1", "--", "/bin/true" },
		{ "rustbox", "run", "--mem", "99999999999999999999G", "--", "/bin/true" },
		{ "rustbox", "run", "--mem" }, { "rustbox", "run", "--time", "\x1b[31m", "--", "/bin/true" },
		{ "rustbox", "run", "--time", "1s\n2s", "--", "/bin/true" }, { "rustbox", "run", "--\x1b]0;x\x07", "--", "/bin/true" },
		{ "rustbox", "run", "--box-id", "../../etc", "--", "/bin/true" }, { "rustbox", "run", "--box-id", "", "--", "/bin/true" },
		{ "rustbox", "run", "--box-id", "a b", "--", "/bin/true" }, { "rustbox", "run", "--box-id", "a\nb", "--", "/bin/true" },
		{ "rustbox", "run", "--box-id", "-", "--no-such", "--", "/bin/true" },
		{ "rustbox", "run", "--dir", "relative=/", "--", "/bin/true" }, { "rustbox", "run", "--dir", "/../x=/", "--", "/bin/true" },
		{ "rustbox", "run", "--dir", "/=/", "--", "/bin/true" }, { "rustbox", "run", "--dir", "/x=/:no-such-option", "--", "/bin/true" },
		{ "rustbox", "run", "--dir", "", "--", "/bin/true" }, { "rustbox", "run", "--env", "=x", "--", "/bin/true" },
		{ "rustbox", "run", "--profile", "\xff\xfe", "--", "/bin/true" }, { "rustbox", "init", "--box-id", "/" },
		{ "rustbox", "cleanup", "--box-id", "x/../y" }, { "rustbox", "--root", "relative", "run", "--", "/bin/true" },
	};
	int bad = 0;
	for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++) {
		struct ran r;
		const char *argv[9] = { 0 };
		memcpy(argv, wishes[i], sizeof wishes[i]);
		world_run(&world, &r, 10, NULL, argv);
		bool ok = !r.late && r.code == 2 && plain(r.err, r.err_len) && plain(r.out, r.out_len) && *r.err;
		if (!ok) {
			print_message("wish %zu (%s %s %s): exit %d signal %d: %.300s\n", i, argv[1] ? argv[1] : "",
				      argv[2] ? argv[2] : "", argv[3] ? "..." : "", r.code, r.signal, r.err);
			bad++;
		}
		ran_done(&r);
	}
	assert_int_equal(bad, 0);
}

/* Words from the real vocabulary in senseless order, and rubbish: never a crash, a hang, or a control byte. None may name a
 * file to write: the result goes to stdout only. SEED and BABBLE (rounds) from the environment say other ones. */
static void babble(void **state)
{
	(void)state;
	static const char *const words[] = { "run", "init", "cleanup", "check", "explain", "--mem", "--time", "64M", "1s", "--", "--json",
		"-", "--box-id", "x", "--dir", "/a=/usr:rw", "--permissive", "--profile", "agent", "--env", "A=B", "--dry-run", "--quiet",
		"/bin/true", "stages", "limits", "--processes", "0", "--cpus", "-1", "--stdin", "/dev/null", "--chdir", "/tmp", "\x1b[31m",
		"\xff", "%s%n%s", "--wall-time", "0", "'; rm -rf /", "$(reboot)", "--output", "1", "--inodes", "--workspace" };
	const char *seed = getenv("SEED"), *count = getenv("BABBLE");
	unsigned s = seed ? (unsigned)atoi(seed) : 1;
	print_message("SEED=%u\n", s);
	srandom(s);
	for (int i = 0, n = count ? atoi(count) : 200; i < n; i++) {
		const char *argv[12] = { "rustbox" };
		int len = 1 + (int)(random() % 9);
		for (int k = 1; k <= len; k++)
			argv[k] = strcmp(argv[k - 1], "--json") == 0 ? "-" : words[(size_t)random() % (sizeof words / sizeof *words)];
		struct ran r;
		world_run(&world, &r, 15, NULL, argv);
		if (r.late || r.signal || r.code > 4 || !plain(r.err, r.err_len))
			fail_msg("SEED=%u round %d: %s %s %s %s: exit %d signal %d%s: %.300s", s, i, argv[1], argv[2] ? argv[2] : "",
				 argv[3] ? argv[3] : "", argv[4] ? argv[4] : "", r.code, r.signal, r.late ? " hangs" : "", r.err);
		ran_done(&r);
	}
	struct ran r;
	world_call(&world, &r, 10, "rustbox", "cleanup", "--box-id", "x");
	ran_done(&r);
	assert_true(world_clean_within(&world, 2));
}

/* The payload has the caller's terminal as its stdin and tries to type into it. */
static void terminal_is_not_typed_into(void **state)
{
	(void)state;
	struct termios before, after;
	struct winsize size = { 24, 80, 0, 0 };
	char path[PATH_ROOM + 16], said[65536];
	int master, waiting = -1, status;
	size_t n = 0;
	snprintf(path, sizeof path, "%s/rustbox", world.build);
	pid_t pid = forkpty(&master, NULL, NULL, &size);
	if (pid == 0) {
		setenv("RUSTBOX_ROOT", world.root, 1);
		execl(path, "rustbox", "run", "--dir", payloads, "--", "/p/attack_sys", "terminal", NULL);
		_exit(127);
	}
	assert_true(pid > 0);
	tcgetattr(master, &before);
	struct pollfd p = { .fd = master, .events = POLLIN };
	while (n < sizeof said - 1 && poll(&p, 1, (int)world_patience(8) * 1000) > 0) {
		ssize_t got = read(master, said + n, sizeof said - 1 - n);
		if (got <= 0)
			break;
		n += (size_t)got;
		if (ioctl(master, TIOCOUTQ, &waiting) == 0 && waiting > 0)
			break;
	}
	said[n] = '\0';
	tcgetattr(master, &after);
	waitpid(pid, &status, 0);
	close(master);
	assert_non_null(strstr(said, "alive"));
	assert_null(strstr(said, "REACHED"));
	assert_true(waiting <= 0);
	assert_int_equal(before.c_lflag, after.c_lflag);
	assert_int_equal(before.c_iflag, after.c_iflag);
}

/* Interrupted in the middle, by each signal a person or a system sends: a verdict or a death, and nothing left. */
static void interrupted(void **state)
{
	(void)state;
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	char path[PATH_ROOM + 16];
	snprintf(path, sizeof path, "%s/rustbox", world.build);
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			setsid();
			int null = open("/dev/null", O_RDWR);
			dup2(null, 0), dup2(null, 1), dup2(null, 2);
			setenv("RUSTBOX_ROOT", world.root, 1);
			execl(path, "rustbox", "run", "--quiet", "--wall-time=10m", "--dir", payloads, "--", "/p/attack_proc", "deaf_sleep", NULL);
			_exit(127);
		}
		usleep(150000);
		kill(pid, signals[i]);
		int status = 0;
		pid_t ended;
		double until = world_now() + world_patience(4);
		while ((ended = waitpid(pid, &status, WNOHANG)) == 0 && world_now() < until)
			usleep(5000);
		if (ended == 0) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			fail_msg("signal %d is not obeyed", signals[i]);
		}
		autofree char *left = NULL;
		if (!world_clean_within(&world, 1) && (left = world_left(&world)))
			fail_msg("after signal %d: %s", signals[i], left);
	}
}

/* SIGKILL of the supervisor while a payload that ignores every signal sleeps: nothing of it goes on. */
static void killed(void **state)
{
	(void)state;
	char path[PATH_ROOM + 16];
	snprintf(path, sizeof path, "%s/rustbox", world.build);
	for (int i = 0; i < 5; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			setsid();
			int null = open("/dev/null", O_RDWR);
			dup2(null, 0), dup2(null, 1), dup2(null, 2);
			setenv("RUSTBOX_ROOT", world.root, 1);
			execl(path, "rustbox", "run", "--quiet", "--dir", payloads, "--", "/p/attack_proc", i % 2 ? "fork_storm" : "deaf_sleep", NULL);
			_exit(127);
		}
		usleep(200000);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		double died = world_now();
		for (;;) {
			autofree char *left = world_left(&world);
			if (!strstr(left, "process "))
				break;
			if (world_now() - died > world_patience(1)) /* who is told to die may wait for a processor */
				fail_msg("long after the supervisor's death: %s", left);
			usleep(10000);
		}
	}
	struct ran r;
	world_call(&world, &r, 30, "rustbox", "health", "--recover", "--cleanup", "--json");
	if (r.code != 0)
		fail_msg("recovery: exit %d: %.500s %.300s", r.code, r.out, r.err);
	ran_done(&r);
	assert_true(world_clean_within(&world, 1));
}

/* --json FILE and --stdout FILE through a link, onto a FIFO, into a full device: told, not followed for ever. */
static void odd_outputs(void **state)
{
	(void)state;
	static const char *const places[] = { "/dev/full", "/proc/self/mem/x", "/no/such/dir/file" };
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		struct ran r;
		world_call(&world, &r, 10, "rustbox", "run", "--json", places[i], "--", "/bin/true");
		if (r.late || r.signal || r.code == 0 || !one_line(r.err) || !plain(r.err, r.err_len))
			fail_msg("--json %s: exit %d signal %d: %.300s", places[i], r.code, r.signal, r.err);
		ran_done(&r);
	}
	assert_true(world_clean_within(&world, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses), cmocka_unit_test(babble), cmocka_unit_test(terminal_is_not_typed_into),
		cmocka_unit_test(interrupted), cmocka_unit_test(odd_outputs), cmocka_unit_test(killed),
	};
	world_alone();
	if (world_lacking()) {
		printf("skipped: %s\n", world_lacking());
		return 77;
	}
	world_open(&world, WORLD_MOUNTS);
	snprintf(payloads, sizeof payloads, "/p=%s/payloads", world.build);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	return !world_done(&world) || failed != 0;
}
