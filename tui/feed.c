/* The watch stream; see feed.h. */
#include "tui/feed.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "probes/base/json.h"
#include "probes/base/own.h"
#include "probes/base/text.h"
#include "probes/snapshot.h"

enum { PIPE_ROOM = 1024 * 1024 };

/* ---- lines ------------------------------------------------------------------------------------ */

struct parse {
	const json_t *j;
	struct arena *mem;
	struct feed_sink sink;
};

static void give(const struct parse *p, struct msg *m)
{
	p->sink.take(p->sink.ctx, m);
}

static int op_hello(const struct parse *p, struct err *e)
{
	struct msg m = { .kind = MSG_HELLO };
	uint64_t schema = 0;
	int r = json_need_u64(p->j, "hello", "schema", &schema, e);
	if (r == 0 && schema != 1)
		return err_say(e, EPROTO, "rustbox-probe speaks schema %llu, this console 1: install both from one build",
			       (unsigned long long)schema);
	r = r ? r : json_need_str(p->j, "hello", "host", p->mem, &m.hello.host, e);
	r = r ? r : json_need_str(p->j, "hello", "boot_id", p->mem, &m.hello.boot_id, e);
	r = r ? r : json_need_str(p->j, "hello", "kernel", p->mem, &m.hello.kernel, e);
	if (r == 0)
		give(p, &m);
	return r;
}

/* Sources are named in the plural, as JSON keys; be generous about the word. */
static int kind_named(const char *name)
{
	for (int k = 0; k < RES_KINDS; k++)
		if (strcmp(resource_kind_key((enum resource_kind)k), name) == 0)
			return k;
	return resource_kind_parse(name);
}

static int op_source(const struct parse *p, struct err *e)
{
	struct msg m = { .kind = MSG_SOURCE };
	const char *name = NULL;
	int r = json_need_str(p->j, "source", "name", p->mem, &name, e);
	r = r ? r : json_need_str(p->j, "source", "mode", p->mem, &m.source.mode, e);
	r = r ? r : json_opt_bool(p->j, "source", "complete", &m.source.complete, e);
	r = r ? r : json_opt_str(p->j, "source", "why", p->mem, &m.note, e);
	int kind = r == 0 ? kind_named(name) : 0;
	if (r == 0 && kind < 0)
		return err_say(e, EINVAL, "source.name: unknown kind");
	m.source.kind = (enum resource_kind)kind;
	if (r == 0)
		give(p, &m);
	return r;
}

static int op_resource(const struct parse *p, struct err *e)
{
	struct resource res = { 0 };
	int r = resource_from_json(p->j, "resource", p->mem, &res, e);
	if (r == 0)
		give(p, &(struct msg){ .kind = MSG_RESOURCE, .resource = &res });
	return r;
}

static int op_gone(const struct parse *p, struct err *e)
{
	struct msg m = { .kind = MSG_GONE };
	const char *kind = NULL;
	int r = json_need_str(p->j, "gone", "kind", p->mem, &kind, e);
	r = r ? r : json_need_str(p->j, "gone", "id", p->mem, &m.gone.id, e);
	int k = r == 0 ? kind_named(kind) : 0;
	if (r == 0 && k < 0)
		return err_say(e, EINVAL, "gone.kind: unknown kind");
	m.gone.kind = (enum resource_kind)k;
	if (r == 0)
		give(p, &m);
	return r;
}

static int op_health(const struct parse *p, struct err *e)
{
	struct health health = { 0 };
	int r = health_from_json(p->j, &health, e);
	if (r == 0)
		give(p, &(struct msg){ .kind = MSG_HEALTH, .health = &health });
	return r;
}

static int op_pressure(const struct parse *p, struct err *e)
{
	(void)e;
	give(p, &(struct msg){ .kind = MSG_PRESSURE, .json = p->j });
	return 0;
}

static int op_resync(const struct parse *p, struct err *e)
{
	struct msg m = { .kind = MSG_RESYNC, .text = "overflow" };
	int r = json_opt_str(p->j, "resync", "why", p->mem, &m.text, e);
	if (r == 0)
		give(p, &m);
	return r;
}

static int op_sync(const struct parse *p, struct err *e)
{
	struct msg m = { .kind = MSG_SYNC };
	uint64_t ms = 0;
	int r = json_need_u64(p->j, "sync", "at", &m.sync.at, e);
	r = r ? r : json_opt_u64(p->j, "sync", "ms", &ms, e);
	m.sync.ms = (unsigned)ms;
	const json_t *times = json_object_get(p->j, "as_of");
	m.sync.timed = times;
	for (int k = 0; r == 0 && times && k < RES_KINDS; k++)
		r = json_opt_u64(times, "sync.as_of", resource_kind_key((enum resource_kind)k), &m.sync.as_of[k], e);
	if (r == 0)
		give(p, &m);
	return r;
}

static int op_beat(const struct parse *p, struct err *e)
{
	(void)e;
	give(p, &(struct msg){ .kind = MSG_BEAT });
	return 0;
}

static const struct {
	const char *op;
	int (*read)(const struct parse *p, struct err *e);
} ops[] = {
	{ "add", op_resource }, { "change", op_resource }, { "gone", op_gone },	    { "sync", op_sync },
	{ "beat", op_beat },	{ "health", op_health },   { "source", op_source }, { "pressure", op_pressure },
	{ "hello", op_hello },	{ "resync", op_resync },
};

static void bad_line(const char *why, const char *line, struct feed_sink sink)
{
	char raw[320], text[640]; /* the reason quotes the line as well: both are escaped together */
	(void)snprintf(raw, sizeof raw, "%.200s: %.80s", why, line);
	(void)text_escape(raw, text, sizeof text);
	sink.take(sink.ctx, &(struct msg){ .kind = MSG_FEED_BAD, .text = text });
}

/* Nearly all lines are things of the host as our own watcher writes them, and need no tree. */
static bool plain_resource(const char *line, size_t len, struct feed_sink sink)
{
	struct resource res;
	autofree char *copy = strndup(line, len);
	if (!copy)
		abort();
	if (!resource_scan(copy, &res))
		return false;
	sink.take(sink.ctx, &(struct msg){ .kind = MSG_RESOURCE, .resource = &res });
	return true;
}

void feed_line(const char *line, size_t len, struct feed_sink sink)
{
	if (plain_resource(line, len, sink))
		return;
	json_error_t wrong;
	autojson json_t *j = json_loadb(line, len, JSON_REJECT_DUPLICATES, &wrong);
	if (!json_is_object(j)) {
		bad_line(j ? "not an object" : wrong.text, line, sink);
		return;
	}
	const char *op = json_string_value(json_object_get(j, "op"));
	autoarena struct arena mem = { 0 };
	struct parse p = { j, &mem, sink };
	struct err e = { 0 };
	for (size_t i = 0; op && i < sizeof ops / sizeof *ops; i++) {
		if (strcmp(ops[i].op, op) != 0)
			continue;
		if (ops[i].read(&p, &e) != 0)
			bad_line(e.text, line, sink);
		return;
	}
	bad_line("unknown kind of line", line, sink);
}

/* ---- the child -------------------------------------------------------------------------------- */

struct context {
	struct feed *feed;
	uint64_t now_ms;
	struct feed_sink sink;
};

static void on_line(void *ctx, char *line, size_t len, bool whole)
{
	struct context *c = ctx;
	c->feed->heard_ms = c->now_ms;
	if (!whole) {
		bad_line("line too long", line, c->sink);
		return;
	}
	if (len == 0)
		return;
	c->feed->in_sync = true;
	c->feed->backoff_ms = FEED_BACKOFF_MS;
	feed_line(line, len, c->sink);
}

static void on_err_line(void *ctx, char *line, size_t len, bool whole)
{
	struct context *c = ctx;
	(void)whole;
	if (len > 0)
		(void)text_escape(line, c->feed->last_words, sizeof c->feed->last_words);
}

static void lost(struct feed *f, uint64_t now_ms, struct feed_sink sink, const char *why)
{
	char text[320];
	(void)snprintf(text, sizeof text, "%s%s%s; trying again in %.1f s", why, *f->last_words ? ": " : "",
		       f->last_words, f->backoff_ms / 1000.0);
	f->again_ms = now_ms + f->backoff_ms;
	f->backoff_ms = f->backoff_ms * 2 > FEED_BACKOFF_MAX_MS ? FEED_BACKOFF_MAX_MS : f->backoff_ms * 2;
	f->last_words[0] = '\0';
	sink.take(sink.ctx, &(struct msg){ .kind = MSG_FEED_LOST, .text = text });
}

static bool watch_fd(struct feed *f, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };
	return epoll_ctl(f->poll, EPOLL_CTL_ADD, fd, &ev) == 0;
}

static void start(struct feed *f, uint64_t now_ms, struct feed_sink sink)
{
	char path[PATH_ROOM * 4];
	struct err e = { 0 };
	f->again_ms = 0;
	f->heard_ms = now_ms;
	f->in_sync = f->killed = false;
	f->out.len = f->err.len = 0;
	if (child_find("rustbox-probe", path, sizeof path, &e) != 0 ||
	    child_start((const char *const[]){ path, "watch", NULL }, false, -1, &f->child, &e) != 0) {
		lost(f, now_ms, sink, e.text);
		return;
	}
	/* Ten thousand rows at once: the watcher is to look on, not to wait for us. Refused: then it waits. */
	(void)fcntl(f->child.out, F_SETPIPE_SZ, PIPE_ROOM);
	(void)(watch_fd(f, f->child.out) && watch_fd(f, f->child.err) && watch_fd(f, f->child.pidfd));
}

/* One read from each pipe a call, so that keys get their turn between. */
void feed_ready(struct feed *f, uint64_t now_ms, struct feed_sink sink)
{
	struct context ctx = { f, now_ms, sink };
	if (!f->child.pid)
		return;
	enum lines_state out = LINES_END, err = LINES_END;
	if (f->child.out >= 0)
		out = lines_read(&f->out, f->child.out, on_line, &ctx);
	if (f->child.err >= 0)
		err = lines_read(&f->err, f->child.err, on_err_line, &ctx);
	if (f->child.err >= 0 && err == LINES_END) {
		own_close(&f->child.err);
		f->child.err = -1;
	}
	if (f->child.out >= 0 && out == LINES_END) {
		own_close(&f->child.out);
		f->child.out = -1;
	}
	int status = 0;
	if (out == LINES_MORE || !child_ended(&f->child, &status))
		return;
	char why[80];
	bool by_signal = status > 128;
	(void)snprintf(why, sizeof why, "rustbox-probe watch ended (%s %d)", by_signal ? "signal" : "exit",
		       by_signal ? status - 128 : status);
	child_forget(&f->child);
	lost(f, now_ms, sink, f->killed ? "rustbox-probe watch fell silent and was ended" : why);
}

void feed_tick(struct feed *f, uint64_t now_ms, struct feed_sink sink)
{
	if (!f->child.pid) {
		if (now_ms >= f->again_ms)
			start(f, now_ms, sink);
		return;
	}
	if (now_ms - f->heard_ms < FEED_SILENT_MS || f->killed)
		return;
	/* It beats every 5 s, so it hangs. Killed once; in D state even that takes no effect until the kernel
	 * lets go, and no second one is started to hang beside it. */
	f->killed = true;
	char state[96], text[200];
	child_state(&f->child, state, sizeof state);
	child_signal(&f->child, SIGKILL);
	(void)snprintf(text, sizeof text, "rustbox-probe watch (pid %d) is silent for %llu s, state %s", (int)f->child.pid,
		       (unsigned long long)(now_ms - f->heard_ms) / 1000, state);
	sink.take(sink.ctx, &(struct msg){ .kind = MSG_FEED_LOST, .text = text });
}

void feed_ask(struct feed *f, uint64_t acted_ms)
{
	if (acted_ms == f->asked_ms)
		return;
	f->asked_ms = acted_ms;
	if (f->child.pid) /* one that is started later looks at everything anyway */
		child_signal(&f->child, SIGURG);
}

int feed_next_ms(const struct feed *f, uint64_t now_ms)
{
	uint64_t at = f->child.pid ? f->heard_ms + FEED_SILENT_MS : f->again_ms;
	if (f->child.pid && f->killed)
		return -1;
	return at <= now_ms ? 0 : (int)(at - now_ms);
}

int feed_init(struct feed *f, struct err *e)
{
	*f = (struct feed){ .child = CHILD_NONE, .backoff_ms = FEED_BACKOFF_MS };
	f->out.max = FEED_LINE;
	f->err.max = 4096;
	f->poll = epoll_create1(EPOLL_CLOEXEC);
	return f->poll < 0 ? err_set(e, errno, "epoll for the watch stream") : 0;
}

void feed_done(struct feed *f)
{
	if (f->child.pid)
		child_signal(&f->child, SIGTERM);
	child_forget(&f->child);
	lines_done(&f->out);
	lines_done(&f->err);
	own_close(&f->poll);
	f->poll = -1;
}
