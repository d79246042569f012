/* A drill from its beginning to its score: the world is made, the fault planted, and somebody recovers. */
#ifndef SANDBOX_DRILL_SESSION_H
#define SANDBOX_DRILL_SESSION_H

#include "sandbox/drill/score.h"

enum session_mode {
	SESSION_LEARN,	 /* the console, on this terminal */
	SESSION_SOLVE,	 /* the reference solution */
	SESSION_LITERAL, /* the founding runbook's shell */
	SESSION_OPEN,	 /* the world, until standard input ends: for tests and visitors */
	SESSION_WALK	 /* the console in its training mode */
};

struct session {
	const struct drill *drill;
	unsigned seed, minutes; /* 0: the drill's own limit */
	enum session_mode mode;
	const char *book;	/* SESSION_WALK: which runbook */
	bool quiet;		/* nothing but the result on standard output */
	/* Called inside, when it is over: prints, and gives the exit status. */
	int (*end)(const struct session *s, const struct ground *g, const struct facts *f, const struct score *score);
	bool json;
};

/* -> what `end` returned, DRILL_AGAIN when the learner asks for it, or a negative errno. Runs everything in a wall of its own. */
int session_run(struct session *s, struct err *e) MUST_CHECK;
/* The facts as they are now; inside a drill. */
void session_judge(const struct ground *g, struct facts *ret);

#endif
