/* The options of `rustbox run`, as rows beside the limits' own: parser, help, completion and manual. */
#ifndef SANDBOX_CLI_OPTIONS_H
#define SANDBOX_CLI_OPTIONS_H

#include "sandbox/box/config.h"
#include "sandbox/box/spec.h"

/*      id       name         argument, or NULL for a switch     help */
#define RUN_OPTIONS(X)                                                                                          \
	X(PROFILE, "profile", "judge|agent", "the limits to start from (judge)")                                \
	X(SPEC, "spec", "FILE", "start from a JSON specification")                                              \
	X(JSON, "json", "FILE|-", "write the result to FILE; '-': only it, on stdout, with the captured output") \
	X(BOX_ID, "box-id", "ID", "run in a box made by `rustbox init`")                                        \
	X(DIR, "dir", "INSIDE=OUTSIDE[:OPT,...]", "show a host path in the box: rw, noexec, maybe, norec, tmp") \
	X(ENV, "env", "NAME[=VALUE]", "set a variable, or pass your own; without it there is none")             \
	X(CHDIR, "chdir", "DIR", "directory in the box to start in (/box)")                                     \
	X(STDIN, "stdin", "FILE|-", "read standard input from a host file; '-': the caller's, as without it")                                       \
	X(STDIN_TEXT, "stdin-text", "TEXT", "read standard input from this text")                               \
	X(STDOUT, "stdout", "FILE", "write standard output to a host file")                                     \
	X(STDERR, "stderr", "FILE", "write standard error to a host file")                                      \
	X(MERGE, "stderr-to-stdout", NULL, "standard error goes to standard output, in the order written, under one cap") \
	X(STRICT, "strict", NULL, "refuse when a control can't be enforced (default)")                          \
	X(PERMISSIVE, "permissive", NULL, "run all the same, and say what is missing")                          \
	X(CGROUP_V1, "cgroup-v1", NULL, "use the v1 hierarchies even where v2 could do it")                     \
	X(CGROUP_PARENT, "cgroup-parent", "PATH", "make the box's cgroups below this cgroup (the delegated one we are in, else the root)") \
	X(DRY_RUN, "dry-run", NULL, "say what would be enforced, start nothing")                                \
	X(TIMINGS, "timings", NULL, "add the milliseconds of each phase to the result")                         \
	X(WORKER, "worker", "NAME", "who runs it, for the result")                                              \
	X(LANGUAGE, "language", "NAME", "execute-code: what the source is written in")                          \
	X(CODE, "code", "TEXT", "execute-code: the source itself")                                              \
	X(SOURCE, "source", "FILE|-", "execute-code: the source's file")                                        \
	X(QUIET, "quiet", NULL, "no verdict line on the terminal")                                              \
	X(HELP, "help", NULL, "this text")

enum run_option {
#define X(id, name, arg, help) OPTION_##id,
	RUN_OPTIONS(X)
#undef X
	OPTION_COUNT
};

struct option_row {
	const char *name, *arg, *help;
};
extern const struct option_row run_option_rows[OPTION_COUNT];

struct run_options {
	struct spec spec;
	const char *json, *worker;
	const char *cgroup_parent; /* NULL: where delegation_look() says */
	const struct config *config;
	bool code; /* the command is execute-code */
	bool dry_run, timings, quiet, help;
};

/* argv[0] is the command's name. Options end at `--` or at the first word that is none. */
int options_parse(int argc, char **argv, const struct config *config, struct arena *a, struct run_options *ret,
		  struct err *e) MUST_CHECK;
void options_usage(const struct config *config, const char *command);

#endif
