/* Sizes, durations, names, and the escaping of names from the host: what comes out never needs escaping again. */
#include "tests/fuzz/fuzz.h"

#include "probes/base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), out[300];
	uint64_t n;
	struct err e = { 0 };
	fuzz_error(text_parse_size(text, 1024, &n, &e), &e);
	e.code = 0;
	fuzz_error(text_parse_duration(text, &n, &e), &e);
	e.code = 0;
	fuzz_error(text_parse_u64(text, &n, &e), &e);
	text_escape(text, out, sizeof out);
	for (const char *c = out; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			abort();
	if (strlen(out) < sizeof out - 8 && !text_is_plain(text) && !strcmp(out, text))
		abort();
	if (text_is_box_name(text) && !text_is_plain(text))
		abort();
	free(text);
	return 0;
}
