/*
 * The console without a terminal: a file of what happens, one thing a line, and the screens it gives. The
 * golden tests and the pictures of the manual are made by this; time stands still unless the file says
 * `wait`, so the same file gives the same screens on every machine.
 *
 *   feed {"op":...}         one line of the watch stream; `fixture FILE` feeds a whole recording
 *   key x | key Enter | key Up | key ^C     a key by its name
 *   type TEXT               the keys of a text (spaces at its end are kept)
 *   paste N                 N bytes came between paste markers
 *   size COLSxROWS
 *   wait MS                 the clock moves, ticks fall due
 *   clock SECONDS           the wall clock stands there from now on
 *   baseline FILE           answers the console's question for the baseline; without it there is none
 *   out TEXT | err TEXT     a line from the command started last
 *   exit STATUS             the command started last ended
 *   screen [NAME]           writes the screen, as text or SVG
 *   peer [JSON] | taken JSON   another console is armed (no longer), or took over
 *   metrics [FILE]          the worker's metrics page; without a file: its endpoint is gone
 *   effects                 writes what the console has asked of the world since the last time
 *   # ...                   a remark
 */
#ifndef TUI_SCRIPT_H
#define TUI_SCRIPT_H

#include <stdbool.h>
#include <stdio.h>

#include "probes/base/err.h"
#include "tui/model.h"

struct script {
	struct model *model;
	FILE *out;
	bool utf8, svg, light;
	uint64_t now_ms, wall;	/* set by script_begin(): a fixed moment */
	uint32_t job;		/* the command started last */
	char *asked;		/* what `effects` will write */
	size_t asked_len;
	FILE *asking;
	bool held;		/* the console was armed when it last asked for something */
	const char *baseline;	/* text, or NULL */
	char *baseline_text;
};

void script_begin(struct script *s, struct model *m, FILE *out, int rows, int cols);
/* One line; an error names what is wrong with it. */
int script_line(struct script *s, const char *line, struct err *e) MUST_CHECK;
int script_file(struct script *s, const char *path, struct err *e) MUST_CHECK;
void script_end(struct script *s);

/* rustbox-tui --script: the exit status. Arguments may be NULL where the option was not given. */
int script_main(const char *script, const char *fixture, const char *size, const char *dump, const char *books, bool utf8,
		bool light);

#endif
