/* What an operator does in the console, as the tests of scenarios say it; each fails the test when it cannot. */
#ifndef TESTS_HARNESS_CONSOLE_H
#define TESTS_HARNESS_CONSOLE_H

#include "tests/harness/lab.h"
#include "tests/harness/pty.h"
#include "tests/harness/world.h"

void console_plant(struct lab *l, const struct world *w, const char *fault);
/* The lab takes back what it planted; the directories it stood in go as an operator would make them go. */
void console_undo(const struct world *w, struct lab *l);
struct pty *console_as(const struct world *w, const char *user); /* 34 x 100, with this tree's runbooks */
/* A key counts only once what it answers has been on the screen for a moment. */
void console_press(struct pty *p, const char *shown, const char *keys);
void console_arm(struct pty *p);
void console_open(struct pty *p, const char *key, const char *title); /* p and the procedure's key */
void console_leave(struct pty *p);
void console_phrase(const char *verb, char *out, size_t cap); /* "kill 2 on HOST" */

#endif
