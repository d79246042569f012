/* A runbook's page, from whoever wrote it: parsed or refused with a line; a step runs rustbox, or nothing. */
#include "tests/fuzz/fuzz.h"

#include "tui/runbook.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct arena a = { 0 };
	struct runbook b = { 0 };
	struct err e = { 0 };
	int result = runbook_parse("page", text, &a, &b, &e);
	fuzz_error(result, &e);
	for (size_t i = 0; result == 0 && i < b.n; i++)
		for (size_t s = 0; s < b.v[i].nsteps; s++) {
			const struct step *step = &b.v[i].steps[s];
			if (step->verb == VERB_DO && (step->nwords == 0 || strncmp(step->words[0], "rustbox", 7) != 0))
				abort();
		}
	arena_done(&a);
	free(text);
	return 0;
}
