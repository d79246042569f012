/* Boxes that live; see boxes.h. */
#include "tests/harness/boxes.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "probes/ledger.h"

pid_t box_begin(const struct world *w, const char *const *argv)
{
	char program[PATH_ROOM + 16];
	(void)snprintf(program, sizeof program, "%s/rustbox", w->build);
	pid_t pid = fork();
	if (pid)
		return pid;
	(void)setenv("RUSTBOX_ROOT", w->root, 1);
	if (freopen("/dev/null", "w", stdout) && freopen("/dev/null", "w", stderr))
		execv(program, (char *const *)(uintptr_t)argv);
	_exit(127);
}

pid_t box_keeper(const struct world *w, const char *box)
{
	struct scope scope = scope_host(&w->paths);
	autoarena struct arena a = { 0 };
	struct ledgers all;
	int pid = 0;
	ledgers_read(&scope, &a, &all);
	const struct ledger *l = ledgers_find(&all, box);
	for (size_t i = 0; l && i < l->n; i++)
		if (l->v[i].kind == RES_PROCESS && !l->v[i].gone)
			(void)sscanf(l->v[i].name, "%d:", &pid);
	return pid;
}
