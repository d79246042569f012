/*
 * The system calls a boxed program may make (syscalls.def): x86_64 numbers, one row each. Whatever is
 * not listed kills the process, and so do the i386 and x32 entries: tomorrow's calls are denied too.
 *
 * A row's `ret` holds when its condition does (or it has none), else `otherwise`. Conditions look at
 * the low 32 bits of one argument, because that is all the kernel looks at: comparing 64 lets a set
 * high bit pass (CVE-2019-10063). The condition is (low32(arg) & mask) being one of the values, or, where
 * `null` names an argument, that pointer being NULL: all 64 bits of it, as the kernel looks at a pointer.
 */
#ifndef SANDBOX_POLICY_SYSCALLS_H
#define SANDBOX_POLICY_SYSCALLS_H

#include <stddef.h>
#include <stdint.h>

#define SYSCALL_GROUPS(X)                                                                  \
	X(MEMORY, "memory", "its own address space")                                       \
	X(FILES, "files", "files, directories and descriptors it can reach")               \
	X(PROCESS, "process", "its own processes and threads")                             \
	X(SIGNALS, "signals", "signals among its own processes")                           \
	X(TIME, "time", "clocks, timers, sleeping")                                        \
	X(WAITING, "waiting", "poll, epoll, eventfd, futex")                               \
	X(IPC, "ipc", "pipes and sockets inside the box")                                  \
	X(IDENTITY, "identity", "asking who it is; dropping is allowed, gaining is not possible") \
	X(SYSTEM, "system", "asking about the system")                                     \
	X(PROBED, "probed", "tried by ordinary runtimes, which cope with a refusal")       \
	X(ATTACK, "attack", "no ordinary program makes these calls: it is killed")

enum syscall_group {
#define X(id, word, help) GROUP_##id,
	SYSCALL_GROUPS(X)
#undef X
	GROUP_COUNT
};

enum { SYSCALL_VALUES = 24 };
struct syscall_condition {
	uint8_t arg;
	uint8_t nvalues;
	uint8_t null; /* 0: none; argument 0 cannot be it */
	uint32_t mask;
	uint32_t values[SYSCALL_VALUES];
};

struct syscall_rule {
	int nr;
	const char *name;
	enum syscall_group group;
	uint32_t ret, otherwise; /* SECCOMP_RET_ALLOW, SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_ERRNO | errno */
	const struct syscall_condition *when; /* NULL: ret, always */
	const char *why; /* NULL for what is allowed because its group is: syscall_rule_why() */
};

/* Sorted by nr, each nr once: made for a binary search tree. What is not listed kills. */
extern const struct syscall_rule syscall_rules[];
extern const size_t syscall_rule_count;

const char *syscall_rule_why(const struct syscall_rule *rule);
const char *syscall_group_word(enum syscall_group g);
/* "allow", "kill", "ENOSYS": what a SECCOMP_RET_* value means, for people. */
const char *syscall_action_word(uint32_t ret);

#endif
