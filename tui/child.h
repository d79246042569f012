/*
 * A child program: found beside this one, started in a process group of its own (the terminal's signals
 * are not meant for it), watched by a pidfd, and never waited for.
 */
#ifndef TUI_CHILD_H
#define TUI_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "probes/base/err.h"

struct child {
	pid_t pid;  /* 0: none */
	int pidfd;  /* readable once it has ended */
	int out, err; /* non-blocking read ends */
};

#define CHILD_NONE ((struct child){ .pid = 0, .pidfd = -1, .out = -1, .err = -1 })

/* The program's path: beside the running binary (so that a build tree uses its own), else where it was
 * installed, else from PATH. -ENOENT says where it was looked for. */
int child_find(const char *program, char *path, size_t cap, struct err *e) MUST_CHECK;

/* rustbox, or 1 and rustbox-ops, which does all of it but runs: a host whose rustbox is gone can still be cleaned up. */
int child_find_rustbox(char *path, size_t cap, struct err *e) MUST_CHECK;

/* argv[0] is the path to run. stdin is /dev/null. `finish`: a console that dies must not stop it half way:
 * writes to the broken pipe fail instead of killing it. `extra`: becomes its descriptor 3, -1 for none. */
int child_start(const char *const *argv, bool finish, int extra, struct child *ret, struct err *e) MUST_CHECK;
/* True once it has ended; *status as the shell counts: exit code or 128 + signal. Never waits. */
bool child_ended(struct child *c, int *status);
void child_signal(const struct child *c, int sig);
/* "4711 in state D in percpu_rwsem_wait": what a child that does not go is doing, or the last of those it waits for. */
void child_state(const struct child *c, char *out, size_t cap);
void child_close_pipes(struct child *c);
void child_forget(struct child *c); /* closes everything; a child still alive is left to itself */

#endif
