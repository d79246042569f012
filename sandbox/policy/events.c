/* Event rows; see events.def. */
#include "sandbox/policy/events.h"

const struct event_row event_rows[EVENT_ROWS] = {
#define X(id, name, priority, help) [EVENT_##id] = { name, help, priority },
#include "sandbox/policy/events.def"
#undef X
};

const char *event_kind_word(enum event_kind k)
{
	static const char *const words[] = {
#define X(id, word) [EVENT_KIND_##id] = word,
		EVENT_KINDS(X)
#undef X
	};
	_Static_assert(sizeof words / sizeof *words == EVENT_KIND_COUNT, "one word per kind");
	return words[k];
}

enum event_kind event_kind_of(enum resource_kind k)
{
	static const enum event_kind kinds[RES_KINDS] = {
		[RES_MOUNT] = EVENT_KIND_MOUNT,	    [RES_CGROUP] = EVENT_KIND_CGROUP,
		[RES_PROCESS] = EVENT_KIND_PROCESS, [RES_TEMPDIR] = EVENT_KIND_TEMPDIR,
		[RES_LOCK] = EVENT_KIND_LEAK,	    [RES_GHOST] = EVENT_KIND_MOUNT,
	};
	return kinds[k];
}
