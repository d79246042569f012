/* rustbox-ops: the commands that must look at the host. Started by `rustbox` with the command's own words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/ops/ops.h"

static const struct {
	const char *name;
	int (*run)(const struct invocation *in);
} rows[] = {
	{ "health", ops_health }, { "reclaim", ops_reclaim }, { "status", ops_status },	  { "metrics", ops_metrics },
	{ "serve", ops_serve },	  { "init", ops_init },	      { "cleanup", ops_cleanup },
	{ "capture", ops_capture }, { "drill", ops_drill },	      { "prepare", ops_prepare },
};

int main(int argc, char **argv)
{
	struct paths paths;
	struct err e;
	if (argc < 2) {
		complain("rustbox-ops is started by `rustbox COMMAND`");
		return EXIT_USAGE;
	}
	if (paths_init(&paths, getenv("RUSTBOX_ROOT"), &e) < 0) {
		complain("%s", e.text);
		return EXIT_USAGE;
	}
	struct invocation in = { .paths = &paths, .argc = argc - 1, .argv = argv + 1 };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(argv[1], rows[i].name) == 0)
			return rows[i].run(&in);
	complain("'%.40s' is no command of rustbox-ops", argv[1]);
	return EXIT_USAGE;
}
