/* Doing what the console asked for; see effects.h. */
#include "tui/effects.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "probes/base/json.h"
#include "probes/base/own.h"
#include "tui/keep.h"
#include "tui/resume.h"
#include "tui/write.h"

enum { FLUSH_MS = 1000, RARE_MS = 4000, WAIT_LESS_MS = 800, OTHERS = EFFECTS_AT_ONCE };

static void give(struct feed_sink sink, struct msg *m)
{
	sink.take(sink.ctx, m);
}

/* ---- starting --------------------------------------------------------------------------------- */

static void could_not(uint32_t job, const char *why, struct feed_sink sink)
{
	struct msg m = { .kind = MSG_EXIT, .text = why };
	m.exit.job = job;
	m.exit.status = -1;
	give(sink, &m);
}

/* The argument vector as it is really started: the program's path, sudo when it takes more than the operator may, and
 * a keeper before both for what must outlive us. The root is in the environment, which sudo does not pass on. */
struct start {
	char path[PATH_ROOM * 4], keeper[PATH_ROOM * 4];
	const char **argv; /* the strings are borrowed */
};

static int complete(const struct effects *x, const char *const *asked, bool keep, struct start *s, struct err *e)
{
	static const char sudo[] = "/usr/bin/sudo";
	static const char baseline[] = "rustbox-capture-baseline.sh";
	bool acts = strcmp(asked[0], "rustbox") == 0 || strcmp(asked[0], baseline) == 0, lift = acts && geteuid() != 0;
	if (!acts && strcmp(asked[0], "rustbox-probe") != 0 && strcmp(asked[0], "rustbox-tui") != 0)
		return err_say(e, EPERM, "the console starts only rustbox, rustbox-probe and itself, not '%.40s'", asked[0]);
	int r = strcmp(asked[0], "rustbox") == 0 ? child_find_rustbox(s->path, sizeof s->path, e) :
						   child_find(asked[0], s->path, sizeof s->path, e);
	if (r < 0)
		return r;
	if (lift && access(sudo, X_OK) != 0)
		return err_say(e, EPERM, "acting needs root and there is no sudo here: start the console as root");
	size_t n = 0;
	while (asked[n])
		n++;
	s->argv = calloc(n + 8, sizeof *s->argv);
	if (!s->argv)
		abort();
	const char *const keeper[] = { s->keeper, "keep" }, *const lifting[] = { sudo, "-n", "--" };
	n = 0;
	for (size_t i = 0; keep && i < sizeof keeper / sizeof *keeper; i++)
		s->argv[n++] = keeper[i];
	for (size_t i = 0; lift && i < sizeof lifting / sizeof *lifting; i++)
		s->argv[n++] = lifting[i];
	s->argv[n++] = s->path;
	if (lift && *x->paths->root && strcmp(asked[0], baseline) != 0) {
		s->argv[n++] = "--root";
		s->argv[n++] = x->paths->root;
	}
	for (size_t i = 1; asked[i]; i++)
		s->argv[n++] = asked[i];
	return 0;
}

static bool watch_fd(struct effects *x, int fd, size_t slot)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = slot };
	return epoll_ctl(x->poll, EPOLL_CTL_ADD, fd, &ev) == 0;
}

/* Nobody can keep it (no RUN, no keeper): then it is run all the same, and a console that dies knows less of it. */
static int start_child(struct effects *x, const struct effect *what, struct running *r, struct err *e)
{
	struct start s = { .argv = NULL };
	struct err ignored = { 0 };
	bool keep = what->keep && child_find("rustbox-tui", s.keeper, sizeof s.keeper, &ignored) == 0;
	autofd int file = keep ? keep_open(x->paths, x->journal.id, &ignored) : -1;
	r->kept = file >= 0;
	int bad = complete(x, what->argv, r->kept, &s, e);
	bad = bad ? bad : child_start(s.argv, true, file, &r->child, e);
	free(s.argv);
	return bad;
}

static int do_run(struct effects *x, const struct effect *what, uint64_t now_ms, struct err *e)
{
	size_t slot = 0;
	while (slot < EFFECTS_AT_ONCE && x->v[slot].child.pid)
		slot++;
	if (slot == EFFECTS_AT_ONCE)
		return err_say(e, EBUSY, "too many commands are running: wait for one to end");
	struct running *r = &x->v[slot];
	*r = (struct running){ .child = CHILD_NONE };
	int bad = start_child(x, what, r, e);
	if (bad)
		return bad;
	r->job = what->job;
	r->out.max = EFFECTS_LINE;
	r->err.max = 64 * 1024;
	r->until_ms = what->timeout_ms ? now_ms + what->timeout_ms : 0;
	(void)(watch_fd(x, r->child.out, slot) && watch_fd(x, r->child.err, slot) && watch_fd(x, r->child.pidfd, slot));
	return 0;
}

static void do_stop(struct effects *x, uint32_t job)
{
	for (size_t i = 0; i < EFFECTS_AT_ONCE; i++)
		if (x->v[i].job && x->v[i].job == job)
			child_signal(&x->v[i].child, SIGINT);
}

static void find_waiting(const struct effects *x, struct feed_sink sink)
{
	struct resume found;
	bool is = resume_find(x->paths, &found);
	give(sink, &(struct msg){ .kind = MSG_WAITING, .resume = is ? &found : NULL });
}

/* Whoever takes the incident up must find its journal free. */
static void let_journal_go(struct effects *x)
{
	char id[JOURNAL_ID];
	(void)snprintf(id, sizeof id, "%s", x->journal.id);
	journal_done(&x->journal);
	journal_init(&x->journal, x->paths, id);
}

/* The first message handed to the sink may free what `what` points to: first everything is done, then
 * everything is told. */
void effects_do(struct effects *x, const struct effect *what, uint64_t now_ms, struct feed_sink sink)
{
	struct err unrecorded = { 0 }, unstarted = { 0 }, unadopted = { 0 }, unsaid = { 0 };
	enum effect_kind kind = what->kind;
	char written[RING_TEXT] = "";
	uint32_t job = what->job;
	bool recorded = what->record != NULL;
	if (what->adopt && journal_adopt(&x->journal, what->adopt, &unadopted) == 0) /* first: what is recorded with it belongs there */
		armed_take_back(&x->armed, ARMED_OFFER);
	if (what->keep) /* before the announcement: see keep.h */
		keep_forget(x->paths, x->journal.id);
	if (recorded)
		(void)!journal_add(&x->journal, what->record, &unrecorded);
	autofree char *hold = what->hold ? strdup(what->hold) : NULL;
	bool take = what->take;
	if (kind == EFFECT_RUN)
		(void)!do_run(x, what, now_ms, &unstarted);
	if (kind == EFFECT_STOP)
		do_stop(x, job);
	if (kind == EFFECT_HANDOVER)
		let_journal_go(x);
	if (kind == EFFECT_HANDOVER || kind == EFFECT_CONFIRM)
		(void)!armed_say(&x->armed, kind == EFFECT_CONFIRM ? ARMED_SECOND : ARMED_OFFER, what->text, &unsaid);
	if (kind == EFFECT_WRITE)
		write_file(what->path, what->text, written, sizeof written);
	if (recorded)
		give(sink, &(struct msg){ .kind = MSG_RECORDED, .text = unrecorded.code ? unrecorded.text : NULL, .note = x->journal.id });
	if (unadopted.code)
		give(sink, &(struct msg){ .kind = MSG_NOTICE, .text = unadopted.text });
	if (unsaid.code)
		give(sink, &(struct msg){ .kind = MSG_NOTICE, .text = unsaid.text });
	if (unstarted.code)
		could_not(job, unstarted.text, sink);
	armed_hold(&x->armed, hold, take, now_ms, sink);
	if (kind == EFFECT_BASELINE)
		effects_baseline(x, sink);
	if (kind == EFFECT_WAITING)
		find_waiting(x, sink);
	if (written[0])
		give(sink, &(struct msg){ .kind = MSG_NOTICE, .text = written });
}

/* ---- listening -------------------------------------------------------------------------------- */

struct context {
	uint32_t job;
	bool err;
	struct feed_sink sink;
};

static void on_line(void *ctx, char *line, size_t len, bool whole)
{
	const struct context *c = ctx;
	(void)len;
	struct msg m = { .kind = MSG_LINE, .text = line, .note = whole ? NULL : "the rest of this line was too long" };
	m.line.job = c->job;
	m.line.err = c->err;
	give(c->sink, &m);
}

/* True when nothing more can come from this pipe now. */
static bool listen_to(struct running *r, bool err, struct feed_sink sink)
{
	struct context ctx = { r->job, err, sink };
	struct lines *l = err ? &r->err : &r->out;
	int *fd = err ? &r->child.err : &r->child.out;
	if (*fd < 0)
		return true;
	enum lines_state s = lines_read(l, *fd, on_line, &ctx);
	if (s == LINES_END) {
		own_close(fd);
		*fd = -1;
	}
	return s != LINES_MORE;
}

static void settle(const struct effects *x, struct running *r, const char *text, struct feed_sink sink)
{
	struct context out = { r->job, false, sink }, err = { r->job, true, sink };
	lines_end(&r->out, on_line, &out);
	lines_end(&r->err, on_line, &err);
	lines_done(&r->out);
	lines_done(&r->err);
	struct msg m = { .kind = MSG_EXIT, .text = text };
	m.exit.job = r->job;
	m.exit.status = r->status;
	m.exit.timed_out = r->late;
	r->job = 0;
	if (r->kept) /* how often it has failed by now is told before that it failed */
		effects_history(x, false, sink);
	give(sink, &m);
}

static void look_at(const struct effects *x, struct running *r, struct feed_sink sink)
{
	if (!r->child.pid)
		return;
	bool quiet = true;
	if (r->job) {
		quiet = listen_to(r, false, sink);
		quiet = listen_to(r, true, sink) && quiet;
	}
	r->ended = r->ended || child_ended(&r->child, &r->status);
	/* All its lines first; but a grandchild that keeps the pipe open is not waited for. */
	if (!r->ended || !quiet)
		return;
	uint32_t job = r->job;
	child_forget(&r->child);
	if (job)
		settle(x, r, NULL, sink);
}

/* The directory of the lock may come into being late: it is watched from when it is there. */
static void look_at_others(struct effects *x, uint64_t now_ms, struct feed_sink sink)
{
	bool watched = x->armed.watch >= 0;
	armed_look(&x->armed, now_ms, sink);
	if (!watched && x->armed.watch >= 0)
		(void)watch_fd(x, x->armed.watch, OTHERS);
}

void effects_ready(struct effects *x, uint64_t now_ms, struct feed_sink sink)
{
	struct epoll_event ev[3 * EFFECTS_AT_ONCE + 1];
	int n = epoll_wait(x->poll, ev, 3 * EFFECTS_AT_ONCE + 1, 0);
	bool seen[EFFECTS_AT_ONCE] = { false };
	for (int i = 0; i < n; i++) {
		size_t slot = (size_t)ev[i].data.u64;
		if (slot < EFFECTS_AT_ONCE && !seen[slot])
			look_at(x, &x->v[slot], sink);
		else if (slot == OTHERS)
			look_at_others(x, now_ms, sink);
		if (slot < EFFECTS_AT_ONCE)
			seen[slot] = true;
	}
}

/* ---- deadlines -------------------------------------------------------------------------------- */

/* Not even SIGKILL took: it sits in the kernel. The step is over for the console; nothing waits for it. */
static void give_up(const struct effects *x, struct running *r, struct feed_sink sink)
{
	char state[120], text[200];
	child_state(&r->child, state, sizeof state);
	(void)snprintf(text, sizeof text, "did not return; its process %s; nothing else waits for it", state);
	r->status = 128 + SIGKILL;
	child_close_pipes(&r->child);
	settle(x, r, text, sink);
}

static void lose_patience(const struct effects *x, struct running *r, uint64_t now_ms, struct feed_sink sink)
{
	r->late = true;
	switch (r->patience) {
	case PATIENT:
		child_signal(&r->child, SIGTERM);
		r->until_ms = now_ms + EFFECTS_TERM_MS;
		r->patience = ASKED_TO_END;
		break;
	case ASKED_TO_END:
		child_signal(&r->child, r->kept ? SIGQUIT : SIGKILL);
		r->until_ms = now_ms + EFFECTS_KILL_MS;
		r->patience = KILLED;
		break;
	case KILLED:
	case GIVEN_UP:
		r->until_ms = 0;
		r->patience = GIVEN_UP;
		give_up(x, r, sink);
		break;
	}
}

static void flush_journal(struct effects *x, uint64_t now_ms, struct feed_sink sink)
{
	struct err e = { 0 };
	x->flush_ms = 0;
	if (!x->journal.nkept)
		return;
	if (journal_flush(&x->journal, &e) == 0)
		give(sink, &(struct msg){ .kind = MSG_RECORDED });
	else
		x->flush_ms = now_ms + FLUSH_MS;
}

static uint64_t others_due(const struct effects *x)
{
	return x->armed.waiting ? x->armed.looked_ms - WAIT_LESS_MS : x->armed.watch < 0 ? x->armed.looked_ms + RARE_MS : 0;
}

void effects_tick(struct effects *x, uint64_t now_ms, struct feed_sink sink)
{
	if (x->journal.nkept && now_ms >= x->flush_ms)
		flush_journal(x, now_ms, sink);
	if (others_due(x) && now_ms >= others_due(x))
		look_at_others(x, now_ms, sink);
	for (size_t i = 0; i < EFFECTS_AT_ONCE; i++) {
		struct running *r = &x->v[i];
		if (r->job && r->until_ms && now_ms >= r->until_ms)
			lose_patience(x, r, now_ms, sink);
	}
}

int effects_next_ms(const struct effects *x, uint64_t now_ms)
{
	uint64_t next = x->journal.nkept ? x->flush_ms : 0, others = others_due(x);
	if (others && (!next || others < next))
		next = others;
	for (size_t i = 0; i < EFFECTS_AT_ONCE; i++) {
		const struct running *r = &x->v[i];
		if (r->job && r->until_ms && (!next || r->until_ms < next))
			next = r->until_ms;
	}
	return !next ? -1 : next <= now_ms ? 0 : (int)(next - now_ms);
}

int effects_init(struct effects *x, const struct paths *paths, const char *incident, struct err *e)
{
	*x = (struct effects){ .paths = paths };
	journal_init(&x->journal, paths, incident);
	armed_init(&x->armed, paths);
	for (size_t i = 0; i < EFFECTS_AT_ONCE; i++)
		x->v[i].child = CHILD_NONE;
	x->poll = epoll_create1(EPOLL_CLOEXEC);
	return x->poll < 0 ? err_set(e, errno, "epoll for commands") : 0;
}

void effects_done(struct effects *x)
{
	bool kept = false;
	for (size_t i = 0; i < EFFECTS_AT_ONCE; i++)
		kept = kept || (x->v[i].kept && x->v[i].child.pid);
	if (!kept && x->journal.fd >= 0) /* all is recorded: nobody has to attach */
		keep_forget(x->paths, x->journal.id);
	for (size_t i = 0; i < EFFECTS_AT_ONCE; i++) {
		child_forget(&x->v[i].child);
		lines_done(&x->v[i].out);
		lines_done(&x->v[i].err);
	}
	journal_done(&x->journal);
	armed_done(&x->armed);
	own_close(&x->poll);
	x->poll = -1;
}
