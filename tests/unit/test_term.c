/* The terminal layer in a pseudo-terminal of its own: which types are tried, what a frame costs, and that
 * the way back is complete. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tui/term.h"
#include "tui/terminfo.h"

static void which_types_are_tried(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		const char *tried[5];
	} cases[] = {
		{ "xterm-256color", { "xterm-256color", "xterm", "vt100" } },
		{ "xterm-ghostty", { "xterm-ghostty", "xterm-256color", "xterm", "vt100" } },
		{ "foot", { "foot", "xterm-256color", "xterm", "vt100" } },
		{ "nosuch", { "nosuch", "xterm", "vt100" } },
		{ "dumb", { NULL } },
		{ "", { NULL } },
		{ NULL, { NULL } },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (size_t n = 0; n < 5; n++) {
			const char *got = terminal_candidate(cases[i].name, n), *want = cases[i].tried[n];
			if (!want)
				assert_null(got);
			else
				assert_string_equal(got, want);
			if (!want)
				break;
		}
}

static void the_clipboard_sequence(void **state)
{
	(void)state;
	static const struct {
		const char *text, *want;
		char multiplexer;
	} cases[] = {
		{ "", "\033]52;c;\a", 0 },
		{ "a", "\033]52;c;YQ==\a", 0 },
		{ "ab", "\033]52;c;YWI=\a", 0 },
		{ "abc", "\033]52;c;YWJj\a", 0 },
		{ "\xff\xfe\x01", "\033]52;c;//4B\a", 0 },
		{ "a", "\033Ptmux;\033\033]52;c;YQ==\a\033\\", 't' },
		{ "a", "\033P\033]52;c;YQ==\a\033\\", 's' },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *got = terminal_copy_sequence(cases[i].text, cases[i].multiplexer);
		assert_string_equal(got, cases[i].want);
		free(got);
	}
	char *big = calloc(1, 100001);
	memset(big, 'x', 100000);
	assert_null(terminal_copy_sequence(big, 0));
	free(big);
}

struct bench {
	int master, slave;
	struct guard *guard;
	struct terminal *term;
	struct canvas c;
	char notice[120], out[65536];
};

static void open_on(struct bench *b, const char *name, bool mono)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	struct err e = { 0 };
	assert_int_equal(openpty(&b->master, &b->slave, NULL, NULL, &size), 0);
	(void)fcntl(b->master, F_SETFL, O_NONBLOCK);
	b->guard = guard_enter(b->slave, false);
	struct term_options opt = { .name = name, .in = b->slave, .out = b->slave, .mono = mono };
	if (term_open(&b->term, &opt, b->guard, b->notice, sizeof b->notice, &e) != 0)
		fail_msg("%s", e.text);
	canvas_init(&b->c, 24, 80, true);
}

static void close_all(struct bench *b)
{
	term_close(b->term);
	canvas_done(&b->c);
	(void)close(b->master);
	(void)close(b->slave);
	(void)munmap(b->guard, sizeof *b->guard);
}

static size_t output(struct bench *b)
{
	size_t n = 0;
	ssize_t got;
	while (n + 1 < sizeof b->out && (got = read(b->master, b->out + n, sizeof b->out - 1 - n)) > 0)
		n += (size_t)got;
	b->out[n] = '\0';
	return n;
}

static void a_frame_costs_what_changed(void **state)
{
	(void)state;
	struct bench b = { 0 };
	open_on(&b, "xterm-256color", false);
	for (int row = 0; row < 24; row++)
		(void)canvas_text(&b.c, row, 0, 80, row % 5 ? INK_PLAIN : INK_BAD,
				  " + M leak    /tmp/rustbox-8f3a/root/data            14m  2 holders, 2 ns  P2.4  ");
	term_draw(b.term, &b.c);
	assert_in_range(output(&b), 1000, 3072);
	term_draw(b.term, &b.c);
	assert_int_equal(output(&b), 0); /* nothing changed: nothing is written */
	(void)canvas_text(&b.c, 12, 52, 3, INK_PLAIN, "15m");
	term_draw(b.term, &b.c);
	assert_in_range(output(&b), 1, 24);
	(void)canvas_text(&b.c, 9, 0, 80, INK_PLAIN, " + P leak    4711 python3 (S) uid 60013               1m  -                P4.2 ");
	term_draw(b.term, &b.c);
	assert_in_range(output(&b), 1, 100);
	term_repaint(b.term);
	term_draw(b.term, &b.c);
	assert_true(output(&b) > 1000);
	close_all(&b);
}

/* How often an SGR sequence has a parameter within [from, to]. */
static int sgr(const char *out, int from, int to)
{
	int n = 0;
	for (const char *s = out; (s = strstr(s, "\033[")) != NULL;) {
		s += 2;
		size_t len = strspn(s, "0123456789;");
		if (s[len] != 'm')
			continue;
		for (const char *p = s; p < s + len; p += strcspn(p, ";") + 1) {
			int v = atoi(p);
			n += v >= from && v <= to;
			if (p + strcspn(p, ";") >= s + len)
				break;
		}
	}
	return n;
}

/* A colour is only ever an addition: without colours the same cells differ by bold, reverse or underline. */
static void mono_sends_no_colour(void **state)
{
	(void)state;
	struct bench b = { 0 };
	open_on(&b, "xterm-256color", true);
	for (int ink = 0; ink < INK_COUNT; ink++)
		(void)canvas_text(&b.c, ink, 0, 80, (enum ink)ink, "word");
	term_draw(b.term, &b.c);
	(void)output(&b);
	assert_int_equal(sgr(b.out, 30, 49) + sgr(b.out, 90, 107), 0);
	assert_true(sgr(b.out, 1, 1) > 0 && sgr(b.out, 4, 4) > 0 && sgr(b.out, 7, 7) > 0);
	close_all(&b);
	memset(&b, 0, sizeof b);
	open_on(&b, "xterm-256color", false);
	(void)canvas_text(&b.c, 0, 0, 80, INK_BAD, "word");
	term_draw(b.term, &b.c);
	(void)output(&b);
	assert_true(sgr(b.out, 31, 31) > 0);
	close_all(&b);
}

static void wide_characters_keep_their_columns(void **state)
{
	(void)state;
	struct bench b = { 0 };
	open_on(&b, "xterm-256color", false);
	(void)canvas_text(&b.c, 0, 0, 80, INK_PLAIN, "\346\226\207\346\226\207|x");
	term_draw(b.term, &b.c);
	(void)output(&b);
	assert_non_null(strstr(b.out, "\346\226\207\346\226\207|x"));
	(void)canvas_text(&b.c, 0, 2, 2, INK_PLAIN, "ab"); /* over the second one */
	term_draw(b.term, &b.c);
	(void)output(&b);
	assert_non_null(strstr(b.out, "ab"));
	close_all(&b);
}

static void an_unknown_type_is_said_and_replaced(void **state)
{
	(void)state;
	struct bench b = { 0 };
	open_on(&b, "nosuch-terminal", false);
	assert_string_equal(b.notice, "terminal type nosuch-terminal unknown, using xterm");
	close_all(&b);
	memset(&b, 0, sizeof b);
	open_on(&b, "xterm-256color", false);
	assert_string_equal(b.notice, "");
	close_all(&b);
}

static void the_way_back_is_complete(void **state)
{
	(void)state;
	struct bench b = { 0 };
	struct termios before, after;
	open_on(&b, "xterm-256color", false);
	before = b.guard->saved;
	assert_int_equal(b.guard->up, 1);
	assert_int_equal(strlen(b.guard->restore), b.guard->restore_len);
	assert_non_null(strstr(b.guard->restore, "\033[?1049l"));
	assert_non_null(strstr(b.guard->restore, "\033[?2004l"));
	assert_non_null(strstr(b.guard->restore, "\033[?25h"));
	(void)output(&b);
	term_close(b.term);
	(void)output(&b);
	assert_non_null(strstr(b.out, "\033[?1049l"));
	assert_non_null(strstr(b.out, "\033[?2004l"));
	assert_int_equal(tcgetattr(b.slave, &after), 0);
	assert_int_equal(after.c_lflag, before.c_lflag);
	assert_int_equal(after.c_iflag, before.c_iflag);
	assert_int_equal(after.c_oflag, before.c_oflag);
	assert_int_equal(b.guard->up, 0);
	canvas_done(&b.c);
	(void)close(b.master);
	(void)close(b.slave);
	(void)munmap(b.guard, sizeof *b.guard);
}

static void take_key(void *ctx, struct msg *m)
{
	*(struct msg *)ctx = *m;
}

static void keys_arrive_and_a_gone_terminal_is_told(void **state)
{
	(void)state;
	struct bench b = { 0 };
	struct msg m = { 0 };
	open_on(&b, "xterm-256color", false);
	assert_int_equal(write(b.master, "\033[A", 3), 3);
	struct pollfd p = { .fd = b.slave, .events = POLLIN };
	assert_int_equal(poll(&p, 1, 60000), 1);
	assert_int_equal(term_read(b.term, take_key, &m), 0);
	assert_int_equal(m.key.code, K_UP);
	(void)close(b.master);
	assert_int_equal(term_read(b.term, take_key, &m), -EIO);
	term_close(b.term); /* must neither hang nor fail */
	canvas_done(&b.c);
	(void)close(b.slave);
	(void)munmap(b.guard, sizeof *b.guard);
}

static void what_cannot_be_a_console_is_refused(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct terminal *t = NULL;
	char notice[80];
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), master, slave;
	struct guard *g = guard_enter(null, false);
	struct term_options opt = { .name = "xterm", .in = null, .out = null };
	assert_int_equal(term_open(&t, &opt, g, notice, sizeof notice, &e), -ENOTTY);
	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	opt = (struct term_options){ .name = "dumb", .in = slave, .out = slave };
	assert_int_equal(term_open(&t, &opt, g, notice, sizeof notice, &e), -ENOTSUP);
	opt.name = "";
	assert_int_equal(term_open(&t, &opt, g, notice, sizeof notice, &e), -ENOTSUP);
	assert_null(t);
	(void)close(master);
	(void)close(slave);
	(void)close(null);
	(void)munmap(g, sizeof *g);
}

int main(void)
{
	if (!setlocale(LC_ALL, "C.UTF-8"))
		return 77;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(which_types_are_tried),
		cmocka_unit_test(the_clipboard_sequence),
		cmocka_unit_test(a_frame_costs_what_changed),
		cmocka_unit_test(mono_sends_no_colour),
		cmocka_unit_test(wide_characters_keep_their_columns),
		cmocka_unit_test(an_unknown_type_is_said_and_replaced),
		cmocka_unit_test(the_way_back_is_complete),
		cmocka_unit_test(keys_arrive_and_a_gone_terminal_is_told),
		cmocka_unit_test(what_cannot_be_a_console_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
