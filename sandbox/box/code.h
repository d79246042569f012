/* Source code as one or two ordinary runs: what was asked, and the language's row, into specs. */
#ifndef SANDBOX_BOX_CODE_H
#define SANDBOX_BOX_CODE_H

#include "sandbox/box/box.h"
#include "sandbox/box/config.h"

struct code {
	struct spec compile, run;
	struct box_code steps; /* points to the two above */
};

/* `asked` has a language and a source. -ENOENT names a compiler that is missing, and what to install. */
int code_make(const struct config *config, const struct spec *asked, const char *callers_path, struct arena *a,
	      struct code *ret, struct err *e) MUST_CHECK;

#endif
