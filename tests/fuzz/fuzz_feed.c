/* Lines of the watch stream, whoever wrote them: each becomes one message that update() can take, or "bad" with a reason. */
#include "tests/fuzz/fuzz.h"

#include "probes/base/json.h"
#include "probes/base/own.h"
#include "probes/snapshot.h"
#include "tui/feed.h"

static void take(void *ctx, struct msg *m)
{
	bool ok = true;
	++*(unsigned *)ctx;
	switch ((int)m->kind) {
	case MSG_FEED_BAD: ok = m->text && *m->text; break;
	case MSG_SOURCE: ok = m->source.kind < RES_KINDS && m->source.mode; break;
	case MSG_GONE: ok = m->gone.kind < RES_KINDS && m->gone.id; break;
	case MSG_RESOURCE: ok = m->resource->kind < RES_KINDS && m->resource->id && m->resource->name; break;
	case MSG_HEALTH: ok = m->health->status < HEALTH_STATUSES_COUNT && m->health->reason < HEALTH_REASON_COUNT; break;
	case MSG_HELLO: ok = m->hello.host && m->hello.boot_id && m->hello.kernel; break;
	case MSG_PRESSURE: case MSG_HISTORY: ok = m->json != NULL; break;
	default: break;
	}
	if (!ok)
		abort();
}

/* The short way to a resource is taken only where the long one would have led to the same. */
static void same_both_ways(const char *line, size_t n)
{
	autofree char *copy = strndup(line, n);
	struct resource r, slow;
	autoarena struct arena a = { 0 };
	if (!copy || !resource_scan(copy, &r))
		return;
	autojson json_t *j = json_loadb(line, n, JSON_REJECT_DUPLICATES, NULL);
	if (resource_from_json(j, "line", &a, &slow, NULL) != 0 || !resource_same(&r, &slow) || r.born != slow.born)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	for (const char *line = text; *line;) {
		unsigned heard = 0;
		size_t n = strcspn(line, "\n");
		same_both_ways(line, n);
		feed_line(line, n, (struct feed_sink){ take, &heard });
		if (heard > 1)
			abort();
		line += n + (line[n] == '\n');
	}
	free(text);
	return 0;
}
