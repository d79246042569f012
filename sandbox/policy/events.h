/* The vocabulary of events. */
#ifndef SANDBOX_POLICY_EVENTS_H
#define SANDBOX_POLICY_EVENTS_H

#include "probes/resource.h"

enum event {
#define X(id, name, priority, help) EVENT_##id,
#include "sandbox/policy/events.def"
#undef X
	EVENT_ROWS
};

struct event_row {
	const char *name, *help;
	int priority; /* syslog(3) */
};
extern const struct event_row event_rows[EVENT_ROWS];

#define EVENT_KINDS(X)                                                                          \
	X(MOUNT, "mount_unmount_failed") X(CGROUP, "cgroup_removal_failed")                     \
	X(PROCESS, "process_reap_failed") X(TEMPDIR, "tempdir_removal_failed")                  \
	X(TIMEOUT, "cleanup_timeout") X(BASELINE, "baseline_equivalence_failed")                \
	X(ORPHAN, "orphan_detected") X(LEAK, "post_cleanup_leak") X(ZOMBIE, "zombie_detected")

enum event_kind {
#define X(id, word) EVENT_KIND_##id,
	EVENT_KINDS(X)
#undef X
	EVENT_KIND_COUNT
};
const char *event_kind_word(enum event_kind k);
/* What a cleanup that left a resource of this kind failed at. */
enum event_kind event_kind_of(enum resource_kind k);

#endif
