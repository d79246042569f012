/*
 * What happened in a scene: one line a thing with its time, appended by the driver and by the stand-ins for the
 * programs that the console starts; at the end, a key script. See shoot.c.
 */
#include "tests/screenshots/shoot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/harness/pty.h"

static const char list[] = SHOOT_BIN "/happened";

static int shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static int shell(const char *fmt, ...)
{
	char command[PATH_MAX * 3];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(command, sizeof command, fmt, ap);
	va_end(ap);
	return system(command);
}

int shoot_prepare(void)
{
	char console[PATH_MAX], real[PATH_MAX], here[PATH_MAX];
	pty_program("rustbox-tui", console, sizeof console);
	pty_program("", real, sizeof real);
	if (!getcwd(here, sizeof here) || setenv("SHOOT_REAL", real, 1) != 0)
		return -1;
	return shell("rm -rf --one-file-system %s && mkdir -m 755 %s && cd %s && cp '%s' rustbox-tui && "
		     "cp /proc/%d/exe rustbox && cp rustbox rustbox-probe && cp -r '%s/runbooks' runbooks && : >happened",
		     SHOOT_BIN, SHOOT_BIN, SHOOT_BIN, console, (int)getpid(), here) == 0 ? 0 : -1;
}

static void note(const char *text, size_t n)
{
	struct timespec mono, wall;
	char *line = NULL;
	int fd = open(list, O_WRONLY | O_APPEND | O_CLOEXEC);
	(void)clock_gettime(CLOCK_MONOTONIC, &mono);
	(void)clock_gettime(CLOCK_REALTIME, &wall);
	int len = asprintf(&line, "%lld %lld %.*s\n", (long long)mono.tv_sec * 1000 + mono.tv_nsec / 1000000, (long long)wall.tv_sec,
			   (int)n, text);
	if (fd < 0 || len < 0 || write(fd, line, (size_t)len) != len) /* one write: lines of two writers do not mix */
		perror(list);
	if (fd >= 0)
		(void)close(fd);
	free(line);
}

void shoot_note(const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	note(text, (size_t)n);
}

/* ---- the stand-in ----------------------------------------------------------------------------------- */

static pid_t signal_child;

static void pass_on(int sig)
{
	if (signal_child > 0)
		(void)kill(signal_child, sig);
}

struct lines {
	int from, to;
	const char *word;
	char *text;
	size_t n, cap;
};

/* False at the end of the stream. Whole lines are written down before they are passed on. */
static bool pump(struct lines *l)
{
	char buf[65536];
	ssize_t got = read(l->from, buf, sizeof buf);
	if (got < 0)
		return errno == EINTR;
	if (got == 0)
		return false;
	for (ssize_t i = 0; i < got; i++) {
		if (l->n + 2 > l->cap)
			l->text = realloc(l->text, l->cap = (l->cap + 256) * 2);
		if (buf[i] != '\n') {
			l->text[l->n++] = buf[i];
			continue;
		}
		char *line = NULL;
		int len = asprintf(&line, "%s %.*s", l->word, (int)l->n, l->text ? l->text : "");
		note(line, (size_t)len);
		free(line);
		l->n = 0;
	}
	return write(l->to, buf, (size_t)got) == got;
}

static int between(pid_t pid, struct lines *out, struct lines *err)
{
	struct pollfd fds[2] = { { .fd = out->from, .events = POLLIN }, { .fd = err->from, .events = POLLIN } };
	int status = 0;
	while (fds[0].fd >= 0 || fds[1].fd >= 0) {
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[0].revents && !pump(out))
			fds[0].fd = -1;
		if (fds[1].revents && !pump(err))
			fds[1].fd = -1;
		if (fds[0].fd < 0 && strcmp(out->word, "feed") == 0)
			break;
	}
	if (fds[0].fd < 0 && strcmp(out->word, "feed") == 0)
		(void)kill(pid, SIGTERM); /* the console has closed its end of the watch stream */
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int shoot_record(const char *me, char **argv)
{
	char real[PATH_MAX];
	int out[2], err[2];
	(void)snprintf(real, sizeof real, "%s/%s", getenv("SHOOT_REAL"), me);
	if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0)
		return 127;
	(void)signal(SIGINT, pass_on);
	(void)signal(SIGTERM, pass_on);
	(void)signal(SIGPIPE, SIG_IGN);
	signal_child = fork();
	if (signal_child == 0) {
		(void)dup2(out[1], STDOUT_FILENO);
		(void)dup2(err[1], STDERR_FILENO);
		(void)signal(SIGINT, SIG_DFL);
		(void)signal(SIGTERM, SIG_DFL);
		(void)signal(SIGPIPE, SIG_DFL);
		(void)execv(real, argv);
		_exit(127);
	}
	(void)close(out[1]);
	(void)close(err[1]);
	bool watch = argv[1] && strcmp(argv[1], "watch") == 0;
	int code = between(signal_child, &(struct lines){ .from = out[0], .to = STDOUT_FILENO, .word = watch ? "feed" : "out" },
			   &(struct lines){ .from = err[0], .to = STDERR_FILENO, .word = "err" });
	if (!watch)
		shoot_note("exit %d", code);
	return code;
}

/* ---- the key script --------------------------------------------------------------------------------- */

int shoot_script(const char *scene, const char *path)
{
	struct stat nothing;
	if (stat(list, &nothing) == 0 && nothing.st_size == 0)
		return 0; /* the scene had no console */
	FILE *in = fopen(list, "re"), *out = fopen(path, "we");
	char *line = NULL;
	size_t cap = 0;
	long long ms, wall, last = 0;
	int at = 0;
	if (!in || !out)
		return -1;
	fprintf(out, "# Recorded by `make screenshots` from %s: what the console was told, and when.\n", scene);
	while (getline(&line, &cap, in) > 0) {
		if (sscanf(line, "%lld %lld %n", &ms, &wall, &at) != 2)
			continue;
		if (!last)
			fprintf(out, "clock %lld\n", wall);
		else if (ms > last)
			fprintf(out, "wait %lld\n", ms - last);
		fputs(line + at, out);
		last = ms;
	}
	free(line);
	(void)fclose(in);
	return fclose(out) == 0 ? 0 : -1;
}
