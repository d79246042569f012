/* What tests do with boxes that live while they look. */
#ifndef TESTS_HARNESS_BOXES_H
#define TESTS_HARNESS_BOXES_H

#include "tests/harness/world.h"

/* Starts `rustbox`, argv[0] being its name, in the world and in the background; what it says goes nowhere. To be waited for. */
pid_t box_begin(const struct world *w, const char *const *argv);
/* The keeper of a box by its ledger; 0 when it has none. */
pid_t box_keeper(const struct world *w, const char *box);

#endif
