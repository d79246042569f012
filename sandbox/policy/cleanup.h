/* What was done with a box after its program's end. A field of its own: it never changes a verdict. */
#ifndef SANDBOX_POLICY_CLEANUP_H
#define SANDBOX_POLICY_CLEANUP_H

#include <stdint.h>

#include "probes/base/err.h"

#define CLEANUPS(X) X(CLEAN, "clean") X(RETRIED, "retried") X(LEAKED, "leaked")

enum cleanup_outcome {
#define X(id, word) CLEANUP_##id,
	CLEANUPS(X)
#undef X
	CLEANUP_COUNT
};

enum { CLEANUP_ERRORS = 4 };
struct cleanup {
	enum cleanup_outcome outcome;
	uint64_t ns;
	unsigned nerrors; /* of which the first CLEANUP_ERRORS are kept */
	struct err errors[CLEANUP_ERRORS];
};

const char *cleanup_word(enum cleanup_outcome c);

#endif
