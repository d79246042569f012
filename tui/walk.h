/* A procedure being walked: where the operator is and what each step came to. */
#ifndef TUI_WALK_H
#define TUI_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/runbook.h"

#define STEP_MARKS(X)                                                                       \
	X(TODO, "  ") X(RUNNING, "..") X(OK, "ok") X(PARTIAL, "pt") X(FAILED, "!!") X(SKIPPED, "sk") \
	X(ESCALATED, "es")

enum step_mark {
#define X(id, word) STEP_##id,
	STEP_MARKS(X)
#undef X
	STEP_MARK_COUNT
};

struct step_state {
	enum step_mark mark;
	char note[120];	   /* "4 of 7 unmounted, 3 EBUSY", or the reason it was skipped for */
	uint64_t at;	   /* wall clock seconds of the mark */
	unsigned tries;
	uint64_t epoch;	   /* the world's change counter when it failed: retry waits until it moved */
};

struct walk {
	const struct runbook *book;
	const struct procedure *proc; /* NULL: no procedure is open */
	size_t at;		      /* the step that is next */
	struct step_state of[STEPS_MAX];
	uint64_t began;		      /* wall clock seconds */
};

void walk_open(struct walk *w, const struct runbook *book, const struct procedure *proc, uint64_t wall);
void walk_mark(struct walk *w, size_t step, enum step_mark mark, uint64_t wall, const char *note);
/* The first step from `at` on that is neither done nor skipped; nsteps when all are. */
size_t walk_next(const struct walk *w);
bool walk_finished(const struct walk *w);
const char *step_mark_word(enum step_mark mark);

/* A lazy unmount hides a problem: true only once a step before it that ends holders was tried or skipped
 * with a reason. Returning a worker to traffic needs every step before it proven. Any other step: true. */
bool walk_may_do(const struct walk *w, size_t step, const char **why_not);

static inline const struct step *walk_step(const struct walk *w)
{
	return w->proc && w->at < w->proc->nsteps ? &w->proc->steps[w->at] : NULL;
}

#endif
