/* A spec as JSON and back, and its envelope; see spec.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/base/json.h"
#include "probes/base/own.h"
#include "sandbox/box/spec.h"
#include "probes/base/sha256.h"

enum { SPEC_SCHEMA = 1 };

static json_t *strings(char *const *list)
{
	json_t *arr = json_array();
	for (size_t i = 0; list && list[i]; i++)
		(void)json_array_append_new(arr, json_text(list[i]));
	return arr;
}

static json_t *binds_to_json(const struct spec *s)
{
	json_t *arr = json_array();
	for (size_t i = 0; i < s->nbinds; i++) {
		const struct bind *b = &s->binds[i];
		json_t *obj = json_object(), *options = json_array();
		for (int o = 0; o < BIND_OPTION_COUNT; o++)
			if (b->options & BIND_BIT(o))
				(void)json_array_append_new(options, json_string(bind_option_word((enum bind_option)o)));
		(void)json_object_set_new(obj, "inside", json_text(b->inside));
		(void)json_object_set_new(obj, "outside", json_text(b->outside));
		(void)json_object_set_new(obj, "options", options);
		(void)json_array_append_new(arr, obj);
	}
	return arr;
}

/* The plain strings of a spec, once for both directions. */
static const struct {
	const char *key;
	size_t at;
} texts[] = {
	{ "box", offsetof(struct spec, box) },
	{ "chdir", offsetof(struct spec, chdir) },
	{ "stdin", offsetof(struct spec, stdin_file) },
	{ "stdout", offsetof(struct spec, stdout_file) },
	{ "stderr", offsetof(struct spec, stderr_file) },
	{ "stdin_text", offsetof(struct spec, stdin_text) },
	{ "language", offsetof(struct spec, language) },
	{ "source", offsetof(struct spec, source) },
};
enum { TEXTS = sizeof texts / sizeof texts[0] };

json_t *spec_to_json(const struct spec *s)
{
	json_t *obj = json_object();
	(void)json_object_set_new(obj, "schema", json_integer(SPEC_SCHEMA));
	(void)json_object_set_new(obj, "profile", json_string(profile_word(s->profile)));
	(void)json_object_set_new(obj, "limits", limits_to_json(&s->limits));
	(void)json_object_set_new(obj, "permissive", json_boolean(s->permissive));
	(void)json_object_set_new(obj, "cgroup_v1", json_boolean(s->force_v1));
	(void)json_object_set_new(obj, "capture", json_boolean(s->capture));
	if (s->merge) /* only then: what was asked for before there was this has the envelope it had */
		(void)json_object_set_new(obj, "stderr_to_stdout", json_true());
	(void)json_object_set_new(obj, "argv", strings(s->argv));
	(void)json_object_set_new(obj, "env", strings(s->env));
	(void)json_object_set_new(obj, "binds", binds_to_json(s));
	for (size_t i = 0; i < TEXTS; i++) {
		const char *text;
		memcpy(&text, (const char *)s + texts[i].at, sizeof text);
		(void)json_object_set_new(obj, texts[i].key, json_text(text));
	}
	return obj;
}

/* Where the result goes and what the box is called change nothing for the program. */
void spec_envelope(const struct spec *s, char out[static 65])
{
	struct spec canonical = *s;
	canonical.box = NULL;
	canonical.capture = false;
	canonical.stdout_file = canonical.stderr_file = NULL;
	autojson json_t *obj = spec_to_json(&canonical);
	autofree char *text = json_dumps(obj, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(15));
	if (!text)
		abort();
	sha256_hex(text, strlen(text), out);
}

/* ---- reading ------------------------------------------------------------------------------------ */

static int strings_from(const json_t *obj, const char *key, struct arena *a, char ***ret, struct err *e)
{
	const json_t *arr = json_object_get(obj, key);
	if (!arr)
		return 0;
	if (!json_is_array(arr))
		return err_say(e, EINVAL, "spec.%s: expected an array of strings", key);
	size_t n = json_array_size(arr);
	char **list = arena_alloc(a, (n + 1) * sizeof *list);
	for (size_t i = 0; i < n; i++) {
		const json_t *item = json_array_get(arr, i);
		if (!json_is_string(item))
			return err_say(e, EINVAL, "spec.%s[%zu]: expected a string", key, i);
		list[i] = arena_strdup(a, json_string_value(item));
	}
	*ret = list;
	return 0;
}

static int env_from(const json_t *obj, struct arena *a, struct spec *s, struct err *e)
{
	char **list = NULL;
	int rc = strings_from(obj, "env", a, &list, e);
	for (size_t i = 0; rc == 0 && list && list[i]; i++)
		rc = strchr(list[i], '=') ? spec_add_env(s, a, list[i], NULL, e)
					  : err_say(e, EINVAL, "spec.env[%zu]: expected NAME=value", i);
	return rc;
}

static int bind_from(const json_t *item, size_t i, struct arena *a, struct spec *s, struct err *e)
{
	char path[40];
	const char *inside = NULL, *outside = NULL;
	json_t *options = NULL;
	(void)snprintf(path, sizeof path, "spec.binds[%zu]", i);
	int rc = json_need_str(item, path, "inside", a, &inside, e);
	if (rc == 0)
		rc = json_opt_str(item, path, "outside", a, &outside, e);
	if (rc == 0 && json_object_get(item, "options"))
		rc = json_need_arr(item, path, "options", &options, e);
	if (rc < 0)
		return rc;
	if (strpbrk(inside, "=:") || (outside && strchr(outside, ':')))
		return err_say(e, EINVAL, "%s: paths must not contain '=' (inside) or ':'", path);
	char *text = outside ? arena_printf(a, "%s=%s", inside, outside) : arena_strdup(a, inside);
	for (size_t o = 0; o < json_array_size(options); o++) {
		const char *word = json_string_value(json_array_get(options, o));
		text = arena_printf(a, "%s%s%s", text, o ? "," : ":", word ? word : "?");
	}
	rc = spec_add_bind(s, a, text, e);
	return rc < 0 ? err_wrap(e, "%s", path) : 0;
}

static int binds_from(const json_t *obj, struct arena *a, struct spec *s, struct err *e)
{
	const json_t *arr = json_object_get(obj, "binds");
	int rc = 0;
	if (arr && !json_is_array(arr))
		return err_say(e, EINVAL, "spec.binds: expected an array");
	for (size_t i = 0; rc == 0 && i < json_array_size(arr); i++)
		rc = bind_from(json_array_get(arr, i), i, a, s, e);
	return rc;
}

static int head_from(const json_t *obj, struct arena *a, struct spec *s, struct err *e)
{
	uint64_t schema = SPEC_SCHEMA;
	const char *profile = NULL;
	const json_t *limits = json_object_get(obj, "limits");
	if (!json_is_object(obj))
		return err_say(e, EINVAL, "spec: expected an object");
	int rc = json_opt_u64(obj, "spec", "schema", &schema, e);
	if (rc == 0 && schema != SPEC_SCHEMA)
		return err_say(e, EINVAL, "spec.schema: expected %d", SPEC_SCHEMA);
	if (rc == 0)
		rc = json_opt_str(obj, "spec", "profile", a, &profile, e);
	if (rc == 0 && profile)
		rc = spec_set_profile(s, profile, e);
	if (rc == 0 && limits)
		rc = limits_from_json(limits, "spec.limits", &s->limits, e);
	if (rc == 0)
		rc = json_opt_bool(obj, "spec", "permissive", &s->permissive, e);
	if (rc == 0)
		rc = json_opt_bool(obj, "spec", "cgroup_v1", &s->force_v1, e);
	if (rc == 0)
		rc = json_opt_bool(obj, "spec", "stderr_to_stdout", &s->merge, e);
	return rc == 0 ? json_opt_bool(obj, "spec", "capture", &s->capture, e) : rc;
}

int spec_from_json(const json_t *obj, const struct limits *defaults, struct arena *a, struct spec *ret, struct err *e)
{
	struct spec s;
	spec_init(&s, defaults);
	int rc = head_from(obj, a, &s, e);
	if (rc == 0)
		rc = strings_from(obj, "argv", a, &s.argv, e);
	if (rc == 0)
		rc = env_from(obj, a, &s, e);
	if (rc == 0)
		rc = binds_from(obj, a, &s, e);
	for (size_t i = 0; rc == 0 && i < TEXTS; i++) {
		const char *text = NULL;
		rc = json_opt_str(obj, "spec", texts[i].key, a, &text, e);
		memcpy((char *)&s + texts[i].at, &text, sizeof text);
	}
	if (rc == 0)
		rc = spec_check(&s, e);
	if (rc == 0)
		*ret = s;
	return rc;
}
