/* See console.h. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness/console.h"

void console_plant(struct lab *l, const struct world *w, const char *name)
{
	lab_open(l, w, name);
	if (lab_plant(l, lab_fault(name)) != PLANTED)
		fail_msg("%s: %s", name, l->why);
}

/* The lab takes back what it planted; the directories it stood in go as an operator would make them go. */
void console_undo(const struct world *w, struct lab *l)
{
	struct ran r;
	lab_undo(l);
	world_call(w, &r, 30, "rustbox", "reclaim", "all", "--all");
	assert_int_equal(r.code, 0);
	ran_done(&r);
}

struct pty *console_as(const struct world *w, const char *user)
{
	char sudo[80];
	(void)snprintf(sudo, sizeof sudo, "SUDO_USER=%s", user);
	const char *const env[] = { "RUSTBOX_RUNBOOKS=runbooks", sudo, NULL };
	struct pty *p = pty_start(&(struct pty_how){ .root = w->root, .env = env, .rows = 34, .cols = 100 });
	assert_true(pty_wait(p, "OBSERVE", 10));
	return p;
}

/* A key counts only once what it answers has been on the screen for a moment. */
void console_press(struct pty *p, const char *shown, const char *keys)
{
	assert_true(pty_wait(p, shown, 20));
	pty_settle(p, 0.2, 1);
	pty_send(p, keys);
}

void console_arm(struct pty *p)
{
	pty_send(p, "A");
	console_press(p, "why do you act", "INC-1\r");
	assert_true(pty_wait(p, "[ARMED", 5));
}

void console_open(struct pty *p, const char *key, const char *title)
{
	pty_send(p, "p");
	console_press(p, "P6 Worker", key);
	assert_true(pty_wait(p, title, 5));
}

void console_leave(struct pty *p)
{
	pty_send(p, "\033");
	pty_settle(p, 0.2, 1);
	pty_send(p, "q");
	assert_int_equal(pty_wait_exit(p, 10), 0);
	pty_done(p);
}

void console_phrase(const char *verb, char *out, size_t cap)
{
	char host[65] = "";
	assert_int_equal(gethostname(host, sizeof host), 0);
	(void)snprintf(out, cap, "%s on %s", verb, host);
}
