/*
 * The baseline as text: sorted lines, one resource each, so that plain diff(1) shows what a console would.
 *
 *   rustbox-baseline <TAB> 1 <TAB> host <TAB> complete | incomplete: reason
 *   mount <TAB> target <TAB> fstype <TAB> source <TAB> root <TAB> options
 *   cgroup <TAB> path <TAB> hierarchy
 *   process | tempdir | lock | ghost <TAB> name
 *
 * Nothing that changes by itself is written: no ids, times, sizes; and nothing of running boxes, or of
 * rustbox's own processes and mounts. A field that is not plain text has its other bytes as \xHH.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "probes/base/text.h"
#include "probes/snapshot.h"

enum { FIELDS = 6 };

static void put_field(FILE *out, const char *s)
{
	bool plain = text_is_plain(s);
	(void)fputc('\t', out);
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		if (plain || (c >= 0x20 && c < 0x7f && c != '\\'))
			(void)fputc(c, out);
		else
			(void)fprintf(out, "\\x%02x", c);
	}
}

static bool is_lasting(const struct resource *r)
{
	if (r->owner == OWNER_ACTIVE || r->owner == OWNER_SELF)
		return false;
	return (r->kind != RES_PROCESS && r->kind != RES_MOUNT) || r->owner != OWNER_SERVICE;
}

static void put_resource(FILE *out, const struct resource *r)
{
	(void)fputs(resource_kind_word(r->kind), out);
	put_field(out, r->name);
	if (r->kind == RES_MOUNT) {
		put_field(out, r->mount.fstype);
		put_field(out, r->mount.source);
		put_field(out, r->mount.root);
		put_field(out, r->mount.options);
	} else if (r->kind == RES_CGROUP) {
		put_field(out, r->cgroup.hierarchy);
	}
	(void)fputc('\n', out);
}

int baseline_write(const struct snapshot *s, FILE *out, struct err *e)
{
	(void)fputs("rustbox-baseline\t1", out);
	put_field(out, s->host);
	bool complete = true;
	for (int k = 0; k < RES_KINDS && complete; k++) {
		complete = s->of[k].complete;
		if (!complete)
			(void)fprintf(out, "\tincomplete: %s", resource_kind_key((enum resource_kind)k));
	}
	(void)fputs(complete ? "\tcomplete\n" : "\n", out);
	for (int k = 0; k < RES_KINDS; k++)
		for (size_t i = 0; i < s->of[k].n; i++)
			if (is_lasting(&s->of[k].v[i]))
				put_resource(out, &s->of[k].v[i]);
	if (fflush(out) || ferror(out))
		return err_set(e, errno ? errno : EIO, "write the baseline");
	return 0;
}

/* ---- reading ------------------------------------------------------------------------------------ */
static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

/* In place; false when a backslash is not followed by xHH or stands for a NUL. */
static bool unescape(char *s)
{
	char *out = s;
	while (*s) {
		if (*s != '\\') {
			*out++ = *s++;
			continue;
		}
		int high = s[1] == 'x' ? hex_digit(s[2]) : -1, low = high < 0 ? -1 : hex_digit(s[3]);
		if (low < 0 || high + low == 0)
			return false;
		*out++ = (char)(high << 4 | low);
		s += 4;
	}
	*out = '\0';
	return true;
}

static bool take_header(char **f, size_t n, struct snapshot *s)
{
	if (n != 4 || strcmp(f[0], "rustbox-baseline") != 0 || strcmp(f[1], "1") != 0)
		return false;
	bool complete = strcmp(f[3], "complete") == 0;
	if (!complete && strncmp(f[3], "incomplete: ", 12) != 0)
		return false;
	(void)snprintf(s->host, sizeof s->host, "%s", f[2]);
	for (int k = 0; k < RES_KINDS; k++) {
		s->of[k].complete = complete;
		if (!complete)
			(void)err_say(&s->of[k].why, EIO, "the baseline was captured %.60s", f[3]);
	}
	return true;
}

/* A baseline has no ids: the line's place keeps the order of mounts on one point. */
static bool take_resource(char **f, size_t n, size_t line, struct snapshot *s, struct arena *a)
{
	int kind = resource_kind_parse(f[0]);
	size_t wanted = kind == RES_MOUNT ? 6 : kind == RES_CGROUP ? 3 : 2;
	if (kind < 0 || n != wanted || !*f[1])
		return false;
	struct resource *r = resource_set_add(&s->of[kind], a);
	*r = (struct resource){ .kind = (enum resource_kind)kind, .owner = OWNER_FOREIGN, .name = arena_strdup(a, f[1]),
				.id = arena_printf(a, "b%08zu", line), .why = "in the baseline" };
	if (kind == RES_MOUNT) {
		r->mount.fstype = arena_strdup(a, f[2]);
		r->mount.source = arena_strdup(a, f[3]);
		r->mount.root = arena_strdup(a, f[4]);
		r->mount.options = arena_strdup(a, f[5]);
		r->detail = arena_printf(a, "%s from %s", r->mount.fstype, r->mount.source);
	} else if (kind == RES_CGROUP) {
		r->cgroup.hierarchy = arena_strdup(a, f[2]);
		r->cgroup.path = r->name;
	}
	return true;
}

/* Splits one line at its tabs; 0 when it has too many or a bad escape. */
static size_t split(char *line, char **f)
{
	size_t n = 0;
	for (char *next = line; next; n++) {
		if (n == FIELDS)
			return 0;
		f[n] = next;
		next = strchr(next, '\t');
		if (next)
			*next++ = '\0';
		if (!unescape(f[n]))
			return 0;
	}
	return n;
}

int baseline_parse(const char *text, struct arena *a, struct snapshot *ret, struct err *e)
{
	struct snapshot s = { 0 };
	autofree char *copy = strdup(text);
	if (!copy)
		abort();
	size_t line = 0;
	for (char *at = copy, *end; *at; at = end + 1) {
		char *f[FIELDS] = { 0 };
		line++;
		end = strchr(at, '\n');
		if (!end)
			return err_say(e, EBADMSG, "baseline line %zu: cut off; capture a new baseline", line);
		*end = '\0';
		size_t n = split(at, f);
		if (n == 0 || !(line == 1 ? take_header(f, n, &s) : take_resource(f, n, line, &s, a)))
			return err_say(e, EBADMSG, "baseline line %zu: not understood; capture a new baseline", line);
	}
	if (line == 0)
		return err_say(e, EBADMSG, "the baseline is empty; capture a new one");
	for (int k = 0; k < RES_KINDS; k++)
		resource_set_sort(&s.of[k]);
	*ret = s;
	return 0;
}

int baseline_read(const char *path, struct arena *a, struct snapshot *ret, struct err *e)
{
	autofree char *text = NULL;
	ssize_t n = kfile_read_all(AT_FDCWD, path, &text);
	if (n < 0)
		return err_set(e, (int)-n, "read the baseline %.120s", path);
	if (strlen(text) != (size_t)n)
		return err_say(e, EBADMSG, "the baseline %.120s holds a NUL byte", path);
	return baseline_parse(text, a, ret, e);
}
