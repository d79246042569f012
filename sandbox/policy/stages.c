/* The stage table as data; see stages.h. */
#include "sandbox/policy/stages.h"

#include <string.h>

#define OPTIONAL false
#define FLOOR	 true
const struct stage_row stage_rows[STAGE_COUNT] = {
#define X(id, w, f, h) [STAGE_##id] = { .word = w, .help = h, .floor = f },
	STAGES(X)
#undef X
};

const struct stage_order stage_order[] = {
#define X(a, b, sentence) { .first = STAGE_##a, .then = STAGE_##b, .why = sentence },
	ORDER(X)
#undef X
};
const unsigned stage_order_count = sizeof stage_order / sizeof stage_order[0];

int stage_parse(const char *word)
{
	for (int s = 0; s < STAGE_COUNT; s++)
		if (strcmp(stage_rows[s].word, word) == 0)
			return s;
	return -1;
}
