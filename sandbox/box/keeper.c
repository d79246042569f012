/* See keeper.h. Double fork: the keeper belongs to nobody's session and its parent is init. */
#include "sandbox/box/keeper.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "sandbox/kernel/sys.h"

/* Far above what is open at the start, so that the one copy cannot overwrite the other's source. */
enum { LEDGER_FD = 100, SLOT_FD = 101 };

static int start_ticks(pid_t pid, unsigned long long *ret)
{
	char path[48], stat[1024];
	(void)snprintf(path, sizeof path, "/proc/%d/stat", pid);
	ssize_t n = kfile_read(AT_FDCWD, path, stat, sizeof stat);
	if (n < 0)
		return (int)n;
	const char *p = strrchr(stat, ')');
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	return p && sscanf(p, " %llu", ret) == 1 ? 0 : -EBADMSG;
}

/* Its title, where ps(1) looks: "rustbox: keeper ID" over the old arguments, as far as they reach. */
static void set_title(const char *box)
{
	char title[CLAIM_BOX_ROOM + 20], stat[2048];
	unsigned long start = 0, end = 0;
	(void)snprintf(title, sizeof title, "rustbox: keeper %s", box);
	if (sys_prctl(PR_SET_NAME, (unsigned long)(uintptr_t) "rustbox-keeper", 0, 0, 0) < 0)
		return;
	ssize_t n = kfile_read(AT_FDCWD, "/proc/self/stat", stat, sizeof stat);
	const char *p = n > 0 ? strrchr(stat, ')') : NULL;
	for (int field = 2; p && field < 48; field++)
		p = strchr(p + 1, ' ');
	if (!p || sscanf(p, " %lu %lu", &start, &end) != 2 || end <= start)
		return;
	(void)memset((char *)start, 0, end - start); /* the kernel says where argv lies */
	(void)snprintf((char *)start, end - start, "%s", title);
}

static void keep(const struct claim *c, int slot_fd) __attribute__((noreturn));

static void keep(const struct claim *c, int slot_fd)
{
	sigset_t ends;
	siginfo_t info;
	bool ready = sys_setsid() >= 0 && sys_chdir("/") == 0 && sys_dup2(c->fd, LEDGER_FD) >= 0 &&
		     sys_dup2(slot_fd, SLOT_FD) >= 0 && sys_close_range(SLOT_FD + 1, ~0u, 0) == 0 &&
		     sys_close_range(0, LEDGER_FD - 1, 0) == 0;
	set_title(c->box);
	(void)sigemptyset(&ends);
	(void)sigaddset(&ends, SIGTERM);
	if (!ready || sys_sigmask(SIG_SETMASK, &ends, NULL) < 0)
		_exit(1);
	while (sigwaitinfo(&ends, &info) < 0 && errno == EINTR)
		;
	_exit(0);
}

static void fork_off(const struct claim *c, int slot_fd, int report) __attribute__((noreturn));

static void fork_off(const struct claim *c, int slot_fd, int report)
{
	pid_t pid = sys_fork();
	if (pid == 0)
		keep(c, slot_fd);
	_exit(sys_write(report, &pid, sizeof pid) == sizeof pid && pid > 0 ? 0 : 1);
}

int keeper_start(struct claim *c, int slot_fd, struct err *e)
{
	int ends[2], status;
	pid_t keeper = -1;
	char id[48];
	unsigned seq;
	unsigned long long ticks;
	int r = sys_pipe(ends, 0);
	if (r < 0)
		return err_set(e, -r, "make a pipe");
	autofd int from = ends[0];
	autofd int to = ends[1];
	pid_t middle = sys_fork();
	if (middle == 0)
		fork_off(c, slot_fd, to);
	if (middle < 0)
		return err_set(e, -middle, "fork the keeper");
	own_close(&to);
	to = -1;
	ssize_t n = read(from, &keeper, sizeof keeper);
	if (waitpid(middle, &status, 0) < 0 || n != sizeof keeper || keeper <= 0)
		return err_say(e, EAGAIN, "the keeper could not be forked: is the process limit reached?");
	/* After it exists, against the rule: a process needs no record to be found, because it holds the lock. */
	r = start_ticks(keeper, &ticks);
	if (r < 0)
		return err_set(e, -r, "the keeper is dead already");
	(void)snprintf(id, sizeof id, "%d:%llu", keeper, ticks);
	r = claim_own(c, RES_PROCESS, id, &seq, e);
	return r < 0 ? r : claim_is(c, seq, id, e);
}

static int end_one(const char *id, unsigned ms, struct err *e)
{
	int pid;
	unsigned long long want, ticks;
	if (sscanf(id, "%d:%llu", &pid, &want) != 2 || pid <= 1)
		return err_say(e, EBADMSG, "the ledger names no keeper that makes sense");
	autofd int fd = sys_pidfd_open(pid);
	if (fd == -ESRCH || (fd >= 0 && (start_ticks(pid, &ticks) < 0 || ticks != want)))
		return 0; /* dead; the number may be another's */
	int r = fd < 0 ? fd : sys_pidfd_signal(fd, SIGTERM);
	if (r == -ESRCH)
		return 0;
	if (r < 0)
		return err_set(e, -r, "end the keeper, pid %d", pid);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	if (poll(&p, 1, (int)ms) <= 0)
		return err_say(e, ETIMEDOUT, "the keeper, pid %d, does not end", pid);
	return 0;
}

int keeper_end(const struct ledger *l, unsigned ms, struct err *e)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct ledger_entry *at = &l->v[i];
		int r = at->kind == RES_PROCESS && !at->gone ? end_one(at->identity ? at->identity : at->name, ms, e) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}
