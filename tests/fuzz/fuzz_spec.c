/* A spec as JSON: accepted ones have a canonical form that is accepted again with the same envelope. */
#include "tests/fuzz/fuzz.h"

#include "probes/base/json.h"
#include "sandbox/box/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autojson json_t *j = json_loadb((const char *)data, size, 0, NULL);
	struct arena a = { 0 };
	struct spec s, again;
	struct err e = { 0 };
	if (!j)
		return 0;
	int result = spec_from_json(j, NULL, &a, &s, &e);
	fuzz_error(result, &e);
	if (result == 0) {
		char one[65], two[65];
		autojson json_t *canonical = spec_to_json(&s);
		spec_envelope(&s, one);
		if (spec_from_json(canonical, NULL, &a, &again, &e) < 0)
			abort();
		spec_envelope(&again, two);
		if (strcmp(one, two) != 0)
			abort();
	}
	arena_done(&a);
	return 0;
}
