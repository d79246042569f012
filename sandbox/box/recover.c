/* See recover.h. Nothing to do makes no plan and no call that changes anything: a second recovery is a look. */
#include "sandbox/box/recover.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "probes/base/clock.h"
#include "probes/base/own.h"
#include "probes/base/text.h"
#include "probes/ledger.h"
#include "sandbox/box/claim.h"
#include "sandbox/kernel/dirs.h"
#include "sandbox/kernel/sys.h"

enum { LOCK_NAP_MS = 50 };

static void read_who(int fd, char *who, size_t cap)
{
	char raw[128] = "";
	ssize_t n = pread(fd, raw, sizeof raw - 1, 0);
	raw[n > 0 ? n : 0] = '\0';
	raw[strcspn(raw, "\n")] = '\0';
	(void)text_escape(*raw ? raw : "another recovery", who, cap);
}

static int write_who(int fd, struct err *e)
{
	char at[24], text[96];
	clock_rfc3339(clock_wall_s(), at, sizeof at);
	int n = snprintf(text, sizeof text, "pid %d of uid %u, since %s\n", (int)getpid(), (unsigned)getuid(), at);
	int r = sys_ftruncate(fd, 0);
	r = r < 0 ? r : sys_write_all(fd, text, (size_t)n);
	return r < 0 ? err_set(e, -r, "say who is at work") : 0;
}

int recovery_lock(const struct paths *p, struct recovery_lock *ret, char *who, size_t cap, struct err *e)
{
	int r = dirs_make(p, PATH_RUN, 0755, e);
	if (r < 0)
		return r;
	autofd int fd = sys_openat(AT_FDCWD, p->of[PATH_RECOVERY], O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_set(e, -fd, "open %s", p->of[PATH_RECOVERY]);
	r = sys_flock(fd, LOCK_EX | LOCK_NB);
	if (r == -EWOULDBLOCK) {
		read_who(fd, who, cap);
		return err_say(e, EBUSY, "a recovery is at work: %s", who);
	}
	r = r < 0 ? err_set(e, -r, "lock %s", p->of[PATH_RECOVERY]) : write_who(fd, e);
	if (r < 0)
		return r;
	ret->fd = take_fd(&fd);
	return 0;
}

int recovery_lock_within(const struct paths *p, unsigned ms, struct recovery_lock *ret, char *who, size_t cap,
			 struct err *e)
{
	uint64_t until = clock_mono_ns() + ms * NS_PER_MS;
	int r;
	while ((r = recovery_lock(p, ret, who, cap, e)) == -EBUSY && clock_mono_ns() < until)
		(void)poll(NULL, 0, LOCK_NAP_MS);
	return r;
}

void recovery_unlock(struct recovery_lock *l)
{
	own_close(&l->fd);
	*l = RECOVERY_UNLOCKED;
}

bool recover_looked(const struct snapshot *s, struct err *why)
{
	for (int k = 0; k < RES_KINDS; k++)
		if (!s->of[k].complete) {
			if (why)
				*why = s->of[k].why;
			return false;
		}
	return true;
}

/* A box that begins while we look can show its cgroup after its ledger was not there yet. What has a ledger that nobody
 * holds is sure; the rest must be there, and nobody's, in a second look as well. */
static bool all_sure(const struct snapshot *s)
{
	for (int k = 0; k < RES_KINDS; k++)
		for (size_t i = 0; i < s->of[k].n; i++) {
			const struct resource *r = &s->of[k].v[i];
			const struct resource *lock = r->box ? resource_set_find(&s->of[RES_LOCK], r->box) : NULL;
			if (owner_is_left_over(r->owner) && !(lock && lock->owner == OWNER_LEAK))
				return false;
		}
	return true;
}

static void confirm(const struct snapshot *first, struct snapshot *now)
{
	for (int k = 0; k < RES_KINDS; k++)
		for (size_t i = 0; i < now->of[k].n; i++) {
			struct resource *r = &now->of[k].v[i];
			const struct resource *before = resource_set_find(&first->of[k], r->id);
			if (!owner_is_left_over(r->owner) || (before && owner_is_left_over(before->owner)))
				continue;
			r->owner = OWNER_ACTIVE;
			r->why = "it was not there a moment ago: a box may be beginning";
		}
}

void recover_look(const struct scope *scope, struct arena *a, struct snapshot *ret)
{
	struct snapshot first, now;
	snapshot_take(scope, 0, a, &first);
	now = first;
	if (!all_sure(&first)) {
		snapshot_take(scope, 0, a, &now);
		confirm(&first, &now);
	}
	*ret = now;
}

/* Returns whether another round can help: something moved. */
static bool round_of(const struct reclaim_plan *plan, const struct reclaim_how *how, struct recovery *r)
{
	size_t before = r->released;
	struct reclaim_plan walked = *plan;
	r->rounds++;
	r->left = reclaim_walk(&walked, how);
	for (size_t i = 0; i < walked.n; i++) {
		r->released += walked.v[i].outcome == RECLAIM_RELEASED;
		r->gone += walked.v[i].outcome == RECLAIM_GONE;
	}
	return r->released > before;
}

/* A file without a header: its maker died between making and locking it. It says nothing and so is no leftover, but
 * it would lie there for ever. */
static void sweep_empty_ledgers(const struct scope *scope, struct arena *a)
{
	struct ledgers all;
	struct err ignored; /* one that is taken now, or does not go, is a matter of the next recovery */
	ledgers_read(scope, a, &all);
	for (size_t i = 0; i < all.n; i++) {
		autoclaim struct claim c = CLAIM_NONE;
		struct ledger now = { .boot_id = "?" };
		if (all.v[i].held || all.v[i].corrupt || *all.v[i].boot_id)
			continue;
		if (claim_take(scope->paths, all.v[i].box, &c, &ignored) == 0 && claim_read(&c, a, &now, &ignored) == 0 &&
		    !*now.boot_id && claim_finish(&c, &ignored) < 0)
			return;
	}
}

void recover_all(const struct reclaim_how *how, const struct snapshot *first, struct arena *a, struct recovery *ret)
{
	struct recovery r = { .after = *first };
	struct reclaim_plan plan;
	struct reclaim_choice everything = { .now = clock_wall_s() };
	for (bool go_on = true; go_on;) {
		reclaim_plan_make(&r.after, &everything, a, &plan);
		if (!plan.n)
			break;
		go_on = round_of(&plan, how, &r) && r.rounds < RECOVER_ROUNDS && !(how->stop && how->stop(how->arg));
		if (how->dry)
			break;
		recover_look(how->scope, a, &r.after);
	}
	if (!how->dry)
		sweep_empty_ledgers(how->scope, a);
	r.looked = recover_looked(&r.after, &r.why);
	r.clean = r.looked && snapshot_all_leftovers(&r.after) == 0;
	*ret = r;
}
