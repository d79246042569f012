/* Ends of processes; see watch_ends.h. */
#include "probes/watch_ends.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <unistd.h>

enum { FD_RESERVE = 128, MOST = 65536 };

void ends_init(struct ends *e)
{
	struct rlimit files = { 0 };
	*e = (struct ends){ .all = true };
	(void)getrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_cur < files.rlim_max && files.rlim_cur < MOST) {
		files.rlim_cur = files.rlim_max < MOST ? files.rlim_max : MOST;
		(void)setrlimit(RLIMIT_NOFILE, &files); /* refused: then the old one holds */
		(void)getrlimit(RLIMIT_NOFILE, &files);
	}
	e->most = files.rlim_cur > FD_RESERVE * 2 ? (size_t)files.rlim_cur - FD_RESERVE : FD_RESERVE;
}

void ends_take(struct ends *e, int fd)
{
	for (size_t i = 0; i < e->n; i++)
		if (e->v[i].fd == fd) {
			(void)close(fd); /* leaves the epoll set with its only descriptor */
			e->v[i] = e->v[--e->n];
			return;
		}
}

static int by_pid(const void *a, const void *b)
{
	const struct watched *x = a, *y = b;
	return (x->pid > y->pid) - (x->pid < y->pid);
}

static struct watched *new_slot(struct ends *e)
{
	if (e->n == e->room) {
		e->room = e->room ? e->room * 2 : 64;
		e->v = realloc(e->v, e->room * sizeof *e->v);
		if (!e->v)
			abort();
	}
	return &e->v[e->n++];
}

/* The first `known` are sorted; what is new comes behind them. `start` 0: of a ghost's holder it is not known. */
static bool follow(struct ends *e, int epoll, unsigned tag, pid_t pid, uint64_t start, size_t known)
{
	const struct watched key = { .pid = pid };
	struct watched *old = known ? bsearch(&key, e->v, known, sizeof key, by_pid) : NULL;
	if (old && (old->start == start || !start || !old->start))
		return old->seen = true;
	if (e->n == e->most)
		return false;
	int fd = pidfd_open(pid, 0);
	if (fd < 0)
		return errno == ESRCH;
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = tag | (uint64_t)(uint32_t)fd << 32 };
	(void)epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev);
	*new_slot(e) = (struct watched){ pid, start, fd, true };
	return true;
}

void ends_follow(struct ends *e, int epoll, unsigned tag, const struct snapshot *now)
{
	const struct resource_set *set = &now->of[RES_PROCESS], *ghosts = &now->of[RES_GHOST];
	size_t known = e->n;
	e->all = true;
	if (known > 1)
		qsort(e->v, known, sizeof *e->v, by_pid);
	for (size_t i = 0; i < known; i++)
		e->v[i].seen = false;
	for (size_t i = 0; i < set->n; i++) {
		const struct process_facts *p = &set->v[i].process;
		bool ended = p->state == 'Z' || p->state == 'X'; /* only its parent's wait is still to come */
		e->all &= ended || follow(e, epoll, tag, p->pid, p->start_ticks, known);
	}
	for (size_t i = 0; i < ghosts->n; i++)
		(void)(ghosts->v[i].ghost.holder > 0 && follow(e, epoll, tag, ghosts->v[i].ghost.holder, 0, known));
	for (size_t i = e->n; i-- > 0;)
		if (!e->v[i].seen) {
			(void)close(e->v[i].fd);
			e->v[i] = e->v[--e->n];
		}
}

void ends_done(struct ends *e)
{
	for (size_t i = 0; i < e->n; i++)
		(void)close(e->v[i].fd);
	free(e->v);
	*e = (struct ends){ 0 };
}
