/* The console's loop; see loop.h. */
#include "tui/loop.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "probes/base/clock.h"
#include "probes/base/own.h"
#include "tui/aside.h"
#include "tui/drill.h"
#include "tui/effects.h"
#include "tui/feed.h"
#include "tui/scrape.h"
#include "tui/view.h"

enum { FRAME_MS = 33, KEY_FRAME_MS = 4, SLOW_MS = 100, RESIZE_MS = 20, TICK_MAX_MS = 5000 };
enum source { FROM_TERM, FROM_SIGNALS, FROM_FEED, FROM_EFFECTS, FROM_METRICS, SOURCES };

struct loop {
	int drill; /* its log, or -1 */
	struct drill_seen drill_seen;
	const struct loop_options *opt;
	struct feed feed;
	struct effects effects;
	struct scrape scrape;
	struct canvas canvas;
	int epoll, signals;
	size_t said_late;
	uint64_t late_ms; /* since when a frame waits for a slow terminal, 0: none does */
	uint64_t now_ms, drawn_ms, slow_until_ms, resize_ms, keys_ms;
	bool dirty, quit;
	bool urgent; /* a key waits for its echo: drawn sooner than the storm around it */
	int code;
};

static const int signals_read[] = { SIGWINCH, SIGTERM, SIGHUP, SIGINT, SIGTSTP, SIGCONT };

static void signal_set(sigset_t *set)
{
	(void)sigemptyset(set);
	for (size_t i = 0; i < sizeof signals_read / sizeof *signals_read; i++)
		(void)sigaddset(set, signals_read[i]);
}

void loop_block_signals(void)
{
	sigset_t set;
	signal_set(&set);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
}

static uint64_t mono_ms(void)
{
	return clock_mono_ns() / NS_PER_MS;
}

/* ---- messages in, effects out ----------------------------------------------------------------- */

static void perform(struct loop *l, const struct effect *what);

static void deliver(void *ctx, struct msg *m)
{
	struct loop *l = ctx;
	m->now_ms = l->now_ms;
	m->wall = clock_wall_s();
	struct effect what = update(l->opt->model, m);
	drill_log(l->drill, &l->drill_seen, l->opt->model, m);
	l->dirty = true;
	perform(l, &what);
}

static struct feed_sink sink_of(struct loop *l)
{
	return (struct feed_sink){ deliver, l };
}

struct apart { const char *const *argv; char said[200]; };

static void run_apart(void *arg)
{
	struct apart *a = arg;
	aside_run(a->argv, a->said, sizeof a->said);
}

/* `apart`: what runs on the terminal meanwhile; NULL: nothing of ours. */
static void suspend(struct loop *l, struct apart *apart)
{
	sigset_t cont;
	term_suspend(l->opt->term, apart ? run_apart : NULL, apart);
	/* The SIGCONT that woke us is old news; and the stopped time must not count as silence. */
	(void)sigemptyset(&cont);
	(void)sigaddset(&cont, SIGCONT);
	(void)sigtimedwait(&cont, NULL, &(struct timespec){ 0 });
	l->now_ms = mono_ms();
	l->feed.heard_ms = l->now_ms;
	l->resize_ms = l->now_ms;
	l->dirty = true;
}

/* The clipboard cannot answer whether it took the text, so there is always a file as well. */
static void copy(struct loop *l, const char *text)
{
	char path[PATH_ROOM], said[PATH_ROOM + 80];
	const char *home = getenv("XDG_RUNTIME_DIR");
	(void)snprintf(path, sizeof path, "%.200s/console-copy-XXXXXX", home && *home == '/' ? home : "/tmp");
	autofd int fd = mkostemp(path, O_CLOEXEC);
	size_t n = strlen(text);
	bool kept = fd >= 0 && write(fd, text, n) == (ssize_t)n;
	term_copy(l->opt->term, text);
	(void)snprintf(said, sizeof said, "copied %zu bytes by OSC 52%s%s", n, kept ? ", and to " : "; no file: ",
		       kept ? path : strerrordesc_np(errno));
	deliver(l, &(struct msg){ .kind = MSG_NOTICE, .text = said });
}

/* The record's answer frees what the effect points to: it is kept from before. */
static const char *const *words_kept(const char *const *argv, struct arena *a)
{
	size_t n = 0;
	while (argv[n])
		n++;
	const char **words = arena_alloc(a, (n + 1) * sizeof *words);
	for (size_t i = 0; i < n; i++)
		words[i] = arena_strdup(a, argv[i]);
	return words;
}

static void perform(struct loop *l, const struct effect *what)
{
	switch (what->kind) {
	case EFFECT_QUIT:
		l->quit = true;
		l->code = what->code;
		break;
	case EFFECT_BELL: term_bell(l->opt->term); break;
	case EFFECT_REPAINT: term_repaint(l->opt->term); break;
	case EFFECT_MOUSE: term_mouse(l->opt->term, what->on); break;
	case EFFECT_SUSPEND: /* the right to act is given back before the console stops */
		effects_do(&l->effects, what, l->now_ms, sink_of(l));
		suspend(l, NULL);
		return;
	case EFFECT_ASIDE: {
		autoarena struct arena a = { 0 };
		struct apart apart = { .argv = words_kept(what->argv, &a) };
		effects_do(&l->effects, what, l->now_ms, sink_of(l));
		suspend(l, &apart);
		deliver(l, &(struct msg){ .kind = MSG_NOTICE, .text = apart.said });
		return;
	}
	case EFFECT_COPY: {
		autofree char *text = strdup(what->text); /* see words_kept() */
		effects_do(&l->effects, what, l->now_ms, sink_of(l));
		copy(l, text ? text : "");
		return;
	}
	case EFFECT_NONE:
	case EFFECT_RUN:
	case EFFECT_STOP:
	case EFFECT_RECORD:
	case EFFECT_WRITE:
	case EFFECT_CONFIRM:
	case EFFECT_HANDOVER:
	case EFFECT_WAITING:
	case EFFECT_BASELINE: break;
	}
	effects_do(&l->effects, what, l->now_ms, sink_of(l));
}

/* ---- sources ---------------------------------------------------------------------------------- */

static void tell_size(struct loop *l)
{
	struct msg m = { .kind = MSG_SIZE };
	int rows, cols;
	term_size(l->opt->term, &rows, &cols);
	/* Back at the old size after a burst is not nothing: on the way the terminal cut and moved what it showed. */
	term_repaint(l->opt->term);
	l->resize_ms = 0;
	if (rows != l->canvas.rows || cols != l->canvas.cols) {
		canvas_done(&l->canvas);
		canvas_init(&l->canvas, rows, cols, l->opt->utf8);
	}
	m.size.rows = rows;
	m.size.cols = cols;
	deliver(l, &m);
}

/* What must be written is written while it still can be. */
static void end(struct loop *l, int sig)
{
	deliver(l, &(struct msg){ .kind = MSG_LEAVING, .signal = sig });
	l->quit = true;
	l->code = 128 + sig;
}

static void on_signal(struct loop *l, int sig)
{
	switch (sig) {
	case SIGWINCH:
		if (!l->resize_ms) /* one repaint for a burst */
			l->resize_ms = l->now_ms + RESIZE_MS;
		break;
	case SIGINT: deliver(l, &(struct msg){ .kind = MSG_KEY, .key = { .code = 0x03 } }); break;
	case SIGTSTP:
		deliver(l, &(struct msg){ .kind = MSG_LEAVING });
		suspend(l, NULL);
		break;
	case SIGCONT:
		term_resumed(l->opt->term);
		l->resize_ms = l->now_ms;
		break;
	default: end(l, sig); break;
	}
}

static void on_signals(struct loop *l)
{
	struct signalfd_siginfo info;
	while (!l->quit && read(l->signals, &info, sizeof info) == (ssize_t)sizeof info)
		on_signal(l, (int)info.ssi_signo);
}

static void on_keys(struct loop *l)
{
	if (term_read(l->opt->term, deliver, l) != 0) /* the terminal is gone: as if hung up */
		end(l, SIGHUP);
	l->urgent = true;
	unsigned wait = term_wait_ms(l->opt->term);
	l->keys_ms = wait ? l->now_ms + wait : 0;
}

static void on_source(struct loop *l, enum source from)
{
	switch (from) {
	case FROM_TERM: on_keys(l); break;
	case FROM_SIGNALS: on_signals(l); break;
	case FROM_FEED: feed_ready(&l->feed, l->now_ms, sink_of(l)); break;
	case FROM_EFFECTS: effects_ready(&l->effects, l->now_ms, sink_of(l)); break;
	case FROM_METRICS: scrape_ready(&l->scrape, l->now_ms, sink_of(l)); break;
	case SOURCES: break;
	}
}

/* ---- time ------------------------------------------------------------------------------------- */

static int sooner(int a, int b)
{
	return a < 0 ? b : b < 0 ? a : a < b ? a : b;
}

static int until(uint64_t at_ms, uint64_t now_ms)
{
	return at_ms == 0 ? -1 : at_ms <= now_ms ? 0 : (int)(at_ms - now_ms);
}

static uint64_t frame_due(const struct loop *l)
{
	uint64_t due = l->drawn_ms + (l->urgent ? KEY_FRAME_MS : FRAME_MS);
	return l->slow_until_ms > due ? l->slow_until_ms : due;
}

static int next_ms(const struct loop *l, uint64_t tick_ms)
{
	int next = until(tick_ms, l->now_ms);
	next = sooner(next, feed_next_ms(&l->feed, l->now_ms));
	next = sooner(next, effects_next_ms(&l->effects, l->now_ms));
	next = sooner(next, scrape_next_ms(&l->scrape, l->now_ms));
	next = sooner(next, until(l->resize_ms, l->now_ms));
	next = sooner(next, until(l->keys_ms, l->now_ms));
	return l->dirty ? sooner(next, until(frame_due(l), l->now_ms)) : next;
}

static void draw_when_due(struct loop *l)
{
	if (!l->dirty || l->now_ms < frame_due(l))
		return;
	if (!term_ready(l->opt->term)) {
		l->slow_until_ms = l->now_ms + SLOW_MS;
		l->late_ms = l->late_ms ? l->late_ms : l->now_ms;
		return;
	}
	/* Frames are dropped, never queued; more than a second behind is said. */
	size_t late_s = l->late_ms ? (size_t)(l->now_ms - l->late_ms) / 1000 : 0;
	if (late_s != l->said_late)
		deliver(l, &(struct msg){ .kind = MSG_LAG, .bytes = late_s });
	l->said_late = late_s;
	l->late_ms = 0;
	view(l->opt->model, &l->canvas);
	term_draw(l->opt->term, &l->canvas);
	l->dirty = l->urgent = false;
	l->drawn_ms = l->now_ms;
	/* A terminal that stops reading in the middle of a frame holds us in the write. */
	uint64_t now = mono_ms();
	if (now - l->now_ms >= 1000) {
		l->late_ms = l->now_ms;
		l->dirty = true;
	}
}

static void on_time(struct loop *l, uint64_t *tick_ms)
{
	if (l->keys_ms && l->now_ms >= l->keys_ms) {
		l->keys_ms = 0;
		term_flush(l->opt->term, deliver, l);
	}
	if (l->resize_ms && l->now_ms >= l->resize_ms)
		tell_size(l);
	feed_tick(&l->feed, l->now_ms, sink_of(l));
	feed_ask(&l->feed, l->opt->model->acted_ms);
	effects_tick(&l->effects, l->now_ms, sink_of(l));
	scrape_tick(&l->scrape, l->now_ms, sink_of(l));
	if (l->now_ms >= *tick_ms)
		deliver(l, &(struct msg){ .kind = MSG_TICK });
	int wanted = model_next_ms(l->opt->model);
	uint64_t at = l->now_ms + (uint64_t)(wanted < 0 || wanted > TICK_MAX_MS ? TICK_MAX_MS : wanted < 10 ? 10 : wanted);
	if (*tick_ms <= l->now_ms || at < *tick_ms)
		*tick_ms = at;
}

/* ---- the loop --------------------------------------------------------------------------------- */

static int listen_to(struct loop *l, int fd, enum source from, struct err *e)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = from };
	return epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &ev) == 0 ? 0 : err_set(e, errno, "watch source %d", (int)from);
}

static int open_sources(struct loop *l, struct err *e)
{
	sigset_t set;
	signal_set(&set);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (l->epoll < 0 || l->signals < 0)
		return err_set(e, errno, "make the event loop");
	int r = feed_init(&l->feed, e);
	r = r ? r : effects_init(&l->effects, l->opt->paths, l->opt->incident, e);
	r = r ? r : scrape_init(&l->scrape, l->opt->metrics, e);
	r = r ? r : listen_to(l, l->scrape.poll, FROM_METRICS, e);
	r = r ? r : listen_to(l, term_fd(l->opt->term), FROM_TERM, e);
	r = r ? r : listen_to(l, l->signals, FROM_SIGNALS, e);
	r = r ? r : listen_to(l, l->feed.poll, FROM_FEED, e);
	return r ? r : listen_to(l, l->effects.poll, FROM_EFFECTS, e);
}

static void turn(struct loop *l)
{
	uint64_t tick_ms = l->now_ms;
	while (!l->quit) {
		struct epoll_event ev[SOURCES];
		int n = epoll_wait(l->epoll, ev, SOURCES, next_ms(l, tick_ms));
		l->now_ms = mono_ms();
		for (int i = 0; i < n && !l->quit; i++)
			on_source(l, (enum source)ev[i].data.u32);
		on_time(l, &tick_ms);
		if (!l->quit)
			draw_when_due(l);
	}
}

int loop_run(const struct loop_options *opt, struct err *e)
{
	struct loop l = { .drill = drill_log_open(), .opt = opt, .epoll = -1, .signals = -1, .scrape = { .fd = -1, .poll = -1 }, .now_ms = mono_ms() };
	int r = open_sources(&l, e);
	if (r == 0) {
		tell_size(&l);
		if (opt->notice && *opt->notice)
			deliver(&l, &(struct msg){ .kind = MSG_NOTICE, .text = opt->notice });
		draw_when_due(&l); /* the first frame waits for nothing */
		turn(&l);
	}
	feed_done(&l.feed);
	effects_done(&l.effects);
	scrape_done(&l.scrape);
	canvas_done(&l.canvas);
	own_close(&l.drill);
	own_close(&l.epoll);
	own_close(&l.signals);
	return r ? r : l.code;
}
