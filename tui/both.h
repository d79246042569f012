/* Two operators of one incident: the second person of the two-person rule, and the handover. Parts of update(). */
#ifndef TUI_BOTH_H
#define TUI_BOTH_H

#include "tui/model.h"

/* second.c: two people for what is of class R3. */
json_t *second_asks(const struct model *m); /* what a second person is asked for now, the caller's; NULL: nothing */
const char *second_name(const struct model *m); /* who confirmed what is asked now; NULL: nobody */
const char *second_refusal(const struct model *m);
json_t *second_record(const struct model *m);
void second_take(struct model *m, const char *text);
void second_heard(struct model *m, const json_t *before); /* the other console asks; what it asked before */
void second_open(struct model *m);
bool second_outdated(const struct model *m);
struct effect second_commit(struct model *m, const char *reason);

/* handover.c */
void handover_open(struct model *m, const char *words);
struct effect handover_commit(struct model *m);
void handover_heard(struct model *m, const char *text);

#endif
