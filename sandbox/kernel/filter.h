/*
 * The system call allow-list as a BPF program: rules in, sock_fprog out, before clone. The child only hands
 * it to seccomp(2).
 *
 * The rules are cut into runs of numbers with the same answer and searched as a binary tree: nine comparisons
 * instead of three hundred, and the kernel, which walks the program once for every number when it is loaded,
 * loads it in a third of the time of a list. Compiled here and not by libseccomp, because that costs more than
 * all the mounts of a launch, and cannot say "else".
 */
#ifndef SANDBOX_KERNEL_FILTER_H
#define SANDBOX_KERNEL_FILTER_H

#include <linux/filter.h>

#include "probes/base/arena.h"
#include "probes/base/err.h"
#include "sandbox/policy/syscalls.h"

/* Rules sorted by number, each once (-EINVAL otherwise). The program lives in the arena. What is not listed is
 * killed: unknown numbers, i386 (another architecture in seccomp_data) and x32 (bit 30 of the number). */
int filter_compile(const struct syscall_rule *rules, size_t n, struct arena *a, struct sock_fprog *ret, struct err *e)
	MUST_CHECK;

#endif
