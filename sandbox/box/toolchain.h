/* Where a language's tools are, and whether an unprivileged program could use them. Looks, changes nothing. */
#ifndef SANDBOX_BOX_TOOLCHAIN_H
#define SANDBOX_BOX_TOOLCHAIN_H

#include "sandbox/box/config.h"

struct tool {
	const char *name; /* "gcc" */
	const char *path; /* absolute, NULL when there is none to use */
	const char *why;  /* when not: one clause, and what would help */
};

/* The first of the language's directories that has the program, readable for everybody and visible in the box.
 * The caller's own PATH is searched only to say more about a tool that cannot be used. */
void tool_find(const struct language *l, const char *name, const char *callers_path, struct arena *a, struct tool *ret);
/* The tools of both steps; false when one is missing: then *ret is that one. */
bool language_tools(const struct language *l, const char *callers_path, struct arena *a, struct tool *ret);

#endif
