/* Bytes from a terminal: the same keys however they are cut into reads, and nothing stays half done after its time. */
#include "tests/fuzz/fuzz.h"

#include "tui/keyin.h"

enum { ROOM = 9000 };

struct heard {
	struct keyin_event v[ROOM];
	size_t n;
};

static void each(void *ctx, const struct keyin_event *event)
{
	struct heard *h = ctx;
	if (h->n == ROOM || (event->paste && event->code))
		abort();
	h->v[h->n++] = *event;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct heard whole, cut;
	struct keyin a = { 0 }, b = { 0 };
	whole.n = cut.n = 0;
	keyin_bytes(&a, data, size, each, &whole);
	for (size_t i = 0; i < size; i++)
		keyin_bytes(&b, data + i, 1, each, &cut);
	if ((keyin_wait_ms(&a) != 0) != (a.state != KEYIN_GROUND))
		abort();
	keyin_flush(&a, each, &whole);
	keyin_flush(&b, each, &cut);
	if (a.state != KEYIN_GROUND || b.state != KEYIN_GROUND || whole.n != cut.n)
		abort();
	for (size_t i = 0; i < cut.n; i++)
		if (whole.v[i].code != cut.v[i].code || whole.v[i].paste != cut.v[i].paste || whole.v[i].bytes != cut.v[i].bytes ||
		    whole.v[i].row != cut.v[i].row || whole.v[i].col != cut.v[i].col)
			abort();
	return 0;
}
