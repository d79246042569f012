/* Who may act; see armed.h. */
#include "tui/armed.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"

enum { LOOK_MS = 1000 };
static const char lock_name[] = "console.lock", take_name[] = "console.takeover";
static const char *const word_names[] = { [ARMED_SECOND] = "console.second", [ARMED_OFFER] = "console.offer" };

static void path_of(const struct armed *a, const char *name, char *out, size_t cap)
{
	(void)snprintf(out, cap, "%s/%s", a->paths->of[PATH_RUN], name);
}

static void tell(struct feed_sink sink, enum msg_kind kind, bool ok, const char *text)
{
	struct msg m = { .kind = kind, .text = text };
	m.armed.ok = ok;
	sink.take(sink.ctx, &m);
}

/* The rule is looked at whenever somebody arms; what cannot be looked at is not taken for its absence. */
static void tell_armed(const struct armed *a, struct feed_sink sink)
{
	struct msg m = { .kind = MSG_ARMED };
	m.armed.ok = true;
	m.armed.pair = access(a->paths->of[PATH_TWO_PERSON], F_OK) == 0 || errno != ENOENT;
	sink.take(sink.ctx, &m);
}

static void forget(char **text, const char *next)
{
	free(*text);
	*text = next ? strdup(next) : NULL;
}

void armed_init(struct armed *a, const struct paths *paths)
{
	*a = (struct armed){ .paths = paths, .lock = -1, .watch = -1 };
}

static void let_go(struct armed *a)
{
	own_close(&a->lock); /* its text stays, and says nothing without the lock */
	a->lock = -1;
	a->waiting = false;
	forget(&a->text, NULL);
}

void armed_done(struct armed *a)
{
	let_go(a);
	own_close(&a->watch);
	free(a->heard);
	free(a->offered);
	*a = (struct armed){ .paths = a->paths, .lock = -1, .watch = -1 };
}

static void write_text(struct armed *a, const char *text)
{
	size_t n = strlen(text);
	if (pwrite(a->lock, text, n, 0) == (ssize_t)n) /* a full disk loses the text, not the lock */
		(void)!ftruncate(a->lock, (off_t)n);
	forget(&a->text, text);
}

static bool make_run(const struct armed *a)
{
	char part[PATH_ROOM + 2];
	(void)snprintf(part, sizeof part, "%s/", a->paths->of[PATH_RUN]);
	for (char *s = strchr(part + 1, '/'); s; s = strchr(s + 1, '/')) {
		*s = '\0';
		if (mkdir(part, 0755) != 0 && errno != EEXIST)
			return false;
		*s = '/';
	}
	return true;
}

/* 0, -EAGAIN when another has it, or why it cannot be had at all. */
static int take_lock(struct armed *a)
{
	char path[PATH_ROOM + 32];
	path_of(a, lock_name, path, sizeof path);
	if (!make_run(a))
		return -errno;
	autofd int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	if (fd < 0)
		return -errno;
	if (fcntl(fd, F_OFD_SETLK, &lock) != 0)
		return errno == EACCES ? -EAGAIN : -errno;
	a->lock = take_fd(&fd);
	path_of(a, take_name, path, sizeof path);
	(void)!unlink(path); /* an old request must not take it from us again */
	armed_take_back(a, ARMED_SECOND);
	return 0;
}

static int leave_word(const struct armed *a, const char *name, const char *text, struct err *e)
{
	char path[PATH_ROOM + 32];
	path_of(a, name, path, sizeof path);
	autofd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		return err_set(e, errno ? errno : ENOSPC, "write %s", path);
	return 0;
}

int armed_say(struct armed *a, enum armed_word word, const char *text, struct err *e)
{
	if (!make_run(a))
		return err_set(e, errno, "make %s", a->paths->of[PATH_RUN]);
	if (word == ARMED_OFFER)
		forget(&a->offered, text);
	return leave_word(a, word_names[word], text, e);
}

void armed_take_back(const struct armed *a, enum armed_word word)
{
	char path[PATH_ROOM + 32];
	path_of(a, word_names[word], path, sizeof path);
	(void)!unlink(path);
}

void armed_hold(struct armed *a, const char *hold, bool take, uint64_t now_ms, struct feed_sink sink)
{
	if (!hold) {
		let_go(a);
		return;
	}
	if (a->lock >= 0) {
		if (!a->text || strcmp(a->text, hold) != 0)
			write_text(a, hold);
		return;
	}
	if (a->waiting)
		return;
	int r = take_lock(a);
	if (r == 0) {
		write_text(a, hold);
		tell_armed(a, sink);
	} else if (r == -EAGAIN && take) {
		struct err unheard = { 0 };
		forget(&a->text, hold);
		(void)!leave_word(a, take_name, hold, &unheard); /* then it is waited for in vain, and said */
		a->waiting = true;
		a->until_ms = now_ms + ARMED_WAIT_MS;
	} else {
		a->looked_ms = 0; /* who it is, is told next */
		tell(sink, MSG_ARMED, false, r == -EAGAIN ? "another console is armed on this host" : strerrordesc_np(-r));
	}
}

static void drain(struct armed *a)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	while (a->watch >= 0 && read(a->watch, events, sizeof events) > 0)
		continue;
}

static void watch_run(struct armed *a)
{
	if (a->watch >= 0)
		return;
	a->watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (a->watch >= 0 && inotify_add_watch(a->watch, a->paths->of[PATH_RUN], IN_CLOSE_WRITE | IN_MODIFY | IN_CREATE | IN_DELETE) < 0) {
		own_close(&a->watch); /* not there yet: asked again at the next look */
		a->watch = -1;
	}
}

/* The text of a lock that somebody else holds; NULL when nobody does. */
static char *held_by_other(const struct armed *a)
{
	char path[PATH_ROOM + 32], *text = NULL;
	path_of(a, lock_name, path, sizeof path);
	autofd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	if (fd < 0 || fcntl(fd, F_OFD_GETLK, &lock) != 0 || lock.l_type == F_UNLCK)
		return NULL;
	return kfile_read_fd(fd, &text) >= 0 ? text : strdup("{}");
}

static void look_for_peer(struct armed *a, struct feed_sink sink)
{
	autofree char *now = a->lock < 0 ? held_by_other(a) : NULL;
	if ((now == NULL) == (a->heard == NULL) && (!now || strcmp(now, a->heard) == 0))
		return;
	forget(&a->heard, now);
	tell(sink, MSG_PEER, now != NULL, now);
}

static void wait_for_it(struct armed *a, uint64_t now_ms, struct feed_sink sink)
{
	if (take_lock(a) == 0) {
		autofree char *text = a->text ? strdup(a->text) : NULL;
		a->waiting = false;
		if (text)
			write_text(a, text);
		tell_armed(a, sink);
	} else if (now_ms >= a->until_ms) {
		a->waiting = false;
		tell(sink, MSG_ARMED, false, "the other console does not let go: it is stopped or hangs");
	}
}

static char *word_left(const struct armed *a, enum armed_word word)
{
	char path[PATH_ROOM + 32], *text = NULL;
	path_of(a, word_names[word], path, sizeof path);
	return kfile_read_all(AT_FDCWD, path, &text) > 0 ? text : (free(text), NULL);
}

static void hear_words(struct armed *a, struct feed_sink sink)
{
	autofree char *second = a->lock >= 0 ? word_left(a, ARMED_SECOND) : NULL, *offer = word_left(a, ARMED_OFFER);
	if (second) {
		armed_take_back(a, ARMED_SECOND);
		tell(sink, MSG_SECOND, true, second);
	}
	if (offer && (!a->offered || strcmp(offer, a->offered) != 0)) {
		forget(&a->offered, offer);
		tell(sink, MSG_OFFERED, true, offer);
	}
}

void armed_look(struct armed *a, uint64_t now_ms, struct feed_sink sink)
{
	char path[PATH_ROOM + 32];
	autofree char *text = NULL;
	watch_run(a);
	drain(a);
	a->looked_ms = now_ms + LOOK_MS;
	path_of(a, take_name, path, sizeof path);
	if (a->lock >= 0 && kfile_read_all(AT_FDCWD, path, &text) > 0) {
		let_go(a);
		tell(sink, MSG_TAKEN, false, text);
	}
	if (a->waiting)
		wait_for_it(a, now_ms, sink);
	hear_words(a, sink);
	look_for_peer(a, sink);
}
