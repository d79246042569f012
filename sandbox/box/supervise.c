/*
 * See supervise.h. Each source of events is a row of `sources`: what it waits for, and what happens then. A kill is
 * recorded before the signal is sent, and always goes to init through its pidfd: with pid 1 the kernel ends the box.
 */
#include "sandbox/box/supervise.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/base/clock.h"
#include "probes/base/own.h"
#include "sandbox/box/sample.h"
#include "sandbox/kernel/sys.h"

enum { SETUP_S = 10, DEATH_S = 5, CPU_LOOK_MS = 20, OOM_LOOK_MS = 500 };

struct loop {
	struct watch *w;
	int oom_fd, cancel_fd;
	uint64_t deadline;   /* of what is going on: set-up, the wall clock, or dying; UINT64_MAX: none */
	uint64_t next_look;  /* at the CPU time; UINT64_MAX: none */
	uint64_t next_sample, sample_every;
	uint64_t cpu_limit;
	uint64_t oom_look, oom_until; /* next look for the victim of an OOM, UINT64_MAX: none; and the last */
	bool over;	     /* init is reaped, or does not die */
};

static uint64_t plus(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static void trouble(struct loop *l, int code, const char *what)
{
	if (!l->w->ev->trouble.code)
		(void)err_set(&l->w->ev->trouble, code, "%s", what);
}

static void end_box(struct loop *l, enum kill_reason why)
{
	bool first = !l->w->ev->kills;
	l->w->ev->kills |= first ? KILL_BIT(why) : 0;
	if (first && l->w->exec_ns)
		sample_peaks(l->w->cgroup, l->w->plan->uid, l->w->ev);
	int r = sys_pidfd_signal(l->w->child->pidfd, SIGKILL);
	if (r < 0 && r != -ESRCH)
		trouble(l, -r, "kill the sandbox's init");
	if (first) {
		l->next_look = l->next_sample = UINT64_MAX;
		l->deadline = clock_mono_ns() + DEATH_S * NS_PER_S;
	}
}

/* ---- what can happen ---- */

static void began(struct loop *l)
{
	const struct limits *limits = &l->w->plan->limits;
	uint64_t grace = limits->of[LIMIT_EXTRA_TIME] == LIMIT_NONE ? 0 : limits->of[LIMIT_EXTRA_TIME];
	uint64_t now = clock_mono_ns();
	l->w->exec_ns = now;
	l->deadline = plus(plus(now, limits->of[LIMIT_WALL_TIME]), grace);
	l->cpu_limit = plus(limits->of[LIMIT_TIME], grace);
	l->next_look = l->cpu_limit == UINT64_MAX ? UINT64_MAX : now + CPU_LOOK_MS * NS_PER_MS;
	l->sample_every = SAMPLE_FIRST_MS * NS_PER_MS;
	l->next_sample = now + l->sample_every;
}

static void take_note(struct loop *l, const struct note *note)
{
	struct evidence *ev = l->w->ev;
	if (note->stage >= STAGE_COUNT) {
		trouble(l, EBADMSG, "the journal names a stage that is none");
		return;
	}
	if (note->err == 0) {
		ev->applied |= STAGE_BIT(note->stage);
		if (note->stage == STAGE_EXEC)
			began(l);
		return;
	}
	ev->applied &= ~STAGE_BIT(note->stage);
	if (l->w->plan->optional & STAGE_BIT(note->stage) && !stage_rows[note->stage].floor)
		return;
	ev->failed_stage = note->stage;
	ev->failed_err = note->err;
	l->w->failed_row = note->row;
	l->deadline = clock_mono_ns() + DEATH_S * NS_PER_S; /* it exits by itself */
}

static void on_journal(struct loop *l, short revents)
{
	(void)revents;
	struct note notes[STAGE_COUNT + 1]; /* all there can be, and exec's second one */
	ssize_t n = read(l->w->child->journal_fd, notes, sizeof notes);
	for (ssize_t i = 0; i < n / (ssize_t)sizeof notes[0]; i++)
		take_note(l, &notes[i]);
	if (n < 0)
		trouble(l, errno, "read the journal");
	else
		l->w->ev->gaps &= ~SOURCE_BIT(SOURCE_JOURNAL);
	own_close(&l->w->child->journal_fd);
	l->w->child->journal_fd = -1;
}

static uint64_t ns_of(struct timeval t)
{
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_usec * 1000;
}

static void on_status(struct loop *l, short revents)
{
	(void)revents;
	struct evidence *ev = l->w->ev;
	struct init_report report;
	ssize_t n = read(l->w->child->status_fd, &report, sizeof report);
	if (n == (ssize_t)sizeof report) {
		l->w->ended_ns = clock_mono_ns();
		ev->waited = true;
		ev->wstatus = report.wstatus;
		ev->usage = (struct usage){
			.user_ns = ns_of(report.usage.ru_utime), .system_ns = ns_of(report.usage.ru_stime),
			.max_rss = (uint64_t)report.usage.ru_maxrss * 1024,
			.voluntary = (uint64_t)report.usage.ru_nvcsw, .involuntary = (uint64_t)report.usage.ru_nivcsw,
		};
		ev->gaps &= ~(SOURCE_BIT(SOURCE_WAIT) | SOURCE_BIT(SOURCE_USAGE));
		/* Init exits now, and with it whatever the program left running. */
		if (!ev->kills)
			l->deadline = l->w->ended_ns + DEATH_S * NS_PER_S;
		l->next_look = l->next_sample = UINT64_MAX;
	} else if (n != 0) {
		trouble(l, n < 0 ? errno : EBADMSG, "read the program's wait status");
	}
	own_close(&l->w->child->status_fd);
	l->w->child->status_fd = -1;
}

static void on_init(struct loop *l, short revents)
{
	(void)revents;
	siginfo_t info = { 0 };
	struct rusage usage;
	int r = sys_pidfd_wait(l->w->child->pidfd, WNOHANG, &info, &usage);
	if (r < 0)
		trouble(l, -r, "reap the sandbox's init");
	if (r == 0 && info.si_pid == 0)
		return;
	if (!l->w->ended_ns)
		l->w->ended_ns = clock_mono_ns();
	l->over = true;
}

/* v1 reports before it has chosen a victim, and the counter that proves the kill moves a moment later. Ending the
 * box at once would leave a kill without its evidence, so it is looked for until it moves; when it does not, the
 * kernel found memory after all. There is no event for that moment. */
static void on_oom(struct loop *l, short revents)
{
	(void)revents;
	uint64_t times;
	if (read(l->oom_fd, &times, sizeof times) != (ssize_t)sizeof times) {
		l->oom_fd = -1; /* the owner closes it */
		return;
	}
	l->oom_look = clock_mono_ns();
	l->oom_until = l->oom_look + OOM_LOOK_MS * NS_PER_MS;
}

static void look_for_victim(struct loop *l, uint64_t now)
{
	struct cgroup_counters seen;
	uint32_t gaps = cgroup_counters(l->w->cgroup, &seen);
	l->oom_look = now >= l->oom_until ? UINT64_MAX : now + NS_PER_MS;
	if (gaps & SOURCE_BIT(SOURCE_MEMORY) || !seen.oom_kills)
		return;
	l->oom_look = UINT64_MAX;
	if (!l->w->ev->waited)
		end_box(l, KILL_OOM);
}

static void on_cancel(struct loop *l, short revents)
{
	(void)revents;
	end_box(l, KILL_CANCEL);
	l->cancel_fd = -1;
}

static void look_at_cpu(struct loop *l, uint64_t now)
{
	uint64_t used = 0;
	if (!cgroup_cpu_ns(l->w->cgroup, &used)) { /* RLIMIT_CPU still stands behind */
		l->next_look = UINT64_MAX;
	} else if (used >= l->cpu_limit) {
		end_box(l, KILL_CPU);
	} else { /* not before it could be used up on one processor, and not rarer than that allows for several */
		uint64_t rest = (l->cpu_limit - used) / 4;
		l->next_look = now + (rest < CPU_LOOK_MS * NS_PER_MS ? NS_PER_MS + rest : CPU_LOOK_MS * NS_PER_MS);
	}
}

static void on_time(struct loop *l, uint64_t now)
{
	struct watch *w = l->w;
	if (now >= l->deadline) {
		if (w->ev->kills || w->ended_ns) {
			trouble(l, ETIMEDOUT, "the sandbox's init does not die");
			l->over = true;
		} else if (!w->exec_ns) {
			trouble(l, ETIMEDOUT, "the launch did not get to its end");
			end_box(l, KILL_TROUBLE);
		} else {
			end_box(l, KILL_WALL);
		}
	}
	if (now >= l->oom_look)
		look_for_victim(l, now);
	if (now >= l->next_sample) {
		sample_peaks(w->cgroup, w->plan->uid, w->ev);
		l->sample_every = l->sample_every < SAMPLE_RAREST_MS * NS_PER_MS ? 2 * l->sample_every : l->sample_every;
		l->next_sample = now + l->sample_every;
	}
	if (now >= l->next_look)
		look_at_cpu(l, now);
}

/* ---- the loop ---- */

enum { AT_JOURNAL, AT_STATUS, AT_INIT, AT_OOM, AT_CANCEL, AT_EVENTS, AT_PUMPS = AT_EVENTS, AT_COUNT = AT_PUMPS + 6 };

static void (*const on_event[AT_EVENTS])(struct loop *, short) = {
	[AT_JOURNAL] = on_journal, [AT_STATUS] = on_status, [AT_INIT] = on_init,
	[AT_OOM] = on_oom,	   [AT_CANCEL] = on_cancel,
};

static void fill(const struct loop *l, struct pollfd set[static AT_COUNT])
{
	const struct child *c = l->w->child;
	const int fds[AT_EVENTS] = { [AT_JOURNAL] = c->journal_fd, [AT_STATUS] = c->status_fd, [AT_INIT] = c->pidfd,
				     [AT_OOM] = l->oom_fd, [AT_CANCEL] = l->cancel_fd };
	for (int i = 0; i < AT_EVENTS; i++)
		set[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
	/* Its end only: the notes wait in the pipe, and a wake-up for each would take the processor from the launch. */
	set[AT_JOURNAL].events = 0;
	stream_want(&l->w->in, &set[AT_PUMPS], &set[AT_PUMPS + 1]);
	stream_want(&l->w->out, &set[AT_PUMPS + 2], &set[AT_PUMPS + 3]);
	stream_want(&l->w->err, &set[AT_PUMPS + 4], &set[AT_PUMPS + 5]);
}

static void pump(struct loop *l, const struct pollfd set[static AT_COUNT])
{
	struct stream_pump *pumps[] = { &l->w->in, &l->w->out, &l->w->err };
	for (int i = 0; i < 3; i++) {
		int r = stream_move(pumps[i], set[AT_PUMPS + 2 * i].revents, set[AT_PUMPS + 2 * i + 1].revents);
		if (r < 0) {
			trouble(l, -r, i == 0 ? "pass on the input" : "pass on the output");
			end_box(l, KILL_TROUBLE);
		}
	}
	/* Input at its end: the program sees the end, too. */
	if (l->w->in.from < 0 && l->w->in.sent == l->w->in.n && l->w->in.to >= 0) {
		own_close(&l->w->in.to);
		l->w->in.to = -1;
	}
}

static int wait_for_events(const struct loop *l, struct pollfd set[static AT_COUNT])
{
	uint64_t until = l->deadline < l->next_look ? l->deadline : l->next_look;
	until = until < l->oom_look ? until : l->oom_look;
	until = until < l->next_sample ? until : l->next_sample;
	uint64_t now = clock_mono_ns();
	uint64_t rest = until > now ? until - now : 0;
	struct timespec t = { .tv_sec = (time_t)(rest / NS_PER_S), .tv_nsec = (long)(rest % NS_PER_S) };
	return ppoll(set, AT_COUNT, until == UINT64_MAX ? NULL : &t, NULL);
}

static void turn(struct loop *l)
{
	struct pollfd set[AT_COUNT];
	fill(l, set);
	if (wait_for_events(l, set) < 0 && errno != EINTR) {
		trouble(l, errno, "wait for events");
		end_box(l, KILL_TROUBLE);
		return;
	}
	pump(l, set);
	for (int i = 0; i < AT_EVENTS; i++)
		if (set[i].fd >= 0 && set[i].revents)
			on_event[i](l, set[i].revents);
	on_time(l, clock_mono_ns());
}

static void drain(struct loop *l)
{
	int r = stream_drain(&l->w->out);
	int s = stream_drain(&l->w->err);
	if (r < 0 || s < 0)
		trouble(l, r < 0 ? -r : -s, "read the rest of the output");
	else
		l->w->ev->gaps &= ~SOURCE_BIT(SOURCE_STREAMS);
	/* What the journal and the status pipe still hold; both are at their end now. */
	if (l->w->child->journal_fd >= 0)
		on_journal(l, 0);
	if (l->w->child->status_fd >= 0)
		on_status(l, 0);
}

void supervise(struct watch *w)
{
	struct err e = { 0 };
	autofd int oom = cgroup_oom_fd(w->cgroup, &e);
	autofd int cancel = w->cancel ? sys_signalfd(w->cancel) : -1;
	struct loop l = { .w = w, .oom_fd = oom, .cancel_fd = cancel, .next_look = UINT64_MAX,
			  .next_sample = UINT64_MAX, .oom_look = UINT64_MAX, .cpu_limit = UINT64_MAX };
	l.deadline = w->begun_ns + SETUP_S * NS_PER_S;
	w->ev->gaps &= ~SOURCE_BIT(SOURCE_KILLS);
	if (e.code || (w->cancel && cancel < 0)) {
		w->ev->trouble = e;
		trouble(&l, -cancel, "watch for signals");
		end_box(&l, KILL_TROUBLE);
	}
	while (!l.over)
		turn(&l);
	drain(&l);
	if (w->exec_ns && w->ended_ns) {
		w->ev->wall_ns = w->ended_ns > w->exec_ns ? w->ended_ns - w->exec_ns : 0;
		w->ev->gaps &= ~SOURCE_BIT(SOURCE_CLOCK);
	}
}
