/* The last look at a box, while its cgroups can still be read. */
#ifndef SANDBOX_BOX_GATHER_H
#define SANDBOX_BOX_GATHER_H

#include "sandbox/box/supervise.h"

/* Counters, containment and streams into w->ev; captured output goes to the arena. */
void gather(struct watch *w, struct arena *a);

#endif
