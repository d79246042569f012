/* What each dialog says, as lines; and how many rows its typed fields take. */
#ifndef TUI_DIALOG_TEXT_H
#define TUI_DIALOG_TEXT_H

#include "tui/model.h"
#include "tui/prose.h"

void dialog_lines(const struct model *m, struct prose *out);
const char *dialog_title(const struct model *m, char *out, size_t cap);
int dialog_fields(const struct model *m); /* rows below the text */
bool dialog_inline(enum dialog_kind kind); /* typed in the last row, over the main screen */
/* Whether field i is asked for in this dialog, and its label. */
const char *dialog_field_label(const struct model *m, int field);
const char *risk_word(enum risk risk);

/* failure.c, update_resume.c */
void resume_lines(const struct model *m, struct prose *out);
void failure_lines(const struct model *m, struct prose *out);
void second_lines(const struct model *m, struct prose *out);
void second_phrase(const struct plan *p, char *out, size_t cap);
void handover_lines(const struct model *m, struct prose *out);
void baseline_lines(const struct model *m, struct prose *out); /* update_baseline.c: what :baseline capture would change */

#endif
