/*
 * rustbox cleanup: ends a box made by `init`. The keeper first (its lock is the box's life), then everything the
 * ledger names, newest first, within five seconds; what will not go is named with who holds it, and counts as a
 * failed cleanup of this worker.
 */
#include <stdio.h>
#include <string.h>

#include "probes/base/clock.h"
#include "probes/base/text.h"
#include "sandbox/box/keeper.h"
#include "sandbox/ops/ops.h"
#include "sandbox/policy/events.h"
#include "sandbox/worker/events.h"
#include "sandbox/worker/record.h"

enum { CLEANUP_MS = 5000, KEEPER_MS = 1000 };

static const char *box_of(const struct invocation *in)
{
	if (in->argc == 3 && strcmp(in->argv[1], "--box-id") == 0)
		return in->argv[2];
	if (in->argc == 2 && strncmp(in->argv[1], "--box-id=", 9) == 0)
		return in->argv[1] + 9;
	return NULL;
}

/* No run is in the box, and none can enter it any more; then the keeper ends, and then its lock is ours. */
static int take_box(const struct paths *p, const char *box, struct claim *c, struct arena *a, struct err *e)
{
	struct ledger l = { 0 };
	int r = claim_enter(p, box, c, e);
	if (r == -ENOENT)
		return err_say(e, ENOENT, "there is no box %s", box);
	r = r < 0 ? r : claim_read(c, a, &l, e);
	if (r == 0 && !l.n)
		return err_say(e, ENOENT, "there is no box %s", box);
	r = r < 0 ? r : keeper_end(&l, KEEPER_MS, e);
	return r < 0 ? r : claim_lock(c, CLAIM_LOCK_MS, e);
}

static int remember(const struct paths *p, const char *box, const struct reclaim_plan *plan, size_t left, struct err *e)
{
	const struct reclaim_item *bad = NULL;
	for (size_t i = 0; i < plan->n && !bad; i++)
		if (plan->v[i].outcome != RECLAIM_RELEASED && plan->v[i].outcome != RECLAIM_GONE)
			bad = &plan->v[i];
	int r = record_health(p, left ? HEALTH_EVENT_CLEANUP_FAILED : HEALTH_EVENT_CLEANUP_OK, box, bad ? bad->because : NULL,
			      NULL, e);
	if (r < 0 || !bad)
		return r;
	struct event_facts facts = { .kind = event_kind_word(event_kind_of(bad->of.kind)), .box = box,
				     .detail = bad->because, .reason = bad->of.name };
	return event_emit(p, EVENT_CLEANUP_FAILURE, &facts, e);
}

static void tell_left(const struct reclaim_plan *plan)
{
	for (size_t i = 0; i < plan->n; i++) {
		const struct reclaim_item *item = &plan->v[i];
		if (item->outcome != RECLAIM_RELEASED && item->outcome != RECLAIM_GONE)
			complain("left: %s %s: %s", resource_kind_word(item->of.kind), item->of.name, item->because);
	}
}

int ops_cleanup(const struct invocation *in)
{
	autoarena struct arena a = { 0 };
	autoclaim struct claim c = CLAIM_NONE;
	struct scope scope = scope_host(in->paths);
	struct progress p = { .scope = &scope };
	struct reclaim_how how = { .scope = &scope, .holders = progress_holders, .arg = &p };
	struct reclaim_plan plan;
	struct err e = { 0 };
	const char *box = box_of(in);
	uint64_t start = clock_mono_ns();
	if (!box || !text_is_box_name(box)) {
		complain("usage: rustbox cleanup --box-id ID (1 to 64 characters of A-Z a-z 0-9 _ -)");
		return EXIT_USAGE;
	}
	int r = take_box(in->paths, box, &c, &a, &e);
	if (r < 0) {
		complain("cleanup: %s", e.text);
		return r == -ENOENT ? EXIT_VERDICT : EXIT_IE;
	}
	uint64_t spent = (clock_mono_ns() - start) / NS_PER_MS;
	size_t left = reclaim_claim(&c, &how, spent < CLEANUP_MS ? (unsigned)(CLEANUP_MS - spent) : 1, &a, &plan);
	tell_left(&plan);
	if (remember(in->paths, box, &plan, left, &e) < 0)
		complain("cleanup: not recorded: %s", e.text);
	return finish(left ? EXIT_VERDICT : EXIT_GOOD);
}
