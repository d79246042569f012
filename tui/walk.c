/* Walking a procedure; see walk.h. */
#include "tui/walk.h"

#include <stdio.h>
#include <string.h>

void walk_open(struct walk *w, const struct runbook *book, const struct procedure *proc, uint64_t wall)
{
	*w = (struct walk){ .book = book, .proc = proc, .began = wall };
}

void walk_mark(struct walk *w, size_t step, enum step_mark mark, uint64_t wall, const char *note)
{
	if (!w->proc || step >= w->proc->nsteps)
		return;
	struct step_state *s = &w->of[step];
	s->mark = mark;
	s->at = wall;
	if (note && note != s->note)
		(void)snprintf(s->note, sizeof s->note, "%s", note);
	if (mark == STEP_OK || mark == STEP_PARTIAL || mark == STEP_FAILED)
		s->tries++;
}

static bool settled(enum step_mark mark)
{
	return mark == STEP_OK || mark == STEP_SKIPPED || mark == STEP_ESCALATED;
}

size_t walk_next(const struct walk *w)
{
	size_t i = w->at;
	while (w->proc && i < w->proc->nsteps && settled(w->of[i].mark))
		i++;
	return i;
}

bool walk_finished(const struct walk *w)
{
	for (size_t i = 0; w->proc && i < w->proc->nsteps; i++)
		if (!settled(w->of[i].mark))
			return false;
	return w->proc != NULL;
}

const char *step_mark_word(enum step_mark mark)
{
	static const char *const words[STEP_MARK_COUNT] = {
#define X(id, word) [STEP_##id] = word,
		STEP_MARKS(X)
#undef X
	};
	return mark < STEP_MARK_COUNT ? words[mark] : "??";
}

bool walk_may_do(const struct walk *w, size_t step, const char **why_not)
{
	if (w->proc && step < w->proc->nsteps && step_says(&w->proc->steps[step], "--unquarantine"))
		for (size_t i = 0; i < step; i++)
			if (w->of[i].mark != STEP_OK) {
				*why_not = "locked: every step before must be [ok], not skipped";
				return false;
			}
	if (!w->proc || step >= w->proc->nsteps || !step_says(&w->proc->steps[step], "--lazy"))
		return true;
	for (size_t i = 0; i < step; i++) {
		const struct step *before = &w->proc->steps[i];
		if (before->verb != VERB_DO_DRASTIC || !step_says(before, "{holder}"))
			continue;
		if (w->of[i].tries > 0 || w->of[i].mark == STEP_SKIPPED)
			return true;
		*why_not = "locked: end the holders first, or skip that step with a reason";
		return false;
	}
	*why_not = "locked: this procedure has no step that ends the holders";
	return false;
}
