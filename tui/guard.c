/* Keeping the terminal safe from the console's own death; see guard.h. */
#include "tui/guard.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIGNAL_STACK = 16 * 1024 };

static struct guard *signal_guard;
static char signal_stack[SIGNAL_STACK];

/* Only write, tcsetattr and plain memory: callable from a signal handler. */
static void repair(struct guard *g)
{
	if (!g->up)
		return;
	g->up = 0;
	for (size_t done = 0; done < g->restore_len;) {
		ssize_t n = write(g->tty, g->restore + done, g->restore_len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	(void)tcsetattr(g->tty, TCSANOW, &g->saved);
}

static void on_fatal(int sig)
{
	repair(signal_guard);
	(void)signal(sig, SIG_DFL);
	(void)raise(sig);
}

void guard_catch_fatal(struct guard *g)
{
	static const int fatal[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGQUIT, SIGSYS };
	stack_t stack = { .ss_sp = signal_stack, .ss_size = sizeof signal_stack };
	signal_guard = g;
	(void)sigaltstack(&stack, NULL); /* a stack overflow must still find room to repair */
	struct sigaction act = { .sa_handler = on_fatal, .sa_flags = SA_ONSTACK | SA_NODEFER };
	(void)sigemptyset(&act.sa_mask);
	for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
		(void)sigaction(fatal[i], &act, NULL);
}

/* With SIGTSTP's default action: a process group nobody could continue is not stopped by the kernel. */
static void stop_self(void)
{
	sigset_t only;
	(void)sigemptyset(&only);
	(void)sigaddset(&only, SIGTSTP);
	struct sigaction dfl = { .sa_handler = SIG_DFL }, old;
	(void)sigaction(SIGTSTP, &dfl, &old);
	(void)raise(SIGTSTP);
	sigset_t before;
	(void)sigprocmask(SIG_UNBLOCK, &only, &before); /* stops here */
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	(void)sigaction(SIGTSTP, &old, NULL);
}

void guard_stop_here(struct guard *g)
{
	if (g->guarded)
		(void)raise(SIGSTOP); /* the guard sees it, stops itself for the shell, and wakes us */
	else
		stop_self();
}

static _Noreturn void guard_ends(struct guard *g, int status)
{
	bool died = WIFSIGNALED(status);
	int sig = died ? WTERMSIG(status) : 0;
	repair(g);
	if (died && sig != SIGTERM && sig != SIGHUP)
		dprintf(STDERR_FILENO,
			"rustbox-tui: the console died of SIG%s; the terminal is as it was before. "
			"Start it again: what it recorded is in the incident journal.\n", sigabbrev_np(sig));
	_exit(died ? 128 + sig : WEXITSTATUS(status));
}

static _Noreturn void watch_over(struct guard *g, pid_t console, const sigset_t *watched)
{
	(void)prctl(PR_SET_NAME, "rustbox-tui-gua");
	for (;;) {
		siginfo_t info;
		int sig = sigwaitinfo(watched, &info);
		int status = 0;
		if (sig == SIGTERM || sig == SIGHUP || sig == SIGCONT)
			(void)kill(console, sig);
		if (waitpid(console, &status, WNOHANG | WUNTRACED) != console)
			continue;
		if (!WIFSTOPPED(status))
			guard_ends(g, status);
		stop_self();
		(void)kill(console, SIGCONT);
	}
}

struct guard *guard_enter(int tty, bool guarded)
{
	struct guard *g = mmap(NULL, sizeof *g, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (g == MAP_FAILED)
		abort();
	g->tty = tty;
	if (tcgetattr(tty, &g->saved) != 0)
		memset(&g->saved, 0, sizeof g->saved);
	if (!guarded)
		return g;
	sigset_t watched, before;
	(void)sigemptyset(&watched);
	static const int signals[] = { SIGCHLD, SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGTTOU, SIGTTIN, SIGCONT };
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		(void)sigaddset(&watched, signals[i]);
	(void)sigprocmask(SIG_BLOCK, &watched, &before);
	pid_t parent = getpid(), pid = fork();
	if (pid > 0) {
		g->guarded = true;
		watch_over(g, pid, &watched);
	}
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid == 0) { /* a guard killed outright must not leave a console nobody guards */
		(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != parent)
			_exit(128 + SIGTERM);
		g->guarded = true;
	}
	return g;
}
