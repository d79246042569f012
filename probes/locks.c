/*
 * Ledger files: a lock that nobody holds is left over, whatever it records, because a box unlinks its ledger while it
 * still holds it. Only an empty file is none: it is made before it is locked, and may be a box that begins right now.
 */
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
		if (!led->held && !led->corrupt && !*led->boot_id)
			continue;
		struct resource *r = resource_set_add(ret, l->a);
		*r = (struct resource){ .kind = RES_LOCK, .id = led->box, .name = led->box, .box = led->box, .old = true,
					.owner = led->held ? OWNER_ACTIVE : OWNER_LEAK, .lock = facts };
		r->why = led->held ? "the box's lock is held" : facts.entries ? "nobody holds it, and what it records is not struck off" :
							  "nobody holds it: its owner died before it could remove it";
		r->detail = led->corrupt ? arena_printf(l->a, "corrupt: %s", led->why.text) :
					   arena_printf(l->a, "%s, %u recorded", led->held ? "held" : "free", facts.entries);
	}
}
