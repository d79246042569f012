/* What `rustbox drill` prints. */
#ifndef SANDBOX_OPS_DRILL_SHOW_H
#define SANDBOX_OPS_DRILL_SHOW_H

#include <jansson.h>
#include <stdio.h>

#include "sandbox/drill/score.h"

void drill_list(FILE *out, bool json);
json_t *drill_result_json(const struct ground *g, const struct facts *f, const struct score *s, const char *mode);
/* `over`: the cause may be told. */
void drill_result_text(FILE *out, const struct ground *g, const struct facts *f, const struct score *s, bool over);
void drill_solution(FILE *out, const struct ground *g);
/* Keys and commands with their times. */
int drill_replay(FILE *out, const struct ground *g) MUST_CHECK;
/* What an escalation brings about, and how that is told. */
int drill_answer(const struct ground *g, struct err *e) MUST_CHECK;
const char *drill_answer_words(const struct ground *g);

#endif
