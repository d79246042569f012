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

/* Under a root of its own nothing may be there yet, not even <root>/run. */
static int make_run(const struct paths *p, struct err *e)
{
	char path[PATH_ROOM];
	for (const char *s = p->of[PATH_RUN] + strlen(p->root) + 1; s; s = strchr(s, '/') ? strchr(s, '/') + 1 : NULL) {
		size_t n = (size_t)(s - p->of[PATH_RUN]) + strcspn(s, "/");
		(void)snprintf(path, sizeof path, "%.*s", (int)n, p->of[PATH_RUN]);
		int r = sys_mkdirat(AT_FDCWD, path, n < strlen(p->of[PATH_RUN]) ? 0755 : 0700);
		if (r < 0 && r != -EEXIST)
			return err_set(e, -r, "make %s", path);
	}
	return 0;
}

int recovery_lock(const struct paths *p, struct recovery_lock *ret, char *who, size_t cap, struct err *e)
{
	int r = make_run(p, e);
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

size_t recover_left(const struct snapshot *s)
{
	size_t n = 0;
	for (int k = 0; k < RES_KINDS; k++)
		n += snapshot_leftovers(s, (enum resource_kind)k);
	return n;
}

/* Returns whether another round can help: something moved, and something is left. */
static bool round_of(const struct reclaim_how *how, struct arena *a, struct recovery *r)
{
	struct snapshot now;
	struct reclaim_plan plan;
	struct reclaim_choice everything = { .now = clock_wall_s() };
	size_t before = r->released;
	snapshot_take(how->scope, 0, a, &now);
	reclaim_plan_make(&now, &everything, a, &plan);
	if (!plan.n)
		return false;
	r->rounds++;
	r->left = reclaim_walk(&plan, how);
	for (size_t i = 0; i < plan.n; i++) {
		r->released += plan.v[i].outcome == RECLAIM_RELEASED;
		r->gone += plan.v[i].outcome == RECLAIM_GONE;
	}
	return r->released > before;
}

void recover_all(const struct reclaim_how *how, struct arena *a, struct recovery *ret)
{
	struct recovery r = { 0 };
	while (r.rounds < RECOVER_ROUNDS && round_of(how, a, &r) && !how->dry && !(how->stop && how->stop(how->arg)))
		;
	snapshot_take(how->scope, 0, a, &r.after);
	r.looked = recover_looked(&r.after, &r.why);
	r.clean = r.looked && recover_left(&r.after) == 0;
	*ret = r;
}
