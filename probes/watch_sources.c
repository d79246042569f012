/*
 * Event sources; see watch_sources.h. Every descriptor stands in one epoll set under a number that says
 * what an event on it means. An event only says "look again": what is there is always read from the
 * kernel's own tables, so a lost or doubled event costs a scan and never a wrong answer.
 */
#include "probes/watch_sources.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "probes/base/own.h"
#include "probes/places.h"
#include "probes/watch_ends.h"

/* include/uapi/linux/fanotify.h of Linux 6.15; Debian 12's headers lack them. */
#define REPORT_MNT 0x00004000u	     /* FAN_REPORT_MNT */
#define MARK_MNTNS 0x00000110u	     /* FAN_MARK_MNTNS */
#define MNT_CAME   0x01000000ull     /* FAN_MNT_ATTACH */
#define MNT_WENT   0x02000000ull     /* FAN_MNT_DETACH */
#define MNT_EVENTS (MNT_CAME | MNT_WENT)

enum { EVENTS_AT_ONCE = 64, MOUNT_EVENTS = 4096, CANCEL_BACK = 16 };
enum tag { TAG_OUT, TAG_SIGNAL, TAG_FANOTIFY, TAG_MOUNTINFO, TAG_CGROUP, TAG_WORK, TAG_LEDGER, TAG_STATE, TAG_PID, TAGS };

/* A directory that may not exist yet: then its nearest parent is watched until it does. */
struct dir {
	const char *path;
	enum tag tag;
	int wd; /* of the directory itself, -1 while only a parent is watched */
	int waiting; /* of that parent, -1 when there is none */
};

struct sources {
	struct arena a;
	int epoll, fd[TAGS];
	struct dir *dirs;
	size_t ndirs;
	struct mount_event mounts[MOUNT_EVENTS]; /* since the last sources_mounts() */
	size_t nmounts;
	bool lost_mounts;
	int newest[TAGS]; /* highest inotify watch so far: a higher one is new */
	bool short_of[TAGS]; /* the kernel refused a watch */
	struct ends ends;
	uint64_t *groups; /* the cgroups under watch, by hash of their ids, sorted */
	size_t ngroups;
};

static void join(struct sources *s, enum tag tag, int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.u64 = (uint64_t)tag | (uint64_t)(uint32_t)fd << 32 };
	s->fd[tag] = fd;
	if (fd >= 0)
		(void)epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &ev); /* a plain file as output cannot be waited for */
}

/* ---- directories -------------------------------------------------------------------------------- */
static uint32_t dir_mask(enum tag tag)
{
	uint32_t mask = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
	return tag == TAG_LEDGER || tag == TAG_STATE ? mask | IN_MODIFY | IN_CLOSE_WRITE : mask;
}

static int add_watch(struct sources *s, enum tag tag, const char *path, uint32_t mask)
{
	int wd = inotify_add_watch(s->fd[tag], path, mask);
	if (wd < 0 && (errno == ENOSPC || errno == ENOMEM || errno == EACCES))
		s->short_of[tag] = true;
	return wd;
}

/* Returns true when the directory has come under watch just now. */
static bool arm(struct sources *s, struct dir *d)
{
	char path[PATH_ROOM * 2];
	if (d->wd >= 0)
		return false;
	d->wd = add_watch(s, d->tag, d->path, dir_mask(d->tag));
	if (d->wd >= 0)
		return true;
	(void)snprintf(path, sizeof path, "%s", d->path);
	for (char *slash; (slash = strrchr(path, '/'));) {
		slash[slash == path] = '\0';
		d->waiting = add_watch(s, d->tag, path, IN_CREATE | IN_MOVED_TO | IN_ONLYDIR | IN_MASK_ADD);
		if (d->waiting >= 0 || strcmp(path, "/") == 0)
			break;
	}
	/* It may have been made between the two calls. */
	d->wd = add_watch(s, d->tag, d->path, dir_mask(d->tag));
	return d->wd >= 0;
}

static void add_dir(struct sources *s, enum tag tag, const char *path)
{
	struct dir *d = arena_push(&s->a, &s->dirs, &s->ndirs, sizeof *s->dirs);
	*d = (struct dir){ .path = path, .tag = tag, .wd = -1, .waiting = -1 };
}

static void open_dirs(struct sources *s, const struct scope *scope)
{
	const struct paths *p = scope->paths;
	for (enum tag tag = TAG_CGROUP; tag <= TAG_STATE; tag++)
		join(s, tag, inotify_init1(IN_CLOEXEC | IN_NONBLOCK), EPOLLIN);
	const char **tops = NULL;
	for (size_t i = 0, n = places_dirs(scope, &s->a, &tops); i < n; i++)
		add_dir(s, TAG_CGROUP, tops[i]);
	add_dir(s, TAG_WORK, p->of[PATH_WORK]);
	add_dir(s, TAG_LEDGER, p->of[PATH_LEDGER]);
	add_dir(s, TAG_STATE, p->of[PATH_STATE]);
	for (size_t i = 0; i < s->ndirs; i++)
		(void)arm(s, &s->dirs[i]);
}

/* Whether a change of this name directly in one of our directories concerns us: /tmp is full of other people's files, and
 * so is the root of a hierarchy of other people's cgroups. */
static bool concerns(enum tag tag, const struct inotify_event *ev)
{
	if (tag == TAG_WORK)
		return ev->len == 0 || strncmp(ev->name, "rustbox-", 8) == 0;
	if (tag == TAG_CGROUP)
		return ev->len == 0 || paths_box_of_name(ev->name);
	if (tag == TAG_STATE)
		return ev->len == 0 || strncmp(ev->name, "health", 6) == 0;
	return true;
}

static unsigned wake_of(enum tag tag)
{
	static const unsigned wake[TAGS] = { [TAG_FANOTIFY] = WAKE_MOUNT_EVENTS,
					     [TAG_CGROUP] = WAKE_CGROUPS,  [TAG_WORK] = WAKE_DIRS,
					     [TAG_LEDGER] = WAKE_ALL,	   [TAG_STATE] = WAKE_HEALTH };
	return wake[tag];
}

static unsigned take_inotify_event(struct sources *s, enum tag tag, const struct inotify_event *ev)
{
	bool own = false, waiting = false;
	if (ev->mask & IN_Q_OVERFLOW)
		return WAKE_RESYNC;
	for (size_t i = 0; i < s->ndirs; i++) {
		struct dir *d = &s->dirs[i];
		waiting = waiting || (d->tag == tag && d->waiting == ev->wd);
		if (d->tag != tag || d->wd != ev->wd)
			continue;
		own = true;
		if (ev->mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF))
			d->wd = -1;
	}
	/* The cgroups of boxes are watched as well, and all in them concerns us; what a waiting parent is waited on for is
	 * seen by arm(). */
	return own ? (concerns(tag, ev) ? wake_of(tag) : 0) : tag == TAG_CGROUP && !waiting ? wake_of(tag) : 0;
}

static unsigned drain_inotify(struct sources *s, enum tag tag)
{
	_Alignas(struct inotify_event) char buf[16384];
	unsigned wake = 0;
	for (ssize_t n; (n = read(s->fd[tag], buf, sizeof buf)) > 0;)
		for (char *at = buf; at < buf + n;) {
			const struct inotify_event *ev = (const struct inotify_event *)(const void *)at;
			wake |= take_inotify_event(s, tag, ev);
			at += sizeof *ev + ev->len;
		}
	for (size_t i = 0; i < s->ndirs; i++)
		if (s->dirs[i].tag == tag && arm(s, &s->dirs[i]))
			wake |= wake_of(tag);
	return wake;
}

/* ---- mounts ------------------------------------------------------------------------------------- */
static int open_fanotify(void)
{
	autofd int fd = fanotify_init(FAN_CLASS_NOTIF | REPORT_MNT | FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY | O_CLOEXEC);
	autofd int ns = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || ns < 0 || fanotify_mark(fd, FAN_MARK_ADD | MARK_MNTNS, MNT_EVENTS, ns, NULL))
		return -1;
	return take_fd(&fd);
}

/* include/uapi/linux/fanotify.h: struct fanotify_event_info_mnt, aligned as the kernel writes it. */
struct info_mnt {
	uint8_t type, pad;
	uint16_t len;
	uint32_t spare;
	uint64_t id;
};
enum { INFO_TYPE_MNT = 7 };

static void keep_mount_event(struct sources *s, const struct fanotify_event_metadata *one, const char *bytes)
{
	struct info_mnt info;
	if (one->event_len < one->metadata_len + sizeof info) {
		s->lost_mounts = true;
		return;
	}
	memcpy(&info, bytes + one->metadata_len, sizeof info);
	bool came = one->mask & MNT_CAME, went = one->mask & MNT_WENT;
	/* What came and went between two looks was nothing, in a storm nearly all is. */
	for (size_t i = s->nmounts; went && i-- > 0 && s->nmounts - i <= CANCEL_BACK;)
		if (s->mounts[i].id == info.id && s->mounts[i].came) {
			s->mounts[i] = (struct mount_event){ .id = info.id, .passed = true };
			return;
		}
	if (info.type != INFO_TYPE_MNT || s->nmounts == MOUNT_EVENTS) {
		s->lost_mounts = true;
		return;
	}
	s->mounts[s->nmounts++] = (struct mount_event){ .id = info.id, .came = came, .went = went };
}

static unsigned drain_fanotify(struct sources *s)
{
	struct fanotify_event_metadata ev[256];
	unsigned wake = WAKE_MOUNT_EVENTS;
	for (ssize_t n; (n = read(s->fd[TAG_FANOTIFY], ev, sizeof ev)) > 0;)
		for (ssize_t at = 0; at + (ssize_t)sizeof *ev <= n;) {
			struct fanotify_event_metadata one;
			const char *bytes = (const char *)ev + at;
			memcpy(&one, bytes, sizeof one);
			if (one.mask & FAN_Q_OVERFLOW)
				wake |= WAKE_RESYNC;
			else
				keep_mount_event(s, &one, bytes);
			at += one.event_len >= sizeof one ? one.event_len : sizeof one;
		}
	return wake;
}

size_t sources_mounts(struct sources *s, const struct mount_event **ret, bool *all)
{
	size_t n = s->nmounts;
	*ret = s->mounts;
	*all = !s->lost_mounts && s->fd[TAG_FANOTIFY] >= 0;
	s->nmounts = 0;
	s->lost_mounts = false;
	return n;
}

static unsigned drain_signals(struct sources *s)
{
	struct signalfd_siginfo one;
	unsigned wake = 0;
	while (read(s->fd[TAG_SIGNAL], &one, sizeof one) == sizeof one)
		wake |= one.ssi_signo == SIGURG ? WAKE_ASKED : WAKE_STOP;
	return wake;
}

/* ---- the whole ---------------------------------------------------------------------------------- */
static unsigned take_event(struct sources *s, enum tag tag, int fd)
{
	switch (tag) {
	case TAG_CGROUP:
	case TAG_WORK:
	case TAG_LEDGER:
	case TAG_STATE: return drain_inotify(s, tag);
	case TAG_FANOTIFY: return drain_fanotify(s);
	case TAG_PID:
		ends_take(&s->ends, fd);
		return WAKE_ENDED;
	case TAG_SIGNAL: return drain_signals(s);
	case TAG_MOUNTINFO: return s->fd[TAG_FANOTIFY] >= 0 ? WAKE_REMOUNT : WAKE_MOUNTS;
	case TAG_OUT: return WAKE_STOP;
	case TAGS: break;
	}
	return 0;
}

void sources_nap(struct sources *s, int ms)
{
	struct pollfd p[] = { { .fd = s->fd[TAG_SIGNAL], .events = POLLIN }, { .fd = s->fd[TAG_OUT] } };
	(void)poll(p, sizeof p / sizeof *p, ms);
}

unsigned sources_wait(struct sources *s, int ms)
{
	struct epoll_event ev[EVENTS_AT_ONCE];
	unsigned wake = 0;
	int n = epoll_wait(s->epoll, ev, EVENTS_AT_ONCE, ms);
	for (int i = 0; i < n; i++)
		wake |= take_event(s, (enum tag)(ev[i].data.u64 & 0xff), (int)(uint32_t)(ev[i].data.u64 >> 32));
	return wake;
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static uint64_t hash_of(const char *s) /* FNV-1a */
{
	uint64_t h = 0xcbf29ce484222325u;
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3u;
	return h;
}

static bool watch_group(struct sources *s, const struct resource *r)
{
	char path[PATH_ROOM * 2 + 4096];
	int last = s->newest[TAG_CGROUP], wd = add_watch(s, TAG_CGROUP, r->name, dir_mask(TAG_CGROUP));
	bool fresh = wd > last;
	last = fresh ? wd : last;
	(void)snprintf(path, sizeof path, "%s/cgroup.events", r->name);
	if (r->cgroup.version == 2)
		wd = add_watch(s, TAG_CGROUP, path, IN_MODIFY);
	s->newest[TAG_CGROUP] = wd > last ? wd : last;
	return fresh;
}

unsigned sources_follow(struct sources *s, const struct snapshot *now)
{
	const struct resource_set *cgroups = &now->of[RES_CGROUP];
	bool fresh = false;
	ends_follow(&s->ends, s->epoll, TAG_PID, now);
	uint64_t *groups = malloc((cgroups->n + 1) * sizeof *groups);
	if (!groups)
		abort();
	for (size_t i = 0; i < cgroups->n; i++) {
		groups[i] = hash_of(cgroups->v[i].id);
		if (!s->ngroups || !bsearch(&groups[i], s->groups, s->ngroups, sizeof *groups, by_number))
			fresh |= watch_group(s, &cgroups->v[i]);
	}
	if (cgroups->n > 1)
		qsort(groups, cgroups->n, sizeof *groups, by_number);
	free(s->groups);
	s->groups = groups;
	s->ngroups = cgroups->n;
	return fresh ? 1u << RES_CGROUP : 0;
}

const char *sources_mode(const struct sources *s, enum resource_kind kind)
{
	static const enum tag tags[RES_KINDS] = { [RES_CGROUP] = TAG_CGROUP, [RES_TEMPDIR] = TAG_WORK,
						  [RES_LOCK] = TAG_LEDGER };
	switch (kind) {
	case RES_MOUNT: return s->fd[TAG_FANOTIFY] >= 0 ? "fanotify" : s->fd[TAG_MOUNTINFO] >= 0 ? "pollpri" : "poll";
	case RES_PROCESS: return s->ends.all ? "pidfd" : "poll";
	case RES_CGROUP:
	case RES_TEMPDIR:
	case RES_LOCK: return s->fd[tags[kind]] < 0 || s->short_of[tags[kind]] ? "poll" : "inotify";
	case RES_GHOST:
	case RES_KINDS: break;
	}
	return "poll";
}

int sources_open(const struct scope *scope, int out_fd, struct sources **ret, struct err *e)
{
	sigset_t stop;
	struct sources *s = calloc(1, sizeof *s);
	if (!s)
		abort();
	for (int t = 0; t < TAGS; t++)
		s->fd[t] = -1;
	(void)sigemptyset(&stop);
	(void)sigaddset(&stop, SIGTERM);
	(void)sigaddset(&stop, SIGINT);
	(void)sigaddset(&stop, SIGHUP);
	(void)sigaddset(&stop, SIGURG); /* asks for a look; before we can hear it, it does nothing */
	(void)sigprocmask(SIG_BLOCK, &stop, NULL);
	(void)signal(SIGPIPE, SIG_IGN); /* the reader's end is EPIPE, not our death */
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	int signals = signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->epoll < 0 || signals < 0) {
		int rc = err_set(e, errno, "open the event sources");
		sources_close(&s);
		return rc;
	}
	join(s, TAG_SIGNAL, signals, EPOLLIN);
	join(s, TAG_OUT, fcntl(out_fd, F_DUPFD_CLOEXEC, 0), 0); /* EPOLLERR is always reported */
	join(s, TAG_FANOTIFY, open_fanotify(), EPOLLIN);
	/* Beside fanotify too: it tells of remounts. */
	join(s, TAG_MOUNTINFO, open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC), EPOLLPRI | EPOLLET);
	open_dirs(s, scope);
	ends_init(&s->ends);
	*ret = s;
	return 0;
}

void sources_close(struct sources **s)
{
	struct sources *p = *s;
	*s = NULL;
	if (!p)
		return;
	ends_done(&p->ends);
	free(p->groups);
	for (int t = 0; t < TAGS; t++)
		if (p->fd[t] >= 0)
			(void)close(p->fd[t]);
	if (p->epoll >= 0)
		(void)close(p->epoll);
	arena_done(&p->a);
	free(p);
}
