/* See console.h. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "tests/harness/console.h"
#include "tui/journal.h"

void console_plant(struct lab *l, const struct world *w, const char *name)
{
	lab_open(l, w, name);
	if (lab_plant(l, lab_fault(name)) != PLANTED)
		fail_msg("%s: %s", name, l->why);
}

void console_undo(const struct world *w, struct lab *l)
{
	struct ran r;
	lab_undo(l);
	world_call(w, &r, 30, "rustbox", "reclaim", "all", "--all");
	assert_int_equal(r.code, 0);
	ran_done(&r);
}

void console_unharmed(struct lab *l)
{
	char text[2048];
	if (!lab_unharmed(l, text, sizeof text))
		fail_msg("%s: harmed: %s", l->box, text);
}

void console_gone(struct lab *l)
{
	char text[2048];
	if (!lab_gone(l, text, sizeof text))
		fail_msg("%s: still there: %s", l->box, text);
	console_unharmed(l);
}

void leftover_plant(const struct world *w, const char *box, struct leftover *ret)
{
	paths_box_dir(&w->paths, box, ret->dir);
	paths_box_root(&w->paths, box, ret->root);
	assert_int_equal(mkdir(ret->dir, 0700), 0);
	assert_int_equal(mkdir(ret->root, 0700), 0);
	assert_int_equal(mount("none", ret->root, "tmpfs", 0, "size=1m"), 0);
}

void leftover_remove(const struct leftover *l)
{
	(void)world_unmount(l->root); /* its mount may be gone; what it could not unmount, rmdir refuses */
	assert_int_equal(rmdir(l->root), 0);
	assert_int_equal(rmdir(l->dir), 0);
}

struct pty *console_sized(const struct world *w, int rows, int cols)
{
	struct pty *p = pty_start(&(struct pty_how){ .root = w->root, .rows = rows, .cols = cols });
	assert_true(pty_wait(p, "live: mounts cgroups procs", 10));
	return p;
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

struct pty *console_armed(const struct world *w, const char *shown)
{
	struct pty *p = console_as(w, "alice");
	assert_true(pty_wait(p, shown, 15));
	console_arm(p);
	return p;
}

void console_open(struct pty *p, const char *key, const char *title)
{
	pty_send(p, "p");
	console_press(p, "P6 Worker", key);
	assert_true(pty_wait(p, title, 5));
}

void console_begin(struct pty *p, const char *key, const char *title, const char *ticked)
{
	console_open(p, key, title);
	pty_send(p, "x");
	assert_true(pty_wait(p, ticked, 5));
}

void console_type(struct pty *p, const char *verb)
{
	char phrase[120];
	console_phrase(verb, phrase, sizeof phrase);
	pty_send(p, phrase);
	console_press(p, "Enter commits", "\r");
}

void console_commit(struct pty *p, const char *verb)
{
	pty_send(p, "x");
	console_press(p, "class R2", "\033[F");
	pty_settle(p, 0.2, 1);
	console_type(p, verb);
}

void console_accept(struct pty *p, const char *shown)
{
	pty_send(p, "x");
	console_press(p, shown, "\033[F");
	pty_settle(p, 0.2, 1);
	pty_send(p, "Y");
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

/* A program of the build, or a file of the tree, into the folder of the console. */
static void put_beside(const struct world *w, const char *name)
{
	char from[PATH_ROOM * 2], command[PATH_ROOM * 4];
	pty_program(name, from, sizeof from);
	(void)snprintf(command, sizeof command, "mkdir -p %s/beside && cp --remove-destination %s %s/beside/", w->root,
		       strchr(name, '/') ? name : from, w->root);
	assert_int_equal(system(command), 0);
}

struct pty *console_with(const struct world *w, const char *const *names)
{
	char path[PATH_ROOM + 40];
	put_beside(w, "rustbox-tui");
	put_beside(w, "rustbox-probe");
	for (; *names; names++)
		put_beside(w, *names);
	(void)snprintf(path, sizeof path, "%s/beside/rustbox-tui", w->root);
	const char *const argv[] = { path, NULL };
	static const char *const env[] = { "RUSTBOX_RUNBOOKS=runbooks", "PATH=/usr/bin:/bin", NULL };
	struct pty *p = pty_start(&(struct pty_how){ .argv = argv, .root = w->root, .env = env, .rows = 34, .cols = 100 });
	assert_true(pty_wait(p, "OBSERVE", 10));
	return p;
}

struct pty *console_beside(const struct world *w, const char *script)
{
	char path[PATH_ROOM + 40];
	(void)snprintf(path, sizeof path, "%s/rustbox", w->root);
	FILE *f = script ? fopen(path, "we") : NULL;
	if (f) {
		(void)fprintf(f, "#!/bin/sh\n%s\n", script);
		assert_int_equal(fclose(f), 0);
		assert_int_equal(chmod(path, 0755), 0);
	}
	return console_with(w, (const char *const[]){ script ? path : NULL, NULL });
}

pid_t console_keeper(const struct pty *p)
{
	char path[80], children[200];
	pid_t keeper = 0;
	(void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pty_console(p), (int)pty_console(p));
	if (kfile_read(AT_FDCWD, path, children, sizeof children) <= 0)
		return 0;
	for (char *save = NULL, *word = strtok_r(children, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		char command[200] = "";
		(void)snprintf(path, sizeof path, "/proc/%s/cmdline", word);
		ssize_t n = kfile_read(AT_FDCWD, path, command, sizeof command);
		if (n > 0 && memmem(command, (size_t)n, "\0keep", sizeof "\0keep"))
			keeper = atoi(word);
	}
	return keeper;
}

char *console_journal(const struct world *w)
{
	struct err e = { 0 };
	char *text = NULL;
	autodir DIR *dir = opendir(w->paths.of[PATH_INCIDENTS]);
	for (struct dirent *d; dir && (d = readdir(dir));)
		if (d->d_name[0] != '.' && journal_read(&w->paths, d->d_name, &text, &e) == 0)
			return text;
	return NULL;
}

void console_journaled(const struct world *w, const char *what)
{
	for (double end = world_now() + world_patience(20); world_now() < end; (void)poll(NULL, 0, 10)) {
		autofree char *text = console_journal(w);
		if (text && strstr(text, what))
			return;
	}
	autofree char *text = console_journal(w);
	fail_msg("no %s in the journal:\n%s", what, text ? text : "(none)");
}
