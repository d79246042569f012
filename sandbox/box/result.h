/* The result of a run as the one JSON object that is promised to be stable, and what reads it back. */
#ifndef SANDBOX_BOX_RESULT_H
#define SANDBOX_BOX_RESULT_H

#include "sandbox/box/box.h"

enum { RESULT_SCHEMA = 1 };

struct result_extra {
	const char *worker; /* who ran it; NULL: not said */
	bool timings;	    /* the milliseconds of each phase */
	const struct outcome *compile; /* the compile step's, when there was one and the program ran after it */
};

/* Works for every outcome, also of a run that was refused. The caller owns the object. */
json_t *result_to_json(const struct outcome *o, const struct result_extra *extra);

/* The part of a stored result from which its verdict can be computed again. */
struct stored_result {
	struct evidence evidence;
	struct limits limits;
	const char *status, *cause, *envelope; /* as they were stored; in the arena */
	bool refused;			       /* nothing was started: there is no evidence to replay */
	bool compiler;			       /* it is the compile step's */
};
int result_from_json(const json_t *obj, struct arena *a, struct stored_result *ret, struct err *e) MUST_CHECK;

#endif
