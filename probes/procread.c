/* One process, read from /proc; see procread.h. */
#include "probes/procread.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/base/clock.h"
#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "probes/base/paths.h"
#include "probes/statx.h"

/* proc(5): the fields of stat that follow the name, counted from 0 = state. */
enum { STAT_PPID = 1, STAT_SESSION = 3, STAT_TTY = 4, STAT_START = 19, STAT_RSS = 21, STAT_FIELDS = 22 };

int procstat_parse(const char *text, struct procstat *ret)
{
	const char *open = strchr(text, '('), *close = strrchr(text, ')');
	struct procstat st = { .pid = (pid_t)strtol(text, NULL, 10) };
	if (!open || !close || close < open || st.pid <= 0 || close[1] != ' ' || !close[2])
		return -EINVAL;
	(void)snprintf(st.comm, sizeof st.comm, "%.*s", (int)(close - open - 1), open + 1);
	st.state = close[2];
	int64_t field[STAT_FIELDS] = { 0 };
	const char *s = close + 3;
	for (int i = 1; i < STAT_FIELDS; i++) {
		char *end = NULL;
		field[i] = (int64_t)strtoll(s, &end, 10);
		if (end == s)
			return -EINVAL;
		s = end;
	}
	st.ppid = (pid_t)field[STAT_PPID];
	st.session = (pid_t)field[STAT_SESSION];
	st.tty = (int)field[STAT_TTY];
	st.start_ticks = (uint64_t)field[STAT_START];
	st.rss = field[STAT_RSS] > 0 ? (uint64_t)field[STAT_RSS] * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
	*ret = st;
	return 0;
}

bool procstat_is_older(const struct procstat *st, uint64_t boot_ns)
{
	long hz = sysconf(_SC_CLK_TCK);
	return hz > 0 && (st->start_ticks + 1) * (NS_PER_S / (uint64_t)hz) < boot_ns;
}

/* One read(2): the kernel makes the whole line at once, and ten thousand are read in a row. */
static int read_stat(int dirfd, const char *path, struct procstat *ret)
{
	char text[1024];
	autofd int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	return procstat_parse(text, ret);
}

int procstat_read(int proc, const char *pid, struct procstat *ret)
{
	char path[64];
	(void)snprintf(path, sizeof path, "%.40s/stat", pid);
	return read_stat(proc, path, ret);
}

/* The arguments as one line; a kernel thread or zombie has none. */
static const char *read_cmdline(int dir, struct arena *a)
{
	char text[2048];
	autofd int fd = openat(dir, "cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (n <= 0)
		return "";
	while (n > 0 && text[n - 1] == '\0')
		n--;
	for (ssize_t i = 0; i < n; i++)
		if (text[i] == '\0')
			text[i] = ' ';
	return arena_strndup(a, text, (size_t)n);
}

char *process_cgroups(int dir)
{
	char *text = NULL;
	return kfile_read_all(dir, "cgroup", &text) < 0 ? NULL : text;
}

/* The path of the line at *at, moved behind it; NULL at the end. */
static const char *next_cgroup(const char **at, size_t *len)
{
	while (*at && **at) {
		const char *line = *at, *end = strchrnul(line, '\n'), *path = memchr(line, ':', (size_t)(end - line));
		*at = *end ? end + 1 : end;
		path = path ? memchr(path + 1, ':', (size_t)(end - path - 1)) : NULL;
		if (!path)
			continue;
		*len = (size_t)(end - path - 1);
		return path + 1;
	}
	return NULL;
}

/* The first that names one of ours, else the first that is not the root. */
static const char *shown_cgroup(const char *text, struct arena *a)
{
	const char *best = "", *path;
	size_t n = 0, best_n = 0;
	while ((path = next_cgroup(&text, &n))) {
		if (memmem(path, n, "/rustbox-", 9))
			return arena_strndup(a, path, n);
		if (best_n <= 1)
			best = path, best_n = n;
	}
	return arena_strndup(a, best, best_n);
}

const char *process_cgroup_box(const char *text, const struct places *places, struct arena *a, bool *ret_known)
{
	const char *path;
	size_t n = 0;
	*ret_known = text && *text && !strstr(text, "/..");
	while (*ret_known && (path = next_cgroup(&text, &n))) {
		const char *at = places_within(places, path, n);
		if (at)
			return paths_box_of_name(arena_strndup(a, at, strcspn(at, "/\n")));
	}
	return NULL;
}

static const char *read_wchan(int dir, struct arena *a)
{
	char text[128];
	ssize_t n = kfile_read(dir, "wchan", text, sizeof text);
	return n > 0 && strcmp(text, "0") != 0 ? arena_strdup(a, text) : "";
}

void process_describe(int dir, const struct procstat *st, uid_t uid, const char *cgroups, struct arena *a,
		      struct process_facts *ret)
{
	process_describe_member(dir, st, uid, shown_cgroup(cgroups, a), namespace_at(dir, "pid"), a, ret);
}

void process_describe_member(int dir, const struct procstat *st, uid_t uid, const char *cgroup, uint64_t pid_ns,
			     struct arena *a, struct process_facts *ret)
{
	*ret = (struct process_facts){
		.pid = st->pid,
		.ppid = st->ppid,
		.uid = uid,
		.state = st->state,
		.start_ticks = st->start_ticks,
		.rss = st->rss,
		.mnt_ns = namespace_at(dir, "mnt"),
		.pid_ns = pid_ns,
		.comm = arena_strdup(a, st->comm),
		.cmdline = read_cmdline(dir, a),
		.cgroup = cgroup,
		.wchan = st->state == 'D' ? read_wchan(dir, a) : "", /* where it hangs; a sleeper's tells nothing */
	};
}

uint64_t process_born(uint64_t start_ticks)
{
	long hz = sysconf(_SC_CLK_TCK);
	if (hz <= 0)
		return 0;
	uint64_t boot = clock_wall_s() - clock_boot_ns() / NS_PER_S;
	return boot + start_ticks / (uint64_t)hz;
}

void caller_read(int proc, struct caller *ret)
{
	struct caller c = { 0 };
	struct procstat st = { 0 };
	char name[24] = "self";
	autofd int self = openat(proc, "self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (self >= 0) {
		c.mnt_ns = namespace_at(self, "mnt");
		c.pid_ns = namespace_at(self, "pid");
	}
	while (c.n < CALLER_DEPTH && procstat_read(proc, name, &st) == 0) {
		if (c.n == 0) {
			c.session = st.session;
			c.tty = st.tty;
		}
		c.line[c.n++] = st.pid;
		if (st.ppid <= 0)
			break;
		(void)snprintf(name, sizeof name, "%d", (int)st.ppid);
	}
	*ret = c;
}

bool caller_is(const struct caller *c, const struct procstat *st)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->line[i] == st->pid)
			return true;
	return c->tty && st->tty == c->tty && st->session == c->session;
}

static void take_program(struct our_programs *ours, const char *dir, const char *name)
{
	char path[4400];
	struct identity id;
	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	if (ours->n == OUR_PROGRAMS_MAX || identity_at(AT_FDCWD, path, 0, &id))
		return;
	ours->v[ours->n].major = id.major;
	ours->v[ours->n].minor = id.minor;
	ours->v[ours->n++].inode = id.inode;
}

void our_programs_read(struct our_programs *ret)
{
	static const char *const names[] = { "rustbox", "rustbox-ops", "rustbox-probe", "rustbox-tui" };
	struct our_programs ours = { 0 };
	char exe[4200];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
	exe[n > 0 ? n : 0] = '\0';
	char *slash = strrchr(exe, '/');
	if (slash)
		*slash = '\0';
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (slash)
			take_program(&ours, exe, names[i]);
		take_program(&ours, RUSTBOX_LIBEXECDIR, names[i]);
		take_program(&ours, RUSTBOX_LIBEXECDIR "/../../bin", names[i]);
	}
	*ret = ours;
}

bool our_programs_run_by(const struct our_programs *ours, int dir)
{
	struct identity id;
	if (ours->n == 0 || identity_at(dir, "exe", 0, &id))
		return false;
	for (size_t i = 0; i < ours->n; i++)
		if (ours->v[i].inode == id.inode && ours->v[i].major == id.major && ours->v[i].minor == id.minor)
			return true;
	return false;
}
