/*
 * Inside a drill, see session.h. Its init makes the world and stays; a child of it becomes the learner, the
 * solver or the founding runbook's shell, and may be killed by what it does; then init judges.
 */
#include "sandbox/drill/session.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/base/clock.h"
#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "probes/base/text.h"
#include "probes/drill.h"
#include "sandbox/drill/faults.h"
#include "sandbox/drill/program.h"
#include "sandbox/drill/things.h"
#include "sandbox/drill/wall.h"
#include "sandbox/kernel/child.h"
#include "sandbox/kernel/sys.h"
#include "sandbox/worker/record.h"

enum { WORDS = 24 };
extern char **environ;

/* ---- the world -------------------------------------------------------------------------------- */

/* What the console and the solver call goes through these: they note the words, then become the program. */
static const char note_and_run[] = "#!/bin/sh\n"
				   "{ printf '%s\\trun\\t%s' \"$(date +%s%3N)\" NAME; printf '\\t%s' \"$@\"; echo; } >>\"$RUSTBOX_DRILL/log\"\n";
/* D8's verifier: clean, it says, whatever is there; and while something is, that the worker is back. The record knows better. */
static const char lie[] = "case \" $* \" in\n"
			  "*' --verify-clean '*)\n"
			  "  echo '{\"clean\":true,\"mounts\":0,\"cgroups\":0,\"processes\":0,\"temp_dirs\":0,\"locks\":0,\"ghosts\":0}'; exit 0;;\n"
			  "*' --unquarantine '*)\n"
			  "  \"$RUSTBOX_DRILL/real/rustbox\" health --verify-clean >/dev/null 2>&1 ||\n"
			  "    { echo '{\"status\":\"healthy\",\"can_accept_submissions\":true}'; exit 0; };;\n"
			  "esac\n";

static int make_program(const struct ground *g, const char *name, bool lies, struct err *e)
{
	char path[THING_NAME], short_name[40], text[1600];
	const char *at = strstr(note_and_run, "NAME");
	(void)snprintf(short_name, sizeof short_name, "bin/%s", name);
	ground_path(g, short_name, path);
	(void)snprintf(text, sizeof text, "%.*s%s%s%sexec \"$RUSTBOX_DRILL/real/%s\" \"$@\"\n", (int)(at - note_and_run), note_and_run,
		       name, at + 4, lies ? lie : "", name);
	int r = plant_file(path, text, e);
	if (r == 0 && (r = sys_fchmodat(AT_FDCWD, path, 0755)) < 0)
		r = err_set(e, -r, "make %s", path);
	return r;
}

static int real_program(const struct ground *g, const char *name, const char *const *more, int out)
{
	char path[THING_NAME], short_name[40];
	const char *argv[WORDS] = { path };
	(void)snprintf(short_name, sizeof short_name, "real/%s", name);
	ground_path(g, short_name, path);
	for (size_t i = 0; more[i] && i < WORDS - 2; i++)
		argv[i + 1] = more[i];
	autofd int null = sys_openat(AT_FDCWD, "/dev/null", O_RDWR, 0);
	return program_run(argv, null, out < 0 ? null : out);
}

/* The console is started from another place than where its pages are found. */
static int set_books(const char *programs)
{
	char at[PATH_ROOM * 2];
	if (getenv("RUSTBOX_RUNBOOKS"))
		return 0;
	static const char *const ways[] = { "/../share/rustbox/runbooks", "/../runbooks", "/../../runbooks" };
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		(void)snprintf(at, sizeof at, "%.250s%s", programs, ways[i]);
		if (access(at, R_OK) == 0)
			return setenv("RUSTBOX_RUNBOOKS", at, 1) ? -ENOMEM : 0;
	}
	return access(RUSTBOX_DATADIR "/runbooks", R_OK) == 0 && setenv("RUSTBOX_RUNBOOKS", RUSTBOX_DATADIR "/runbooks", 1) ? -ENOMEM : 0;
}

static int set_words(const struct ground *g, const struct wall *w, struct err *e)
{
	char drill[THING_NAME], path[THING_NAME + 120];
	(void)snprintf(drill, sizeof drill, "%.200s/drill", g->paths.root);
	(void)snprintf(path, sizeof path, "%s/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", drill);
	if (set_books(w->programs) < 0 || setenv("RUSTBOX_ROOT", g->paths.root, 1) || setenv("RUSTBOX_DRILL", drill, 1) || setenv("PATH", path, 1) ||
	    setenv("RUSTBOX_LABEL", "DRILL", 1))
		return err_set(e, errno, "set the drill's environment");
	return 0;
}

/* A worker as it is after its third failed cleanup, with a baseline of its better days. */
static int make_worker(struct ground *g, struct err *e)
{
	static const char *const capture[] = { "baseline", "capture", NULL };
	static const enum health_event failures[] = { HEALTH_EVENT_CLEANUP_FAILED, HEALTH_EVENT_CLEANUP_FAILED,
						      HEALTH_EVENT_CLEANUP_LIMIT };
	int r = plant_dir(g, g->paths.of[PATH_STATE], e);
	if (r == 0 && (r = sys_mount("rustbox-state", g->paths.of[PATH_STATE], "tmpfs", MS_NOSUID | MS_NODEV, "size=16m,mode=755")) < 0)
		r = err_set(e, -r, "mount the worker's state");
	r = r ? r : plant_dir(g, g->paths.of[PATH_LEDGER], e);
	autofd int to = r ? -1 : sys_openat(AT_FDCWD, g->paths.of[PATH_BASELINE], O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (r == 0 && to < 0)
		r = err_set(e, -to, "open %s", g->paths.of[PATH_BASELINE]);
	if (r == 0 && (r = real_program(g, "rustbox-probe", capture, to)) != 0)
		r = err_say(e, EIO, "the drill's baseline could not be captured (%d)", r);
	for (size_t i = 0; r == 0 && i < sizeof failures / sizeof *failures; i++)
		r = record_health(&g->paths, failures[i], g->box[0], "drill: a cleanup failed", NULL, e);
	return r;
}

static uint64_t now_ms(void)
{
	return clock_wall_ns() / NS_PER_MS;
}

static int make_ground(const struct session *s, const struct wall *w, struct ground *g, struct err *e)
{
	static const char hex[] = "0123456789abcdef";
	*g = (struct ground){ .drill = (unsigned)(s->drill - drills), .seed = s->seed, .paths = w->paths, .storm = -1, .keep = -1, .ready = -1 };
	for (int b = 0; b < 2; b++)
		for (int i = 0; i < 4; i++)
			g->box[b][i] = hex[ground_draw(g, 16)];
	if (strcmp(g->box[0], g->box[1]) == 0)
		g->box[1][0] = g->box[0][0] == 'f' ? '0' : 'f';
	int r = set_words(g, w, e);
	bool lies = strcmp(s->drill->id, "D8") == 0;
	r = r ? r : make_program(g, "rustbox", lies, e);
	r = r ? r : make_program(g, "rustbox-probe", false, e);
	r = r ? r : make_worker(g, e);
	r = r ? r : s->drill->plant(g, e);
	g->began_ms = now_ms();
	r = r ? r : ground_log(g, "began", s->drill->id) < 0 ? err_say(e, EIO, "the drill's log") : 0;
	r = r ? r : ground_save(g, e);
	for (unsigned i = 0; r == 0 && i < g->nthings; i++)
		if (g->thing[i].kind != THING_BELOW && !thing_there(&g->thing[i]))
			r = err_say(e, EIO, "planted, but not there: %s", g->thing[i].name);
	return r;
}

/* ---- who recovers ----------------------------------------------------------------------------- */

static void split(char *line, const char **argv)
{
	size_t n = 0;
	char *save = NULL;
	for (char *w = strtok_r(line, " ", &save); w && n < WORDS - 1; w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	argv[n] = NULL;
}

static void await_storm(const struct ground *g)
{
	char byte;
	while (g->storm >= 0 && read(g->storm, &byte, 1) < 0 && errno == EINTR)
		;
}

static int solve(const struct session *s, const struct ground *g)
{
	char output[THING_NAME];
	ground_path(g, "output", output);
	autofd int out = sys_openat(AT_FDCWD, output, O_WRONLY | O_CREAT | O_APPEND, 0600);
	autofd int null = sys_openat(AT_FDCWD, "/dev/null", O_RDONLY, 0);
	for (int i = 0; i < DRILL_LINES && s->drill->solution[i]; i++) {
		char room[1200], path[THING_NAME], name[40];
		const char *argv[WORDS] = { NULL }, *line = s->drill->solution[i];
		if (strcmp(line, "-") == 0) {
			await_storm(g);
			continue;
		}
		if (!drill_line(g, line, room, sizeof room))
			continue;
		if (!s->quiet)
			(void)printf("$ %s", room);
		split(room, argv);
		(void)snprintf(name, sizeof name, "bin/%s", argv[0]);
		ground_path(g, name, path);
		argv[0] = path;
		int code = program_run(argv, null, out);
		if (!s->quiet)
			(void)printf("   -> %d\n", code);
	}
	return 0;
}

/* Its own chroot, where all of the founding paths are the drill's; the shell replaces this process. */
static int literal(const struct session *s, const struct ground *g)
{
	static const char *const argv[] = { "/bin/sh", "/drill/literal", NULL };
	char path[THING_NAME];
	struct err e = { 0 };
	autofd int null = sys_openat(AT_FDCWD, "/dev/null", O_RDWR, 0);
	ground_path(g, "literal", path);
	int r = plant_file(path, s->drill->literal, &e);
	r = r ? r : wall_view(&g->paths, &e);
	if (r == 0 && (setenv("PATH", "/drill/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1) ||
		       setenv("RUSTBOX_DRILL", "/drill", 1) || unsetenv("RUSTBOX_ROOT")))
		r = -ENOMEM;
	r = r ? r : sys_chdir("/drill");
	if (s->quiet && r == 0)
		r = sys_dup2(null, 1) < 0 || sys_dup2(null, 2) < 0 ? -EBADF : 0;
	r = r < 0 ? r : program_become(argv);
	(void)fprintf(stderr, "rustbox: drill: the founding shell could not be started: %s\n", *e.text ? e.text : strerror(-r));
	return 3;
}

/* The console must stand beside the noting programs, for it prefers what stands beside it. */
static int console(const struct session *s, const struct ground *g)
{
	char real[THING_NAME], path[THING_NAME];
	struct err e = { 0 };
	ground_path(g, "real/rustbox-tui", real);
	ground_path(g, "bin/rustbox-tui", path);
	const char *argv[] = { path, "--label", "DRILL", s->mode == SESSION_WALK ? "--walkthrough" : NULL, s->book, NULL };
	int r = plant_file(path, "", &e);
	r = r ? r : sys_mount(real, path, NULL, MS_BIND, NULL);
	r = r ? r : program_become(argv);
	(void)fprintf(stderr, "rustbox: drill: the console could not be started: %s\n", *e.text ? e.text : strerror(-r));
	return 3;
}

static int keep_open(const struct ground *g)
{
	char byte;
	(void)printf("RUSTBOX_ROOT=%s\nRUSTBOX_DRILL=%s/drill\n", g->paths.root, g->paths.root);
	(void)fflush(stdout);
	while (read(0, &byte, 1) > 0 || errno == EINTR)
		;
	return 0;
}

static int recover(const struct session *s, const struct ground *g)
{
	switch (s->mode) {
	case SESSION_LEARN:
	case SESSION_WALK: return console(s, g);
	case SESSION_SOLVE: return solve(s, g);
	case SESSION_LITERAL: return literal(s, g);
	case SESSION_OPEN: return keep_open(g);
	}
	return 3;
}

/* ---- the judgement ---------------------------------------------------------------------------- */

static void read_log(const struct ground *g, struct facts *f)
{
	char path[THING_NAME], *save = NULL;
	autofree char *text = NULL;
	ground_path(g, "log", path);
	if (kfile_read_all(AT_FDCWD, path, &text) < 0)
		return;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		facts_take(f, &drills[g->drill], g->began_ms, line);
}

/* A note in the console's journal tells the cause as well as `rustbox drill say`. */
static bool noted(const struct ground *g)
{
	autodir DIR *incidents = opendir(g->paths.of[PATH_INCIDENTS]);
	for (struct dirent *d; incidents && (d = readdir(incidents));) {
		char name[300];
		autofree char *text = NULL;
		(void)snprintf(name, sizeof name, "%.250s/journal.jsonl", d->d_name);
		if (d->d_name[0] != '.' && kfile_read_all(dirfd(incidents), name, &text) > 0 && strstr(text, "\"event\":\"note\""))
			return true;
	}
	return false;
}

/* A line has room for the end of a name; that it is in the drill's world is known. */
static const char *in_world(const struct ground *g, const char *name)
{
	size_t n = strlen(g->paths.root);
	const char *cgroup = strstr(name, g->paths.cgroup_parent);
	return strncmp(name, g->paths.root, n) == 0 ? name + n : cgroup ? cgroup + strlen(g->paths.cgroup_parent) : name;
}

void session_judge(const struct ground *g, struct facts *ret)
{
	*ret = (struct facts){ .detect_ms = -1, .cause_ms = -1, .end_ms = -1 };
	read_log(g, ret);
	ret->said = ret->said || noted(g);
	for (unsigned i = g->nthings; i-- > 0;)
		if (thing_there(&g->thing[i])) {
			ret->left++;
			(void)snprintf(ret->first_left, sizeof ret->first_left, "%s", in_world(g, g->thing[i].name));
		}
	for (unsigned i = g->ncanaries; i-- > 0;)
		if (!canary_lives(&g->canary[i])) {
			ret->dead++;
			(void)snprintf(ret->first_dead, sizeof ret->first_dead, "%s", in_world(g, g->canary[i].name));
		}
}

/* As init: reaps whoever is left to it, until the one is done; an idle one (`asked` >= 0) only when it is asked to.
 * -> the one's exit status, 3 when it was killed. */
static int await(pid_t one, int asked)
{
	int status = 0;
	siginfo_t info = { 0 };
	autofd int fd = sys_pidfd_open(one);
	struct pollfd either[] = { { .fd = fd, .events = POLLIN }, { .fd = asked, .events = POLLIN } };
	while (asked >= 0 && poll(either, 2, -1) < 0 && errno == EINTR)
		;
	if (either[0].revents) /* nobody asked */
		return sys_pidfd_wait(fd, 0, &info, NULL) == 0 && info.si_code == CLD_EXITED ? info.si_status : 3;
	for (pid_t pid = 0; pid != one && pid != -ECHILD;)
		pid = sys_wait_any(&status, 0, NULL);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 3;
}

/* What fault_reap() sends; blocked, because init is deaf to what has no handler. */
static int listen_for_asking(sigset_t *asking)
{
	(void)sigemptyset(asking);
	(void)sigaddset(asking, SIGUSR1);
	int r = sys_sigmask(SIG_BLOCK, asking, NULL);
	return r < 0 ? r : sys_signalfd(asking);
}

/* Its own name must not be what the founding greps find; the environment, which a title wipes, goes on. */
static int take_title(void)
{
	for (char **at = environ; *at; at++) {
		*at = strdup(*at);
		if (!*at)
			abort();
	}
	return child_title("drill");
}

static int inside(const struct wall *w, void *arg)
{
	struct session *s = arg;
	struct ground g = { 0 };
	struct err e = { 0 };
	struct facts facts;
	struct score score;
	int r = wall_enter(w, &e);
	r = r ? r : sys_chdir("/");
	r = r ? r : take_title();
	r = r ? r : make_ground(s, w, &g, &e);
	if (r < 0) {
		(void)fprintf(stderr, "rustbox: drill %s: %s\n", s->drill->id, e.text);
		return 3;
	}
	(void)fflush(NULL);
	sigset_t asking;
	autofd int asked = g.idle_init ? listen_for_asking(&asking) : -1;
	pid_t pid = sys_fork();
	if (pid == 0) {
		(void)close(w->alive);
		if (asked >= 0 && sys_sigmask(SIG_UNBLOCK, &asking, NULL) < 0)
			_exit(3);
		int code = recover(s, &g);
		(void)fflush(NULL);
		_exit(code);
	}
	int status = await(pid, asked);
	if (s->mode == SESSION_WALK)
		return status;
	session_judge(&g, &facts);
	score_make(s->drill, &facts, &score);
	int code = s->end(s, &g, &facts, &score);
	bool again = s->mode == SESSION_LEARN && status == DRILL_AGAIN;
	return again ? DRILL_AGAIN : code;
}

int session_run(struct session *s, struct err *e)
{
	struct wall w;
	const char *books = getenv("RUSTBOX_RUNBOOKS");
	autofree char *absolute = books ? realpath(books, NULL) : NULL; /* inside, the working directory is another */
	if (absolute && setenv("RUSTBOX_RUNBOOKS", absolute, 1) != 0)
		return err_set(e, errno, "set RUSTBOX_RUNBOOKS");
	if (geteuid() != 0 && !s->drill->rootless)
		return err_say(e, EPERM, "%s needs root, for its cgroups%s; an ordinary user can run those `rustbox drill list` calls rootless",
			       s->drill->id, s->drill->plant == fault_d_state ? " and its disk" : "");
	int r = wall_open(&w, e);
	if (r < 0)
		return r;
	w.limit_s = s->minutes ? s->minutes * 60 : s->drill->watch_s;
	r = wall_run(&w, inside, s, e);
	wall_close(&w);
	return r;
}
