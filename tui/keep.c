/* The keeper, and who attaches to what it kept; see keep.h. */
#include "tui/keep.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "probes/base/own.h"
#include "tui/child.h"
#include "tui/lines.h"

enum { LINE = 4 * 1024 * 1024, MODE = 0640, MODE_DIR = 0750 };

static void path_of(const struct paths *paths, const char *incident, char *out, size_t cap)
{
	(void)snprintf(out, cap, "%s/steps/%.60s", paths->of[PATH_RUN], incident);
}

int keep_open(const struct paths *paths, const char *incident, struct err *e)
{
	char path[PATH_ROOM + 80];
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	(void)snprintf(path, sizeof path, "%s/steps", paths->of[PATH_RUN]);
	if (mkdir(path, MODE_DIR) != 0 && errno != EEXIST)
		return err_set(e, errno, "make %s", path);
	path_of(paths, incident, path, sizeof path);
	autofd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, MODE);
	if (fd < 0 || fcntl(fd, F_OFD_SETLK, &lock) != 0)
		return err_set(e, errno, "make %s", path);
	return take_fd(&fd);
}

void keep_forget(const struct paths *paths, const char *incident)
{
	char path[PATH_ROOM + 80];
	path_of(paths, incident, path, sizeof path);
	(void)!unlink(path); /* a keeper that still lives writes on where nobody looks */
}

static bool is_held(int fd)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

bool keep_runs(const struct paths *paths, const char *incident)
{
	char path[PATH_ROOM + 80];
	path_of(paths, incident, path, sizeof path);
	autofd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	return fd >= 0 && is_held(fd);
}

/* ---- the keeper --------------------------------------------------------------------------------- */

struct said {
	char kind; /* 'o' or 'e' */
	int to;	   /* the console's end of the pipe */
};

/* First where it lasts. Neither a full RUN nor a console that is gone stops the command. */
static void pass_on(void *ctx, char *line, size_t len, bool whole)
{
	const struct said *s = ctx;
	char kind[] = { s->kind, ' ' };
	struct iovec iov[] = { { kind, sizeof kind }, { line, len }, { (char[]){ '\n' }, 1 } };
	(void)whole;
	(void)!writev(KEEP_FD, iov, 3);
	(void)!writev(s->to, iov + 1, 2);
}

/* All that is there now; its descriptor is -1 when nothing more can come. */
static void drain(struct lines *l, int *fd, struct said said)
{
	enum lines_state state = LINES_MORE;
	while (*fd >= 0 && state == LINES_MORE)
		state = lines_read(l, *fd, pass_on, &said);
	if (state == LINES_END) {
		own_close(fd);
		*fd = -1;
	}
}

static void forward(const struct child *c, int signals)
{
	struct signalfd_siginfo info;
	while (read(signals, &info, sizeof info) == (ssize_t)sizeof info)
		if (info.ssi_signo != SIGHUP) /* the terminal's end is not the command's */
			child_signal(c, info.ssi_signo == SIGQUIT ? SIGKILL : (int)info.ssi_signo);
}

/* Until it has ended and all it said is passed on; a grandchild that keeps a pipe open is not waited for. */
static int keep_until_end(struct child *c, int signals)
{
	struct lines out = { .max = LINE }, err = { .max = LINE };
	int status = -1;
	for (bool ended = false; !ended;) {
		struct pollfd p[] = { { .fd = c->out, .events = POLLIN }, { .fd = c->err, .events = POLLIN },
				      { .fd = c->pidfd, .events = POLLIN }, { .fd = signals, .events = POLLIN } };
		(void)poll(p, sizeof p / sizeof *p, -1);
		forward(c, signals);
		ended = child_ended(c, &status); /* asked before what it said last is read */
		drain(&out, &c->out, (struct said){ 'o', STDOUT_FILENO });
		drain(&err, &c->err, (struct said){ 'e', STDERR_FILENO });
	}
	lines_end(&out, pass_on, &(struct said){ 'o', STDOUT_FILENO });
	lines_end(&err, pass_on, &(struct said){ 'e', STDERR_FILENO });
	lines_done(&out);
	lines_done(&err);
	return status;
}

int keep_command(char **argv)
{
	static const int forwarded[] = { SIGINT, SIGTERM, SIGQUIT, SIGHUP };
	struct child c = CHILD_NONE;
	struct err e = { 0 };
	sigset_t set;
	(void)sigemptyset(&set);
	for (size_t i = 0; i < sizeof forwarded / sizeof *forwarded; i++)
		(void)sigaddset(&set, forwarded[i]);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)fcntl(KEEP_FD, F_SETFD, FD_CLOEXEC); /* the lock is the keeper's, not the command's */
	autofd int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	int status = KEEP_NEVER;
	if (child_start((const char *const *)argv, true, -1, &c, &e) == 0)
		status = keep_until_end(&c, signals);
	else
		pass_on(&(struct said){ 'e', STDERR_FILENO }, e.text, strlen(e.text), true);
	child_forget(&c);
	(void)dprintf(KEEP_FD, "x %d\n", status < 0 ? KEEP_UNKNOWN : status);
	return status < 0 ? KEEP_UNKNOWN : status;
}

/* ---- who comes later ---------------------------------------------------------------------------- */

static void repeat(void *ctx, char *line, size_t len, bool whole)
{
	int *status = ctx;
	(void)whole;
	(void)len;
	if (line[0] == 'x' && line[1] == ' ')
		*status = atoi(line + 2);
	else if ((line[0] == 'o' || line[0] == 'e') && line[1] == ' ')
		(void)fprintf(line[0] == 'o' ? stdout : stderr, "%s\n", line + 2);
}

int keep_attach(const struct paths *paths, const char *incident)
{
	char path[PATH_ROOM + 80], bytes[16384];
	struct lines l = { .max = LINE + 2 };
	int status = -1;
	path_of(paths, incident, path, sizeof path);
	autofd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	autofd int changes = inotify_init1(IN_CLOEXEC);
	if (fd < 0 || changes < 0 || inotify_add_watch(changes, path, IN_MODIFY | IN_CLOSE_WRITE) < 0) {
		(void)fprintf(stderr, "it was never started: its console died first, and nothing of it is in %s\n", path);
		return KEEP_NEVER;
	}
	for (bool held = true; held && status < 0;) {
		held = is_held(fd); /* asked before what was written last is read */
		for (ssize_t n; (n = read(fd, bytes, sizeof bytes)) > 0;)
			lines_add(&l, bytes, (size_t)n, repeat, &status); /* whole ones only: it is being written */
		(void)fflush(stdout);
		if (held && status < 0)
			(void)!read(changes, bytes, sizeof bytes); /* a keeper's end closes the file: that wakes us, too */
	}
	lines_done(&l);
	if (status < 0)
		(void)fprintf(stderr, "its keeper was killed: how it ended is not known, what came of it is what is seen now\n");
	return status < 0 ? KEEP_UNKNOWN : status;
}
