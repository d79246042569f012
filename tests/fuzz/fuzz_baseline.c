/* The stored baseline: lines that a person may have edited. */
#include "tests/fuzz/fuzz.h"

#include "probes/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct arena a = { 0 };
	struct snapshot s = { 0 };
	struct err e = { 0 };
	fuzz_error(baseline_parse(text, &a, &s, &e), &e);
	arena_done(&a);
	free(text);
	return 0;
}
