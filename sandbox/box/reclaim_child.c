/* One child, one pipe, one deadline; see reclaim_child.h. */
#include "sandbox/box/reclaim_child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "probes/base/clock.h"
#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "sandbox/kernel/sys.h"

/* Smaller than PIPE_BUF: each write is atomic, each read gets whole ones. */
struct said {
	uint64_t done;
	bool final;
	int result;
	struct err e;
};

enum { VOICE_FD = 3, GRACE_MS = 200 };

void child_says(struct child_voice *voice, uint64_t done)
{
	struct said s = { .done = done };
	if (sys_write(voice->fd, &s, sizeof s) < 0) {
		/* the parent has gone: it will learn the outcome from the host itself */
	}
}

static void child_main(int (*act)(void *, struct child_voice *, struct err *), void *arg, int pipe_fd)
	__attribute__((noreturn));

static void child_main(int (*act)(void *, struct child_voice *, struct err *), void *arg, int pipe_fd)
{
	struct said s = { .final = true };
	struct child_voice voice = { .fd = VOICE_FD };
	if (pipe_fd != VOICE_FD && sys_dup2(pipe_fd, VOICE_FD) < 0)
		_exit(1);
	if (sys_close_range(VOICE_FD + 1, ~0u, 0) < 0)
		_exit(1);
	/* Ctrl-C reaches both: the child ends between two of its steps, each of which leaves a state the next run goes on
	 * from; the parent lives, says how far it came, and stops after this item. */
	if (sys_signal_default(SIGINT) < 0 || sys_signal_default(SIGTERM) < 0)
		_exit(1);
	s.result = act(arg, &voice, &s.e);
	_exit(sys_write(VOICE_FD, &s, sizeof s) == sizeof s ? 0 : 1);
}

static void where_it_waits(pid_t pid, char state[2], char wchan[64])
{
	char path[64], stat[512];
	(void)snprintf(path, sizeof path, "/proc/%d/stat", pid);
	const char *p = kfile_read(AT_FDCWD, path, stat, sizeof stat) > 0 ? strrchr(stat, ')') : NULL;
	state[0] = p && p[1] ? p[2] : '?';
	state[1] = '\0';
	(void)snprintf(path, sizeof path, "/proc/%d/wchan", pid);
	if (kfile_read(AT_FDCWD, path, wchan, 64) <= 0 || wchan[0] == '0')
		(void)snprintf(wchan, 64, "an unnamed place");
}

static int give_up(pid_t pid, int pidfd, unsigned ms, struct err *e)
{
	char state[2], wchan[64];
	siginfo_t info;
	struct pollfd dead = { .fd = pidfd, .events = POLLIN };
	where_it_waits(pid, state, wchan);
	int sent = sys_pidfd_signal(pidfd, SIGKILL);
	if (poll(&dead, 1, GRACE_MS) > 0 && sys_pidfd_wait(pidfd, WNOHANG, &info, NULL) == 0)
		return err_say(e, ETIMEDOUT, "no answer in %u ms (it was in state %s, in %s)", ms, state, wchan);
	return err_say(e, ETIMEDOUT, "the kernel does not answer: pid %d has been in state %s in %s for %u ms%s", pid,
		       state, wchan, ms, sent < 0 ? "" : " and a kill does not end it");
}

static int listen_until(int fd, uint64_t until, void (*progress)(void *, uint64_t), void *arg, struct said *ret)
{
	for (;;) {
		uint64_t now = clock_mono_ns();
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int n = now >= until ? 0 : poll(&p, 1, (int)((until - now) / NS_PER_MS + 1));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -ETIMEDOUT;
		ssize_t got = read(fd, ret, sizeof *ret);
		if (got < 0 && errno == EINTR)
			continue;
		if (got != sizeof *ret)
			return -EPIPE;
		if (ret->final)
			return 0;
		if (progress)
			progress(arg, ret->done);
	}
}

int child_do(int (*act)(void *arg, struct child_voice *voice, struct err *e), void *arg, unsigned ms,
	     void (*progress)(void *arg, uint64_t done), void *progress_arg, struct err *e)
{
	int ends[2];
	struct said said = { 0 };
	siginfo_t info;
	int r = sys_pipe(ends, 0);
	if (r < 0)
		return err_set(e, -r, "make a pipe");
	autofd int out = ends[0];
	autofd int in = ends[1];
	pid_t pid = sys_fork();
	if (pid == 0)
		child_main(act, arg, in);
	if (pid < 0)
		return err_set(e, -pid, "fork");
	own_close(&in);
	in = -1;
	autofd int pidfd = sys_pidfd_open(pid);
	r = listen_until(out, clock_mono_ns() + ms * NS_PER_MS, progress, progress_arg, &said);
	if (r == -ETIMEDOUT)
		return give_up(pid, pidfd, ms, e);
	int w = sys_pidfd_wait(pidfd, 0, &info, NULL);
	if (w == 0 && info.si_code == CLD_KILLED && (info.si_status == SIGINT || info.si_status == SIGTERM))
		return err_say(e, EINTR, "interrupted; the next run goes on from here");
	if (r < 0 || w < 0)
		return err_say(e, EPIPE, "the child that did it died (status %d)", w < 0 ? w : info.si_status);
	if (said.result < 0 && e)
		*e = said.e;
	return said.result;
}
