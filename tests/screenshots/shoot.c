/*
 * Takes the pictures: plays a scene (tests/screenshots/scenes/X.scene) with the real console on real faults, in
 * namespaces of its own, and keeps what was seen:
 *
 *   OUT/X.cast      the bytes the console wrote, with their times (asciinema, version 2)
 *   OUT/NAME.png    at each `shot NAME`, when it runs inside an xterm (WINDOWID): the bytes are passed on to it
 *   OUT/X.script    everything the console was told, as rustbox-tui --script reads it: the same screens again, on
 *                   any machine and without a fault (screenshots/NAME.txt are made from it)
 *   OUT/NAME.live   the screen as text, to compare with that
 *
 * usage: shoot SCENE OUT
 *
 * Three processes. The outer one stays in the xterm's world and takes the pictures. The inner one is pid 1 of a PID
 * namespace, with its own host name and mounts, so that names and numbers are the same every time; it plants, types
 * and waits. And this same program, under the names rustbox and rustbox-probe, stands between the console and the
 * real ones: it passes on what they print and writes it down.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "tests/harness/lab.h"
#include "tests/harness/pty.h"
#include "tests/harness/world.h"
#include "tests/screenshots/shoot.h"

enum { MOST_FAULTS = 32, FIRST_PID = 4700 };

struct shoot {
	struct world w;
	struct lab labs[MOST_FAULTS];
	unsigned nlabs;
	struct pty *p;
	int rows, cols;
	const char *scene, *out;
	char name[64];
	int ask, answer; /* pictures: a name goes out, a byte comes back */
	bool relay, console;
	FILE *cast;
	double began;
	char at[PATH_MAX + 32]; /* "scene:line", for what goes wrong */
};

static double now(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const struct shoot *s, const char *fmt, ...) __attribute__((format(printf, 2, 3), noreturn));
static void die(const struct shoot *s, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	fprintf(stderr, "%s: ", s->at);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(1); /* pid 1 of its namespace: every process and mount dies with it; the outer one removes the rest */
}

/* ---- what the console writes ------------------------------------------------------------------------ */

static void cast_text(FILE *f, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)bytes[i];
		if (c == '"' || c == '\\')
			fprintf(f, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			fprintf(f, "\\u%04x", c);
		else
			fputc(c, f);
	}
}

/* A character cut in two by a read would be no JSON text: its first bytes wait for the rest. */
static size_t whole(const char *bytes, size_t n)
{
	for (size_t back = 1; back <= 3 && back <= n; back++) {
		unsigned char c = (unsigned char)bytes[n - back];
		size_t want = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
		if ((c & 0xc0) != 0x80)
			return want > back ? n - back : n;
	}
	return n;
}

static void on_bytes(void *arg, const char *bytes, size_t n)
{
	static char held[4 + 65536];
	static size_t nheld;
	struct shoot *s = arg;
	if (s->relay && write(STDOUT_FILENO, bytes, n) != (ssize_t)n)
		die(s, "the terminal takes no more: %s", strerror(errno));
	memcpy(held + nheld, bytes, n);
	nheld += n;
	size_t out = whole(held, nheld);
	fprintf(s->cast, "[%.3f, \"o\", \"", now() - s->began);
	cast_text(s->cast, held, out);
	fputs("\"]\n", s->cast);
	memmove(held, held + out, nheld - out);
	nheld -= out;
}

/* ---- words of a scene ------------------------------------------------------------------------------- */

static void word_plant(struct shoot *s, char *rest)
{
	char *box = strchr(rest, ' ');
	if (!box || s->nlabs == MOST_FAULTS)
		die(s, "plant FAULT BOX, at most %d of them", MOST_FAULTS);
	*box++ = '\0';
	const struct fault *f = lab_fault(rest);
	struct lab *l = &s->labs[s->nlabs++];
	if (!f)
		die(s, "no fault is called %s", rest);
	lab_open(l, &s->w, box);
	if (lab_plant(l, f) != PLANTED)
		die(s, "%s: %s", rest, l->why);
}

/* The last fault's box has a record of all it has, as a box of a killed supervisor. */
static void word_ledger(struct shoot *s, char *rest)
{
	(void)rest;
	if (s->nlabs == 0 || !lab_ledger(&s->labs[s->nlabs - 1], NULL))
		die(s, "no ledger: %s", s->nlabs ? s->labs[s->nlabs - 1].why : "nothing is planted");
}

enum { WORDS = 24 };

static void split(char *rest, const char **argv)
{
	int n = 0;
	for (char *word = strtok(rest, " "); word && n < WORDS - 1; word = strtok(NULL, " "))
		argv[n++] = word;
	argv[n] = NULL;
}

/* A program of the build, in the scene's world; its exit status may be anything, its end must come. */
static void word_run(struct shoot *s, char *rest)
{
	const char *argv[WORDS];
	struct ran r;
	split(rest, argv);
	world_run(&s->w, &r, 60, NULL, argv);
	if (r.late)
		die(s, "%s did not end", argv[0]);
	ran_done(&r);
}

/* `argv` has room for what the scene adds, from `at` on. */
static void start(struct shoot *s, char *rest, const char **argv, int at)
{
	static const char *const env[] = { "SUDO_USER=alice", "RUSTBOX_RUNBOOKS=" SHOOT_BIN "/runbooks", NULL };
	char more;
	int used = 0;
	if (s->p || sscanf(rest, "%4dx%4d%n%c", &s->cols, &s->rows, &used, &more) < 2)
		die(s, "one console or program a scene, as COLSxROWS [WORD...]");
	split(rest + used, argv + at);
	s->began = now();
	fprintf(s->cast, "{\"version\": 2, \"width\": %d, \"height\": %d, \"title\": \"rustbox: %s\"}\n", s->cols, s->rows, s->name);
	s->p = pty_start(&(struct pty_how){ .argv = argv, .root = s->w.root, .env = env, .rows = s->rows, .cols = s->cols,
					    .tap = on_bytes, .tap_arg = s });
}

static void word_console(struct shoot *s, char *rest)
{
	const char *argv[WORDS + 3] = { SHOOT_BIN "/rustbox-tui", "--incident", "0208-01" };
	shoot_note("size %.*s", (int)strcspn(rest, " "), rest);
	s->console = true;
	start(s, rest, argv, 3);
}

/* Another program of the build on the terminal: its pictures and recording, but no key script. */
static void word_program(struct shoot *s, char *rest)
{
	const char *argv[WORDS + 1];
	start(s, rest, argv, 0);
}

/* What a clean host of this world looks like; the replay reads the same. */
static void word_baseline(struct shoot *s, char *rest)
{
	char stored[PATH_MAX], kept[PATH_MAX];
	struct ran r;
	(void)rest;
	(void)snprintf(stored, sizeof stored, "%s/var/lib/rustbox", s->w.root);
	(void)mkdir(stored, 0755);
	(void)snprintf(stored, sizeof stored, "%s/var/lib/rustbox/baseline.txt", s->w.root);
	(void)snprintf(kept, sizeof kept, "tests/screenshots/replay/%s.baseline", s->name);
	world_call(&s->w, &r, 20, "rustbox-probe", "baseline", "capture");
	FILE *there = fopen(stored, "we"), *here = fopen(kept, "we");
	if (r.code != 0 || !there || !here || fputs(r.out, there) < 0 || fputs(r.out, here) < 0)
		die(s, "no baseline: %s", r.err);
	(void)fclose(there);
	(void)fclose(here);
	ran_done(&r);
	shoot_note("baseline %s", kept);
}

/* Waiting shows the terminal's side; a shown question drops keys for 150 ms, so every answer waits longer. */
static void word_wait(struct shoot *s, char *rest)
{
	if (!pty_wait(s->p, rest, 40))
		die(s, "did not come: %s", rest);
	pty_settle(s->p, 0.25, 1);
}

static void word_gone(struct shoot *s, char *rest)
{
	if (!pty_wait_gone(s->p, rest, 40))
		die(s, "did not go: %s", rest);
}

static void word_pause(struct shoot *s, char *rest)
{
	double end = now() + strtod(rest, NULL);
	while (now() < end)
		pty_settle(s->p, end - now(), end - now());
}

static void word_key(struct shoot *s, char *rest)
{
	static const struct { const char *name, *bytes; } named[] = {
		{ "Enter", "\r" }, { "Esc", "\033" }, { "Tab", "\t" }, { "Up", "\033[A" }, { "Down", "\033[B" },
		{ "PgDn", "\033[6~" }, { "End", "\033[F" }, { "Space", " " },
	};
	if (s->console)
		shoot_note("key %s", rest);
	for (size_t i = 0; i < sizeof named / sizeof *named; i++)
		if (strcmp(named[i].name, rest) == 0)
			return pty_send(s->p, named[i].bytes);
	if (strlen(rest) != 1)
		die(s, "no key is called %s", rest);
	pty_send(s->p, rest);
}

/* At a person's pace, so that the recordings can be read. */
static void word_type(struct shoot *s, char *rest)
{
	if (s->console)
		shoot_note("type %s", rest);
	for (char key[2] = ""; *rest; rest++) {
		key[0] = *rest;
		pty_send(s->p, key);
		pty_settle(s->p, 0.03, 0.03);
	}
}

static void word_shot(struct shoot *s, char *rest)
{
	char path[PATH_MAX], byte;
	pty_settle(s->p, 0.4, 2);
	if (s->console)
		shoot_note("screen %s", rest);
	(void)snprintf(path, sizeof path, "%s/%s.live", s->out, rest);
	FILE *f = fopen(path, "we");
	if (!f || fputs(pty_screen(s->p), f) < 0 || fclose(f) != 0)
		die(s, "write %s", path);
	if (s->relay && (dprintf(s->ask, "%s\n", rest) < 0 || read(s->answer, &byte, 1) != 1 || byte != 'y'))
		die(s, "no picture of %s was taken", rest);
}

static const struct {
	const char *word;
	void (*act)(struct shoot *s, char *rest);
} words[] = {
	{ "plant", word_plant }, { "ledger", word_ledger }, { "baseline", word_baseline }, { "run", word_run },	{ "console", word_console }, { "program", word_program }, { "wait", word_wait }, { "gone", word_gone },
	{ "pause", word_pause }, { "key", word_key },	{ "type", word_type },	     { "shot", word_shot },
};

static void play(struct shoot *s, const char *path)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t cap = 0;
	for (unsigned at = 1; f && getline(&line, &cap, f) > 0; at++) {
		line[strcspn(line, "\n")] = '\0';
		size_t n = strcspn(line, " "), i = 0;
		(void)snprintf(s->at, sizeof s->at, "%s:%u", path, at);
		if (!*line || *line == '#')
			continue;
		while (i < sizeof words / sizeof *words && (strlen(words[i].word) != n || strncmp(words[i].word, line, n) != 0))
			i++;
		if (i == sizeof words / sizeof *words)
			die(s, "unknown word: %s", line);
		words[i].act(s, line + n + (line[n] == ' '));
	}
	if (!f)
		die(s, "open %s: %s", path, strerror(errno));
	free(line);
	(void)fclose(f);
}

/* Mounts of this machine that no other has would be in the recording, and tell nothing. */
static void forget_mounts(void)
{
	char line[8192], at[PATH_MAX];
	FILE *f = fopen("/proc/self/mountinfo", "re");
	while (f && fgets(line, sizeof line, f)) {
		static const char *const kept[] = { "/proc", "/sys", "/dev", "/run", "/srv" };
		bool keep = sscanf(line, "%*d %*d %*s %*s %4095s", at) != 1 || strcmp(at, "/") == 0;
		for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
			keep = keep || strncmp(at, kept[i], strlen(kept[i])) == 0;
		if (!keep)
			(void)umount2(at, MNT_DETACH); /* in this private namespace only */
	}
	if (f)
		(void)fclose(f);
}

/* ---- the processes ---------------------------------------------------------------------------------- */

static void inner(struct shoot *s)
{
	char path[PATH_MAX], name[] = "worker-07";
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 || mount("proc", "/proc", "proc", 0, NULL) != 0 ||
	    mount("tmpfs", "/srv", "tmpfs", 0, "mode=755") != 0 || sethostname(name, strlen(name)) != 0)
		die(s, "namespaces: %s", strerror(errno));
	forget_mounts();
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_NAME, "python3"); /* what the planted processes are called: payloads, not us */
	FILE *next = fopen("/proc/sys/kernel/ns_last_pid", "we");
	if (next) { /* pids of four digits, as on a host; without it they are only smaller */
		fprintf(next, "%d", FIRST_PID);
		(void)fclose(next);
	}
	world_open_at(&s->w, SHOOT_ROOT, WORLD_SHARED);
	(void)snprintf(path, sizeof path, "%s/%s.cast", s->out, s->name);
	s->cast = fopen(path, "we");
	if (!s->cast)
		die(s, "write %s: %s", path, strerror(errno));
	play(s, s->scene);
	pty_done(s->p);
	for (unsigned i = s->nlabs; i-- > 0;)
		lab_undo(&s->labs[i]);
	exit(fclose(s->cast) == 0 && world_remove(&s->w) ? 0 : 1);
}

/* What a scene that broke off has left is cgroups: its processes and mounts ended with its namespaces. */
static void tidy(void)
{
	struct world w = { .root = SHOOT_ROOT };
	struct err e;
	if (paths_init(&w.paths, SHOOT_ROOT, &e) == 0)
		world_sweep(&w);
}

/* Serves pictures until the inner process has ended; its exit status. */
static int outer(struct shoot *s, pid_t pid, int asked, int answer)
{
	char name[128], *window = getenv("WINDOWID");
	FILE *f = fdopen(asked, "r");
	int status = 0;
	while (f && fgets(name, sizeof name, f)) {
		char command[PATH_MAX + 256];
		name[strcspn(name, "\n")] = '\0';
		(void)snprintf(command, sizeof command, "tests/screenshots/png.sh '%s' '%s/%s.png'", window ? window : "", s->out, name);
		char byte = system(command) == 0 ? 'y' : 'n';
		if (write(answer, &byte, 1) != 1)
			break;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
	const char *me = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	if (strcmp(me, "shoot") != 0)
		return shoot_record(me, argv);
	static struct shoot s;
	int ask[2], answer[2];
	struct termios raw;
	if (argc != 3) {
		fputs("usage: shoot SCENE OUT\n", stderr);
		return 2;
	}
	s.scene = argv[1];
	s.out = argv[2];
	const char *base = strrchr(s.scene, '/') ? strrchr(s.scene, '/') + 1 : s.scene;
	(void)snprintf(s.name, sizeof s.name, "%.*s", (int)strcspn(base, "."), base);
	(void)snprintf(s.at, sizeof s.at, "%s", s.scene);
	if (world_lacking())
		die(&s, "%s", world_lacking());
	s.relay = getenv("WINDOWID") && tcgetattr(STDOUT_FILENO, &raw) == 0;
	if (s.relay) {
		cfmakeraw(&raw);
		(void)tcsetattr(STDOUT_FILENO, TCSANOW, &raw);
	}
	tidy();
	if (pipe2(ask, O_CLOEXEC) != 0 || pipe2(answer, O_CLOEXEC) != 0 || shoot_prepare() != 0)
		die(&s, "prepare: %s", strerror(errno));
	/* fork(), with namespaces for the child only: after unshare() this process could start nothing once the child is dead */
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid < 0)
		die(&s, "namespaces: %s", strerror(errno));
	if (pid == 0) {
		(void)close(ask[0]);
		(void)close(answer[1]);
		s.ask = ask[1];
		s.answer = answer[0];
		inner(&s);
	}
	(void)close(ask[1]);
	(void)close(answer[0]);
	int code = outer(&s, pid, ask[0], answer[1]);
	tidy();
	char script[PATH_MAX];
	(void)snprintf(script, sizeof script, "%s/%s.script", s.out, s.name);
	if (code == 0 && shoot_script(s.scene, script) != 0)
		code = 1;
	return system("rm -rf --one-file-system " SHOOT_BIN) == 0 ? code : 1;
}
