/* Starting and watching programs; see child.h. */
#include "tui/child.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "probes/base/text.h"

extern char **environ;

static bool runnable(const char *path)
{
	return access(path, X_OK) == 0;
}

int child_find(const char *program, char *path, size_t cap, struct err *e)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	char *slash = n > 0 ? (self[n] = '\0', strrchr(self, '/')) : NULL;
	if (slash) {
		(void)snprintf(path, cap, "%.*s/%s", (int)(slash - self), self, program);
		if (runnable(path))
			return 0;
		/* Installed, the helpers of a program may live in ../libexec while rustbox is in ../bin. */
		static const char *const elsewhere[] = { "../bin", "../libexec/rustbox" };
		for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++) {
			(void)snprintf(path, cap, "%.*s/%s/%s", (int)(slash - self), self, elsewhere[i], program);
			if (runnable(path))
				return 0;
		}
	}
	const char *dirs = getenv("PATH");
	for (const char *d = dirs ? dirs : "/usr/local/bin:/usr/bin:/bin"; *d;) {
		size_t len = strcspn(d, ":");
		(void)snprintf(path, cap, "%.*s/%s", (int)len, d, program);
		if (*d == '/' && runnable(path)) /* never from a relative directory */
			return 0;
		d += len + (d[len] == ':');
	}
	return err_say(e, ENOENT, "%s: not found beside this program (%s) nor in PATH", program, n > 0 ? self : "?");
}

int child_find_rustbox(char *path, size_t cap, struct err *e)
{
	struct err first = { 0 }, second = { 0 };
	int r = child_find("rustbox", path, cap, &first);
	if (r < 0 && child_find("rustbox-ops", path, cap, &second) == 0)
		return 1;
	return r < 0 ? err_say(e, first.code, "%s", first.text) : 0;
}

static int prepare(posix_spawn_file_actions_t *acts, posix_spawnattr_t *attr, int out, int err, int extra, bool finish)
{
	sigset_t none, all;
	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	if (finish)
		(void)sigdelset(&all, SIGPIPE); /* stays ignored, as it is in the console */
	int r = posix_spawn_file_actions_addopen(acts, 0, "/dev/null", O_RDONLY, 0);
	r = r ? r : posix_spawn_file_actions_adddup2(acts, out, 1);
	r = r ? r : posix_spawn_file_actions_adddup2(acts, err, 2);
	if (extra >= 0)
		r = r ? r : posix_spawn_file_actions_adddup2(acts, extra, 3);
	r = r ? r : posix_spawnattr_setsigmask(attr, &none);
	r = r ? r : posix_spawnattr_setsigdefault(attr, &all);
	r = r ? r : posix_spawnattr_setpgroup(attr, 0);
	return r ? r : posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
							     POSIX_SPAWN_SETPGROUP);
}

static int spawn_with(const char *const *argv, int out, int err, int extra, bool finish, pid_t *pid)
{
	posix_spawn_file_actions_t acts;
	posix_spawnattr_t attr;
	int r = posix_spawn_file_actions_init(&acts);
	if (r)
		return r;
	r = posix_spawnattr_init(&attr);
	if (r == 0) {
		r = prepare(&acts, &attr, out, err, extra, finish);
		if (r == 0) {
			char *const *words; /* exec's old promise: it does not change them */
			memcpy(&words, &argv, sizeof words);
			r = posix_spawn(pid, argv[0], &acts, &attr, words, environ);
		}
		(void)posix_spawnattr_destroy(&attr);
	}
	(void)posix_spawn_file_actions_destroy(&acts);
	return r;
}

int child_start(const char *const *argv, bool finish, int extra, struct child *ret, struct err *e)
{
	int out[2] = { -1, -1 }, err[2] = { -1, -1 };
	if (pipe2(out, O_CLOEXEC) != 0)
		return err_set(e, errno, "pipe for %s", argv[0]);
	autofd int out_r = out[0];
	autofd int out_w = out[1];
	if (pipe2(err, O_CLOEXEC) != 0)
		return err_set(e, errno, "pipe for %s", argv[0]);
	autofd int err_r = err[0];
	autofd int err_w = err[1];
	(void)fcntl(out_r, F_SETFL, O_NONBLOCK);
	(void)fcntl(err_r, F_SETFL, O_NONBLOCK);
	pid_t pid = 0;
	int r = spawn_with(argv, out_w, err_w, extra, finish, &pid);
	if (r)
		return err_set(e, r, "start %s", argv[0]);
	int pidfd = pidfd_open(pid, 0); /* cannot be another process: nobody has reaped it */
	if (pidfd < 0) {
		int saved = errno;
		(void)kill(pid, SIGKILL);
		return err_set(e, saved, "watch %s", argv[0]);
	}
	*ret = (struct child){ .pid = pid, .pidfd = pidfd, .out = take_fd(&out_r), .err = take_fd(&err_r) };
	return 0;
}

bool child_ended(struct child *c, int *status)
{
	siginfo_t info = { 0 };
	if (waitid(P_PIDFD, (id_t)c->pidfd, &info, WEXITED | WNOHANG) != 0) {
		if (errno != ECHILD)
			return false;
		*status = -1;
		return true;
	}
	if (info.si_pid == 0)
		return false;
	*status = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
	return true;
}

void child_signal(const struct child *c, int sig)
{
	if (c->pidfd >= 0)
		(void)pidfd_send_signal(c->pidfd, sig, NULL, 0);
}

/* The one child of a process, 0 when it has none or several. */
static pid_t only_child(pid_t pid)
{
	char path[64], children[64];
	int child = 0, more = 0;
	(void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
	return kfile_read(AT_FDCWD, path, children, sizeof children) > 0 && sscanf(children, "%d %d", &child, &more) == 1 ? child : 0;
}

void child_state(const struct child *c, char *out, size_t cap)
{
	char path[64], stat[512], wchan[64], shown[80];
	pid_t pid = c->pid;
	for (pid_t below; (below = only_child(pid)) > 0;)
		pid = below;
	(void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	char state = '?';
	if (kfile_read(AT_FDCWD, path, stat, sizeof stat) > 0) {
		const char *after = strrchr(stat, ')');
		state = after && after[1] == ' ' ? after[2] : '?';
	}
	(void)snprintf(path, sizeof path, "/proc/%d/wchan", (int)pid);
	bool waits = kfile_read(AT_FDCWD, path, wchan, sizeof wchan) > 0 && strcmp(wchan, "0") != 0;
	(void)snprintf(out, cap, "%d is in state %c%s%s", (int)pid, state, waits ? " in " : "",
		       waits ? text_escape(wchan, shown, sizeof shown) : "");
}

static void shut(int *fd)
{
	own_close(fd);
	*fd = -1;
}

void child_close_pipes(struct child *c)
{
	shut(&c->out);
	shut(&c->err);
}

void child_forget(struct child *c)
{
	child_close_pipes(c);
	shut(&c->pidfd);
	c->pid = 0;
}
