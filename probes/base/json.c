/* Typed reads from jansson values; see json.h. */
#include "probes/base/json.h"

#include <stdlib.h>
#include <string.h>

#include "probes/base/own.h"
#include "probes/base/text.h"

const char *json_type_word(const json_t *v)
{
	if (!v)
		return "nothing";
	switch (json_typeof(v)) {
	case JSON_OBJECT: return "an object";
	case JSON_ARRAY: return "an array";
	case JSON_STRING: return "a string";
	case JSON_INTEGER: return "an integer";
	case JSON_REAL: return "a real number";
	case JSON_TRUE:
	case JSON_FALSE: return "a boolean";
	case JSON_NULL: return "null";
	}
	return "something else";
}

static int wrong(const json_t *v, const char *path, const char *key, const char *expected, struct err *e)
{
	return err_say(e, EINVAL, "%s.%s: expected %s, got %s", path, key, expected, json_type_word(v));
}

static bool absent(const json_t *v)
{
	return !v || json_is_null(v);
}

int json_need_str(const json_t *obj, const char *path, const char *key, struct arena *a, const char **ret,
		  struct err *e)
{
	const json_t *v = json_object_get(obj, key);
	if (!json_is_string(v))
		return wrong(v, path, key, "a string", e);
	*ret = arena_strdup(a, json_string_value(v));
	return 0;
}

int json_opt_str(const json_t *obj, const char *path, const char *key, struct arena *a, const char **ret,
		 struct err *e)
{
	return absent(json_object_get(obj, key)) ? 0 : json_need_str(obj, path, key, a, ret, e);
}

int json_need_u64(const json_t *obj, const char *path, const char *key, uint64_t *ret, struct err *e)
{
	const json_t *v = json_object_get(obj, key);
	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return wrong(v, path, key, "a whole number that is not negative", e);
	*ret = (uint64_t)json_integer_value(v);
	return 0;
}

int json_opt_u64(const json_t *obj, const char *path, const char *key, uint64_t *ret, struct err *e)
{
	return absent(json_object_get(obj, key)) ? 0 : json_need_u64(obj, path, key, ret, e);
}

int json_opt_bool(const json_t *obj, const char *path, const char *key, bool *ret, struct err *e)
{
	const json_t *v = json_object_get(obj, key);
	if (absent(v))
		return 0;
	if (!json_is_boolean(v))
		return wrong(v, path, key, "true or false", e);
	*ret = json_is_true(v);
	return 0;
}

int json_need_obj(const json_t *obj, const char *path, const char *key, json_t **ret, struct err *e)
{
	json_t *v = json_object_get(obj, key);
	if (!json_is_object(v))
		return wrong(v, path, key, "an object", e);
	*ret = v;
	return 0;
}

int json_need_arr(const json_t *obj, const char *path, const char *key, json_t **ret, struct err *e)
{
	json_t *v = json_object_get(obj, key);
	if (!json_is_array(v))
		return wrong(v, path, key, "an array", e);
	*ret = v;
	return 0;
}

json_t *json_text(const char *s)
{
	if (!s)
		return json_null();
	json_t *v = json_string(s);
	if (v)
		return v;
	size_t cap = strlen(s) * 6 + 1;
	autofree char *out = malloc(cap);
	if (!out)
		abort();
	return json_string(text_escape(s, out, cap));
}

const char *json_shown(const json_t *obj, const char *key, char *out, size_t cap)
{
	const char *s = json_string_value(json_object_get(obj, key));
	return text_escape(s ? s : "?", out, cap);
}
