/* The key decoder: one state, one byte at a time; see keyin.h. */
#include "tui/keyin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/msg.h"

static const char paste_end[] = "\033[201~";

static const struct {
	char last;
	uint32_t code;
} letters[] = { /* ESC [ x, ESC O x, and with modifiers ESC [ 1 ; 5 x */
	{ 'A', K_UP }, { 'B', K_DOWN }, { 'C', K_RIGHT }, { 'D', K_LEFT }, { 'H', K_HOME }, { 'F', K_END },
	{ 'P', K_F1 }, { 'Z', K_BACKTAB }, { 'M', K_ENTER },
};

static const struct {
	int number;
	uint32_t code;
} numbers[] = { /* ESC [ n ~ */
	{ 1, K_HOME }, { 3, K_DELETE }, { 4, K_END }, { 5, K_PGUP }, { 6, K_PGDN }, { 7, K_HOME }, { 8, K_END },
	{ 11, K_F1 },
};

static void key(uint32_t code, keyin_each *each, void *ctx)
{
	each(ctx, &(struct keyin_event){ .code = code });
}

static void letter(char last, keyin_each *each, void *ctx)
{
	for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
		if (letters[i].last == last)
			key(letters[i].code, each, ctx);
}

/* ESC [ < button ; column ; row M: the SGR form, the only one asked for. Releases say m and are ignored. */
static void mouse(const char *params, keyin_each *each, void *ctx)
{
	unsigned button = 0, col = 0, row = 0;
	if (sscanf(params, "<%4u;%5u;%5u", &button, &col, &row) != 3 || !col || !row)
		return;
	struct keyin_event event = { .row = (int)row - 1, .col = (int)col - 1 };
	event.code = button == 64 ? K_WHEEL_UP : button == 65 ? K_WHEEL_DOWN : button == 0 ? K_CLICK : 0;
	if (event.code)
		each(ctx, &event);
}

static void csi_done(struct keyin *k, char last, keyin_each *each, void *ctx)
{
	bool whole = k->n < sizeof k->buf;
	k->state = KEYIN_GROUND;
	if (!whole)
		return;
	k->buf[k->n] = '\0';
	if (k->buf[0] == '<') {
		if (last == 'M')
			mouse(k->buf, each, ctx);
	} else if (last == '~') {
		int number = atoi(k->buf);
		if (number == 200) {
			k->state = KEYIN_PASTE;
			k->pasted = k->matched = 0;
		}
		for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
			if (numbers[i].number == number)
				key(numbers[i].code, each, ctx);
	} else if (last != 'M' && strspn(k->buf, "0123456789;") == k->n) {
		letter(last, each, ctx);
	}
}

static void paste_byte(struct keyin *k, unsigned char b, keyin_each *each, void *ctx)
{
	if (b == (unsigned char)paste_end[k->matched]) {
		k->matched++;
	} else { /* ESC occurs only at the marker's start, so a mismatch can only begin it anew */
		k->pasted += k->matched + (b != 033);
		k->matched = b == 033;
	}
	if (k->matched < sizeof paste_end - 1)
		return;
	k->state = KEYIN_GROUND;
	each(ctx, &(struct keyin_event){ .paste = true, .bytes = k->pasted });
}

static void utf8_byte(struct keyin *k, unsigned char b, keyin_each *each, void *ctx)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	if ((b & 0xc0) != 0x80) { /* broken: forget it, and take this byte for what it is */
		k->state = KEYIN_GROUND;
		keyin_bytes(k, &b, 1, each, ctx);
		return;
	}
	k->ch = k->ch << 6 | (b & 0x3f);
	if (--k->lacks > 0)
		return;
	k->state = KEYIN_GROUND;
	if (k->ch >= least[k->n] && k->ch <= 0x10ffff && (k->ch < 0xd800 || k->ch > 0xdfff))
		key(k->ch, each, ctx);
}

static void ground_byte(struct keyin *k, unsigned char b, keyin_each *each, void *ctx)
{
	if (b == 033) {
		k->state = KEYIN_ESC;
	} else if (b >= 0xc2 && b <= 0xf4) {
		k->lacks = b >= 0xf0 ? 3 : b >= 0xe0 ? 2 : 1;
		k->n = k->lacks;
		k->ch = b & (0x3fu >> k->lacks);
		k->state = KEYIN_UTF8;
	} else if (b == '\b' || b == 0x7f) {
		key(K_BACKSPACE, each, ctx);
	} else if (b == '\n') {
		key(K_ENTER, each, ctx);
	} else if (b != 0 && b < 0x80) {
		key(b, each, ctx);
	}
}

static void esc_byte(struct keyin *k, unsigned char b, keyin_each *each, void *ctx)
{
	k->n = 0;
	k->string_esc = false;
	switch (b) {
	case '[': k->state = KEYIN_CSI; return;
	case 'O': k->state = KEYIN_SS3; return;
	case ']': /* answers to questions this program never asks: OSC, DCS, APC, PM, SOS */
	case 'P':
	case '_':
	case '^':
	case 'X': k->state = KEYIN_STRING; return;
	default:
		k->state = KEYIN_GROUND;
		key(K_ESC, each, ctx); /* Esc and a key typed at once, or Alt: Esc is always safe */
		ground_byte(k, b, each, ctx);
	}
}

static void csi_byte(struct keyin *k, unsigned char b, keyin_each *each, void *ctx)
{
	if (b == '[' && k->n == 0) {
		k->state = KEYIN_LINUX; /* the Linux console's F1 is ESC [ [ A */
	} else if (b >= 0x40 && b <= 0x7e) {
		csi_done(k, (char)b, each, ctx);
	} else if (b < 0x20 || b > 0x7e) { /* not a sequence after all */
		k->state = KEYIN_GROUND;
		ground_byte(k, b, each, ctx);
	} else {
		if (k->n < sizeof k->buf)
			k->buf[k->n++] = (char)b;
	}
}

static void string_byte(struct keyin *k, unsigned char b)
{
	if (b == '\a' || (k->string_esc && b == '\\'))
		k->state = KEYIN_GROUND;
	k->string_esc = b == 033;
}

void keyin_bytes(struct keyin *k, const unsigned char *bytes, size_t n, keyin_each *each, void *ctx)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char b = bytes[i];
		switch (k->state) {
		case KEYIN_GROUND: ground_byte(k, b, each, ctx); break;
		case KEYIN_ESC: esc_byte(k, b, each, ctx); break;
		case KEYIN_CSI: csi_byte(k, b, each, ctx); break;
		case KEYIN_SS3:
			k->state = KEYIN_GROUND;
			letter((char)b, each, ctx);
			break;
		case KEYIN_LINUX:
			k->state = KEYIN_GROUND;
			if (b == 'A')
				key(K_F1, each, ctx);
			break;
		case KEYIN_STRING: string_byte(k, b); break;
		case KEYIN_UTF8: utf8_byte(k, b, each, ctx); break;
		case KEYIN_PASTE: paste_byte(k, b, each, ctx); break;
		}
	}
}

unsigned keyin_wait_ms(const struct keyin *k)
{
	switch (k->state) {
	case KEYIN_GROUND: return 0;
	case KEYIN_ESC: return KEYIN_ESC_MS;
	case KEYIN_CSI:
	case KEYIN_SS3:
	case KEYIN_LINUX:
	case KEYIN_UTF8: return KEYIN_SEQUENCE_MS;
	case KEYIN_STRING:
	case KEYIN_PASTE: return KEYIN_PASTE_MS;
	}
	return 0;
}

void keyin_flush(struct keyin *k, keyin_each *each, void *ctx)
{
	enum keyin_state was = k->state;
	k->state = KEYIN_GROUND;
	if (was == KEYIN_ESC)
		key(K_ESC, each, ctx);
	else if (was == KEYIN_PASTE)
		each(ctx, &(struct keyin_event){ .paste = true, .bytes = k->pasted + k->matched });
}
