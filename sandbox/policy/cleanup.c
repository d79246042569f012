/* Words of the cleanup outcomes; see cleanup.h. */
#include "sandbox/policy/cleanup.h"

static const char *const words[CLEANUP_COUNT] = {
#define X(id, word) [CLEANUP_##id] = word,
	CLEANUPS(X)
#undef X
};

const char *cleanup_word(enum cleanup_outcome c)
{
	return words[c];
}
