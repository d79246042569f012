/*
 * rustbox capture PROCESS_ID: what can be known of a process, on disk, before anybody ends it.
 *
 * Everything is read through one descriptor of /proc/PID, opened before the start time is compared: from then on
 * it is this process or nothing, whatever its number is given to later. A directory with another name is filled
 * and renamed when it is whole, so that a capture is there completely or not at all. Memory is not copied, and
 * the process is neither stopped nor told.
 */
#include <dirent.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "probes/base/clock.h"
#include "probes/base/json.h"
#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "probes/base/sha256.h"
#include "probes/base/text.h"
#include "probes/procread.h"
#include "sandbox/kernel/sys.h"
#include "sandbox/ops/ops.h"
#include "sandbox/worker/status.h"

enum { EXE_MOST = 256 << 20, LINKS_ROOM = 256 * 1024 };

/* What is kept, and whether a capture without it is one. A kernel thread has no exe; stack needs root. */
static const struct {
	const char *name;
	bool needed;
} files[] = {
	{ "status", true },   { "stat", true },	     { "cgroup", true },    { "cmdline", true }, { "maps", false },
	{ "environ", false }, { "mountinfo", false }, { "limits", false },  { "stack", false },	 { "wchan", false },
	{ "syscall", false }, { "net/tcp", false },   { "net/tcp6", false }, { "net/unix", false },
};
static const char *const folders[] = { "ns", "fd", "task" };
static const char *const links[] = { "exe", "cwd", "root" };

struct capture {
	int proc, to; /* /proc/PID, and the directory being filled */
	json_t *sums; /* name: SHA-256 */
	json_t *missed; /* name: why */
	bool gap; /* something needed is missing */
};

static void missed(struct capture *c, const char *name, int code, bool needed)
{
	json_object_set_new(c->missed, name, json_string(err_name(code)));
	c->gap = c->gap || needed;
}

static int keep(struct capture *c, const char *name, const char *bytes, size_t n)
{
	char flat[64], sum[65];
	(void)snprintf(flat, sizeof flat, "%s", name);
	for (char *s = flat; *s; s++)
		*s = *s == '/' ? '-' : *s;
	autofd int fd = sys_openat(c->to, flat, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0640);
	int r = fd < 0 ? fd : sys_write_all(fd, bytes, n);
	r = r < 0 ? r : sys_fsync(fd);
	if (r < 0)
		return r;
	sha256_hex(bytes, n, sum);
	json_object_set_new(c->sums, flat, json_string(sum));
	return 0;
}

static int keep_file(struct capture *c, const char *name, bool needed)
{
	autofree char *text = NULL;
	ssize_t n = kfile_read_all(c->proc, name, &text);
	if (n < 0) {
		missed(c, name, (int)-n, needed);
		return 0;
	}
	return keep(c, name, text, (size_t)n);
}

static void add_link(struct text *t, int dir, const char *name)
{
	char to[4096];
	ssize_t n = readlinkat(dir, name, to, sizeof to - 1);
	to[n > 0 ? n : 0] = '\0';
	text_add_escaped(t, name);
	text_add(t, " -> ");
	text_add_escaped(t, n > 0 ? to : strerror(errno));
	text_add(t, "\n");
}

static int keep_folder(struct capture *c, const char *name)
{
	autofree char *room = malloc(LINKS_ROOM);
	if (!room)
		abort();
	struct text t = { .buf = room, .cap = LINKS_ROOM };
	room[0] = '\0';
	int fd = openat(c->proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autodir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		missed(c, name, errno, false);
		return 0;
	}
	for (struct dirent *d; (d = readdir(dir));)
		if (d->d_name[0] != '.')
			add_link(&t, dirfd(dir), d->d_name);
	return keep(c, name, room, t.len);
}

static int keep_links(struct capture *c)
{
	char room[16384] = "";
	struct text t = TEXT_ON(room);
	for (size_t i = 0; i < sizeof links / sizeof *links; i++)
		add_link(&t, c->proc, links[i]);
	return keep(c, "links", room, t.len);
}

/* The program itself by its sum: the file may be deleted already, /proc still reads it. */
static int keep_exe(struct capture *c)
{
	char sum[65], line[80];
	struct stat st;
	autofd int fd = openat(c->proc, "exe", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0 || st.st_size > EXE_MOST) {
		missed(c, "exe", fd < 0 ? errno : EFBIG, false);
		return 0;
	}
	autofree char *bytes = NULL;
	ssize_t n = kfile_read_fd(fd, &bytes);
	if (n < 0) {
		missed(c, "exe", (int)-n, false);
		return 0;
	}
	sha256_hex(bytes, (size_t)n, sum);
	int len = snprintf(line, sizeof line, "%s  exe\n", sum);
	return keep(c, "exe.sha256", line, (size_t)len);
}

static int keep_all(struct capture *c)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < sizeof files / sizeof *files; i++)
		r = keep_file(c, files[i].name, files[i].needed);
	for (size_t i = 0; r == 0 && i < sizeof folders / sizeof *folders; i++)
		r = keep_folder(c, folders[i]);
	r = r ? r : keep_links(c);
	return r ? r : keep_exe(c);
}

static int keep_index(struct capture *c, const char *id)
{
	char at[24];
	clock_rfc3339(clock_wall_s(), at, sizeof at);
	autojson json_t *j = json_pack("{s:i,s:s,s:s,s:O,s:O}", "schema", 1, "at", at, "process", id, "sha256", c->sums, "missed",
				       c->missed);
	autofree char *text = json_dumps(j, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	return text ? keep(c, "capture.json", text, strlen(text)) : -ENOMEM;
}

/* /proc/PID of exactly this process, or -ESRCH. */
static int open_process(const char *id, struct procstat *st, struct err *e)
{
	char pid[16], dir[32];
	unsigned long long ticks = 0;
	int number = 0, end = 0;
	if (sscanf(id, "%10d:%20llu%n", &number, &ticks, &end) != 2 || id[end] || number <= 0)
		return err_say(e, EINVAL, "'%.40s' is no process identity: PID:START, as `rustbox-probe snapshot` prints", id);
	(void)snprintf(pid, sizeof pid, "%d", number);
	(void)snprintf(dir, sizeof dir, "/proc/%d", number);
	int proc = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		return err_say(e, ESRCH, "process %.40s is gone", id);
	autofd int held = proc;
	autofree char *text = NULL;
	if (kfile_read_all(proc, "stat", &text) < 0 || procstat_parse(text, st) != 0)
		return err_say(e, ESRCH, "process %.40s is gone", id);
	if (st->start_ticks != ticks)
		return err_say(e, ESRCH, "process %.40s is gone; its number belongs to another now, which was left alone", id);
	return take_fd(&held);
}

static int open_target(const struct paths *p, char *partial, size_t cap, const char *name, int *incidents, struct err *e)
{
	int r = status_directory(p, e);
	if (r < 0)
		return r;
	r = sys_mkdirat(AT_FDCWD, p->of[PATH_INCIDENTS], 0750);
	if (r < 0 && r != -EEXIST)
		return err_set(e, -r, "make %s", p->of[PATH_INCIDENTS]);
	autofd int dir = sys_openat(AT_FDCWD, p->of[PATH_INCIDENTS], O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (dir < 0)
		return err_set(e, -dir, "open %s", p->of[PATH_INCIDENTS]);
	(void)snprintf(partial, cap, ".partial-%s", name);
	r = sys_mkdirat(dir, partial, 0750);
	int to = r < 0 ? r : sys_openat(dir, partial, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (to < 0)
		return err_set(e, -to, "make a directory in %s", p->of[PATH_INCIDENTS]);
	*incidents = take_fd(&dir);
	return to;
}

static void discard(int incidents, const char *partial, json_t *sums)
{
	const char *name;
	json_t *ignored;
	char path[160];
	json_object_foreach(sums, name, ignored) {
		(void)snprintf(path, sizeof path, "%s/%s", partial, name);
		(void)!sys_unlinkat(incidents, path, 0);
	}
	(void)!sys_unlinkat(incidents, partial, AT_REMOVEDIR);
}

static int capture(const struct paths *p, const char *id, char *path, size_t cap, struct capture *c, struct procstat *st,
		   struct err *e)
{
	char name[80], partial[100];
	autofd int incidents = -1;
	autofd int proc = open_process(id, st, e);
	if (proc < 0)
		return proc;
	(void)snprintf(name, sizeof name, "capture-%llu-%d-%llu", (unsigned long long)clock_wall_s(), (int)st->pid,
		       (unsigned long long)clock_mono_ns() % 1000000);
	autofd int to = open_target(p, partial, sizeof partial, name, &incidents, e);
	if (to < 0)
		return to;
	c->proc = proc;
	c->to = to;
	int r = keep_all(c);
	r = r ? r : keep_index(c, id);
	r = r ? r : sys_fsync(to);
	if (r == 0 && c->gap)
		r = -ESRCH; /* it ended while it was read */
	r = r ? r : sys_renameat2(incidents, partial, incidents, name, RENAME_NOREPLACE);
	if (r < 0) {
		discard(incidents, partial, c->sums);
		return err_set(e, -r, "capture process %.40s", id);
	}
	r = sys_fsync(incidents);
	(void)snprintf(path, cap, "%s/%s", p->of[PATH_INCIDENTS], name);
	return r < 0 ? err_set(e, -r, "make %s last", path) : 0;
}

static void tell(const char *id, const struct procstat *st, const struct capture *c, const char *path, bool json)
{
	char line[400], safe[128];
	(void)snprintf(line, sizeof line, "%zu files in %s", json_object_size(c->sums), path);
	if (json) {
		autojson json_t *j = json_pack("{s:s,s:s,s:o,s:s,s:i,s:s,s:s,s:O}", "kind", "process", "id", id, "name",
					       json_text(st->comm), "outcome", "captured", "errno", 0, "because", line, "path",
					       path, "missed", c->missed);
		ops_line(j);
		return;
	}
	(void)printf("captured %d (%s): %s\n", (int)st->pid, text_escape(st->comm, safe, sizeof safe), line);
	const char *name;
	json_t *why;
	json_object_foreach(c->missed, name, why)
		(void)printf("  without %s: %s\n", name, json_string_value(why));
}

static int one(const struct paths *p, const char *id, bool json)
{
	struct err e = { 0 };
	struct procstat st = { 0 };
	char path[PATH_ROOM + 100];
	autojson json_t *sums = json_object();
	autojson json_t *missing = json_object();
	struct capture c = { .sums = sums, .missed = missing };
	int r = capture(p, id, path, sizeof path, &c, &st, &e);
	if (r == 0) {
		ops_note_action(p, "capture", id, path);
		tell(id, &st, &c, path, json);
		return EXIT_GOOD;
	}
	if (json) {
		autojson json_t *j = json_pack("{s:s,s:s,s:s,s:s,s:i,s:o}", "kind", "process", "id", id, "name", id, "outcome",
					       r == -ESRCH ? "gone" : "failed", "errno", -r, "because", json_text(e.text));
		ops_line(j);
	}
	complain("%s", e.text);
	return r == -EINVAL ? EXIT_USAGE : r == -ESRCH ? EXIT_VERDICT : EXIT_IE;
}

int ops_capture(const struct invocation *in)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' }, { "text", no_argument, NULL, 'x' }, { "help", no_argument, NULL, 'h' }, { 0 },
	};
	bool json = false, text = false;
	int c, worst = EXIT_GOOD;
	optind = 0;
	opterr = 0;
	while ((c = getopt_long(in->argc, in->argv, "", options, NULL)) != -1) {
		json = json || c == 'j';
		text = text || c == 'x';
		if (c == 'h')
			return printf("usage: rustbox capture PROCESS_ID... [--json|--text]\n\n"
				      "Keeps what /proc knows of a process below the incidents directory, before it is ended. The\n"
				      "process is not touched. PROCESS_ID is PID:START, as `rustbox-probe snapshot` prints it.\n"
				      "exit status: 0 kept, 1 it is gone, 2 usage, 3 could not be kept\n") < 0 ? EXIT_IE : finish(EXIT_GOOD);
		if (c == '?') {
			complain("capture: unknown option; `rustbox capture --help` lists them");
			return EXIT_USAGE;
		}
	}
	if (optind == in->argc) {
		complain("capture: name the process: PID:START, as `rustbox-probe snapshot` prints it");
		return EXIT_USAGE;
	}
	for (int i = optind; i < in->argc; i++) {
		int status = one(in->paths, in->argv[i], ops_wants_json(json, text));
		worst = status > worst ? status : worst;
	}
	return finish(worst);
}
