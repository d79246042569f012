/*
 * What keeps a drill away from the host, from outside: namespaces of its own (mount, pid, ipc, uts), the host's
 * files read-only, everything it writes on a tmpfs that no other namespace sees, its cgroups below one parent of their own,
 * and a watchdog.
 *
 * Whatever dies, the rest ends: the drill's init is killed when its parent dies, its death ends every process
 * inside, and with the last of them the mounts go. What the kernel does not forget by itself, the cgroups and a frozen
 * disk (disk.h), the watchdog undoes; it lives as long as the pipe of the program that started the drill, at most
 * `limit_s`, and it holds the place until nothing is left. What a drill leaves whose watchdog was killed as well, the next
 * drill in the same place removes before it begins; the place is a name in the abstract socket namespace, so that nothing
 * on disk is needed to hold it.
 */
#ifndef SANDBOX_DRILL_WALL_H
#define SANDBOX_DRILL_WALL_H

#include <stdbool.h>

#include "probes/base/paths.h"

struct wall {
	struct paths paths;  /* of the drill's world: <base>/drill-<n> */
	char base[16];	     /* a directory of the host that the drill covers for itself */
	char programs[PATH_ROOM]; /* where rustbox and its helpers are */
	int place;	     /* the socket that holds the number */
	unsigned limit_s;
	bool as_user;	     /* not root outside: a user namespace, and no cgroups */
	int alive;	     /* inside: init's own; a process that is to outlive init's judgement must not keep it */
};

/* Takes a place. Only root's drill has cgroups; an ordinary user's is in a user namespace. */
int wall_open(struct wall *ret, struct err *e) MUST_CHECK;
/* Runs `inside` as init of the drill; returns its exit status, 0-255, or 128 + signal, when everything is undone. */
int wall_run(struct wall *w, int (*inside)(const struct wall *w, void *arg), void *arg, struct err *e) MUST_CHECK;
void wall_close(struct wall *w);

/* Inside: the mounts. Afterwards the world of w->paths is there, empty, and /proc is the drill's own. */
int wall_enter(const struct wall *w, struct err *e) MUST_CHECK;
/* Inside, for the founding runbook's shell: a view in which the drill's world is "/" and nothing else of the host is
 * there but read-only programs. */
int wall_view(const struct paths *p, struct err *e) MUST_CHECK;

/* A top-level directory of the host, as it is (a link stays one), at the same place below `root`. */
int wall_show(const char *root, const char *dir) MUST_CHECK;

#endif
