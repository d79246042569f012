/* Text building, parsing and escaping; see text.h. */
#include "probes/base/text.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void text_add(struct text *t, const char *fmt, ...)
{
	if (t->cap == 0)
		return;
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(t->buf + t->len, t->cap - t->len, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n >= t->cap - t->len) {
		t->cut = true;
		t->len = t->cap - 1;
	} else {
		t->len += (size_t)n;
	}
}

/* Length of a valid UTF-8 sequence at s (RFC 3629: no overlongs, surrogates, > U+10FFFF), or 0. */
static size_t utf8_at(const unsigned char *s, uint32_t *ret)
{
	static const struct {
		unsigned char mask, lead;
		uint32_t least;
	} form[] = { { 0x80, 0x00, 0 }, { 0xe0, 0xc0, 0x80 }, { 0xf0, 0xe0, 0x800 }, { 0xf8, 0xf0, 0x10000 } };
	for (size_t n = 0; n < 4; n++) {
		if ((s[0] & form[n].mask) != form[n].lead)
			continue;
		uint32_t c = s[0] & (unsigned char)~form[n].mask;
		for (size_t i = 1; i <= n; i++) {
			if ((s[i] & 0xc0) != 0x80)
				return 0;
			c = c << 6 | (s[i] & 0x3f);
		}
		if (c < form[n].least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
			return 0;
		*ret = c;
		return n + 1;
	}
	return 0;
}

/* Characters that move the cursor, reorder or hide text; they are shown, never obeyed. */
static bool must_escape(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
	       (c >= 0xfff0 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe0fff);
}

/* How much from here on is shown as it is and needs no second look: nearly all of nearly every name. */
static size_t ascii_run(const unsigned char *s)
{
	size_t n = 0;
	while (s[n] >= ' ' && s[n] < 0x7f && s[n] != '\\')
		n++;
	return n;
}

static void add_bytes(struct text *t, const unsigned char *s, size_t n)
{
	if (t->cap == 0)
		return;
	size_t room = t->cap - 1 - t->len;
	t->cut = t->cut || n > room;
	n = n > room ? room : n;
	memcpy(t->buf + t->len, s, n);
	t->len += n;
	t->buf[t->len] = '\0';
}

void text_add_escaped(struct text *t, const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	for (size_t n = ascii_run(p); n || *p; p += n, n = ascii_run(p)) {
		uint32_t c = 0;
		if (n) {
			add_bytes(t, p, n);
			continue;
		}
		n = utf8_at(p, &c);
		if (n == 0)
			text_add(t, "\\x%02x", *p), n = 1;
		else if (c == '\n')
			text_add(t, "\\n");
		else if (c == '\t')
			text_add(t, "\\t");
		else if (c == '\r')
			text_add(t, "\\r");
		else if (c == '\\')
			text_add(t, "\\\\");
		else if (must_escape(c) && c < 0x100)
			text_add(t, "\\x%02x", c);
		else if (must_escape(c))
			text_add(t, "\\u%04x", c);
		else
			add_bytes(t, p, n);
	}
}

const char *text_escape(const char *s, char *out, size_t cap)
{
	struct text t = { .buf = out, .cap = cap };
	if (cap)
		out[0] = '\0';
	text_add_escaped(&t, s);
	return out;
}

bool text_is_plain(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	while (*p) {
		uint32_t c = 0;
		size_t n = utf8_at(p, &c);
		if (n == 0 || must_escape(c) || c == '\\')
			return false;
		p += n;
	}
	return true;
}

struct unit {
	const char *name;
	double factor;
};

/* number [suffix]; NULL suffix row ends the table. Negative, NaN and overflow are refused. */
static int parse_scaled(const char *s, const struct unit *units, double plain, const char *what, uint64_t *ret,
			struct err *e)
{
	char *end = NULL;
	if (!isdigit((unsigned char)s[0]) && s[0] != '.')
		return err_say(e, EINVAL, "'%.60s' is not a %s", s, what);
	double v = strtod(s, &end);
	if (end == s || strpbrk(s, "xXpPnN+-") == s || (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')))
		return err_say(e, EINVAL, "'%.60s' is not a %s", s, what);
	double factor = plain;
	if (*end) {
		const struct unit *u = units;
		while (u->name && strcasecmp(u->name, end) != 0)
			u++;
		if (!u->name)
			return err_say(e, EINVAL, "'%.60s' is not a %s: unknown unit '%.20s'", s, what, end);
		factor = u->factor;
	}
	v = v * factor;
	if (!isfinite(v) || v < 0 || v >= 9.2e18)
		return err_say(e, ERANGE, "'%.60s' is too large for a %s", s, what);
	*ret = (uint64_t)(v + 0.5);
	return 0;
}

int text_parse_size(const char *s, uint64_t unit, uint64_t *ret, struct err *e)
{
	static const struct unit units[] = {
		{ "B", 1 }, { "k", 1024 }, { "kb", 1024 }, { "KiB", 1024 },
		{ "M", 1048576 }, { "MB", 1048576 }, { "MiB", 1048576 },
		{ "G", 1073741824 }, { "GB", 1073741824 }, { "GiB", 1073741824 },
		{ "T", 1099511627776 }, { "TB", 1099511627776 }, { "TiB", 1099511627776 }, { NULL, 0 },
	};
	return parse_scaled(s, units, (double)unit, "size (like 64M)", ret, e);
}

int text_parse_duration(const char *s, uint64_t *ret_ns, struct err *e)
{
	static const struct unit units[] = {
		{ "ns", 1 }, { "us", 1e3 }, { "ms", 1e6 }, { "s", 1e9 },
		{ "m", 60e9 }, { "min", 60e9 }, { "h", 3600e9 }, { "d", 86400e9 }, { NULL, 0 },
	};
	return parse_scaled(s, units, 1e9, "duration (like 1.5s or 500ms)", ret_ns, e);
}

int text_parse_u64(const char *s, uint64_t *ret, struct err *e)
{
	char *end = NULL;
	errno = 0;
	unsigned long long v = isdigit((unsigned char)s[0]) ? strtoull(s, &end, 10) : 0;
	if (!end || *end || errno)
		return err_say(e, EINVAL, "'%.60s' is not a whole number", s);
	*ret = v;
	return 0;
}

bool text_is_box_name(const char *s)
{
	size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");
	return n >= 1 && n <= 64 && s[n] == '\0';
}

void text_size(uint64_t bytes, char *out, size_t cap)
{
	static const char unit[] = "BKMGTP";
	double v = (double)bytes;
	size_t u = 0;
	while (v >= 1000 && u + 1 < sizeof unit - 1) {
		v /= 1024;
		u++;
	}
	(void)snprintf(out, cap, v < 10 && u > 0 ? "%.1f%c" : "%.0f%c", v, unit[u]);
}

void text_age(uint64_t s, char *out, size_t cap)
{
	if (s < 120)
		(void)snprintf(out, cap, "%us", (unsigned)s);
	else if (s < 120 * 60)
		(void)snprintf(out, cap, "%um", (unsigned)(s / 60));
	else if (s < 48 * 3600)
		(void)snprintf(out, cap, "%uh%02um", (unsigned)(s / 3600), (unsigned)(s / 60 % 60));
	else
		(void)snprintf(out, cap, "%ud%02uh", (unsigned)(s / 86400), (unsigned)(s / 3600 % 24));
}
