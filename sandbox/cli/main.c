/* rustbox: finds the command and the world it works on; the commands do the rest. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/base/paths.h"
#include "sandbox/cli/commands.h"

/* --root DIR or --root=DIR before the command. It becomes RUSTBOX_ROOT, so that rustbox-ops sees it too. */
static int take_root(int argc, char **argv, int *at)
{
	const char *value = NULL;
	if (strncmp(argv[*at], "--root=", 7) == 0)
		value = argv[*at] + 7;
	else if (*at + 1 < argc)
		value = argv[++*at];
	if (!value || setenv("RUSTBOX_ROOT", value, 1) < 0)
		return -EINVAL;
	++*at;
	return 0;
}

static int dispatch(int argc, char **argv)
{
	struct paths paths;
	struct err e;
	const struct command *command = command_find(argv[0]);
	if (!command) {
		complain("'%.40s' is no command; `rustbox --help` lists them", argv[0]);
		return EXIT_USAGE;
	}
	if (paths_init(&paths, getenv("RUSTBOX_ROOT"), &e) < 0) {
		complain("%s", e.text);
		return EXIT_USAGE;
	}
	if (command->brief && argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		(void)printf("usage: rustbox %s %s\n\n%s\n", command->name, command->args, command->help);
		return finish(EXIT_GOOD);
	}
	struct invocation in = { .paths = &paths, .argc = argc, .argv = argv };
	return command->run ? command->run(&in) : command_hand_over(&in);
}

int main(int argc, char **argv)
{
	int at = 1;
	while (at < argc && strncmp(argv[at], "--root", 6) == 0 && (argv[at][6] == '\0' || argv[at][6] == '=')) {
		if (take_root(argc, argv, &at) < 0) {
			complain("--root needs a directory");
			return EXIT_USAGE;
		}
	}
	if (at < argc && (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0 || strcmp(argv[at], "help") == 0)) {
		commands_usage();
		return finish(EXIT_GOOD);
	}
	if (at < argc && strcmp(argv[at], "--version") == 0) {
		(void)printf("rustbox %s\n", RUSTBOX_VERSION);
		return finish(EXIT_GOOD);
	}
	if (at == argc) {
		complain("no command given; `rustbox --help` lists them");
		return EXIT_USAGE;
	}
	return dispatch(argc - at, argv + at);
}
