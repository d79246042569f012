/*
 * The process that outlives the console: it holds the terminal's settings and the string that undoes
 * what the console did to it, so that even SIGKILL leaves a usable shell.
 *
 * The guard is the *parent*: the shell waits for it, so its prompt cannot come before the repair. What
 * it needs lies in one page shared with the console; there is no protocol that could get stuck.
 */
#ifndef TUI_GUARD_H
#define TUI_GUARD_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

enum { GUARD_RESTORE_ROOM = 256 };

struct guard {
	volatile sig_atomic_t up; /* the console owns the screen: there is something to undo */
	bool guarded;		  /* a guard process watches; false with --no-guard */
	int tty;
	struct termios saved;
	size_t restore_len;
	char restore[GUARD_RESTORE_ROOM]; /* rmcup, cursor on, modes off: set while `up` is 0 */
};

/* Forks. The child returns here as the console, with the page; the parent stays behind as the guard and
 * exits with the console's status (128 + signal when it died of one). With `guarded` false, or when a
 * fork is not to be had, nothing watches and only the fatal-signal handler below protects. */
struct guard *guard_enter(int tty, bool guarded);

/* SEGV, BUS, ABRT, FPE, ILL, QUIT, SYS: repair the terminal with two system calls, then die of the same
 * signal, so that a core dump still tells the truth. */
void guard_catch_fatal(struct guard *g);

/* Stops the console as Ctrl-Z should: the shell sees its job stopped. Returns when it goes on. */
void guard_stop_here(struct guard *g);

#endif
