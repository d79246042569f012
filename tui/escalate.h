/* When to stop and call engineering: the founding runbook's six criteria, and the orphan rule beside them. */
#ifndef TUI_ESCALATE_H
#define TUI_ESCALATE_H

#include "tui/model.h"

enum { ESCALATE_OF = 6 };

/* Names, and which are met, from health history, kernel log, differences and what was tried here. */
const char *const *escalate_names(const struct model *m, bool met[static ESCALATE_OF]);
bool orphan_rule(const struct model *m); /* security must know now, whatever else */

#endif
