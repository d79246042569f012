/*
 * What can be left behind: the kinds, one resource, and sets of them.
 *
 * `id` is the identity an action binds to, and the only form other programs pass back:
 *   mount    unique mount id (statx STATX_MNT_ID_UNIQUE, Linux 6.8+), decimal; "o<id>" where the kernel
 *            only has the reusable id
 *   cgroup   "<hierarchy>:<inode>"; hierarchy is "memory", "pids", ... on v1 and "unified" on v2
 *   process  "<pid>:<start time in clock ticks, /proc/PID/stat field 22>"
 *   tempdir  "<major>:<minor>:<inode>:<birth>", without the birth where it is not known (dirid.h)
 *   lock     the box's name
 *   ghost    "<major>:<minor>" of the file system that is still held
 * `name` is what a person calls it and what a baseline compares (a path, a cgroup path, "comm uid N").
 */
#ifndef PROBES_RESOURCE_H
#define PROBES_RESOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "probes/base/arena.h"
#include "probes/base/err.h"
#include "probes/facts.h"

/*      id       word       plural       JSON key      letter */
#define RESOURCE_KINDS(X)                                     \
	X(MOUNT, "mount", "mounts", "mounts", 'M')            \
	X(CGROUP, "cgroup", "cgroups", "cgroups", 'C')        \
	X(PROCESS, "process", "processes", "processes", 'P')  \
	X(TEMPDIR, "tempdir", "temp dirs", "temp_dirs", 'D')  \
	X(LOCK, "lock", "locks", "locks", 'L')                \
	X(GHOST, "ghost", "ghosts", "ghosts", 'X')

enum resource_kind {
#define X(id, word, plural, key, letter) RES_##id,
	RESOURCE_KINDS(X)
#undef X
	RES_KINDS
};
enum { RES_ALL = (1u << RES_KINDS) - 1 }; /* a bit of each, where kinds are chosen */

/* Whose it is. Only LEAK, and one by one ORPHAN, can ever be in a plan. */
#define OWNERS(X)                                                                                \
	X(LEAK, "leak", "rustbox's, and no live owner holds its box's lock")                      \
	X(ORPHAN, "orphan", "a sandboxed process outside its cgroup: containment was violated")   \
	X(ACTIVE, "active", "belongs to a box whose lock is held")                                \
	X(SERVICE, "service", "rustbox's own: supervisors, keepers, its state directories")       \
	X(FOREIGN, "foreign", "not rustbox's, however it is called")                              \
	X(SELF, "self", "this program or the operator's own session")

enum owner {
#define X(id, word, why) OWNER_##id,
	OWNERS(X)
#undef X
	OWNER_COUNT
};

/* What a recovery is for: nobody alive answers for it. */
static inline bool owner_is_left_over(enum owner o)
{
	return o == OWNER_LEAK || o == OWNER_ORPHAN;
}

struct resource {
	enum resource_kind kind;
	enum owner owner;
	const char *id, *name;
	const char *box;    /* NULL when it is nobody's */
	const char *detail; /* a short line for people: "tmpfs 8.0M", "S uid 61003" */
	const char *why;    /* why it has this owner */
	uint64_t born;	    /* wall clock seconds, 0 when unknown */
	bool old;	    /* was there before the ledgers were read; of this look only, not in JSON */
	union {
		struct mount_facts mount;
		struct cgroup_facts cgroup;
		struct process_facts process;
		struct tempdir_facts tempdir;
		struct lock_facts lock;
		struct ghost_facts ghost;
	};
};

/* Failed is not empty: `complete` false means the set may lack members, and `why` says what was missed. */
struct resource_set {
	struct resource *v;
	size_t n;
	bool complete;
	struct err why;
};

const char *resource_kind_word(enum resource_kind kind);
const char *resource_kind_key(enum resource_kind kind);	 /* JSON: "temp_dirs" */
char resource_kind_letter(enum resource_kind kind);
int resource_kind_parse(const char *word);		 /* the kind, or -1 */
const char *owner_word(enum owner owner);
int owner_parse(const char *word);

/* Sorted by name, then id: every set is kept this way, so that merging and diffing are linear. */
int resource_compare(const void *a, const void *b);
void resource_set_sort(struct resource_set *set);
const struct resource *resource_set_find(const struct resource_set *set, const char *id);
struct resource *resource_set_add(struct resource_set *set, struct arena *a);

#endif
