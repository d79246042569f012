/* See netns.h. */
#include "sandbox/kernel/netns.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "probes/base/own.h"
#include "sandbox/kernel/sys.h"

enum { WITHIN_MS = 10000, STACK = 8192 };

struct netns {
	int fd;	   /* or -errno: written by the maker before it ends */
	int pidfd; /* of the maker */
	char stack[STACK] __attribute__((aligned(64)));
};

int netns_begin(struct netns **ret, struct err *e)
{
	struct netns *n = malloc(sizeof *n);
	if (!n)
		abort();
	n->fd = -EINTR; /* what a maker that was killed leaves */
	int r = sys_make_netns_beside(&n->fd, &n->pidfd, n->stack + sizeof n->stack);
	if (r < 0) {
		free(n);
		return err_set(e, -r, "start making a network namespace");
	}
	*ret = n;
	return 0;
}

/* The maker's memory is ours: only a maker that is dead is let go of. */
static int finish(struct netns *n)
{
	struct pollfd end = { .fd = n->pidfd, .events = POLLIN };
	siginfo_t info;
	int r = poll(&end, 1, WITHIN_MS);
	if (r == 0)
		r = sys_pidfd_signal(n->pidfd, SIGKILL) < 0 ? 0 : poll(&end, 1, WITHIN_MS);
	if (r <= 0)
		return r < 0 ? -errno : -ETIMEDOUT;
	r = sys_pidfd_wait(n->pidfd, 0, &info, NULL);
	if (r < 0)
		return r;
	int fd = n->fd;
	own_close(&n->pidfd);
	free(n);
	return fd;
}

int netns_take(struct netns **n, struct err *e)
{
	int fd = finish(*n);
	*n = NULL;
	return fd < 0 ? err_set(e, -fd, "make a network namespace") : fd;
}

void netns_drop(struct netns **n)
{
	autofd int fd = *n ? finish(*n) : -1;
	(void)fd;
	*n = NULL;
}
