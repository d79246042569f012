/*
 * See events.h. The journal's native protocol is one datagram of KEY=value lines on a local socket (systemd's
 * JOURNAL_NATIVE_PROTOCOL), so the programs that are measured need no library for it. Under a root of their own,
 * tests and drills do not speak to the host's journal.
 */
#include "sandbox/worker/events.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "probes/base/clock.h"
#include "probes/base/json.h"
#include "probes/base/own.h"
#include "probes/base/text.h"
#include "sandbox/kernel/sys.h"

enum { DATAGRAM_ROOM = 2048 };

static void set(json_t *o, const char *key, const char *value)
{
	if (value)
		json_object_set_new(o, key, json_text(value));
}

static char *line_of(enum event event, const struct event_facts *f)
{
	char at[24];
	autojson json_t *o = json_object();
	clock_rfc3339(clock_wall_s(), at, sizeof at);
	json_object_set_new(o, "at", json_string(at));
	json_object_set_new(o, "event", json_string(event_rows[event].name));
	set(o, "kind", f->kind);
	set(o, "box", f->box);
	set(o, "reason", f->reason);
	set(o, "outcome", f->outcome);
	set(o, "detail", f->detail);
	json_object_set_new(o, "pid", json_integer(getpid()));
	json_object_set_new(o, "uid", json_integer(getuid()));
	char *text = json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER);
	if (!text)
		abort();
	return text;
}

/* Two at once: the second rename moves a small file on; no line is lost, only the order of the files. */
static int rotate(const char *path, struct err *e)
{
	char older[PATH_ROOM + 8], old[PATH_ROOM + 8];
	(void)snprintf(old, sizeof old, "%s.1", path);
	(void)snprintf(older, sizeof older, "%s.2", path);
	int r = sys_renameat2(AT_FDCWD, old, AT_FDCWD, older, 0);
	if (r < 0 && r != -ENOENT)
		return err_set(e, -r, "rotate %s", old);
	r = sys_renameat2(AT_FDCWD, path, AT_FDCWD, old, 0);
	return r < 0 && r != -ENOENT ? err_set(e, -r, "rotate %s", path) : 0;
}

static void field(struct text *t, const char *key, const char *value)
{
	if (!value)
		return;
	text_add(t, "%s=", key);
	text_add_escaped(t, value); /* escaped: no newline can begin a field of its own */
	text_add(t, "\n");
}

static void tell_journal(const struct paths *p, enum event event, const struct event_facts *f)
{
	char buf[DATAGRAM_ROOM];
	struct text t = TEXT_ON(buf);
	struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket" };
	struct stat st;
	if (*p->root || stat(to.sun_path, &st) < 0)
		return;
	autofd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	/* Most events come from `rustbox run` and from an operator's shell, not from the unit: OBJECT_SYSTEMD_UNIT is how
	 * root files a message under a unit, so that `journalctl -u rustbox` shows it (systemd.journal-fields(7)). */
	text_add(&t, "MESSAGE=%s%s", event_rows[event].name, f->kind ? " " : "");
	text_add_escaped(&t, f->kind ? f->kind : "");
	text_add(&t, "\nPRIORITY=%d\nSYSLOG_IDENTIFIER=rustbox\nOBJECT_SYSTEMD_UNIT=rustbox.service\nRUSTBOX_EVENT=%s\n",
		 event_rows[event].priority, event_rows[event].name);
	field(&t, "RUSTBOX_KIND", f->kind);
	field(&t, "RUSTBOX_BOX", f->box);
	field(&t, "RUSTBOX_REASON", f->reason);
	field(&t, "RUSTBOX_OUTCOME", f->outcome);
	field(&t, "RUSTBOX_DETAIL", f->detail);
	if (sendto(fd, buf, t.len, MSG_NOSIGNAL, (struct sockaddr *)&to, sizeof to) < 0)
		return; /* the file has it */
}

int event_emit(const struct paths *p, enum event event, const struct event_facts *facts, struct err *e)
{
	const char *path = p->of[PATH_EVENTS];
	autofree char *line = line_of(event, facts);
	struct stat st;
	if (stat(path, &st) == 0 && st.st_size > EVENTS_MAX_BYTES) {
		int r = rotate(path, e);
		if (r < 0)
			return r;
	}
	autofd int fd = sys_openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0644);
	if (fd < 0)
		return err_set(e, -fd, "open %s", path);
	size_t n = strlen(line);
	line[n] = '\n'; /* in the NUL's place: one write for one line */
	int r = sys_write_all(fd, line, n + 1);
	if (r < 0)
		return err_set(e, -r, "write %s", path);
	tell_journal(p, event, facts);
	return 0;
}
