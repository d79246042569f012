/* The system call table as data; see syscalls.h. */
#include "sandbox/policy/syscalls.h"

#include <errno.h>
#include <linux/fs.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "probes/base/err.h"

/* Newer than the headers of Debian 12 (Linux 6.1); numbers are the kernel's, arch/x86/entry/syscalls. */
#define __NR_cachestat		451
#define __NR_fchmodat2		452
#define __NR_map_shadow_stack	453
#define __NR_futex_wake		454
#define __NR_futex_wait		455
#define __NR_futex_requeue	456
#define __NR_statmount		457
#define __NR_listmount		458
#define __NR_lsm_get_self_attr	459
#define __NR_lsm_set_self_attr	460
#define __NR_lsm_list_modules	461
#define __NR_mseal		462
#define __NR_setxattrat		463
#define __NR_getxattrat		464
#define __NR_listxattrat	465
#define __NR_removexattrat	466
#define __NR_open_tree_attr	467
#define __NR_file_getattr	468
#define __NR_file_setattr	469

#define CONDITION(name, which, bits, ...)                                                              \
	static const struct syscall_condition name = {                                                 \
		.arg = (which), .mask = (bits), .values = { __VA_ARGS__ },                             \
		.nvalues = sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t),               \
	}

CONDITION(no_namespaces, 0,
	  CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET, 0);
CONDITION(unix_only, 0, UINT32_MAX, AF_UNIX);
CONDITION(fifos_1, 1, S_IFMT, 0, S_IFREG, S_IFIFO, S_IFSOCK);
CONDITION(fifos_2, 2, S_IFMT, 0, S_IFREG, S_IFIFO, S_IFSOCK);
CONDITION(personalities, 0, UINT32_MAX, 0, UINT32_MAX /* asks */);
CONDITION(ioctls, 1, UINT32_MAX, TCGETS, TCGETA, TIOCGWINSZ, TIOCGPGRP, TIOCGSID, TIOCOUTQ, FIONREAD, FIONBIO,
	  FIOASYNC, FIOCLEX, FIONCLEX, FIOQSIZE, FIGETBSZ, FICLONE, FICLONERANGE, FS_IOC_GETFLAGS,
	  0x802c542a /* TCGETS2: struct termios2 is not in glibc's headers */);
CONDITION(prctls, 0, UINT32_MAX, PR_SET_NAME, PR_GET_NAME, PR_SET_PDEATHSIG, PR_GET_PDEATHSIG, PR_SET_DUMPABLE,
	  PR_GET_DUMPABLE, PR_CAPBSET_READ, PR_GET_NO_NEW_PRIVS, PR_SET_NO_NEW_PRIVS, PR_GET_SECCOMP,
	  PR_SET_TIMERSLACK, PR_GET_TIMERSLACK, PR_SET_CHILD_SUBREAPER, PR_GET_CHILD_SUBREAPER, PR_SET_VMA,
	  PR_SET_THP_DISABLE, PR_GET_THP_DISABLE, PR_GET_SPECULATION_CTRL, PR_GET_SECUREBITS, PR_GET_KEEPCAPS,
	  PR_GET_TSC, PR_GET_TIMING);

/* All but RLIMIT_CORE, see limit_rlimit(). */
#define BUT_CORE                                                                                              \
	RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_RSS, RLIMIT_NPROC, RLIMIT_NOFILE, RLIMIT_MEMLOCK, \
		RLIMIT_AS, RLIMIT_LOCKS, RLIMIT_SIGPENDING, RLIMIT_MSGQUEUE, RLIMIT_NICE, RLIMIT_RTPRIO, RLIMIT_RTTIME
CONDITION(rlimits_set, 0, UINT32_MAX, BUT_CORE);
/* Without a new limit it only asks: libc's getrlimit() is this call. */
static const struct syscall_condition rlimits = {
	.arg = 1, .null = 2, .mask = UINT32_MAX, .values = { BUT_CORE },
	.nvalues = sizeof((const uint32_t[]){ BUT_CORE }) / sizeof(uint32_t),
};

static const char *const group_why[GROUP_COUNT] = {
#define X(id, word, help) [GROUP_##id] = help,
	SYSCALL_GROUPS(X)
#undef X
};

#define ERRNO(e)     (SECCOMP_RET_ERRNO | (e))
#define ALLOW(n, g)                                                                                    \
	{ .nr = __NR_##n, .name = #n, .group = GROUP_##g, .ret = SECCOMP_RET_ALLOW, .otherwise = SECCOMP_RET_ALLOW },
#define REFUSE(n, e, w)                                                                                \
	{ .nr = __NR_##n, .name = #n, .group = GROUP_PROBED, .ret = ERRNO(e), .otherwise = ERRNO(e), .why = (w) },
#define KILL(n, w)                                                                                     \
	{ .nr = __NR_##n, .name = #n, .group = GROUP_ATTACK, .ret = SECCOMP_RET_KILL_PROCESS,          \
	  .otherwise = SECCOMP_RET_KILL_PROCESS, .why = (w) },
#define WHEN(n, g, c, e, w)                                                                            \
	{ .nr = __NR_##n, .name = #n, .group = GROUP_##g, .ret = SECCOMP_RET_ALLOW, .otherwise = ERRNO(e), \
	  .when = &(c), .why = (w) },
const struct syscall_rule syscall_rules[] = {
#include "sandbox/policy/syscalls.def"
};
const size_t syscall_rule_count = sizeof syscall_rules / sizeof syscall_rules[0];

const char *syscall_rule_why(const struct syscall_rule *rule)
{
	return rule->why ? rule->why : group_why[rule->group];
}

const char *syscall_group_word(enum syscall_group g)
{
	static const char *const words[GROUP_COUNT] = {
#define X(id, word, help) [GROUP_##id] = word,
		SYSCALL_GROUPS(X)
#undef X
	};
	return words[g];
}

const char *syscall_action_word(uint32_t ret)
{
	switch (ret & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW: return "allow";
	case SECCOMP_RET_KILL_PROCESS: return "kill";
	case SECCOMP_RET_ERRNO: return err_name((int)(ret & SECCOMP_RET_DATA));
	default: return "?";
	}
}
