/*
 * The fault lab for people: plants real faults in a world of its own and keeps them until interrupted, so that the console
 * can be tried, photographed and drilled on the real thing.
 *
 *   lab list
 *   lab plant NAME... [--for SECONDS]     prints the RUSTBOX_ROOT to use; Ctrl-C (or the time) undoes everything
 *
 * The mounts are made in this process's private mount namespace: programs that shall see them are started below
 * it. `lab plant NAME -- COMMAND...` does that, and undoes everything when the command ends.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/lab.h"

enum { MOST = 32 };

static volatile sig_atomic_t signal_end;

static void on_end(int s)
{
	(void)s;
	signal_end = 1;
}

static int usage(void)
{
	fputs("usage: lab list | lab plant NAME... [--for SECONDS] [-- COMMAND...]\n", stderr);
	return 2;
}

static int list(void)
{
	for (unsigned i = 0; i < lab_fault_count; i++)
		printf("%-22s %s\n", lab_faults[i].name, lab_faults[i].what);
	return 0;
}

static int run(const struct world *w, char **command)
{
	int status = 0;
	pid_t pid = fork();
	if (pid == 0) {
		setenv("RUSTBOX_ROOT", w->root, 1);
		execvp(command[0], command);
		perror(command[0]);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0 && !signal_end)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int hold(const struct world *w, struct lab *labs, unsigned n, unsigned seconds, char **command)
{
	char text[4096];
	int code = 0;
	printf("RUSTBOX_ROOT=%s\n", w->root);
	fflush(stdout);
	if (command)
		code = run(w, command);
	else if (seconds)
		for (unsigned left = seconds; left && !signal_end;)
			left = sleep(left);
	else
		while (!signal_end)
			pause();
	for (unsigned i = 0; i < n; i++) {
		if (!lab_gone(&labs[i], text, sizeof text))
			printf("%s was still there:\n%s", labs[i].box, text);
		if (!lab_unharmed(&labs[i], text, sizeof text))
			printf("%s", text);
	}
	return code;
}

int main(int argc, char **argv)
{
	static struct lab labs[MOST];
	struct world w;
	unsigned n = 0, seconds = 0;
	char **command = NULL;
	int code = 0;
	if (argc == 2 && !strcmp(argv[1], "list"))
		return list();
	if (argc < 3 || strcmp(argv[1], "plant") != 0)
		return usage();
	if (world_lacking()) {
		fprintf(stderr, "lab: %s\n", world_lacking());
		return 1;
	}
	struct sigaction end = { .sa_handler = on_end };
	sigaction(SIGINT, &end, NULL);
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGHUP, &end, NULL);
	world_open(&w, WORLD_MOUNTS);
	for (int i = 2; i < argc && !command && code == 0; i++) {
		const struct fault *f = lab_fault(argv[i]);
		if (!strcmp(argv[i], "--") && i + 1 < argc) {
			command = argv + i + 1;
		} else if (!strcmp(argv[i], "--for") && i + 1 < argc) {
			seconds = (unsigned)strtoul(argv[++i], NULL, 10);
		} else if (!f || n == MOST) {
			fprintf(stderr, "lab: no such fault: %s (lab list)\n", argv[i]);
			code = 2;
		} else {
			lab_open(&labs[n], &w, f->name);
			if (lab_plant(&labs[n++], f) != PLANTED) {
				fprintf(stderr, "lab: %s: %s\n", f->name, labs[n - 1].why);
				code = 1;
			}
		}
	}
	if (code == 0)
		code = hold(&w, labs, n, seconds, command);
	while (n > 0)
		lab_undo(&labs[--n]);
	return world_remove(&w) ? code : 1;
}
