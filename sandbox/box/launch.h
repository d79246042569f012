/*
 * The story of a launch: everything is prepared, then one clone, then the child walks the stages, and the supervisor
 * makes the cgroups meanwhile.
 *
 *   supervisor --clone3--> init (pid 1 of the box): namespaces, mounts, cgroup, root
 *                            `-vfork--> program: limits, creds, caps, seccomp, exec
 *
 * What init walks holds for all the box; what the program walks is its own. Each stage's end is a note in the
 * journal pipe, and since the pipe closes at exec and nobody else keeps its write end, end of file without an
 * error note means: the program is running.
 */
#ifndef SANDBOX_BOX_LAUNCH_H
#define SANDBOX_BOX_LAUNCH_H

#include "probes/base/paths.h"
#include "sandbox/box/init.h"
#include "sandbox/box/plan.h"
#include "sandbox/kernel/netns.h"

/* The run's own things that the plan cannot know; all borrowed, -1 where there is none. */
struct launch_kit {
	const struct paths *paths;
	int clone_cgroup_fd;   /* the v2 cgroup to be born in */
	bool net_later;	       /* the network namespace is in the making, and comes with launch_go(); else clone makes it */
	int in_fd;	       /* ready for the program to read; -1: it gets a pipe from us */
	int kept[INIT_KEPT]; /* locks that init holds as well: the box lives until it is dead */
};

/* The supervisor's ends. */
struct child {
	pid_t pid;	 /* of init, on the host */
	int pidfd;	 /* the only way it is signalled */
	int journal_fd;	 /* struct note, until exec */
	int status_fd;	 /* one struct init_report, at the program's end */
	int lifeline_fd; /* carries launch_go(); init ends the box when this closes, by whatever death of ours */
	int in_fd;	 /* -1 when kit->in_fd was given */
	int out_fd, err_fd;
};

#define CHILD_NONE ((struct child){ .pidfd = -1, .journal_fd = -1, .status_fd = -1, .lifeline_fd = -1, .in_fd = -1, \
				    .out_fd = -1, .err_fd = -1 })

/* Until launch_go() init gets as far as the stage CGROUP, where it waits for the files to join by, and for its network
 * namespace if that comes later; *netns is used up, and NULL where clone made it. */
int launch(const struct plan *plan, const struct launch_kit *kit, struct child *ret, struct err *e) MUST_CHECK;
int launch_go(const struct child *c, struct netns **netns, const int *join_fds, int n, struct err *e) MUST_CHECK;
/* Instead of it: ends init, waits until it is dead (5 s at most), closes. */
void launch_abort(struct child *c);
/* Closes what is open; with an init still alive that ends it. */
void child_close(struct child *c);

#endif
