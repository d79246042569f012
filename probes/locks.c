/* Ledger files: a lock is left over when nobody holds it and something is still written under it. A free
 * and empty ledger is the normal end of a box: ledgers are truncated, never unlinked. */
#include <stdio.h>

#include "probes/probe.h"

static unsigned open_entries(const struct ledger *led)
{
	unsigned n = 0;
	for (size_t i = 0; i < led->n; i++)
		n += !led->v[i].gone;
	return n;
}

void locks_observe(struct look *l, struct resource_set *ret)
{
	if (!l->ledgers.complete)
		set_incomplete(ret, &l->ledgers.why);
	for (size_t i = 0; i < l->ledgers.n; i++) {
		const struct ledger *led = &l->ledgers.v[i];
		struct lock_facts facts = { .held = led->held, .corrupt = led->corrupt, .entries = open_entries(led) };
		if (!led->held && !led->corrupt && facts.entries == 0)
			continue;
		struct resource *r = resource_set_add(ret, l->a);
		*r = (struct resource){ .kind = RES_LOCK, .id = led->box, .name = led->box, .box = led->box,
					.owner = led->held ? OWNER_ACTIVE : OWNER_LEAK, .lock = facts };
		r->why = led->held ? "the box's lock is held" : "nobody holds it, and what it records is not struck off";
		r->detail = led->corrupt ? arena_printf(l->a, "corrupt: %s", led->why.text) :
					   arena_printf(l->a, "%s, %u recorded", led->held ? "held" : "free", facts.entries);
	}
}
