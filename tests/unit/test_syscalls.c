/* The system call table: sorted, whole, and closed where it must be. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include <errno.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "sandbox/policy/syscalls.h"

static const struct syscall_rule *rule_of(int nr)
{
	for (size_t i = 0; i < syscall_rule_count; i++)
		if (syscall_rules[i].nr == nr)
			return &syscall_rules[i];
	return NULL;
}

/* What the filter has to do with a call: the reference the compiled one is tested against. */
static uint32_t decide(int nr, unsigned arg, uint64_t value)
{
	const struct syscall_rule *r = rule_of(nr);
	if (!r)
		return SECCOMP_RET_KILL_PROCESS;
	if (!r->when)
		return r->ret;
	assert_int_equal(r->when->arg, arg);
	for (unsigned i = 0; i < r->when->nvalues; i++)
		if (((uint32_t)value & r->when->mask) == r->when->values[i])
			return r->ret;
	return r->otherwise;
}

static void sorted_once_each_and_whole(void **state)
{
	(void)state;
	for (size_t i = 1; i < syscall_rule_count; i++)
		assert_true(syscall_rules[i - 1].nr < syscall_rules[i].nr);
	/* x86_64 has no gaps up to rseq, and from 424 on. */
	for (int nr = 0; nr <= 334; nr++)
		assert_non_null(rule_of(nr));
	for (int nr = 424; nr <= 469; nr++)
		assert_non_null(rule_of(nr));
	assert_null(rule_of(0x40000000)); /* x32's bit */
	assert_null(rule_of(1000));
	assert_null(rule_of(-1));
}

static void every_row_says_why(void **state)
{
	(void)state;
	for (size_t i = 0; i < syscall_rule_count; i++) {
		const struct syscall_rule *r = &syscall_rules[i];
		assert_true(strlen(syscall_rule_why(r)) > 4);
		assert_string_not_equal(syscall_action_word(r->ret), "?");
		assert_true(r->when || r->ret == r->otherwise);
		if (r->when) {
			assert_true(r->when->nvalues >= 1 && r->when->nvalues <= SYSCALL_VALUES);
			for (unsigned v = 0; v < r->when->nvalues; v++)
				assert_int_equal(r->when->values[v] & ~r->when->mask, 0);
		}
	}
}

static void attacks_are_closed(void **state)
{
	static const int killed[] = { SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_setns, SYS_unshare,
		SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_pidfd_getfd, SYS_bpf, SYS_perf_event_open,
		SYS_keyctl, SYS_add_key, SYS_request_key, SYS_kexec_load, SYS_init_module, SYS_finit_module, SYS_reboot,
		SYS_open_by_handle_at, SYS_fsopen, SYS_fsmount, SYS_move_mount, SYS_open_tree, SYS_mount_setattr,
		SYS_clock_settime, SYS_swapon, SYS_iopl };
	static const int refused[] = { SYS_clone3, SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register,
		SYS_userfaultfd, SYS_seccomp, SYS_memfd_secret };
	(void)state;
	for (size_t i = 0; i < sizeof killed / sizeof killed[0]; i++)
		assert_int_equal(decide(killed[i], 0, 0), SECCOMP_RET_KILL_PROCESS);
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
		assert_int_equal(decide(refused[i], 0, 0), SECCOMP_RET_ERRNO | ENOSYS);
}

static void arguments_are_compared_in_32_bits(void **state)
{
	static const uint64_t high[] = { 0, 1ull << 32, 0xffffffff00000000ull };
	static const uint32_t spaces[] = { CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER,
		CLONE_NEWPID, CLONE_NEWNET };
	static const uint32_t families[] = { AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_VSOCK, AF_ALG, 0 };
	const uint32_t thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SETTLS |
		CLONE_SYSVSEM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
	(void)state;
	for (size_t h = 0; h < sizeof high / sizeof high[0]; h++) {
		assert_int_equal(decide(SYS_clone, 0, high[h] | thread), SECCOMP_RET_ALLOW);
		for (size_t i = 0; i < sizeof spaces / sizeof spaces[0]; i++)
			assert_int_equal(decide(SYS_clone, 0, high[h] | spaces[i] | 17), SECCOMP_RET_ERRNO | EPERM);
		assert_int_equal(decide(SYS_ioctl, 1, high[h] | TIOCSTI), SECCOMP_RET_ERRNO | ENOTTY);
		assert_int_equal(decide(SYS_ioctl, 1, high[h] | TIOCLINUX), SECCOMP_RET_ERRNO | ENOTTY);
		assert_int_equal(decide(SYS_ioctl, 1, high[h] | TCSETS), SECCOMP_RET_ERRNO | ENOTTY);
		assert_int_equal(decide(SYS_ioctl, 1, high[h] | TCGETS), SECCOMP_RET_ALLOW);
		assert_int_equal(decide(SYS_socket, 0, high[h] | AF_UNIX), SECCOMP_RET_ALLOW);
		for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
			assert_int_equal(decide(SYS_socket, 0, high[h] | families[i]), SECCOMP_RET_ERRNO | EAFNOSUPPORT);
	}
	assert_int_equal(decide(SYS_mknod, 1, 0020000 | 0600), SECCOMP_RET_ERRNO | EPERM); /* a character device */
	assert_int_equal(decide(SYS_mknodat, 2, 0010000 | 0600), SECCOMP_RET_ALLOW);	   /* a FIFO */
}

static void ordinary_runtimes_have_what_they_need(void **state)
{
	static const int needed[] = { SYS_read, SYS_write, SYS_openat, SYS_mmap, SYS_mprotect, SYS_brk, SYS_futex,
		SYS_execve, SYS_exit_group, SYS_wait4, SYS_clock_gettime, SYS_nanosleep, SYS_clock_nanosleep,
		SYS_epoll_create1, SYS_epoll_wait, SYS_epoll_pwait, SYS_eventfd2, SYS_timerfd_create, SYS_memfd_create,
		SYS_pipe2, SYS_sendmsg, SYS_recvmsg, SYS_getrandom, SYS_rseq, SYS_set_robust_list,
		SYS_set_tid_address, SYS_arch_prctl, SYS_rt_sigaction, SYS_sigaltstack, SYS_tgkill, SYS_madvise,
		SYS_membarrier, SYS_sched_getaffinity, SYS_statx, SYS_newfstatat, SYS_getdents64, SYS_vfork, SYS_fork,
		SYS_pkey_alloc, SYS_close_range, SYS_copy_file_range, SYS_faccessat2, SYS_sysinfo, SYS_uname };
	(void)state;
	for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
		assert_int_equal(decide(needed[i], 0, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(decide(SYS_prlimit64, 1, RLIMIT_NOFILE), SECCOMP_RET_ALLOW);
	assert_int_equal(decide(SYS_prlimit64, 1, 1ull << 32 | RLIMIT_CORE), SECCOMP_RET_ERRNO | EPERM);
	assert_int_equal(decide(SYS_setrlimit, 0, RLIMIT_CORE), SECCOMP_RET_ERRNO | EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sorted_once_each_and_whole),
		cmocka_unit_test(every_row_says_why),
		cmocka_unit_test(attacks_are_closed),
		cmocka_unit_test(arguments_are_compared_in_32_bits),
		cmocka_unit_test(ordinary_runtimes_have_what_they_need),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
