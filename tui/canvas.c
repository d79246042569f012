/* The grid. Everything that reaches a cell passes glyph_next(): nothing else decodes text. */
#include "tui/canvas.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void canvas_init(struct canvas *c, int rows, int cols, bool utf8)
{
	*c = (struct canvas){ .rows = rows > 0 ? rows : 1, .cols = cols > 0 ? cols : 1, .utf8 = utf8 };
	c->cells = calloc((size_t)c->rows * (size_t)c->cols, sizeof *c->cells);
	if (!c->cells)
		abort();
	canvas_clear(c);
}

void canvas_done(struct canvas *c)
{
	free(c->cells);
	*c = (struct canvas){ 0 };
}

void canvas_clear(struct canvas *c)
{
	for (size_t i = 0; i < (size_t)c->rows * (size_t)c->cols; i++)
		c->cells[i] = (struct cell){ .ch = ' ', .ink = INK_PLAIN };
	c->caret_row = c->caret_col = -1;
}

static struct cell *cell_at(const struct canvas *c, int row, int col)
{
	if (row < 0 || col < 0 || row >= c->rows || col >= c->cols)
		return NULL;
	return &c->cells[(size_t)row * (size_t)c->cols + (size_t)col];
}

const struct cell *canvas_at(const struct canvas *c, int row, int col)
{
	return cell_at(c, row, col);
}

struct range {
	uint32_t first, last;
};

static bool in_ranges(const struct range *r, size_t n, uint32_t ch)
{
	for (size_t i = 0; i < n; i++)
		if (ch >= r[i].first && ch <= r[i].last)
			return true;
	return false;
}

/* Own tables, not wcwidth(3): the same cells whatever the locale is called. */
static int glyph_width(uint32_t ch)
{
	static const struct range none[] = {
		{ 0x300, 0x36f }, { 0x483, 0x489 }, { 0x591, 0x5bd }, { 0x610, 0x61a }, { 0x64b, 0x65f },
		{ 0x900, 0x902 }, { 0x93c, 0x93c }, { 0xe31, 0xe31 }, { 0xe34, 0xe3a }, { 0x1ab0, 0x1aff },
		{ 0x1dc0, 0x1dff }, { 0x20d0, 0x20ff }, { 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f }, { 0x1f3fb, 0x1f3ff },
	};
	static const struct range wide[] = {
		{ 0x1100, 0x115f }, { 0x2e80, 0x303e }, { 0x3041, 0x4dbf }, { 0x4e00, 0xa4cf }, { 0xa960, 0xa97f },
		{ 0xac00, 0xd7a3 }, { 0xf900, 0xfaff }, { 0xfe30, 0xfe6f }, { 0xff00, 0xff60 }, { 0xffe0, 0xffe6 },
		{ 0x1f300, 0x1f64f }, { 0x1f680, 0x1f6ff }, { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd },
	};
	if (ch < 0x300)
		return 1;
	if (in_ranges(none, sizeof none / sizeof none[0], ch))
		return 0;
	return in_ranges(wide, sizeof wide / sizeof wide[0], ch) ? 2 : 1;
}

/* One code point at *s, or false for a broken sequence (then one byte was taken). */
static bool decode(const unsigned char **s, uint32_t *ch)
{
	const unsigned char *p = *s;
	unsigned extra = *p < 0x80 ? 0 : *p >= 0xc2 && *p < 0xe0 ? 1 : *p >= 0xe0 && *p < 0xf0 ? 2 : *p >= 0xf0 && *p < 0xf5 ? 3 : 9;
	(*s)++;
	if (extra == 9)
		return false;
	uint32_t v = extra ? *p & (0x3fu >> extra) : *p;
	for (unsigned i = 1; i <= extra; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return false;
		v = v << 6 | (p[i] & 0x3f);
	}
	if ((extra == 2 && v < 0x800) || (extra == 3 && (v < 0x10000 || v > 0x10ffff)) || (v >= 0xd800 && v < 0xe000))
		return false;
	*s += extra;
	*ch = v;
	return true;
}

/* Characters a terminal obeys, or that hide or reorder text. */
static bool unsafe(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
	       (c >= 0xfff0 && c <= 0xfffd) || (c >= 0xe000 && c <= 0xf8ff) || c >= 0xe0000;
}

/* The next thing to draw: a safe code point in *ch, or a visible escape spelt in esc with *ch 0. */
static void glyph_next(const unsigned char **s, bool utf8, uint32_t *ch, char esc[static 12])
{
	unsigned char first = **s;
	*ch = 0;
	if (!decode(s, ch))
		snprintf(esc, 12, "\\x%02x", first), *ch = 0;
	else if (*ch == '\n' || *ch == '\r' || *ch == '\t')
		snprintf(esc, 12, "\\%c", *ch == '\n' ? 'n' : *ch == '\r' ? 'r' : 't'), *ch = 0;
	else if (unsafe(*ch) || (!utf8 && *ch > 0x7e))
		snprintf(esc, 12, *ch < 0x100 ? "\\x%02x" : *ch < 0x10000 ? "\\u%04x" : "\\U%06x", *ch & 0xffffff), *ch = 0;
}

static void put(struct canvas *c, int row, int col, enum ink ink, uint32_t ch)
{
	struct cell *here = cell_at(c, row, col);
	if (!here)
		return;
	struct cell *before = cell_at(c, row, col - 1), *after = cell_at(c, row, col + 1);
	if (here->ch == 0 && before) /* half of a wide character may not stay behind */
		before->ch = ' ';
	if (after && after->ch == 0)
		after->ch = ' ';
	*here = (struct cell){ .ch = ch, .ink = (uint8_t)ink };
}

static void put_mark(struct canvas *c, int row, int col, uint32_t mark)
{
	struct cell *here = cell_at(c, row, col);
	if (here && here->ch == 0)
		here = cell_at(c, row, col - 1);
	for (int i = 0; here && i < CELL_MARKS; i++)
		if (here->mark[i] == 0) {
			here->mark[i] = mark;
			return;
		}
}

/* Draws, or with c->cells NULL only measures. */
static int lay(struct canvas *c, int row, int col, int width, enum ink ink, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	int used = 0;
	while (*s) {
		uint32_t ch = 0;
		char esc[12] = "";
		glyph_next(&s, c->utf8, &ch, esc);
		int w = ch ? glyph_width(ch) : (int)strlen(esc);
		if (used + w > width)
			break;
		if (c->cells && ch && w == 0 && used > 0)
			put_mark(c, row, col + used - 1, ch);
		for (int i = 0; c->cells && i < w; i++)
			put(c, row, col + used + i, ink, ch ? (i == 0 ? ch : ' ') : (uint32_t)esc[i]);
		if (c->cells && w == 2 && ch) {
			struct cell *left = cell_at(c, row, col + used), *right = cell_at(c, row, col + used + 1);
			if (left && right)
				right->ch = 0;
			else if (left)
				left->ch = ' ';
		}
		used += w;
	}
	return used;
}

int canvas_text(struct canvas *c, int row, int col, int width, enum ink ink, const char *text)
{
	if (width > c->cols - col)
		width = c->cols - col;
	return width > 0 && text ? lay(c, row, col, width, ink, text) : 0;
}

int canvas_width(const struct canvas *c, const char *text)
{
	struct canvas measure = { .utf8 = c->utf8 };
	return lay(&measure, 0, 0, 1 << 20, INK_PLAIN, text);
}

int canvas_right(struct canvas *c, int row, int col, int width, enum ink ink, const char *text)
{
	int w = canvas_width(c, text);
	return canvas_text(c, row, w < width ? col + width - w : col, w < width ? w : width, ink, text);
}

int canvas_printf(struct canvas *c, int row, int col, int width, enum ink ink, const char *fmt, ...)
{
	char buf[1024];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(buf, sizeof buf, fmt, ap);
	va_end(ap);
	return canvas_text(c, row, col, width, ink, buf);
}

void canvas_rule(struct canvas *c, int row, int col, int width)
{
	for (int i = 0; i < width; i++)
		put(c, row, col + i, INK_RULE, c->utf8 ? 0x2500 : '-');
}

void canvas_bar(struct canvas *c, int row, int col, int width, enum ink ink)
{
	for (int i = 0; i < width; i++) {
		struct cell *here = cell_at(c, row, col + i);
		if (here)
			here->ink = (uint8_t)ink;
	}
}

void canvas_fill(struct canvas *c, int row, int col, int rows, int cols, enum ink ink)
{
	for (int r = row; r < row + rows; r++)
		for (int k = col; k < col + cols; k++)
			put(c, r, k, ink, ' ');
}

void canvas_box(struct canvas *c, int row, int col, int rows, int cols, enum ink ink)
{
	static const uint32_t plain[6] = { '-', '|', '+', '+', '+', '+' };
	static const uint32_t line[6] = { 0x2500, 0x2502, 0x250c, 0x2510, 0x2514, 0x2518 };
	const uint32_t *g = c->utf8 ? line : plain;
	if (rows < 2 || cols < 2)
		return;
	int bottom = row + rows - 1, right = col + cols - 1;
	for (int k = col + 1; k < right; k++)
		put(c, row, k, ink, g[0]), put(c, bottom, k, ink, g[0]);
	for (int r = row + 1; r < bottom; r++)
		put(c, r, col, ink, g[1]), put(c, r, right, ink, g[1]);
	put(c, row, col, ink, g[2]);
	put(c, row, right, ink, g[3]);
	put(c, bottom, col, ink, g[4]);
	put(c, bottom, right, ink, g[5]);
}

const char *ink_name(enum ink ink)
{
	static const char *const names[INK_COUNT] = {
#define X(id, name, how) [INK_##id] = name,
		INKS(X)
#undef X
	};
	return ink < INK_COUNT ? names[ink] : "?";
}
