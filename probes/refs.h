/* What each process holds on to: its directories, executable, open files and mappings, by number. */
#ifndef PROBES_REFS_H
#define PROBES_REFS_H

#include "probes/statx.h"

enum ref_kind { REF_CWD, REF_ROOT, REF_EXE, REF_FD, REF_MAP };

struct ref {
	enum ref_kind kind;
	int fd;		    /* for REF_FD, else -1 */
	struct identity id; /* of what it refers to */
	const char *link;   /* for REF_MAP: below /proc/PID, during the call; else NULL */
};

typedef void ref_fn(void *ctx, const struct ref *ref);

/* Calls `each` for every reference of one process; `dir` is /proc/PID. Mappings are only looked at when
 * they are on the device major:minor, and not at all when that is ~0:~0. Returns 0, or -EACCES when some could not be read. */
int refs_each(int dir, unsigned major, unsigned minor, ref_fn *each, void *ctx);

#endif
