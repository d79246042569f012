/*
 * Where the space of a file system went: what statvfs(2) calls used, against what a walk finds, and the files that
 * have no name any more but are still open. No directory that is deleted gives those back; only their holder does.
 *
 * `rustbox-probe space PATH` as JSON lines, each written as soon as it is known:
 *
 *   {"op":"space","path":PATH,"mount":M,"device":"8:1","total":B,"free":B,"used":B,"inodes":N,"inodes_free":N}
 *   {"op":"deleted","pid":N,"comm":C,"fd":N|null,"path":P,"inode":N,"bytes":B,"holders":N,"box":BOX|null}
 *                          one a file, the largest first; fd null: it is mapped only; pid: one of its holders
 *   {"op":"dir","path":P,"bytes":B,"entries":N}        of the directories directly in M, the largest first
 *   {"op":"sum","found":B,"entries":N,"deleted":B,"deleted_files":N,"unexplained":B,"complete":BOOL,
 *    "why":TEXT|null,"ms":N}                           always the last; unexplained = used - found - deleted,
 *                          with what was not reached when it is not complete
 *
 * or one line {"op":"error","why":TEXT} when the file system does not answer.
 */
#ifndef PROBES_SPACE_H
#define PROBES_SPACE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "probes/base/arena.h"
#include "probes/base/err.h"
#include "probes/scope.h"

enum { SPACE_DIRS = 10, SPACE_FILES = 100 }; /* as many are named; the sums know them all */

struct space_deleted {
	pid_t pid;
	int fd; /* -1: only mapped */
	unsigned holders;
	uint64_t inode, bytes;
	const char *comm, *path, *box; /* path as it was called; box NULL: nobody's */
};

struct space_dir {
	const char *path;
	uint64_t bytes, entries;
};

struct space {
	const char *path, *mount; /* as asked; the mount point of its file system, where the walk began */
	unsigned major, minor;
	uint64_t total, free, used, inodes, inodes_free; /* bytes; statvfs */
	struct space_deleted *deleted; /* largest first */
	size_t ndeleted;
	struct space_dir *dirs; /* largest first */
	size_t ndirs;
	uint64_t found, entries, deleted_bytes; /* by the walk; entries counted */
	bool complete; /* the walk and the look at the processes came to their ends */
	struct err why;
	unsigned ms;
};

/* Stops after `budget_ms` and says so: the rest is then unknown, not nothing. Never leaves the file system and follows
 * no link. A server that does not answer a child within a second is not walked: -errno, it cannot be asked at all. */
int space_look(const struct scope *scope, const char *path, unsigned budget_ms, struct arena *a, struct space *ret,
	       struct err *e) MUST_CHECK;
json_t *space_to_json(const struct space *s); /* an array: the lines above, in that order */

#endif
