/* The limits table as data, its parsers, and what a value turns into; see limits.h. */
#include "sandbox/policy/limits.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "probes/base/clock.h"
#include "probes/base/json.h"
#include "probes/base/text.h"
#include "probes/host.h"

#define MIB(n)	  ((uint64_t)(n) << 20)
#define SEC(n)	  ((uint64_t)(n) * NS_PER_S)
#define HOST_NONE NO_CONTROLLER

const struct limit_row limit_rows[LIMIT_COUNT] = {
#define LIMIT(id, f, k, u, b, c, v2, v1, fo, r, judge, agent, compiler, h)                                       \
	[LIMIT_##id] = { .flag = (f), .key = (k), .help = (h), .unit = UNIT_##u, .by = BY_##b,                    \
			 .controller = HOST_##c, .v2_file = (v2), .v1_file = (v1), .form = FORM_##fo,             \
			 .rlimit = (r), .defaults = { [PROFILE_JUDGE] = (judge), [PROFILE_AGENT] = (agent),      \
						      [PROFILE_COMPILER] = (compiler) } },
#include "sandbox/policy/limits.def"
#undef LIMIT
};

/* Below these a limit is a mistake, not a wish: nothing could even start. */
static const uint64_t least[LIMIT_COUNT] = {
	[LIMIT_MEMORY] = MIB(1),     [LIMIT_TIME] = NS_PER_MS,   [LIMIT_WALL_TIME] = NS_PER_MS,
	[LIMIT_PROCESSES] = 1,	     [LIMIT_OPEN_FILES] = 4,     [LIMIT_STACK] = 64 << 10,
	[LIMIT_WORKSPACE] = 4096,    [LIMIT_INODES] = 16,        [LIMIT_CPUS] = 10,
	[LIMIT_CPU_WEIGHT] = 1,	     [LIMIT_CPUSET] = 1,
};

static const char *const profile_words[PROFILE_COUNT] = {
#define X(id, word, help) [PROFILE_##id] = word,
	PROFILES(X)
#undef X
};

void limits_default(enum profile profile, struct limits *ret)
{
	for (int i = 0; i < LIMIT_COUNT; i++)
		ret->of[i] = limit_rows[i].defaults[profile];
}

int profile_parse(const char *word)
{
	for (int i = 0; i < PROFILE_COUNT; i++)
		if (strcmp(profile_words[i], word) == 0)
			return i;
	return -1;
}

const char *profile_word(enum profile profile)
{
	return profile_words[profile];
}

int limit_by_flag(const char *flag)
{
	for (int i = 0; i < LIMIT_COUNT; i++)
		if (strcmp(limit_rows[i].flag, flag) == 0)
			return i;
	return -1;
}

/* ---- text ----------------------------------------------------------------------------------- */

static int parse_cpu_list(const char *text, uint64_t *ret, struct err *e)
{
	uint64_t mask = 0;
	const char *p = text;
	do {
		unsigned first, last;
		int n = 0;
		if (sscanf(p, "%2u%n", &first, &n) != 1 || *p < '0' || *p > '9')
			return err_say(e, EINVAL, "'%.60s' is not a list of processors (like 0-1,3)", text);
		p += n;
		last = first;
		if (*p == '-') {
			p++;
			if (*p < '0' || *p > '9' || sscanf(p, "%2u%n", &last, &n) != 1)
				return err_say(e, EINVAL, "'%.60s' is not a list of processors (like 0-1,3)", text);
			p += n;
		}
		if (last < first || last > 63)
			return err_say(e, EINVAL, "'%.60s': processors are numbered 0 to 63, the lower one first",
				       text);
		for (unsigned c = first; c <= last; c++)
			mask |= 1ull << c;
	} while (*p++ == ',');
	if (p[-1] != '\0')
		return err_say(e, EINVAL, "'%.60s' is not a list of processors (like 0-1,3)", text);
	*ret = mask;
	return 0;
}

static int parse_milli(const char *text, uint64_t *ret, struct err *e)
{
	char tail;
	double v;
	if (strspn(text, "0123456789.") != strlen(text) || sscanf(text, "%lf%c", &v, &tail) != 1 || v > 1024)
		return err_say(e, EINVAL, "'%.60s' is not a number of processors (like 0.5 or 2)", text);
	*ret = (uint64_t)llround(v * 1000);
	return 0;
}

static int parse_unit(enum limit_unit unit, const char *text, uint64_t *ret, struct err *e)
{
	switch (unit) {
	case UNIT_BYTES: return text_parse_size(text, 1, ret, e);
	case UNIT_NANOSECONDS: return text_parse_duration(text, ret, e);
	case UNIT_COUNT: return text_parse_u64(text, ret, e);
	case UNIT_MILLI: return parse_milli(text, ret, e);
	case UNIT_CPU_LIST: return parse_cpu_list(text, ret, e);
	}
	return -EINVAL;
}

static int check_range(enum limit limit, uint64_t v, struct err *e)
{
	char edge[64];
	if (v < least[limit])
		return err_say(e, EINVAL, "must be at least %s", limit_format(limit, least[limit], edge, sizeof edge));
	if (limit == LIMIT_CPU_WEIGHT && v > 10000)
		return err_say(e, EINVAL, "must be at most 10000");
	if (limit_rows[limit].unit == UNIT_COUNT && v > INT32_MAX)
		return err_say(e, EINVAL, "must be at most %d", INT32_MAX);
	return 0;
}

int limit_parse(enum limit limit, const char *text, uint64_t *ret, struct err *e)
{
	uint64_t v = LIMIT_NONE;
	if (strcmp(text, "none") != 0 && strcmp(text, "unlimited") != 0) {
		int rc = parse_unit(limit_rows[limit].unit, text, &v, e);
		if (rc == 0)
			rc = check_range(limit, v, e);
		if (rc < 0) {
			(void)err_wrap(e, "--%s", limit_rows[limit].flag);
			return rc;
		}
	}
	*ret = v;
	return 0;
}

static void format_cpu_list(uint64_t mask, struct text *t)
{
	for (unsigned c = 0; c < 64; c++) {
		if (!(mask >> c & 1))
			continue;
		unsigned last = c;
		while (last < 63 && (mask >> (last + 1) & 1))
			last++;
		text_add(t, last > c ? "%s%u-%u" : "%s%u", t->len ? "," : "", c, last);
		c = last;
	}
}

static void format_bytes(uint64_t v, struct text *t)
{
	static const struct {
		uint64_t size;
		char letter;
	} unit[] = { { 1ull << 40, 'T' }, { 1ull << 30, 'G' }, { 1ull << 20, 'M' }, { 1ull << 10, 'k' } };
	for (size_t i = 0; i < sizeof unit / sizeof unit[0]; i++) {
		if (v && v % unit[i].size == 0) {
			text_add(t, "%llu%c", (unsigned long long)(v / unit[i].size), unit[i].letter);
			return;
		}
	}
	text_add(t, "%llu", (unsigned long long)v);
}

const char *limit_format(enum limit limit, uint64_t v, char *out, size_t cap)
{
	struct text t = { .buf = out, .cap = cap };
	out[0] = '\0';
	if (v == LIMIT_NONE) {
		text_add(&t, "none");
		return out;
	}
	switch (limit_rows[limit].unit) {
	case UNIT_BYTES: format_bytes(v, &t); break;
	case UNIT_NANOSECONDS:
		if (v && v < NS_PER_S && v % NS_PER_MS == 0)
			text_add(&t, "%llums", (unsigned long long)(v / NS_PER_MS));
		else
			text_add(&t, "%.12gs", (double)v / 1e9);
		break;
	case UNIT_COUNT: text_add(&t, "%llu", (unsigned long long)v); break;
	case UNIT_MILLI: text_add(&t, "%.6g", (double)v / 1e3); break;
	case UNIT_CPU_LIST: format_cpu_list(v, &t); break;
	}
	return out;
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static json_t *value_to_json(enum limit limit, uint64_t v)
{
	char list[200];
	if (v == LIMIT_NONE)
		return json_null();
	switch (limit_rows[limit].unit) {
	case UNIT_BYTES:
	case UNIT_COUNT: return json_integer((json_int_t)v);
	case UNIT_NANOSECONDS: return json_real((double)v / 1e9);
	case UNIT_MILLI: return json_real((double)v / 1e3);
	case UNIT_CPU_LIST: return json_string(limit_format(limit, v, list, sizeof list));
	}
	return json_null();
}

json_t *limits_to_json(const struct limits *limits)
{
	json_t *obj = json_object();
	for (int i = 0; i < LIMIT_COUNT; i++)
		(void)json_object_set_new(obj, limit_rows[i].key, value_to_json((enum limit)i, limits->of[i]));
	return obj;
}

/* Numbers in the unit of the output above; strings as on the command line. */
static int value_from_json(enum limit limit, const json_t *j, uint64_t *ret, struct err *e)
{
	double scale = limit_rows[limit].unit == UNIT_NANOSECONDS ? 1e9 : 1e3;
	bool real = limit_rows[limit].unit == UNIT_NANOSECONDS || limit_rows[limit].unit == UNIT_MILLI;
	uint64_t v;
	if (json_is_null(j)) {
		*ret = LIMIT_NONE;
		return 0;
	}
	if (json_is_string(j))
		return limit_parse(limit, json_string_value(j), ret, e);
	if (limit_rows[limit].unit == UNIT_CPU_LIST)
		return err_say(e, EINVAL, "expected a string like \"0-1,3\", got %s", json_type_word(j));
	if (real && json_is_number(j) && json_number_value(j) >= 0 && json_number_value(j) * scale < 9e18)
		v = (uint64_t)llround(json_number_value(j) * scale);
	else if (json_is_integer(j) && json_integer_value(j) >= 0)
		v = (uint64_t)json_integer_value(j);
	else
		return err_say(e, EINVAL, "expected a number that is not negative, a string with a unit, or null, got %s",
			       json_is_number(j) ? "another number" : json_type_word(j));
	int rc = check_range(limit, v, e);
	if (rc == 0)
		*ret = v;
	return rc;
}

static int limit_by_key(const char *key)
{
	for (int i = 0; i < LIMIT_COUNT; i++)
		if (strcmp(limit_rows[i].key, key) == 0)
			return i;
	return -1;
}

int limits_from_json(const json_t *obj, const char *path, struct limits *ret, struct err *e)
{
	struct limits read = *ret;
	const char *key;
	const json_t *value;
	if (!json_is_object(obj))
		return err_say(e, EINVAL, "%s: expected an object of limits, got %s", path, json_type_word(obj));
	void *it = json_object_iter((json_t *)(uintptr_t)obj);
	for (; it; it = json_object_iter_next((json_t *)(uintptr_t)obj, it)) {
		key = json_object_iter_key(it);
		value = json_object_iter_value(it);
		int limit = limit_by_key(key);
		if (limit < 0)
			return err_say(e, EINVAL, "%s.%.60s: no such limit; `rustbox explain limits` lists them", path,
				       key);
		int rc = value_from_json((enum limit)limit, value, &read.of[limit], e);
		if (rc < 0) {
			(void)err_wrap(e, "%s.%s", path, key);
			return rc;
		}
	}
	*ret = read;
	return 0;
}
