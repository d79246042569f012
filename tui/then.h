/* The screen shows an earlier state, and nothing can be done from there: see update_past.c. */
#ifndef TUI_THEN_H
#define TUI_THEN_H

#include "tui/model.h"

void time_open(struct model *m); /* or back to now */
void time_named(struct model *m, const char *words); /* "03:11" */
bool time_key(struct model *m, int action); /* true: it was one for the past, or is not allowed there */
struct effect time_news(struct model *m, const struct msg *msg, struct effect (*take)(struct model *, const struct msg *));
uint64_t time_wall(const struct model *m); /* of what is on the screen */
bool time_steps(const struct model *m);	   /* a procedure is shown: it is a matter of now */

#endif
