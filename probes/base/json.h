/* Typed reads from jansson values; every error names the path, what was expected and what was there. */
#ifndef PROBES_BASE_JSON_H
#define PROBES_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "probes/base/arena.h"
#include "probes/base/err.h"

/* Missing keys: the `need_` forms fail, the `opt_` forms leave *ret as it is. Wrong types always fail. */
int json_need_str(const json_t *obj, const char *path, const char *key, struct arena *a, const char **ret,
		  struct err *e) MUST_CHECK;
int json_opt_str(const json_t *obj, const char *path, const char *key, struct arena *a, const char **ret,
		 struct err *e) MUST_CHECK;
int json_need_u64(const json_t *obj, const char *path, const char *key, uint64_t *ret, struct err *e) MUST_CHECK;
int json_opt_u64(const json_t *obj, const char *path, const char *key, uint64_t *ret, struct err *e) MUST_CHECK;
int json_opt_bool(const json_t *obj, const char *path, const char *key, bool *ret, struct err *e) MUST_CHECK;
/* Borrowed from obj. */
int json_need_obj(const json_t *obj, const char *path, const char *key, json_t **ret, struct err *e) MUST_CHECK;
int json_need_arr(const json_t *obj, const char *path, const char *key, json_t **ret, struct err *e) MUST_CHECK;

const char *json_type_word(const json_t *v); /* "an object", "null", ... for such errors */

/* A string that may hold any byte: invalid UTF-8 is written as visible escapes. Never NULL. */
json_t *json_text(const char *s);
/* The other way, for a screen: what stands under `key`, escaped into out; "?" when it is no string. */
const char *json_shown(const json_t *obj, const char *key, char *out, size_t cap);

static inline void json_own_decref(json_t **j)
{
	json_decref(*j);
}
#define autojson __attribute__((cleanup(json_own_decref)))

#endif
