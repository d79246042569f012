/*
 * A grid of (character, ink): what the view draws on, the terminal shows, and tests compare as text.
 *
 * An ink names a meaning, never a colour. canvas_text() is the one function that turns bytes from
 * the host into cells: it decodes UTF-8, shows controls and broken bytes as visible escapes, counts
 * wide characters as two cells and folds combining ones into the cell before.
 */
#ifndef TUI_CANVAS_H
#define TUI_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* id, class in SVG, how a terminal shows it (for the manual): red/yellow/green/cyan only add emphasis. */
#define INKS(X)                                                                                        \
	X(PLAIN, "plain", "default") X(STRONG, "strong", "bold: needs you") X(RULE, "rule", "default")    \
	X(BAR, "bar", "reverse: armed, production, drill") X(CURSOR, "cursor", "reverse: the cursor row") \
	X(BAD, "bad", "red, bold: failed, quarantined, leak") X(WARN, "warn", "yellow: partial, stale")  \
	X(GOOD, "good", "green: ok") X(LINK, "link", "cyan: a key or a place to go")                     \
	X(GONE, "gone", "default, struck where possible: just vanished") X(DANGER, "danger", "red, reverse: R3")

enum ink {
#define X(id, name, how) INK_##id,
	INKS(X)
#undef X
	INK_COUNT
};

enum { CELL_MARKS = 2 };

struct cell {
	uint32_t ch;		    /* a code point; 0 is the right half of a wide character before it */
	uint32_t mark[CELL_MARKS];  /* combining characters, 0 when none */
	uint8_t ink;
};

struct canvas {
	int rows, cols;
	bool utf8;		   /* false: rules are - | +, and everything beyond ASCII is shown escaped */
	struct cell *cells;	   /* rows * cols */
	int caret_row, caret_col;  /* where the terminal's cursor belongs; -1: hidden */
};

void canvas_init(struct canvas *c, int rows, int cols, bool utf8);
void canvas_done(struct canvas *c);
void canvas_clear(struct canvas *c);
const struct cell *canvas_at(const struct canvas *c, int row, int col); /* NULL outside */

/* Draws at most `width` cells starting at (row, col), clipped to the grid; returns the cells used. Text
 * that does not fit is cut, never wrapped. */
int canvas_text(struct canvas *c, int row, int col, int width, enum ink ink, const char *text);
/* The same, right-aligned in the width. */
int canvas_right(struct canvas *c, int row, int col, int width, enum ink ink, const char *text);
int canvas_printf(struct canvas *c, int row, int col, int width, enum ink ink, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));
/* A horizontal rule of '-' (or the line-drawing character) across [col, col + width). */
void canvas_rule(struct canvas *c, int row, int col, int width);
void canvas_bar(struct canvas *c, int row, int col, int width, enum ink ink); /* inks what stands there */
void canvas_fill(struct canvas *c, int row, int col, int rows, int cols, enum ink ink);
void canvas_box(struct canvas *c, int row, int col, int rows, int cols, enum ink ink);
int canvas_width(const struct canvas *c, const char *text); /* cells it would take */

/* Lines of text with trailing blanks kept, so that goldens show every cell. */
void canvas_dump(const struct canvas *c, FILE *out);
void canvas_svg(const struct canvas *c, FILE *out, bool light);
const char *ink_name(enum ink ink);

#endif
