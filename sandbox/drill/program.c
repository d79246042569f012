/* fork, exec, wait; see program.h. */
#include "sandbox/drill/program.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "probes/base/own.h"
#include "sandbox/kernel/sys.h"

extern char **environ;

int program_become(const char *const *argv)
{
	char *const *words; /* exec's old promise: it does not change them */
	memcpy(&words, &argv, sizeof words);
	return sys_execve(argv[0], words, environ);
}

int program_run(const char *const *argv, int in, int out)
{
	(void)fflush(NULL);
	pid_t pid = sys_fork();
	if (pid < 0)
		return pid;
	if (pid == 0) {
		if ((in >= 0 && sys_dup2(in, 0) < 0) || (out >= 0 && (sys_dup2(out, 1) < 0 || sys_dup2(out, 2) < 0)))
			_exit(126);
		(void)!program_become(argv);
		_exit(127);
	}
	autofd int fd = sys_pidfd_open(pid);
	siginfo_t info = { 0 };
	int r = fd < 0 ? fd : sys_pidfd_wait(fd, 0, &info, NULL);
	return r < 0 ? r : info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}
