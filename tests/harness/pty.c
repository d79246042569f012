/* The pseudo-terminal driver; see pty.h. */
#include "tests/harness/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <vterm.h>

#include "tests/harness/world.h"

struct pty {
	pid_t pid;
	int pidfd, master, slave; /* the slave stays open here, as it does in a shell */
	int rows, cols;
	bool ended;
	int status;
	VTerm *vt;
	VTermScreen *screen;
	struct pty_modes modes;
	char *log;
	size_t len, cap;
	char *text; /* the last answer of pty_row or pty_screen */
	void (*tap)(void *arg, const char *bytes, size_t n);
	void *tap_arg;
};

static double now(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void pty_program(const char *name, char *out, size_t cap)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	self[n > 0 ? n : 0] = '\0';
	for (int up = 0; up < 3 && strrchr(self, '/'); up++) /* BUILD/tests/<folder>/test_x */
		*strrchr(self, '/') = '\0';
	(void)snprintf(out, cap, "%s/%s", self, name);
}

static int on_prop(VTermProp prop, VTermValue *val, void *user)
{
	struct pty *p = user;
	if (prop == VTERM_PROP_ALTSCREEN)
		p->modes.alternate = val->boolean;
	else if (prop == VTERM_PROP_CURSORVISIBLE)
		p->modes.cursor = val->boolean;
	else if (prop == VTERM_PROP_MOUSE)
		p->modes.mouse = val->number != VTERM_PROP_MOUSE_NONE;
	return 1;
}

static const VTermScreenCallbacks callbacks = { .settermprop = on_prop };

static void child(const struct pty_how *how, int slave)
{
	char program[PATH_MAX + 64], books[PATH_MAX];
	static const char *const console[] = { "rustbox-tui", NULL };
	const char *const *argv = how->argv ? how->argv : console;
	(void)setsid();
	(void)ioctl(slave, TIOCSCTTY, 0);
	for (int fd = 0; fd < 3; fd++)
		(void)dup2(slave, fd);
	(void)close_range(3, ~0u, 0);
	sigset_t none;
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)setenv("LANG", "C.UTF-8", 1);
	(void)setenv("LC_ALL", "C.UTF-8", 1);
	(void)setenv("MALLOC_PERTURB_", "165", 0); /* what was freed is not what it was: its use shows */
	(void)unsetenv("TMUX");
	(void)unsetenv("NO_COLOR");
	(void)unsetenv("COLORFGBG");
	if (realpath("runbooks", books))
		(void)setenv("RUSTBOX_RUNBOOKS", books, 0);
	if (how->root)
		(void)setenv("RUSTBOX_ROOT", how->root, 1);
	if (how->term && !*how->term)
		(void)unsetenv("TERM");
	else
		(void)setenv("TERM", how->term ? how->term : "xterm-256color", 1);
	for (const char *const *e = how->env; e && *e; e++)
		(void)putenv(strdup(*e));
	if (strncmp(argv[0], "rustbox", 7) == 0)
		pty_program(argv[0], program, sizeof program);
	else
		(void)snprintf(program, sizeof program, "%s", argv[0]);
	char *const *words;
	memcpy(&words, &argv, sizeof words);
	(void)execvp(program, words);
	_exit(127);
}

struct pty *pty_start(const struct pty_how *how)
{
	struct pty *p = calloc(1, sizeof *p);
	if (!p)
		abort();
	p->rows = how->rows ? how->rows : 24;
	p->cols = how->cols ? how->cols : 80;
	p->modes.cursor = true;
	p->tap = how->tap;
	p->tap_arg = how->tap_arg;
	struct winsize size = { .ws_row = (unsigned short)p->rows, .ws_col = (unsigned short)p->cols };
	if (openpty(&p->master, &p->slave, NULL, NULL, &size) != 0)
		abort();
	(void)fcntl(p->master, F_SETFD, FD_CLOEXEC);
	(void)fcntl(p->slave, F_SETFD, FD_CLOEXEC);
	(void)fcntl(p->master, F_SETFL, O_NONBLOCK);
	p->vt = vterm_new(p->rows, p->cols);
	vterm_set_utf8(p->vt, 1);
	p->screen = vterm_obtain_screen(p->vt);
	vterm_screen_enable_altscreen(p->screen, 1);
	vterm_screen_set_callbacks(p->screen, &callbacks, p);
	vterm_screen_reset(p->screen, 1);
	p->pid = fork();
	if (p->pid == 0)
		child(how, p->slave);
	p->pidfd = pidfd_open(p->pid, 0);
	return p;
}

static void keep(struct pty *p, const char *bytes, size_t n)
{
	if (p->len + n + 1 > p->cap) {
		p->cap = (p->len + n + 1) * 2;
		p->log = realloc(p->log, p->cap);
		if (!p->log)
			abort();
	}
	memcpy(p->log + p->len, bytes, n);
	p->len += n;
	p->log[p->len] = '\0';
	if (p->tap)
		p->tap(p->tap_arg, bytes, n);
	(void)vterm_input_write(p->vt, bytes, n);
}

/* Takes what comes within `seconds`; returns at the first bytes or at the program's end. */
static bool take(struct pty *p, double seconds)
{
	struct pollfd fds[2] = { { .fd = p->master, .events = POLLIN }, { .fd = p->ended ? -1 : p->pidfd, .events = POLLIN } };
	char buf[65536];
	int ms = seconds <= 0 ? 0 : (int)(seconds * 1000) + 1;
	if (poll(fds, 2, ms) <= 0)
		return false;
	ssize_t n = read(p->master, buf, sizeof buf);
	if (n > 0)
		keep(p, buf, (size_t)n);
	if (n <= 0 && fds[1].revents && waitpid(p->pid, &p->status, WNOHANG) == p->pid)
		p->ended = true;
	return n > 0 || p->ended;
}

static void drain(struct pty *p)
{
	size_t before;
	do {
		before = p->len;
		(void)take(p, 0);
	} while (p->len != before);
}

void pty_done(struct pty *p)
{
	if (!p)
		return;
	pid_t console = p->ended ? 0 : pty_console(p);
	if (!p->ended)
		(void)kill(-p->pid, SIGKILL); /* its session's first group: made by us, not yet reaped */
	if (console > 0)
		(void)kill(console, SIGKILL);
	if (!p->ended)
		(void)waitpid(p->pid, &p->status, 0);
	(void)close(p->pidfd);
	(void)close(p->master);
	(void)close(p->slave);
	vterm_free(p->vt);
	free(p->log);
	free(p->text);
	free(p);
}

pid_t pty_pid(const struct pty *p)
{
	return p->pid;
}

pid_t pty_console(const struct pty *p)
{
	char path[96], buf[64] = "";
	(void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)p->pid, (int)p->pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, buf, sizeof buf - 1);
	if (fd >= 0)
		(void)close(fd);
	return n > 0 ? atoi(buf) : 0;
}

void pty_send_bytes(struct pty *p, const char *bytes, size_t n)
{
	double end = now() + world_patience(5);
	while (n > 0 && now() < end) {
		ssize_t w = write(p->master, bytes, n);
		if (w > 0) {
			bytes += w;
			n -= (size_t)w;
		} else {
			(void)take(p, 0.01); /* its output may be what it is stuck on */
		}
	}
}

void pty_send(struct pty *p, const char *bytes)
{
	pty_send_bytes(p, bytes, strlen(bytes));
}

void pty_resize(struct pty *p, int rows, int cols)
{
	struct winsize size = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols };
	drain(p);
	p->rows = rows;
	p->cols = cols;
	vterm_set_size(p->vt, rows, cols);
	(void)ioctl(p->master, TIOCSWINSZ, &size);
}

/* ---- what is on the screen -------------------------------------------------------------------- */

static size_t put_utf8(char *out, uint32_t c)
{
	if (c < 0x80)
		return (void)(out[0] = (char)c), 1;
	int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	static const unsigned char lead[] = { 0, 0xc0, 0xe0, 0xf0 };
	out[0] = (char)(lead[more] | c >> (6 * more));
	for (int i = 1; i <= more; i++)
		out[i] = (char)(0x80 | (c >> (6 * (more - i)) & 0x3f));
	return (size_t)more + 1;
}

static size_t row_text(struct pty *p, int row, char *out)
{
	size_t n = 0;
	for (int col = 0; col < p->cols;) {
		VTermScreenCell cell;
		memset(&cell, 0, sizeof cell);
		(void)vterm_screen_get_cell(p->screen, (VTermPos){ row, col }, &cell);
		if (!cell.chars[0])
			out[n++] = ' ';
		for (int i = 0; i < VTERM_MAX_CHARS_PER_CELL && cell.chars[i]; i++)
			n += put_utf8(out + n, cell.chars[i]);
		col += cell.width > 1 ? cell.width : 1;
	}
	out[n] = '\0';
	return n;
}

static void make_text(struct pty *p, int from, int to)
{
	size_t n = 0;
	free(p->text);
	p->text = calloc((size_t)(to - from), (size_t)p->cols * 24 + 2);
	if (!p->text)
		abort();
	for (int row = from; row < to; row++) {
		n += row_text(p, row, p->text + n);
		if (to - from > 1)
			p->text[n++] = '\n';
	}
	p->text[n] = '\0';
}

const char *pty_row(struct pty *p, int row)
{
	drain(p);
	make_text(p, row, row + 1);
	return p->text;
}

const char *pty_screen(struct pty *p)
{
	drain(p);
	make_text(p, 0, p->rows);
	return p->text;
}

bool pty_find(struct pty *p, const char *text, int *row, int *col)
{
	drain(p);
	for (int r = 0; r < p->rows; r++) {
		make_text(p, r, r + 1);
		const char *at = strstr(p->text, text);
		if (!at)
			continue;
		*row = r;
		*col = 0;
		for (const char *c = p->text; c < at; c++)
			*col += (*c & 0xc0) != 0x80;
		return true;
	}
	return false;
}

bool pty_shows(struct pty *p, const char *text)
{
	int row, col;
	return pty_find(p, text, &row, &col);
}

struct pty_look pty_cell(struct pty *p, int row, int col)
{
	VTermScreenCell cell;
	memset(&cell, 0, sizeof cell);
	drain(p);
	(void)vterm_screen_get_cell(p->screen, (VTermPos){ row, col }, &cell);
	return (struct pty_look){ .ch = cell.chars[0],
				  .bold = cell.attrs.bold,
				  .reverse = cell.attrs.reverse,
				  .underline = cell.attrs.underline != 0,
				  .coloured = !VTERM_COLOR_IS_DEFAULT_FG(&cell.fg) || !VTERM_COLOR_IS_DEFAULT_BG(&cell.bg) };
}

struct pty_modes pty_modes(struct pty *p)
{
	drain(p);
	const char *on = NULL, *off = NULL;
	for (const char *s = p->log; s && (s = strstr(s, "\033[?2004")); s++) {
		if (s[7] == 'h')
			on = s;
		else
			off = s;
	}
	p->modes.paste = on && (!off || on > off);
	return p->modes;
}

void pty_termios(const struct pty *p, struct termios *ret)
{
	(void)tcgetattr(p->slave, ret);
}

size_t pty_bytes(const struct pty *p)
{
	return p->len;
}

const char *pty_log(const struct pty *p)
{
	return p->log ? p->log : "";
}

/* ---- waiting ---------------------------------------------------------------------------------- */

struct awaited {
	const char *text, *other; /* other: NULL, or as good as the first */
	int row;		  /* -1: any */
	bool there;
};

static bool is_so(struct pty *p, const struct awaited *a)
{
	bool shown = a->row < 0 ? pty_shows(p, a->text) : strstr(pty_row(p, a->row), a->text) != NULL;
	return (shown || (a->other && pty_shows(p, a->other))) == a->there;
}

static bool wait_for(struct pty *p, const struct awaited *a, double seconds)
{
	seconds = world_patience(seconds);
	double end = now() + seconds;
	while (!is_so(p, a)) {
		double left = end - now();
		if (left <= 0 || (p->ended && !take(p, 0))) {
			fprintf(stderr, "after %.1f s %s \"%s\"%s. The screen:\n%s", seconds, a->there ? "no" : "still", a->text,
				p->ended ? " (the program has ended)" : "", pty_screen(p));
			return false;
		}
		(void)take(p, left);
	}
	return true;
}

bool pty_wait(struct pty *p, const char *text, double seconds)
{
	return wait_for(p, &(struct awaited){ .text = text, .row = -1, .there = true }, seconds);
}

bool pty_wait_gone(struct pty *p, const char *text, double seconds)
{
	return wait_for(p, &(struct awaited){ .text = text, .row = -1 }, seconds);
}

bool pty_wait_either(struct pty *p, const char *one, const char *other, double seconds)
{
	return wait_for(p, &(struct awaited){ .text = one, .other = other, .row = -1, .there = true }, seconds);
}

bool pty_wait_in(struct pty *p, int row, const char *text, double seconds)
{
	return wait_for(p, &(struct awaited){ .text = text, .row = row, .there = true }, seconds);
}

bool pty_wait_gone_in(struct pty *p, int row, const char *text, double seconds)
{
	return wait_for(p, &(struct awaited){ .text = text, .row = row }, seconds);
}

static int times_written(const struct pty *p, const char *bytes)
{
	int n = 0;
	for (const char *at = pty_log(p); (at = strstr(at, bytes)); at++)
		n++;
	return n;
}

bool pty_wait_written(struct pty *p, const char *bytes, int times, double seconds)
{
	double end = now() + world_patience(seconds);
	while (times_written(p, bytes) < times) {
		if (now() >= end || (p->ended && !take(p, 0)))
			return false;
		(void)take(p, end - now());
	}
	return true;
}

void pty_settle(struct pty *p, double quiet, double most)
{
	double end = now() + most;
	while (now() < end && !p->ended && take(p, quiet))
		;
}

double pty_wait_byte(struct pty *p, double seconds)
{
	double began = now();
	size_t before = p->len;
	seconds = world_patience(seconds);
	while (now() - began < seconds && !p->ended) {
		(void)take(p, seconds - (now() - began));
		if (p->len != before)
			return now() - began;
	}
	return -1;
}

int pty_wait_exit(struct pty *p, double seconds)
{
	double end = now() + world_patience(seconds);
	while (!p->ended && now() < end)
		(void)take(p, end - now());
	drain(p);
	if (!p->ended)
		return -1;
	return WIFEXITED(p->status) ? WEXITSTATUS(p->status) : 128 + WTERMSIG(p->status);
}
