/* The terminal; see term.h. Every curses call of the console is in this file. */
#define NCURSES_NOMACROS 1
#include "tui/term.h"

#include <fcntl.h>
#include <curses.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <unistd.h>

#include "probes/base/own.h"
#include "tui/keyin.h"
#include "tui/terminfo.h"

/* A frame waits while more than this is still on its way to the terminal. */
enum { BACKLOG = 1024 };

struct terminal {
	int in, out;
	FILE *fin, *fout;
	SCREEN *screen;
	struct guard *guard;
	struct termios prog;
	struct keyin keys;
	struct canvas shown; /* what the terminal shows, as far as we know */
	bool all;	     /* nothing is known: draw every cell */
	bool modern;	     /* understands private modes: paste markers, SGR mouse, OSC */
	bool mouse;
	char multiplexer;    /* 't'mux or 's'creen: OSC must be wrapped */
	attr_t attr[INK_COUNT];
	short pair[INK_COUNT];
};

/* terminfo strings may carry padding, "$<5>", which only tputs understands. */
static void add_capability(char *out, size_t cap, const char *name)
{
	const char *s = tigetstr(name);
	size_t n = strlen(out);
	if (!s || s == (char *)-1)
		return;
	while (*s && n + 1 < cap) {
		if (s[0] == '$' && s[1] == '<' && strchr(s, '>'))
			s = strchr(s, '>') + 1;
		else
			out[n++] = *s++;
	}
	out[n] = '\0';
}

static bool begins_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* ---- screen on, screen off -------------------------------------------------------------------- */

static void say(const struct terminal *t, const char *s)
{
	size_t n = strlen(s);
	(void)fflush(t->fout);
	while (n > 0) {
		ssize_t w = write(t->out, s, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return;
		s += w;
		n -= (size_t)w;
	}
}


/* Ctrl-C and Ctrl-Z are keys, Ctrl-S must not be able to stop our output; Ctrl-\ stays a way out. */
static void set_modes(struct terminal *t)
{
	(void)cbreak();
	(void)noecho();
	(void)nonl();
	(void)intrflush(stdscr, FALSE);
	struct termios m;
	if (tcgetattr(t->in, &m) != 0)
		return;
	m.c_iflag &= (tcflag_t) ~(IXON | IXOFF | ICRNL | INLCR | IGNCR | ISTRIP);
	m.c_lflag &= (tcflag_t)~IEXTEN;
	m.c_lflag |= ISIG;
	m.c_cc[VINTR] = m.c_cc[VSUSP] = _POSIX_VDISABLE;
	m.c_cc[VMIN] = 1;
	m.c_cc[VTIME] = 0;
	if (tcsetattr(t->in, TCSANOW, &m) == 0)
		(void)def_prog_mode();
}

static void describe_way_back(struct terminal *t)
{
	struct guard *g = t->guard;
	g->restore[0] = '\0';
	if (t->modern)
		(void)strcpy(g->restore, "\033[?2004l\033[?1000l\033[?1006l");
	add_capability(g->restore, sizeof g->restore, "sgr0");
	add_capability(g->restore, sizeof g->restore, "cnorm");
	add_capability(g->restore, sizeof g->restore, "rmcup");
	strncat(g->restore, "\r", sizeof g->restore - strlen(g->restore) - 1);
	g->restore_len = strlen(g->restore);
}

static void modes_on(struct terminal *t)
{
	if (t->modern)
		say(t, t->mouse ? "\033[?2004h\033[?1000h\033[?1006h" : "\033[?2004h");
	t->guard->up = 1;
	t->all = true;
}

static void modes_off(struct terminal *t)
{
	if (t->modern)
		say(t, t->mouse ? "\033[?1006l\033[?1000l\033[?2004l" : "\033[?2004l");
}

/* ---- inks ------------------------------------------------------------------------------------- */

static const struct look {
	attr_t mono, attr;
	short colour, light; /* -1: the default foreground; light: on a light background */
} looks[INK_COUNT] = {
	[INK_PLAIN] = { A_NORMAL, A_NORMAL, -1, -1 },
	[INK_STRONG] = { A_BOLD, A_BOLD, -1, -1 },
	[INK_RULE] = { A_NORMAL, A_NORMAL, -1, -1 },
	[INK_BAR] = { A_REVERSE, A_REVERSE, -1, -1 },
	[INK_CURSOR] = { A_REVERSE, A_REVERSE, -1, -1 },
	[INK_BAD] = { A_BOLD, A_BOLD, COLOR_RED, COLOR_RED },
	[INK_WARN] = { A_UNDERLINE, A_NORMAL, COLOR_YELLOW, COLOR_MAGENTA }, /* yellow on white cannot be read */
	[INK_GOOD] = { A_NORMAL, A_NORMAL, COLOR_GREEN, COLOR_GREEN },
	[INK_LINK] = { A_BOLD, A_NORMAL, COLOR_CYAN, -1 },
	[INK_GONE] = { A_NORMAL, A_NORMAL, -1, -1 },
	[INK_DANGER] = { A_REVERSE | A_BOLD, A_REVERSE, COLOR_RED, COLOR_RED },
};

static void mix_inks(struct terminal *t, const struct term_options *opt)
{
	bool colour = !opt->mono && has_colors() && start_color() == OK && use_default_colors() == OK;
	for (int i = 0; i < INK_COUNT; i++) {
		short fg = opt->light ? looks[i].light : looks[i].colour;
		t->attr[i] = colour ? looks[i].attr : looks[i].mono;
		t->pair[i] = 0;
		if (colour && fg >= 0 && init_pair((short)(fg + 1), fg, -1) == OK)
			t->pair[i] = (short)(fg + 1);
	}
}

/* ---- opening and closing ---------------------------------------------------------------------- */

static bool take_screen(struct terminal *t, const char *name)
{
	int status = 0;
	if (setupterm(name, t->out, &status) != OK) /* asks without newterm's side effects on failure */
		return false;
	const char *cup = tigetstr("cup");
	bool can = cup && cup != (char *)-1;
	(void)del_curterm(cur_term);
	if (can)
		t->screen = newterm(name, t->fout, t->fin);
	return t->screen != NULL;
}

static int refuse(struct terminal *t, int code, struct err *e, const char *why)
{
	if (t->fin)
		(void)fclose(t->fin);
	if (t->fout)
		(void)fclose(t->fout);
	free(t);
	return err_say(e, code, "%s", why);
}

static FILE *stream_of(int fd, const char *mode)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	FILE *f = copy >= 0 ? fdopen(copy, mode) : NULL;
	if (!f && copy >= 0)
		(void)close(copy);
	return f;
}

static void begin(struct terminal *t, const char *name, const struct term_options *opt)
{
	t->modern = !begins_with(name, "vt");
	t->multiplexer = getenv("TMUX") ? 't' : begins_with(name, "screen") ? 's' : 0;
	set_modes(t);
	(void)leaveok(stdscr, TRUE);
	(void)idlok(stdscr, FALSE);
	(void)curs_set(0);
	mix_inks(t, opt);
	describe_way_back(t);
	canvas_init(&t->shown, LINES, COLS, true);
	modes_on(t);
}

int term_open(struct terminal **ret, const struct term_options *opt, struct guard *guard, char *notice, size_t cap,
	      struct err *e)
{
	if (!isatty(opt->in) || !isatty(opt->out))
		return err_say(e, ENOTTY, "the console needs a terminal; rustbox-tui --once prints a report without one");
	struct terminal *t = calloc(1, sizeof *t);
	if (!t)
		abort();
	t->in = opt->in;
	t->out = opt->out;
	t->guard = guard;
	t->fin = stream_of(opt->in, "r");
	t->fout = stream_of(opt->out, "w");
	if (!t->fin || !t->fout)
		return refuse(t, EMFILE, e, "no file descriptor left for the terminal");
	const char *name;
	size_t n = 0;
	while ((name = terminal_candidate(opt->name, n)) && !take_screen(t, name))
		n++;
	if (!name)
		return refuse(t, ENOTSUP, e, "this terminal cannot place a cursor (TERM unset or dumb)");
	notice[0] = '\0';
	if (n > 0)
		(void)snprintf(notice, cap, "terminal type %.40s unknown, using %s", opt->name, name);
	begin(t, name, opt);
	*ret = t;
	return 0;
}

void term_close(struct terminal *t)
{
	if (!t)
		return;
	modes_off(t);
	(void)endwin();
	(void)fflush(t->fout);
	t->guard->up = 0;
	(void)tcsetattr(t->in, TCSADRAIN, &t->guard->saved);
	delscreen(t->screen);
	canvas_done(&t->shown);
	(void)fclose(t->fin);
	(void)fclose(t->fout);
	free(t);
}

/* ---- keys ------------------------------------------------------------------------------------- */

struct sink {
	term_each *each;
	void *ctx;
};

static void on_key(void *ctx, const struct keyin_event *event)
{
	const struct sink *s = ctx;
	struct msg m = { .kind = event->paste ? MSG_PASTE : MSG_KEY };
	if (event->paste) {
		m.bytes = event->bytes;
	} else {
		m.key.code = event->code;
		m.key.row = event->row;
		m.key.col = event->col;
	}
	s->each(s->ctx, &m);
}

int term_fd(const struct terminal *t)
{
	return t->in;
}

int term_read(struct terminal *t, term_each *each, void *ctx)
{
	struct sink sink = { each, ctx };
	unsigned char buf[1024];
	struct pollfd p = { .fd = t->in, .events = POLLIN };
	/* A bounded number of reads: even an endless paste leaves time to draw. */
	for (int i = 0; i < 16 && poll(&p, 1, 0) > 0; i++) {
		ssize_t n = read(t->in, buf, sizeof buf);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			return -EIO;
		keyin_bytes(&t->keys, buf, (size_t)n, on_key, &sink);
	}
	return 0;
}

unsigned term_wait_ms(const struct terminal *t)
{
	return keyin_wait_ms(&t->keys);
}

void term_flush(struct terminal *t, term_each *each, void *ctx)
{
	struct sink sink = { each, ctx };
	keyin_flush(&t->keys, on_key, &sink);
}

/* ---- drawing ---------------------------------------------------------------------------------- */

void term_size(struct terminal *t, int *rows, int *cols)
{
	struct winsize w = { 0 };
	if (ioctl(t->out, TIOCGWINSZ, &w) != 0 || w.ws_row == 0 || w.ws_col == 0) {
		w.ws_row = (unsigned short)(LINES > 0 ? LINES : 24);
		w.ws_col = (unsigned short)(COLS > 0 ? COLS : 80);
	}
	*rows = w.ws_row;
	*cols = w.ws_col;
	if (w.ws_row == LINES && w.ws_col == COLS)
		return;
	(void)resizeterm(w.ws_row, w.ws_col);
	term_repaint(t);
}

bool term_ready(const struct terminal *t)
{
	int queued = 0;
	struct pollfd p = { .fd = t->out, .events = POLLOUT };
	if (ioctl(t->out, TIOCOUTQ, &queued) == 0 && queued > BACKLOG)
		return false;
	return poll(&p, 1, 0) > 0;
}

static bool same(const struct cell *a, const struct cell *b)
{
	return memcmp(a->mark, b->mark, sizeof a->mark) == 0 && a->ch == b->ch && a->ink == b->ink;
}

static void set_cell(const struct terminal *t, const struct cell *c, cchar_t *out)
{
	wchar_t text[2 + CELL_MARKS] = { c->ch ? (wchar_t)c->ch : L' ' };
	for (int i = 0; i < CELL_MARKS; i++)
		text[1 + i] = (wchar_t)c->mark[i];
	int ink = c->ink < INK_COUNT ? c->ink : INK_PLAIN;
	if (setcchar(out, text, t->attr[ink], t->pair[ink], NULL) != OK)
		(void)setcchar(out, L"?", t->attr[ink], t->pair[ink], NULL);
}

/* Hands curses the span of a row that differs. A wide character's right half is not handed over: curses
 * makes it, and must be given both halves together or neither. */
static void draw_row(struct terminal *t, const struct canvas *c, int row)
{
	const struct cell *now = c->cells + (size_t)row * (size_t)c->cols;
	struct cell *was = t->shown.cells + (size_t)row * (size_t)c->cols;
	int first = 0, last = c->cols - 1;
	while (!t->all && first <= last && same(&now[first], &was[first]))
		first++;
	while (!t->all && last >= first && same(&now[last], &was[last]))
		last--;
	if (first > last)
		return;
	while (first > 0 && (now[first].ch == 0 || was[first].ch == 0))
		first--;
	cchar_t cells[512];
	int n = 0, at = first;
	for (int col = first; col <= last; col++) {
		if (now[col].ch == 0 && col > first)
			continue;
		if (n == 0)
			at = col;
		set_cell(t, &now[col], &cells[n++]);
		if (n == (int)(sizeof cells / sizeof *cells) || col == last) {
			(void)mvadd_wchnstr(row, at, cells, n);
			n = 0;
		}
	}
	if (n > 0)
		(void)mvadd_wchnstr(row, at, cells, n);
	memcpy(was + first, now + first, (size_t)(last - first + 1) * sizeof *now);
}

static void place_caret(const struct canvas *c)
{
	bool shown = c->caret_row >= 0 && c->caret_col >= 0 && c->caret_row < LINES && c->caret_col < COLS;
	(void)leaveok(stdscr, !shown);
	if (shown)
		(void)move(c->caret_row, c->caret_col);
	(void)curs_set(shown);
}

void term_draw(struct terminal *t, const struct canvas *c)
{
	if (t->shown.rows != c->rows || t->shown.cols != c->cols) {
		canvas_done(&t->shown);
		canvas_init(&t->shown, c->rows, c->cols, c->utf8);
		t->all = true;
	}
	if (t->all) {
		(void)erase();
		(void)clearok(curscr, TRUE);
	}
	for (int row = 0; row < c->rows && row < LINES; row++)
		draw_row(t, c, row);
	t->all = false;
	place_caret(c);
	(void)wnoutrefresh(stdscr);
	(void)doupdate();
	(void)fflush(t->fout);
}

void term_repaint(struct terminal *t)
{
	t->all = true;
}

/* ---- the rest --------------------------------------------------------------------------------- */

void term_suspend(struct terminal *t, void (*meanwhile)(void *arg), void *arg)
{
	modes_off(t);
	(void)endwin();
	(void)fflush(t->fout);
	t->guard->up = 0;
	(void)tcsetattr(t->in, TCSADRAIN, &t->guard->saved);
	meanwhile ? meanwhile(arg) : guard_stop_here(t->guard);
	term_resumed(t);
}

void term_resumed(struct terminal *t)
{
	struct termios now;
	if (tcgetattr(t->in, &now) == 0)
		t->guard->saved = t->guard->up ? t->guard->saved : now;
	(void)reset_prog_mode();
	(void)wrefresh(curscr); /* after endwin() this takes the alternate screen again */
	modes_on(t);
}

void term_bell(struct terminal *t)
{
	say(t, "\a");
}

void term_mouse(struct terminal *t, bool on)
{
	if (!t->modern || t->mouse == on)
		return;
	t->mouse = on;
	say(t, on ? "\033[?1000h\033[?1006h" : "\033[?1006l\033[?1000l");
}

void term_copy(struct terminal *t, const char *text)
{
	autofree char *sequence = t->modern ? terminal_copy_sequence(text, t->multiplexer) : NULL;
	if (sequence)
		say(t, sequence);
}
