/*
 * The launch, as one list. The enum, the launcher's table, the journal, the capability report and
 * `explain stages` all come from it; a control is *applied* when the child journals its stage, and
 * nothing else can claim it.
 *
 * ORDER says which stage must come before which, and why. Each sentence is a static assertion: moving
 * a row so that a sentence becomes false does not compile, and the compiler prints the sentence.
 */
#ifndef SANDBOX_POLICY_STAGES_H
#define SANDBOX_POLICY_STAGES_H

#include <stdbool.h>
#include <stdint.h>

/* FLOOR stages are never optional, not even with --permissive. One row a line: tests/checks/order.sh
 * swaps lines. */
#define STAGES(X) \
	X(NAMESPACES, "namespaces", FLOOR, "own PID, mount, network, IPC, UTS and cgroup namespaces, own session") \
	X(MOUNTS, "mounts", OPTIONAL, "the new root is put together: read-only system, /proc, /dev, workspace") \
	X(CGROUP, "cgroup", OPTIONAL, "joins its cgroups: memory, swap, pids and cpu are counted and capped") \
	X(ROOT, "root", OPTIONAL, "the new root becomes /, the host's is gone") \
	X(LIMITS, "limits", OPTIONAL, "resource limits, umask, no descriptor but 0, 1 and 2") \
	X(CREDS, "creds", FLOOR, "no groups, an unprivileged uid and gid of its own, read back") \
	X(CAPS, "caps", FLOOR, "all capability sets empty, no_new_privs, read back") \
	X(SECCOMP, "seccomp", OPTIONAL, "the system call allow-list, closed for i386 and x32") \
	X(EXEC, "exec", FLOOR, "the program starts")

enum stage {
#define X(id, word, floor, help) STAGE_##id,
	STAGES(X)
#undef X
	STAGE_COUNT
};

#define ORDER(X) \
	X(NAMESPACES, MOUNTS, "a mount made before the private namespace would be the host's") \
	X(NAMESPACES, CGROUP, "a child that turns out not to be inside must not be charged to the box") \
	X(MOUNTS, ROOT, "the new root must be whole before it replaces the old one") \
	X(CGROUP, ROOT, "the cgroup files are out of reach once the root has moved") \
	X(CGROUP, EXEC, "the first instruction of the program must already be counted") \
	X(ROOT, LIMITS, "the descriptors that build the root are closed there, the file limits bind there") \
	X(ROOT, CREDS, "pivot_root needs CAP_SYS_ADMIN") \
	X(LIMITS, CREDS, "raising a hard limit needs CAP_SYS_RESOURCE") \
	X(CREDS, CAPS, "setresuid and setgroups need CAP_SETUID and CAP_SETGID") \
	X(CAPS, SECCOMP, "the filter would forbid capset and prctl, and loading it needs no_new_privs") \
	X(SECCOMP, EXEC, "nothing of the program may run unfiltered")

#define X(first, then, why) _Static_assert(STAGE_##first < STAGE_##then, #first " before " #then ": " why);
ORDER(X)
#undef X
_Static_assert(STAGE_EXEC == STAGE_COUNT - 1, "nothing can come after exec");
_Static_assert(STAGE_COUNT <= 32, "stages are bits of a uint32_t");

#define STAGE_BIT(stage) (1u << (stage))
enum { STAGES_ALL = (1u << STAGE_COUNT) - 1 };

struct stage_row {
	const char *word, *help;
	bool floor;
};
extern const struct stage_row stage_rows[STAGE_COUNT];

struct stage_order {
	enum stage first, then;
	const char *why;
};
extern const struct stage_order stage_order[];
extern const unsigned stage_order_count;

/* One journal record, child to supervisor: err is 0 or the positive errno that stopped the stage; row says which
 * row of the plan (a mount, a resource limit, EXEC_ROW_CWD) it was at, counted from 1, 0 for none. */
struct note {
	uint8_t stage, row, pad[2];
	int32_t err;
};
enum { EXEC_ROW_CWD = 1 }; /* of the stage exec: it was the working directory that could not be entered */

/* The stage's number, or -1 when the word is none. */
int stage_parse(const char *word);

#endif
