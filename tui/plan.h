/* What a commit would do: a plan made of rows, and the plan in words. Parts of update(); the view reads them, too. */
#ifndef TUI_PLAN_H
#define TUI_PLAN_H

#include "probes/base/text.h"
#include "tui/model.h"

/* plan.c: what a step or a choice in the list would do. In the dialog's arena. */
void plan_for_step(struct model *m, int step);
void plan_for_choice(struct model *m);
void plan_for_retry(struct model *m);
void plan_for_undo(struct model *m);
bool space_is_needed(const struct model *m);
size_t plan_now(const struct model *m, const struct plan *p, size_t *gone, size_t *fresh);
const char *plan_now_text(const struct model *m, const struct plan *p, size_t *gone, size_t *fresh, char *out, size_t cap); /* in words */
const struct row *plan_parent(const struct model *m, const struct resource *zombie); /* NULL: not on the table */

/* plan_words.c */
bool plan_says(const struct plan *p, const char *word);
void plan_phrase(const struct model *m, const struct plan *p, char *out, size_t cap);
/* The literal command, with what is still there filled in; NULL-terminated, in `a`. */
const char **plan_argv(const struct model *m, const struct plan *p, const char *reason, struct arena *a);
/* The words as a line for a shell, quoted where it would read more into them. */
void plan_line(const char *const *argv, struct text *out);

enum { RECOVERIES_MOST = 3 }; /* automatic attempts; after that one needs a reason */

#endif
