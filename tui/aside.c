/* See aside.h. */
#include "tui/aside.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tui/child.h"

enum { WORDS = 8 };
extern char **environ;

/* It gets the keys' signals as any program in the foreground; ours stay blocked meanwhile. */
static int start(const char *const *argv, pid_t *pid)
{
	posix_spawnattr_t attr;
	sigset_t none, all;
	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	int r = posix_spawnattr_init(&attr);
	if (r)
		return r;
	r = posix_spawnattr_setsigmask(&attr, &none);
	r = r ? r : posix_spawnattr_setsigdefault(&attr, &all);
	r = r ? r : posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	char *const *words; /* exec's old promise: it does not change them */
	memcpy(&words, &argv, sizeof words);
	r = r ? r : posix_spawn(pid, argv[0], NULL, &attr, words, environ);
	(void)posix_spawnattr_destroy(&attr);
	return r;
}

static void await_line(void)
{
	static const char ask[] = "\nEnter goes back to the console";
	char byte = 0;
	if (write(STDOUT_FILENO, ask, sizeof ask - 1) < 0)
		return;
	while (byte != '\n' && read(STDIN_FILENO, &byte, 1) == 1)
		;
}

/* What was typed for the other program was not for us; TERM and HUP are. */
static void forget_keys(void)
{
	sigset_t keys;
	(void)sigemptyset(&keys);
	(void)sigaddset(&keys, SIGINT);
	(void)sigaddset(&keys, SIGTSTP);
	while (sigtimedwait(&keys, NULL, &(struct timespec){ 0 }) > 0)
		;
}

void aside_run(const char *const *argv, char *said, size_t cap)
{
	char path[PATH_MAX];
	const char *words[WORDS] = { path };
	struct err e;
	pid_t pid;
	int status = 0;
	for (int i = 1; argv[i] && i < WORDS - 1; i++)
		words[i] = argv[i];
	int r = child_find(argv[0], path, sizeof path, &e);
	if (r == 0 && (r = start(words, &pid)) != 0)
		(void)err_set(&e, r, "start %s", path);
	if (r) {
		(void)snprintf(said, cap, "%s", e.text);
		return;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	await_line();
	forget_keys();
	(void)snprintf(said, cap, "back from %s %s; what is shown is this host again", argv[0], argv[1]);
}
