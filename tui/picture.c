/* The grid as text and as a picture: what goldens compare and the README shows. */
#include "tui/canvas.h"

static void put_utf8(FILE *out, uint32_t ch)
{
	if (ch < 0x80) {
		fputc((int)ch, out);
	} else if (ch < 0x800) {
		fputc((int)(0xc0 | ch >> 6), out);
		fputc((int)(0x80 | (ch & 0x3f)), out);
	} else if (ch < 0x10000) {
		fputc((int)(0xe0 | ch >> 12), out);
		fputc((int)(0x80 | (ch >> 6 & 0x3f)), out);
		fputc((int)(0x80 | (ch & 0x3f)), out);
	} else {
		fputc((int)(0xf0 | ch >> 18), out);
		fputc((int)(0x80 | (ch >> 12 & 0x3f)), out);
		fputc((int)(0x80 | (ch >> 6 & 0x3f)), out);
		fputc((int)(0x80 | (ch & 0x3f)), out);
	}
}

static void put_cell(FILE *out, const struct cell *cell, bool xml)
{
	static const char *const entity[128] = { ['<'] = "&lt;", ['>'] = "&gt;", ['&'] = "&amp;" };
	if (cell->ch == 0)
		return;
	if (xml && cell->ch < 128 && entity[cell->ch])
		fputs(entity[cell->ch], out);
	else
		put_utf8(out, cell->ch);
	for (int i = 0; i < CELL_MARKS && cell->mark[i]; i++)
		put_utf8(out, cell->mark[i]);
}

void canvas_dump(const struct canvas *c, FILE *out)
{
	for (int r = 0; r < c->rows; r++) {
		for (int k = 0; k < c->cols; k++)
			put_cell(out, canvas_at(c, r, k), false);
		fputc('\n', out);
	}
}

enum { CELL_W = 9, CELL_H = 19 }; /* of a 15 px monospace face */

static void svg_head(const struct canvas *c, FILE *out, bool light)
{
	const char *ground = light ? "#fdfdf8" : "#14171a", *text = light ? "#1c1f22" : "#d7dadd";
	fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"DejaVu Sans Mono, "
		"Menlo, Consolas, monospace\" font-size=\"15\">\n", c->cols * CELL_W + 20, c->rows * CELL_H + 20);
	fprintf(out, "<style>text{white-space:pre;fill:%s}.strong{font-weight:bold}.bad{fill:%s;font-weight:bold}"
		".warn{fill:%s}.good{fill:%s}.link{fill:%s}.gone{text-decoration:line-through;opacity:.6}"
		".bar,.cursor,.danger{fill:%s}rect.bar,rect.cursor{fill:%s}rect.danger{fill:%s}</style>\n",
		text, light ? "#b3261e" : "#ff6b60", light ? "#7a5b00" : "#e5c07b", light ? "#1b6e2f" : "#8fd18f",
		light ? "#0b6b7a" : "#6fd3e0", ground, text, light ? "#b3261e" : "#ff6b60");
	fprintf(out, "<rect width=\"100%%\" height=\"100%%\" rx=\"6\" fill=\"%s\"/>\n", ground);
}

static bool reversed(uint8_t ink)
{
	return ink == INK_BAR || ink == INK_CURSOR || ink == INK_DANGER;
}

void canvas_svg(const struct canvas *c, FILE *out, bool light)
{
	svg_head(c, out, light);
	for (int r = 0; r < c->rows; r++) {
		for (int k = 0; k < c->cols;) {
			int end = k;
			uint8_t ink = canvas_at(c, r, k)->ink;
			bool blank = true;
			for (; end < c->cols && canvas_at(c, r, end)->ink == ink; end++)
				blank = blank && canvas_at(c, r, end)->ch == ' ';
			if (reversed(ink))
				fprintf(out, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>\n",
					ink_name(ink), 10 + k * CELL_W, 10 + r * CELL_H, (end - k) * CELL_W, CELL_H);
			if (!blank) {
				fprintf(out, "<text class=\"%s\" x=\"%d\" y=\"%d\" textLength=\"%d\">", ink_name(ink),
					10 + k * CELL_W, 24 + r * CELL_H, (end - k) * CELL_W);
				for (int i = k; i < end; i++)
					put_cell(out, canvas_at(c, r, i), true);
				fputs("</text>\n", out);
			}
			k = end;
		}
	}
	fputs("</svg>\n", out);
}
