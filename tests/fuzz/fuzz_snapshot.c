/* Snapshots as JSON: from another machine, an older version, or nobody honest. */
#include "tests/fuzz/fuzz.h"

#include "probes/base/json.h"
#include "probes/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autojson json_t *j = json_loadb((const char *)data, size, 0, NULL);
	struct arena a = { 0 };
	struct snapshot s = { 0 };
	struct err e = { 0 };
	if (!j)
		return 0;
	int result = snapshot_from_json(j, &a, &s, &e);
	fuzz_error(result, &e);
	if (result == 0) {
		autojson json_t *out = snapshot_to_json(&s);
		if (!out)
			abort();
	}
	arena_done(&a);
	return 0;
}
