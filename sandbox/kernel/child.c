/* See child.h. */
#include "sandbox/kernel/child.h"

#include <linux/sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "sandbox/kernel/sys.h"

enum { SYSTEM_RTMIN = 32, ARGUMENTS_MAX = 6 << 20 };

pid_t child_spawn(uint64_t namespaces, int cgroup_fd, int *pidfd, struct err *e)
{
	int fd = -1;
	struct clone_args args = {
		.flags = namespaces | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&fd,
		.exit_signal = SIGCHLD,
	};
	if (cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup_fd;
	}
	pid_t pid = sys_clone3(&args);
	if (pid < 0)
		return err_set(e, -pid, "start the sandbox's init (clone3)");
	if (pid > 0)
		*pidfd = fd;
	return pid;
}

int child_begin(int blocked)
{
	int r = sys_prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (r == 0)
		r = sys_setsid();
	if (r < 0)
		return r;
	/* Only what was ignored survives an exec; handlers of ours must not run here either. */
	for (int s = 1; s < NSIG; s++) {
		bool libc_own = s >= SYSTEM_RTMIN && s < SIGRTMIN; /* which it refuses to touch */
		if (s == SIGKILL || s == SIGSTOP || libc_own)
			continue;
		r = sys_signal_default(s);
		if (r < 0)
			return r;
	}
	sigset_t mask;
	(void)sigemptyset(&mask);
	if (blocked)
		(void)sigaddset(&mask, blocked);
	return sys_sigmask(SIG_SETMASK, &mask, NULL);
}

int child_rlimits(const struct rlimit_row *rows, size_t n, size_t *row)
{
	for (size_t i = 0; i < n; i++) {
		struct rlimit limit = { .rlim_cur = rows[i].soft, .rlim_max = rows[i].hard };
		int r = sys_rlimit(rows[i].resource, &limit);
		if (r < 0) {
			*row = i + 1;
			return r;
		}
	}
	return 0;
}

int child_stdio(const int fds[static 3])
{
	for (int i = 0; i < 3; i++) {
		int r = sys_dup2(fds[i], i);
		if (r < 0)
			return r;
	}
	return 0;
}

int child_keep_only(int *fds, size_t n)
{
	for (size_t i = 1; i < n; i++)
		for (size_t k = i; k > 0 && fds[k] < fds[k - 1]; k--) {
			int t = fds[k];
			fds[k] = fds[k - 1];
			fds[k - 1] = t;
		}
	unsigned next = 0;
	for (size_t i = 0; i < n; i++) {
		if (fds[i] < 0)
			continue;
		unsigned fd = (unsigned)fds[i];
		int r = fd > next ? sys_close_range(next, fd - 1, 0) : 0;
		if (r < 0)
			return r;
		next = fd + 1;
	}
	return sys_close_range(next, ~0u, 0);
}

/* Aligned as the kernel wants it. */
union handed {
	struct cmsghdr head;
	char room[CMSG_SPACE(CHILD_HANDED * sizeof(int))];
};

int child_hand_over(int socket, const int *fds, size_t n, struct err *e)
{
	union handed control = { 0 };
	char count = (char)n;
	struct iovec data = { .iov_base = &count, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };
	if (n > CHILD_HANDED)
		return err_say(e, E2BIG, "%zu descriptors are more than can be handed over", n);
	if (n) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(n * sizeof *fds);
		struct cmsghdr *head = CMSG_FIRSTHDR(&message);
		*head = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
					  .cmsg_len = CMSG_LEN(n * sizeof *fds) };
		memcpy(CMSG_DATA(head), fds, n * sizeof *fds);
	}
	return sendmsg(socket, &message, MSG_NOSIGNAL) < 0 ? err_set(e, errno, "hand the cgroups to the sandbox's init") : 0;
}

int child_receive(int socket, int ret[static CHILD_HANDED])
{
	union handed control = { 0 };
	char count = 0;
	struct iovec data = { .iov_base = &count, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof control };
	ssize_t got;
	do
		got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got <= 0)
		return got < 0 ? -errno : -EPIPE;
	const struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	size_t n = head && head->cmsg_type == SCM_RIGHTS ? (head->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;
	if (n != (size_t)count || message.msg_flags & MSG_CTRUNC)
		return -EBADMSG;
	if (n)
		memcpy(ret, CMSG_DATA(head), n * sizeof(int));
	return (int)n;
}

int child_title(const char *title)
{
	/* The kernel keeps argument and environment strings in one piece, with the program's path after them; ps reads
	 * on behind the last argument when that has no end (proc_pid_cmdline(5), setproctitle). Moving the borders
	 * instead (PR_SET_MM) needs CAP_SYS_RESOURCE, which root in a container often lacks. */
	char *from = program_invocation_name;
	uintptr_t begin = (uintptr_t)from, end = getauxval(AT_EXECFN);
	if (end <= begin || end - begin > ARGUMENTS_MAX)
		return -EINVAL;
	memset(from, 0, end - begin);
	(void)snprintf(from, end - begin, "%s", title);
	return sys_prctl(PR_SET_NAME, (unsigned long)(uintptr_t)title, 0, 0, 0);
}
