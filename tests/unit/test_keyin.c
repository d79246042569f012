/* Keys out of bytes: every form, every way of cutting it into reads, and rubbish. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/keyin.h"
#include "tui/msg.h"

struct heard {
	struct keyin_event v[64];
	size_t n;
};

static void on_event(void *ctx, const struct keyin_event *event)
{
	struct heard *h = ctx;
	if (h->n < 64)
		h->v[h->n] = *event;
	h->n++;
}

static const struct {
	const char *bytes;
	uint32_t codes[5];
} cases[] = {
	{ "a", { 'a' } },
	{ "\r", { K_ENTER } },
	{ "\n", { K_ENTER } },
	{ "\t", { K_TAB } },
	{ "\b", { K_BACKSPACE } },
	{ "\177", { K_BACKSPACE } },
	{ "\003", { 3 } },
	{ "\033[A", { K_UP } },
	{ "\033OA", { K_UP } },
	{ "\033[B\033OB", { K_DOWN, K_DOWN } },
	{ "\033[C\033[D", { K_RIGHT, K_LEFT } },
	{ "\033[H\033OF", { K_HOME, K_END } },
	{ "\033[1~\033[4~\033[7~\033[8~", { K_HOME, K_END, K_HOME, K_END } },
	{ "\033[5~\033[6~\033[3~", { K_PGUP, K_PGDN, K_DELETE } },
	{ "\033[Z", { K_BACKTAB } },
	{ "\033OP\033[11~\033[[A", { K_F1, K_F1, K_F1 } },
	{ "\033[[Bx", { 'x' } },
	{ "\033[1;5Ax", { K_UP, 'x' } },	/* Ctrl-Up is an arrow, never the letter A */
	{ "\033[200;9Ux", { 'x' } },
	{ "\033[?1;2cx", { 'x' } },		/* a terminal's answer is not typed */
	{ "\033]11;rgb:0/0/0\ax", { 'x' } },
	{ "\033P1$r0m\033\\x", { 'x' } },
	{ "\033[99999999999999999999999999999999999999999999999999Ax", { 'x' } },
	{ "\303\244", { 0xe4 } },
	{ "\342\202\254", { 0x20ac } },
	{ "\360\237\230\200", { 0x1f600 } },
	{ "\303x", { 'x' } },			/* broken characters vanish, their neighbours do not */
	{ "\300\200x", { 'x' } },
	{ "\355\240\200x", { 'x' } },
	{ "\360\200\200\200x", { 'x' } },
	{ "\377\376x", { 'x' } },
	{ "\033q", { K_ESC, 'q' } },
	{ "\033\033[A", { K_ESC, K_UP } },
	{ "\033[<64;3;4M\033[<65;3;4M", { K_WHEEL_UP, K_WHEEL_DOWN } },
	{ "\033[<0;3;4m", { 0 } },
};

/* However the bytes are cut, the keys are the same. */
static void every_form_and_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t len = strlen(cases[i].bytes), want = 0;
		while (want < 5 && cases[i].codes[want])
			want++;
		for (size_t cut = 0; cut <= len; cut++) {
			struct keyin k = { 0 };
			struct heard h = { .n = 0 };
			keyin_bytes(&k, (const unsigned char *)cases[i].bytes, cut, on_event, &h);
			keyin_bytes(&k, (const unsigned char *)cases[i].bytes + cut, len - cut, on_event, &h);
			if (h.n != want)
				fail_msg("case %zu cut %zu: %zu keys, not %zu", i, cut, h.n, want);
			for (size_t n = 0; n < want; n++)
				assert_int_equal(h.v[n].code, cases[i].codes[n]);
			assert_int_equal(keyin_wait_ms(&k), 0);
		}
	}
}

static void escape_alone_waits_and_then_is_the_key(void **state)
{
	(void)state;
	struct keyin k = { 0 };
	struct heard h = { .n = 0 };
	keyin_bytes(&k, (const unsigned char *)"\033", 1, on_event, &h);
	assert_int_equal(h.n, 0);
	assert_int_equal(keyin_wait_ms(&k), KEYIN_ESC_MS);
	keyin_flush(&k, on_event, &h);
	assert_int_equal(h.n, 1);
	assert_int_equal(h.v[0].code, K_ESC);
	keyin_bytes(&k, (const unsigned char *)"\033[1;", 4, on_event, &h); /* half a sequence is no key at all */
	keyin_flush(&k, on_event, &h);
	assert_int_equal(h.n, 1);
}

static void paste_is_counted_and_never_typed(void **state)
{
	(void)state;
	static const char bytes[] = "\033[200~rm -rf /\nY\nkill 2 \033[20\033[A on h\n\033[201~q";
	size_t len = sizeof bytes - 1, inside = len - 6 - 6 - 1;
	for (size_t cut = 0; cut <= len; cut++) {
		struct keyin k = { 0 };
		struct heard h = { .n = 0 };
		keyin_bytes(&k, (const unsigned char *)bytes, cut, on_event, &h);
		keyin_bytes(&k, (const unsigned char *)bytes + cut, len - cut, on_event, &h);
		assert_int_equal(h.n, 2);
		assert_true(h.v[0].paste);
		assert_int_equal(h.v[0].bytes, inside);
		assert_int_equal(h.v[1].code, 'q');
	}
}

static void a_paste_without_an_end_gives_the_keyboard_back(void **state)
{
	(void)state;
	struct keyin k = { 0 };
	struct heard h = { .n = 0 };
	keyin_bytes(&k, (const unsigned char *)"\033[200~abc\033[2", 12, on_event, &h);
	assert_int_equal(keyin_wait_ms(&k), KEYIN_PASTE_MS);
	keyin_flush(&k, on_event, &h);
	assert_int_equal(h.n, 1);
	assert_int_equal(h.v[0].bytes, 6);
	keyin_bytes(&k, (const unsigned char *)"x", 1, on_event, &h);
	assert_int_equal(h.v[1].code, 'x');
}

static void clicks_have_a_place(void **state)
{
	(void)state;
	struct keyin k = { 0 };
	struct heard h = { .n = 0 };
	keyin_bytes(&k, (const unsigned char *)"\033[<0;12;5M", 10, on_event, &h);
	assert_int_equal(h.v[0].code, K_CLICK);
	assert_int_equal(h.v[0].row, 4);
	assert_int_equal(h.v[0].col, 11);
}

/* Rubbish gives only real keys, and always ends where a plain key works again. */
static void rubbish(void **state)
{
	(void)state;
	static const unsigned char likely[] = "\033\033[[[O<;~0129AMPZ]_\a\\\303\342\360\200\277 qY";
	srand(41);
	for (int round = 0; round < 20000; round++) {
		struct keyin k = { 0 };
		struct heard h = { .n = 0 };
		for (int i = 0; i < 60; i++) {
			unsigned char b = rand() % 4 ? likely[(size_t)rand() % (sizeof likely - 1)] : (unsigned char)(rand() & 255);
			h.n = 0;
			keyin_bytes(&k, &b, 1, on_event, &h);
			assert_true(h.n <= 2);
			for (size_t n = 0; n < h.n; n++)
				assert_true(h.v[n].paste || (h.v[n].code != 0 && h.v[n].code <= K_CLICK));
		}
		keyin_flush(&k, on_event, &h);
		h.n = 0;
		keyin_bytes(&k, (const unsigned char *)"z", 1, on_event, &h);
		assert_int_equal(h.n, 1);
		assert_int_equal(h.v[0].code, 'z');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_and_cut),
		cmocka_unit_test(escape_alone_waits_and_then_is_the_key),
		cmocka_unit_test(paste_is_counted_and_never_typed),
		cmocka_unit_test(a_paste_without_an_end_gives_the_keyboard_back),
		cmocka_unit_test(clicks_have_a_place),
		cmocka_unit_test(rubbish),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
