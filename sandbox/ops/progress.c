/* How a walk is told: one line an item when it is done, and on a terminal one that says what it is at. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/base/clock.h"
#include "probes/base/json.h"
#include "probes/base/text.h"
#include "probes/holders.h"
#include "sandbox/box/reclaim_acts.h"
#include "sandbox/ops/ops.h"
#include "sandbox/worker/events.h"
#include "sandbox/worker/status.h"

enum { REDRAW_MS = 100, HOLDERS_SHOWN = 3, TURN_MS = 60000 };

static volatile sig_atomic_t signal_stop;

static void on_signal(int number)
{
	signal_stop = number;
}

void ops_catch_signals(void)
{
	struct sigaction act = { .sa_handler = on_signal };
	(void)sigaction(SIGINT, &act, NULL);
	(void)sigaction(SIGTERM, &act, NULL);
}

bool ops_stopped(void *unused)
{
	(void)unused;
	return signal_stop != 0;
}

bool ops_wants_json(bool json, bool text)
{
	return json || (!text && !isatty(STDOUT_FILENO));
}

void ops_line(const json_t *j)
{
	if (json_dumpf(j, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER) < 0)
		return; /* finish() asks the stream */
	(void)fputc('\n', stdout);
	(void)fflush(stdout);
}

static void wipe(struct progress *p)
{
	if (p->open)
		(void)fputs("\r\033[K", stderr);
	p->open = false;
}

void progress_end(struct progress *p)
{
	wipe(p);
	(void)fflush(stderr);
}

static void item_line(const struct reclaim_item *item)
{
	char name[400];
	(void)printf("%-8s %-7s %s%s%s\n", reclaim_outcome_word(item->outcome),
		     item->of.kind < RES_KINDS ? resource_kind_word(item->of.kind) : "?",
		     text_escape(item->of.name ? item->of.name : item->of.id, name, sizeof name), *item->because ? ": " : "",
		     item->because);
}

static void done_with(struct progress *p, const struct reclaim_plan *plan, const struct reclaim_item *item)
{
	wipe(p);
	if (p->quiet)
		return;
	if (p->json) {
		autojson json_t *j = reclaim_item_to_json(item);
		if (item->blocker != RECLAIM_NOTHING) /* what this one only waits for */
			json_object_set_new(j, "blocker", json_text(plan->v[item->blocker].of.id));
		ops_line(j);
	} else {
		item_line(item);
		(void)fflush(stdout);
	}
}

static void progress_tell(void *arg, const struct reclaim_plan *plan, size_t at, uint64_t done)
{
	struct progress *p = arg;
	const struct reclaim_item *item = &plan->v[at];
	char name[120];
	uint64_t now = clock_mono_ns();
	if (item->outcome != RECLAIM_PENDING) {
		done_with(p, plan, item);
		return;
	}
	if (!isatty(STDERR_FILENO) || (p->shown_ns && now - p->shown_ns < REDRAW_MS * NS_PER_MS))
		return;
	p->shown_ns = now;
	(void)fprintf(stderr, "\r\033[K[%zu/%zu] %s %s", at + 1, plan->n, resource_kind_word(item->of.kind),
		      text_escape(item->of.name, name, sizeof name));
	if (done)
		(void)fprintf(stderr, " (%llu entries)", (unsigned long long)done);
	p->open = true;
	(void)fflush(stderr);
}

void progress_holders(void *arg, struct reclaim_item *item)
{
	const struct progress *p = arg;
	autoarena struct arena a = { 0 };
	struct holders h = { 0 };
	char raw[RECLAIM_BECAUSE];
	struct text t = TEXT_ON(raw);
	holders_find(p->scope, &item->of, &a, &h);
	for (size_t i = 0; i < h.n && i < HOLDERS_SHOWN; i++) {
		const struct holder *by = &h.v[i];
		if (by->pid)
			text_add(&t, "%s pid %d (%s) %s%s%s", i ? "," : "held by", by->pid, by->comm ? by->comm : "?",
				 hold_word(by->hold), by->same_ns || by->hold == HOLD_PEER_MOUNT ? "" : " in another namespace",
				 by->you ? " = you" : "");
		else
			text_add(&t, "%s %s %s", i ? "," : "held by", hold_word(by->hold), by->detail ? by->detail : "");
	}
	if (h.n > HOLDERS_SHOWN)
		text_add(&t, " and %zu more", h.n - HOLDERS_SHOWN);
	if (!h.n)
		text_add(&t, "no process is seen that holds it");
	if (!h.complete)
		text_add(&t, "; not all could be seen: %s", h.why.text);
	int below = reclaim_mounts_below(p->scope, item->of.name);
	if (below > 1) /* itself, and what keeps it */
		text_add(&t, "; %d other mounts stand on or below it", below - 1);
	(void)text_escape(raw, item->because, sizeof item->because);
}

struct reclaim_how progress_how(struct progress *p)
{
	return (struct reclaim_how){ .scope = p->scope, .tell = progress_tell, .holders = progress_holders,
				     .stop = ops_stopped, .arg = p };
}

int ops_take_turn(const struct paths *p, struct recovery_lock *ret, struct err *e)
{
	char who[160];
	int r = recovery_lock(p, ret, who, sizeof who, e);
	if (r != -EBUSY)
		return r;
	complain("waiting: %s", e->text);
	return recovery_lock_within(p, TURN_MS, ret, who, sizeof who, e);
}

void ops_note_action(const struct paths *p, const char *what, const char *detail, const char *outcome)
{
	char from[160];
	const char *ssh = getenv("SSH_CONNECTION"), *sudo = getenv("SUDO_USER");
	(void)snprintf(from, sizeof from, "%s%s%.80s%s%s", what, ssh ? " from " : "", ssh ? ssh : "", sudo ? " by " : "",
		       sudo ? sudo : "");
	struct event_facts facts = { .kind = from, .detail = detail, .outcome = outcome };
	struct err e = { 0 };
	if (status_directory(p, &e) < 0 || event_emit(p, EVENT_OPERATOR_ACTION, &facts, &e) < 0)
		complain("the action was not recorded: %s", e.text);
}
