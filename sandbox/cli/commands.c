/* The command rows and what all commands share; see commands.h. */
#include "sandbox/cli/commands.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "probes/base/text.h"

const struct command commands[] = {
	{ "run", "[LIMITS] [OPTIONS] -- PROGRAM [ARG...]", "run a program in a box of its own", cmd_run, false },
	{ "execute-code", "--language NAME (--code TEXT | --source FILE) [LIMITS] [OPTIONS]",
	  "compile a source and run it, both in a box", cmd_run, false },
	{ "check", "[--json|--text]", "what this host can enforce, what is missing, and the remedy", cmd_check, true },
	{ "explain", "stages|limits|syscalls|verdicts|languages|metrics|events, or verdict FILE",
	  "the tables the program is made of; or a stored verdict, computed again", cmd_explain, true },
	{ "completion", "bash", "the shell's completion, made from these tables", cmd_completion, true },
	{ "init", "--box-id ID [--workspace SIZE] [--inodes N]", "make a box that lives across runs", NULL, true },
	{ "put", "--box-id ID [--max SIZE] [--json] HOSTFILE|- [INSIDE]", "copy a file into such a box", cmd_put, false },
	{ "get", "--box-id ID [--max SIZE] [--json] INSIDE [HOSTFILE|-]", "copy a file out of it", cmd_get, false },
	{ "ls", "--box-id ID [--json] [INSIDE]", "what is in it", cmd_ls, false },
	{ "cleanup", "--box-id ID", "remove such a box", NULL, true },
	{ "status", "[--json|--text]", "boxes alive now", NULL, true },
	{ "health", "[--recover [--cleanup]] [--check] [--json]", "the worker's health, and the way back to it", NULL, false },
	{ "reclaim", "KIND [ID...]", "remove leftovers of one kind", NULL, false },
	{ "capture", "PROCESS_ID...", "keep what is known of a process, before it is ended", NULL, false },
	{ "drill", "list | run NAME [--seed N] | walkthrough", "practise on real faults that touch nothing of this host", NULL, false },
	{ "prepare", "[--undo]", "keep an empty mount namespace, so that runs start faster", NULL, true },
	{ "report", "INCIDENT [--md|--json] [--save]", "what happened in an incident, from its journal", cmd_report, false },
	{ "metrics", "", "Prometheus text", NULL, true },
	{ "serve", "[--port N] [--listen ADDRESS]", "/metrics and /health over HTTP", NULL, true },
};
const unsigned command_count = sizeof commands / sizeof commands[0];

const struct command *command_find(const char *name)
{
	for (unsigned i = 0; i < command_count; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

void complain(const char *fmt, ...)
{
	char plain[600], safe[1800];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(plain, sizeof plain, fmt, ap);
	va_end(ap);
	(void)fprintf(stderr, "rustbox: %s\n", text_escape(plain, safe, sizeof safe));
}

int finish(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	complain("can't write the output: %s", strerror(errno));
	return EXIT_IE;
}

void commands_usage(void)
{
	(void)printf("usage: rustbox [--root DIR] COMMAND ...\n\n");
	for (unsigned i = 0; i < command_count; i++)
		(void)printf("  %-13s %s\n", commands[i].name, commands[i].help);
	(void)printf("\n`rustbox COMMAND --help` says more; the manual is rustbox(1).\n");
}

int command_usage(const struct invocation *in)
{
	complain("usage: rustbox %s %s", in->argv[0], command_find(in->argv[0])->args);
	return EXIT_USAGE;
}

/* Beside this very binary first: a build tree must not run an installed helper of another version. Returns when neither is there. */
static void exec_beside(char *program, const char *installed, const struct invocation *in)
{
	char self[512], path[600];
	char *argv[256] = { program };
	ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
	if (in->argc > (int)(sizeof argv / sizeof *argv) - 2) {
		complain("%s: too many arguments", in->argv[0]);
		return;
	}
	(void)memcpy(argv + 1, in->argv, (size_t)in->argc * sizeof *argv);
	if (len > 0) {
		self[len] = '\0';
		char *slash = strrchr(self, '/');
		if (slash)
			*slash = '\0';
		(void)snprintf(path, sizeof path, "%s/%s", self, program);
		(void)execv(path, argv);
	}
	(void)snprintf(path, sizeof path, "%s/%s", installed, program);
	(void)execv(path, argv);
	complain("%s needs %s, which is neither beside this program nor in %s: install rustbox completely", in->argv[0], program,
		 installed);
}

int command_hand_over(const struct invocation *in)
{
	exec_beside((char[]){ "rustbox-ops" }, RUSTBOX_LIBEXECDIR, in);
	return EXIT_IE;
}

int cmd_report(const struct invocation *in)
{
	exec_beside((char[]){ "rustbox-tui" }, RUSTBOX_LIBEXECDIR "/../../bin", in);
	return EXIT_IE;
}
