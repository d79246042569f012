/* See init.h. When pid 1 exits, the kernel kills and reaps the rest of the box: that is all the killing it does. */
#include "sandbox/box/init.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/kernel/child.h"
#include "sandbox/kernel/creds.h"
#include "sandbox/kernel/sys.h"

/* "nobody": not the program's uid, so that the program can neither signal, trace nor read its init. */
enum { INIT_FAILED = 1 };

static int retire(const struct init *i)
{
	int keep[2 + INIT_KEPT] = { i->lifeline_fd, i->status_fd };
	for (int k = 0; k < INIT_KEPT; k++)
		keep[2 + k] = i->kept[k];
	int r = child_keep_only(keep, 2 + INIT_KEPT);
	if (r == 0)
		r = child_title(i->title);
	/* The program's memory should not cost its init's life: the report would be lost. Without /proc, or without
	 * CAP_SYS_RESOURCE, the cgroup's counter alone tells of an OOM, and that is enough. */
	int spared = r == 0 ? sys_write_file(AT_FDCWD, "/proc/self/oom_score_adj", "-1000") : 0;
	(void)spared;
	if (r == 0)
		r = creds_retire(i->uid, (gid_t)i->uid);
	return r == 0 ? sys_prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) : r;
}

/* Reaps all that is dead; true when the program was among them and is reported. */
static bool reap(const struct init *i)
{
	struct init_report report = { 0 };
	int status;
	pid_t pid;
	while ((pid = sys_wait_any(&status, WNOHANG, &report.usage)) > 0 || pid == -EINTR) {
		if (pid != i->program)
			continue;
		report.wstatus = status;
		/* A supervisor that is gone needs no report. */
		if (sys_write_all(i->status_fd, &report, sizeof report) < 0)
			_exit(INIT_FAILED);
		return true;
	}
	return pid == -ECHILD;
}

_Noreturn void init_run(const struct init *i)
{
	sigset_t child;
	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	if (retire(i) < 0)
		_exit(INIT_FAILED);
	int events = sys_signalfd(&child);
	struct pollfd set[] = { { .fd = i->lifeline_fd, .events = POLLIN }, { .fd = events, .events = POLLIN } };
	while (events >= 0 && !reap(i)) {
		struct signalfd_siginfo drop;
		if (poll(set, 2, -1) < 0 && errno != EINTR)
			break;
		if (set[0].revents) /* nothing is ever written: this is the supervisor's end */
			break;
		if (set[1].revents && read(events, &drop, sizeof drop) < 0 && errno != EAGAIN)
			break;
	}
	_exit(0);
}
