/* What an operator does in the console, as the tests of scenarios say it; each fails the test when it cannot. */
#ifndef TESTS_HARNESS_CONSOLE_H
#define TESTS_HARNESS_CONSOLE_H

#include "tests/harness/lab.h"
#include "tests/harness/pty.h"
#include "tests/harness/world.h"

void console_plant(struct lab *l, const struct world *w, const char *fault);
/* The lab takes back what it planted; the directories it stood in go as an operator would make them go. */
void console_undo(const struct world *w, struct lab *l);
void console_gone(struct lab *l);     /* nothing of it is left, and its bystanders are unharmed */
void console_unharmed(struct lab *l);

/* A mount with no owner, made by mount(2) and nothing else. */
struct leftover {
	char dir[PATH_ROOM + 80], root[PATH_ROOM + 80];
};
void leftover_plant(const struct world *w, const char *box, struct leftover *ret);
void leftover_remove(const struct leftover *l); /* its mount may be gone already */

struct pty *console_sized(const struct world *w, int rows, int cols); /* as installed; its watcher is live */
struct pty *console_as(const struct world *w, const char *user);      /* 34 x 100, with this tree's runbooks */
struct pty *console_armed(const struct world *w, const char *shown);  /* alice's, once that is on the screen */
/* In a folder of its own, beside a `rustbox` that is this script (NULL: none). */
struct pty *console_beside(const struct world *w, const char *script);
/* The same beside these, of the build or of the tree ("sandbox/..."), and nothing else of ours. */
struct pty *console_with(const struct world *w, const char *const *names);
/* A key counts only once what it answers has been on the screen for a moment. */
void console_press(struct pty *p, const char *shown, const char *keys);
void console_arm(struct pty *p);
void console_open(struct pty *p, const char *key, const char *title); /* p and the procedure's key */
/* The same, and x on its first step, which then shows `ticked`. */
void console_begin(struct pty *p, const char *key, const char *title, const char *ticked);
void console_type(struct pty *p, const char *verb);   /* the phrase of console_phrase(), and Enter */
void console_commit(struct pty *p, const char *verb); /* x, the whole plan read, the phrase, and Enter */
void console_accept(struct pty *p, const char *shown); /* x, the whole plan read, and Y */
void console_leave(struct pty *p);
void console_phrase(const char *verb, char *out, size_t cap); /* "kill 2 on HOST" */
/* The process that keeps what the console's step runs, once it does; 0: none yet. */
pid_t console_keeper(const struct pty *p);
/* The one journal there is, whole or not; NULL when there is none. The caller frees. */
char *console_journal(const struct world *w);
void console_journaled(const struct world *w, const char *what); /* waits until it says so */

#endif
