/* The administrator's file: refused with a line, or a configuration every run can work with. */
#include "tests/fuzz/fuzz.h"

#include "probes/base/json.h"
#include "sandbox/box/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autojson json_t *j = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	autoarena struct arena a = { 0 };
	struct config c;
	struct err e = { 0 };
	if (!j)
		return 0;
	int result = config_from_json(j, &a, &c, &e);
	fuzz_error(result, &e);
	if (result < 0)
		return 0;
	if (c.slots < 1 || c.slots > UID_POOL || !config_language_words(&c, &a))
		abort();
	for (size_t i = 0; i < c.nlanguages; i++) {
		const struct language *l = &c.languages[i];
		if (!l->word || !l->file || strchr(l->file, '/') || config_language(&c, l->word) != l)
			abort();
	}
	return 0;
}
