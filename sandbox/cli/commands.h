/*
 * The commands as rows: dispatch, usage, completion and the manual's check come from them.
 *
 * `rustbox` itself links only libc at run time, because its start-up is part of every measured run. What
 * needs more than that (libmount, libproc2, an HTTP server...) lives in rustbox-ops, which is started in its
 * place with the same words.
 */
#ifndef SANDBOX_CLI_COMMANDS_H
#define SANDBOX_CLI_COMMANDS_H

#include <stdbool.h>

#include "probes/base/paths.h"

enum exit_status {
	EXIT_GOOD = 0,
	EXIT_VERDICT = 1,     /* any verdict of a program other than OK; "no" to a question */
	EXIT_USAGE = 2,
	EXIT_IE = 3,	      /* rustbox could not do or prove something */
	EXIT_QUARANTINED = 4, /* the worker is out of service; nothing was started */
};

struct invocation {
	const struct paths *paths;
	int argc; /* argv[0] is the command's name, argv[argc] is NULL */
	char **argv;
};

struct command {
	const char *name, *args, *help;
	int (*run)(const struct invocation *in); /* NULL: rustbox-ops has it */
	bool brief;				 /* this row is all its --help has to say */
};
extern const struct command commands[];
extern const unsigned command_count;
const struct command *command_find(const char *name);

int cmd_run(const struct invocation *in); /* execute-code, too */
int cmd_check(const struct invocation *in);
int cmd_explain(const struct invocation *in);
int cmd_put(const struct invocation *in);
int cmd_get(const struct invocation *in);
int cmd_ls(const struct invocation *in);
void explain_topics(void); /* their names, with blanks between, to stdout */
int cmd_report(const struct invocation *in); /* rustbox-tui keeps the journals, and writes it */
int cmd_completion(const struct invocation *in);

/* Replaces this program by rustbox-ops with the same arguments; returns EXIT_IE when it is not installed. */
int command_hand_over(const struct invocation *in);

void commands_usage(void);
int command_usage(const struct invocation *in); /* says how the command is written; returns EXIT_USAGE */
/* One line on stderr, "rustbox: ...", with control characters made visible. */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Flushes stdout; a full disk or a closed pipe is an error, not silence. Returns `status` or EXIT_IE. */
int finish(int status);

#endif
