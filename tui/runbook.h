/*
 * A runbook is a markdown page that is also data. Prose stays prose; under "### Procedure N: Title" an
 * "Applies to:" line names resource kinds, and each numbered item may end in one code span that says
 * what the step does:
 *
 *   `look mounts`                          show what is there; ticks when it has been shown
 *   `do rustbox reclaim mount {mount}`     runs after a preview; {kind} becomes the plan's identities
 *   `do! rustbox reclaim mount --lazy {mount}`   the same, drastic: a typed phrase and a reason
 *   `check mounts`                         ticks itself when a fresh, trusted view shows none left; also
 *                                          `check everything`, `check healthy`, `check baseline`
 *   `soak 15m`                             watches for a recurrence that long; one ends it
 *   (no code span)                         tell: the operator reads and confirms
 *
 * The only program a step may name is rustbox. A line "Original: `...`" below an item quotes the
 * founding runbook, and "Why: ..." says why ours differs; both are shown by the `o` key.
 */
#ifndef TUI_RUNBOOK_H
#define TUI_RUNBOOK_H

#include <stdbool.h>
#include <string.h>

#include "probes/base/arena.h"
#include "probes/base/err.h"
#include "probes/resource.h"

#define VERBS(X) X(TELL, "tell") X(LOOK, "look") X(CHECK, "check") X(DO, "do") X(DO_DRASTIC, "do!") X(SOAK, "soak")

enum verb {
#define X(id, word) VERB_##id,
	VERBS(X)
#undef X
	VERB_COUNT
};

enum { STEPS_MAX = 24 }; /* in one procedure */

struct step {
	enum verb verb;
	unsigned kinds;	      /* bits of resource kinds it looks at, acts on or checks */
	const char *say;      /* the item's prose */
	const char *brief;    /* its first words, for the stepper's line */
	const char **words;   /* of the command, NULL-terminated; words[0] is "rustbox" for do */
	size_t nwords;
	const char *original; /* the founding runbook's line, or NULL */
	const char *why;      /* why ours differs, or NULL */
};

static inline bool step_says(const struct step *s, const char *word)
{
	for (size_t i = 0; i < s->nwords; i++)
		if (strcmp(s->words[i], word) == 0)
			return true;
	return false;
}

struct procedure {
	unsigned number; /* as the page says */
	const char *title;
	unsigned kinds;
	struct step *steps;
	size_t nsteps;
};

struct runbook {
	const char *name;  /* the file's, without .md */
	const char *title; /* the page's first heading */
	const char *text;  /* the page itself, as it was read */
	struct procedure *v;
	size_t n;
};

/* Everything lives in the arena. A page without procedures is a valid runbook with n 0; a malformed step
 * is an error that names page, procedure and step: a runbook that half works is worse than none. */
int runbook_parse(const char *name, const char *text, struct arena *a, struct runbook *ret, struct err *e) MUST_CHECK;
const char *verb_word(enum verb verb);

#endif
