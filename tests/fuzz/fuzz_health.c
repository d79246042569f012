/* The health record: whatever stands in the file, it parses to a state that formats to itself, or is refused. */
#include "tests/fuzz/fuzz.h"

#include "probes/base/json.h"
#include "probes/health.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autojson json_t *j = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	struct health h = { 0 }, again = { 0 };
	struct err e = { 0 };
	if (!j)
		return 0;
	int result = health_from_json(j, &h, &e);
	fuzz_error(result, &e);
	if (result < 0)
		return 0;
	if (h.status >= HEALTH_STATUSES_COUNT || h.reason >= HEALTH_REASON_COUNT)
		abort();
	autojson json_t *out = health_to_json(&h);
	if (health_from_json(out, &again, &e) < 0 || again.status != h.status || again.reason != h.reason ||
	    again.failures != h.failures || again.since != h.since)
		abort();
	return 0;
}
