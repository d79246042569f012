/* What the fuzz targets share: the input as a string, and the rule that a refusal must say something. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "probes/base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline char *fuzz_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

/* An error is negative, has a code and a text; who prints it escapes what it quotes (the CLI attacks prove that). */
static inline void fuzz_error(int result, const struct err *e)
{
	if (result > 0 || (result < 0 && (e->code == 0 || e->text[0] == '\0')))
		abort();
}

#endif
