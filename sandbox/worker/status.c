/* See status.h. Temp file, fsync, rename, fsync of the directory: a crash leaves the old state or the new. */
#include "sandbox/worker/status.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "probes/base/clock.h"
#include "probes/base/json.h"
#include "probes/base/own.h"
#include "sandbox/kernel/dirs.h"
#include "sandbox/kernel/sys.h"

enum { LOCK_MS = 2000, LOCK_NAP_MS = 5 };

static const char *file_name(const char *path)
{
	return strrchr(path, '/') + 1;
}

int status_directory(const struct paths *p, struct err *e)
{
	if (sys_mkdirat(AT_FDCWD, p->of[PATH_STATE], 0755) == -EEXIST) /* as a rule */
		return 0;
	return dirs_make(p, PATH_STATE, 0755, e);
}

static int lock_state(const struct paths *p, struct err *e)
{
	int r = status_directory(p, e);
	if (r < 0)
		return r;
	autofd int fd = sys_openat(AT_FDCWD, p->of[PATH_STATE], O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return err_set(e, -fd, "open %s", p->of[PATH_STATE]);
	uint64_t until = clock_mono_ns() + LOCK_MS * NS_PER_MS;
	while ((r = sys_flock(fd, LOCK_EX | LOCK_NB)) == -EWOULDBLOCK && clock_mono_ns() < until)
		(void)poll(NULL, 0, LOCK_NAP_MS);
	if (r < 0)
		return err_set(e, -r, "lock %s: another writer does not let go", p->of[PATH_STATE]);
	return take_fd(&fd);
}

static int replace(int dir, const char *name, const char *text, struct err *e)
{
	char temp[64];
	(void)snprintf(temp, sizeof temp, ".%.50s.new", name);
	autofd int fd = sys_openat(dir, temp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return err_set(e, -fd, "make %s", temp);
	int r = sys_write_all(fd, text, strlen(text));
	r = r < 0 ? r : sys_write_all(fd, "\n", 1);
	r = r < 0 ? r : sys_fsync(fd);
	r = r < 0 ? r : sys_renameat2(dir, temp, dir, name, 0);
	r = r < 0 ? r : sys_fsync(dir);
	return r < 0 ? err_set(e, -r, "replace %s", name) : 0;
}

static int write_health(const struct paths *p, int dir, const struct health *h, struct err *e)
{
	autojson json_t *j = health_to_json(h);
	autofree char *text = json_dumps(j, JSON_COMPACT | JSON_PRESERVE_ORDER);
	if (!text)
		abort();
	return replace(dir, file_name(p->of[PATH_HEALTH]), text, e);
}

/* One line per transition, appended in one write. */
static int write_history(const struct paths *p, const struct status_change *c, enum health_event event, struct err *e)
{
	char at[24];
	clock_rfc3339(clock_wall_s(), at, sizeof at);
	autojson json_t *j = json_object();
	json_object_set_new(j, "at", json_string(at));
	json_object_set_new(j, "from", json_string(health_status_word(c->before.status)));
	json_object_set_new(j, "to", json_string(health_status_word(c->after.status)));
	json_object_set_new(j, "event", json_string(health_event_word(event)));
	json_object_set_new(j, "reason", json_string(health_reason_word(c->after.reason)));
	json_object_set_new(j, "failures", json_integer(c->after.failures));
	json_object_set_new(j, "note", json_text(c->after.note));
	autofree char *text = json_dumps(j, JSON_COMPACT | JSON_PRESERVE_ORDER);
	autofd int fd = sys_openat(AT_FDCWD, p->of[PATH_HISTORY], O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0644);
	if (!text)
		abort();
	if (fd < 0)
		return err_set(e, -fd, "open %s", p->of[PATH_HISTORY]);
	size_t n = strlen(text);
	text[n] = '\n'; /* the NUL's place; written with its length */
	int r = sys_write_all(fd, text, n + 1);
	return r < 0 ? err_set(e, -r, "write %s", p->of[PATH_HISTORY]) : 0;
}

static int set_aside(const struct paths *p, int dir, struct err *e)
{
	char name[80];
	(void)snprintf(name, sizeof name, "%.40s.corrupt-%llu", file_name(p->of[PATH_HEALTH]),
		       (unsigned long long)clock_wall_s());
	int r = sys_renameat2(dir, file_name(p->of[PATH_HEALTH]), dir, name, 0);
	return r < 0 ? err_set(e, -r, "set the corrupt health file aside") : 0;
}

static bool same(const struct health *a, const struct health *b)
{
	return a->status == b->status && a->reason == b->reason && a->failures == b->failures &&
	       strcmp(a->note, b->note) == 0;
}

int status_event(const struct paths *p, enum health_event event, const char *note, struct status_change *ret,
		 struct err *e)
{
	struct status_change c = { 0 };
	struct scope scope = scope_host(p);
	struct err why = { 0 };
	/* As a rule nothing changes, and then nothing is locked: the file is replaced whole, so what is read is a state
	 * that was, and this event happened in it. */
	if (health_read(&scope, &c.before, &why) == 0) {
		c.after = health_next(c.before, event, note, clock_wall_s());
		if (same(&c.before, &c.after)) {
			*ret = c;
			return 0;
		}
	}
	autofd int dir = lock_state(p, e);
	if (dir < 0)
		return dir;
	int r = health_read(&scope, &c.before, &why);
	if (r == -EBADMSG) {
		c.was_corrupt = true;
		r = set_aside(p, dir, e);
		if (r < 0)
			return r;
	} else if (r < 0) {
		return err_set(e, -r, "read the worker's health");
	}
	c.after = health_next(c.before, event, note, clock_wall_s());
	if (!same(&c.before, &c.after) || c.was_corrupt) {
		r = write_health(p, dir, &c.after, e);
		if (r == 0 && (c.before.status != c.after.status || c.before.reason != c.after.reason || c.was_corrupt))
			r = write_history(p, &c, event, e);
		if (r < 0)
			return r;
	}
	*ret = c;
	return 0;
}
