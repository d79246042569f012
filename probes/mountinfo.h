/* The mount table of one namespace: read until two readings agree, parsed by libmount, indexed by id. */
#ifndef PROBES_MOUNTINFO_H
#define PROBES_MOUNTINFO_H

#include <stdbool.h>

#include "probes/resource.h"

struct mount_row {
	const char *target;
	struct mount_facts facts;
	uint64_t unique; /* 0 when the kernel does not tell */
};

struct mount_table {
	struct mount_row *v; /* sorted by the reusable mount id */
	size_t n;
	size_t bad; /* lines libmount could not parse */
};

/* mountinfo(5) text; layers and children are filled in. -EINVAL when nothing at all can be parsed. */
int mountinfo_parse(const char *text, struct arena *a, struct mount_table *ret, struct err *e) MUST_CHECK;

/* `dirfd` is /proc, `who` "self" or a pid. Reads again until two readings are equal, at most some times:
 * one read(2) of mountinfo is consistent only within a page, so one pass can miss a live mount.
 * -EAGAIN: it never stood still. */
int mountinfo_read(int dirfd, const char *who, struct arena *a, struct mount_table *ret, struct err *e) MUST_CHECK;

/* The caller's own namespace without the text: listmount gives one moment of the table, statmount each row, in a third of
 * the time. False: this kernel does not tell everything (6.13 does), so the text must be read. */
bool mountinfo_own(struct arena *a, struct mount_table *ret);

/* Adds unique ids of the caller's own namespace (listmount, statmount; Linux 6.8). Returns false when the
 * kernel has no such calls. */
bool mountinfo_unique_ids(struct mount_table *t);

/* One mount of the caller's namespace by its unique id, as mountinfo would show it but for layer and children.
 * False: it is gone, or this kernel's statmount does not tell everything (6.13 does). */
bool mountinfo_one(uint64_t unique, struct arena *a, struct mount_row *ret);

const struct mount_row *mountinfo_find(const struct mount_table *t, uint64_t mount_id);

#endif
