/*
 * /etc/rustbox/config.json: what an administrator changes for a host. Everything has a default, so the file need
 * not be there; one that is there and wrong stops every run, because limits nobody meant are no limits.
 */
#ifndef SANDBOX_BOX_CONFIG_H
#define SANDBOX_BOX_CONFIG_H

#include "probes/base/paths.h"
#include "sandbox/policy/languages.h"

struct config {
	struct limits profiles[PROFILE_COUNT]; /* the tables' defaults, overridden */
	struct limits ceilings;		       /* the most a caller may ask for; LIMIT_NONE: no ceiling */
	struct language *languages;	       /* the built-in rows, overridden, and others added */
	size_t nlanguages;
	const char *cgroup_parent; /* where boxes' cgroups are made, "/a/b"; NULL: where delegation_look() says */
	unsigned slots;	     /* boxes alive at once, 1 to UID_POOL */
	unsigned kept_boxes; /* of those, boxes made by `rustbox init` */
};

/* -EINVAL names the file, the path in it, what was expected and what was there. The file must be root's alone to
 * write when root reads it. */
int config_load(const struct paths *paths, struct arena *a, struct config *ret, struct err *e) MUST_CHECK;
/* The same from a parsed file; NULL: the defaults. */
int config_from_json(const json_t *obj, struct arena *a, struct config *ret, struct err *e) MUST_CHECK;
const struct language *config_language(const struct config *c, const char *word); /* NULL: no such */
/* "c, cpp, python, ..." */
const char *config_language_words(const struct config *c, struct arena *a);
/* No limit above the host's ceiling. */
int config_check(const struct config *c, const struct limits *limits, struct err *e) MUST_CHECK;

#endif
