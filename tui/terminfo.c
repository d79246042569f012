/* Kinds of terminals; see terminfo.h. */
#include "tui/terminfo.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COPY_MAX = 74 * 1024 };

static const struct {
	const char *name, *like;
} aliases[] = {
	{ "xterm-ghostty", "xterm-256color" }, { "xterm-kitty", "xterm-256color" }, { "alacritty", "xterm-256color" },
	{ "wezterm", "xterm-256color" },       { "foot", "xterm-256color" },	    { "foot-extra", "xterm-256color" },
	{ "contour", "xterm-256color" },       { "tmux-256color", "screen-256color" }, { "tmux", "screen" },
};

const char *terminal_candidate(const char *name, size_t n)
{
	static const char *const last[] = { "xterm", "vt100" };
	if (!name || !*name || strcmp(name, "dumb") == 0)
		return NULL;
	if (n-- == 0)
		return name;
	for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
		if (strcmp(aliases[i].name, name) == 0 && n-- == 0)
			return aliases[i].like;
	return n < sizeof last / sizeof *last ? last[n] : NULL;
}

static size_t base64(const char *in, size_t n, char *out)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = (const unsigned char *)in;
	size_t o = 0;
	for (size_t i = 0; i < n; i += 3) {
		uint32_t v = (uint32_t)p[i] << 16 | (i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0) | (i + 2 < n ? p[i + 2] : 0);
		out[o++] = digit[v >> 18];
		out[o++] = digit[v >> 12 & 63];
		out[o++] = i + 1 < n ? digit[v >> 6 & 63] : '=';
		out[o++] = i + 2 < n ? digit[v & 63] : '=';
	}
	return o;
}

char *terminal_copy_sequence(const char *text, char multiplexer)
{
	size_t n = strlen(text);
	if (n > COPY_MAX / 4 * 3)
		return NULL;
	char *out = malloc(n / 3 * 4 + 64);
	if (!out)
		abort();
	/* A multiplexer swallows OSC unless it is told, in its own words, to pass it on. */
	const char *begin = multiplexer == 't'	 ? "\033Ptmux;\033\033]52;c;"
			    : multiplexer == 's' ? "\033P\033]52;c;"
						 : "\033]52;c;";
	size_t at = (size_t)sprintf(out, "%s", begin);
	at += base64(text, n, out + at);
	(void)strcpy(out + at, multiplexer ? "\a\033\\" : "\a");
	return out;
}
