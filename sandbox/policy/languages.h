/* The languages of `rustbox execute-code`: the built-in table (languages.def). Pure. */
#ifndef SANDBOX_POLICY_LANGUAGES_H
#define SANDBOX_POLICY_LANGUAGES_H

#include <stddef.h>

#include "probes/base/arena.h"
#include "sandbox/policy/limits.h"

struct language {
	const char *word, *file;
	const char *compile, *run; /* words separated by spaces; compile NULL: no such step */
	const char *env;	   /* NAME=value words */
	const char *least;	   /* "processes=64 ..." */
	const char *path;	   /* directories in the box, separated by colons */
	const char *binds;	   /* --dir words: what must be visible beside the system; NULL: nothing */
	const char *package;	   /* NULL: unknown */
};
extern const struct language language_rows[];
extern const size_t language_row_count;

/* The words of a command, NULL-terminated, {mem} filled in from the limits (1024 when there is none). */
char **language_words(const char *command, const struct limits *limits, struct arena *a);
/* Raises what the profile gives to what the language needs; limits that differ from `profile` were asked for, and
 * stay. Fails on a row that names no limit. */
int language_raise(const struct language *l, const struct limits *profile, struct limits *ret, struct err *e) MUST_CHECK;

#endif
