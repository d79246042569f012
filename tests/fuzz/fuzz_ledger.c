/* A ledger torn, flipped or forged: parsed or called corrupt, never believed beyond what it says. */
#include "tests/fuzz/fuzz.h"

#include "probes/ledger.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct arena a = { 0 };
	struct ledger l = { 0 };
	struct err e = { 0 };
	int result = ledger_parse(text, &a, &l, &e);
	fuzz_error(result, &e);
	for (size_t i = 0; result == 0 && i < l.n; i++)
		if (l.v[i].kind >= RES_KINDS || !l.v[i].name)
			abort();
	arena_done(&a);
	free(text);
	return 0;
}
