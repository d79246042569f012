/* Lines into the ledger; see claim.h for the order and probes/ledger.h for the format. */
#include "sandbox/box/claim.h"

#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "probes/base/clock.h"
#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "probes/base/text.h"
#include "sandbox/kernel/dirs.h"
#include "sandbox/kernel/sys.h"

enum { LINE_ROOM = 4608, LOCK_STEP_MS = 5, NAME_TRIES = 64 };

/* flock has no event to wait for but itself, and a blocking one cannot be bounded without a signal: short
 * naps, only while somebody else holds it. */
static int lock_within(int fd, const char *box, unsigned ms, struct err *e)
{
	uint64_t until = clock_mono_ns() + ms * NS_PER_MS;
	int r;
	while ((r = sys_flock(fd, LOCK_EX | LOCK_NB)) < 0) {
		if (r != -EWOULDBLOCK && r != -EINTR)
			return err_set(e, -r, "lock the ledger of box %s", box);
		if (clock_mono_ns() >= until)
			return err_say(e, EBUSY, "box %s is in use: its lock is held; wait for its run to end", box);
		(void)poll(NULL, 0, LOCK_STEP_MS);
	}
	return 0;
}

static int open_ledger(const struct paths *p, const char *box, int flags, struct err *e)
{
	char path[PATH_ROOM + 80];
	if (!text_is_box_name(box))
		return err_say(e, EINVAL, "a box name is 1 to 64 characters of A-Z a-z 0-9 _ -");
	paths_ledger(p, box, path);
	int fd = sys_openat(AT_FDCWD, path, O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC | flags, 0600);
	if (fd < 0)
		return err_set(e, -fd, "open the ledger %s", path);
	return fd;
}

static int write_line(const struct claim *c, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int write_line(const struct claim *c, struct err *e, const char *fmt, ...)
{
	char line[LINE_ROOM];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(line, sizeof line - 1, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof line - 1)
		return err_say(e, ENAMETOOLONG, "a ledger line of box %s is longer than %d bytes", c->box, LINE_ROOM);
	line[n] = '\n';
	ssize_t w = sys_write(c->fd, line, (size_t)n + 1);
	if (w < 0)
		return err_set(e, (int)-w, "write the ledger of box %s", c->box);
	if (w != n + 1) /* a torn line says nothing was made under it, but a later line would be glued to it */
		return err_set(e, ENOSPC, "write the ledger of box %s: only %zd of %d bytes", c->box, w, n + 1);
	return 0;
}

static int write_header(struct claim *c, struct err *e)
{
	char boot[40] = "";
	ssize_t n = kfile_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", boot, sizeof boot);
	if (n < 0)
		return err_set(e, (int)-n, "read the boot id");
	boot[strcspn(boot, "\n")] = '\0';
	c->next = 1;
	return write_line(c, e, "rustbox-ledger 1 %s %s", c->box, boot);
}

/* A dead owner's ledger may be overwritten when everything in it was struck off, or nothing was ever written. */
static int start_anew(const struct claim *c, struct err *e)
{
	autoarena struct arena a = { 0 };
	struct ledger l = { 0 };
	struct err why = { 0 };
	bool left = claim_read(c, &a, &l, &why) < 0;
	for (size_t i = 0; i < l.n; i++)
		left |= !l.v[i].gone;
	if (left)
		return err_say(e, EEXIST, "box %s was left behind by a dead owner%s%s; "
			       "run: rustbox health --recover --cleanup", c->box, why.code ? ": " : "", why.text);
	int r = sys_ftruncate(c->fd, 0);
	return r < 0 ? err_set(e, -r, "empty the ledger of box %s", c->box) : 0;
}

/* Whether the path still leads to this file: its last owner may have unlinked it between our open and our lock. */
static bool is_named(const struct claim *c)
{
	char path[PATH_ROOM + 80];
	struct stat here, there;
	paths_ledger(c->paths, c->box, path);
	return fstat(c->fd, &here) == 0 && here.st_nlink > 0 && lstat(path, &there) == 0 && here.st_ino == there.st_ino &&
	       here.st_dev == there.st_dev;
}

/* The file, made when it is not there, with its lock; whichever file of that name is the one on disk then. */
static int open_locked(const struct paths *p, struct claim *c, struct err *e)
{
	for (int i = 0; i < NAME_TRIES; i++) {
		autofd int fd = open_ledger(p, c->box, O_CREAT, e);
		if (fd == -ENOENT) {
			int r = dirs_make(p, PATH_LEDGER, 0700, e);
			if (r < 0)
				return r;
			continue;
		}
		int r = fd < 0 ? fd : lock_within(fd, c->box, CLAIM_LOCK_MS, e);
		if (r < 0)
			return r;
		c->fd = take_fd(&fd);
		if (is_named(c))
			return 0;
		own_close(&c->fd);
		c->fd = -1;
	}
	return err_say(e, EAGAIN, "the ledger of box %s is made and removed all the time by somebody else", c->box);
}

/* What describes nothing goes: by its name, while we hold its lock, and only if that name is still its own. */
static int unlink_own(const struct claim *c, struct err *e)
{
	char path[PATH_ROOM + 80];
	if (!is_named(c))
		return 0;
	paths_ledger(c->paths, c->box, path);
	int r = sys_unlinkat(AT_FDCWD, path, 0);
	return r < 0 && r != -ENOENT ? err_set(e, -r, "remove the ledger %s", path) : 0;
}

int claim_open(const struct paths *p, const char *box, struct claim *ret, struct err *e)
{
	autoclaim struct claim c = { .fd = -1, .paths = p };
	(void)snprintf(c.box, sizeof c.box, "%s", text_is_box_name(box) ? box : "");
	int r = open_locked(p, &c, e);
	r = r < 0 ? r : start_anew(&c, e);
	if (r < 0) /* a dead owner's stays as it is */
		return r;
	struct err ignored; /* one that stays is empty, or has a torn header: nothing was made under it */
	r = write_header(&c, e);
	if (r < 0)
		return unlink_own(&c, &ignored), r;
	*ret = c;
	c = CLAIM_NONE;
	return 0;
}

/* A crash can tear the last line. Nothing was made under it, and the next line must not be glued to it. */
static int cut_torn_tail(int fd, struct err *e)
{
	struct stat st;
	char c = '\n';
	if (fstat(fd, &st) < 0)
		return err_set(e, errno, "look at a ledger");
	off_t keep = st.st_size;
	while (keep > 0 && pread(fd, &c, 1, keep - 1) == 1 && c != '\n')
		keep--;
	int r = keep < st.st_size ? sys_ftruncate(fd, keep) : 0;
	return r < 0 ? err_set(e, -r, "cut the torn last line of a ledger") : 0;
}

int claim_enter(const struct paths *p, const char *box, struct claim *ret, struct err *e)
{
	struct claim c = { .fd = -1, .paths = p };
	autofd int fd = open_ledger(p, box, 0, e);
	if (fd < 0)
		return fd;
	int r = sys_ofd_lock(fd, F_WRLCK);
	if (r == -EAGAIN || r == -EACCES)
		return err_say(e, EBUSY, "a run is in box %s: wait for its end", box);
	if (r < 0)
		return err_set(e, -r, "lock the runs of box %s", box);
	(void)snprintf(c.box, sizeof c.box, "%s", box);
	c.fd = take_fd(&fd);
	*ret = c;
	return 0;
}

int claim_lock(struct claim *c, unsigned ms, struct err *e)
{
	autoarena struct arena a = { 0 };
	struct ledger l;
	int r = lock_within(c->fd, c->box, ms, e);
	if (r == 0 && !is_named(c))
		return err_say(e, ESTALE, "box %s has just been removed by somebody else", c->box);
	r = r < 0 ? r : cut_torn_tail(c->fd, e);
	if (r < 0)
		return r;
	c->next = 1;
	if (claim_read(c, &a, &l, NULL) == 0)
		for (size_t i = 0; i < l.n; i++)
			c->next = l.v[i].seq >= c->next ? l.v[i].seq + 1 : c->next;
	return 0;
}

int claim_take(const struct paths *p, const char *box, struct claim *ret, struct err *e)
{
	int r = -ESTALE;
	for (int i = 0; r == -ESTALE && i < NAME_TRIES; i++) {
		autoclaim struct claim c = CLAIM_NONE;
		r = claim_enter(p, box, &c, e);
		r = r < 0 ? r : claim_lock(&c, CLAIM_LOCK_MS, e);
		if (r < 0)
			continue;
		*ret = c;
		c = CLAIM_NONE;
	}
	return r;
}

int claim_own(struct claim *c, enum resource_kind kind, const char *name, unsigned *ret_seq, struct err *e)
{
	if (strchr(name, '\n'))
		return err_say(e, EINVAL, "a name with a newline cannot be recorded");
	int r = write_line(c, e, "own %u %s %s", c->next, resource_kind_word(kind), name);
	if (r == 0)
		*ret_seq = c->next++;
	return r;
}

int claim_is(struct claim *c, unsigned seq, const char *identity, struct err *e)
{
	return write_line(c, e, "is %u %s", seq, identity);
}

int claim_ghost(struct claim *c, unsigned seq, const char *identity, struct err *e)
{
	return write_line(c, e, "ghost %u %s", seq, identity);
}

int claim_gone(struct claim *c, unsigned seq, struct err *e)
{
	return write_line(c, e, "gone %u", seq);
}

int claim_read(const struct claim *c, struct arena *a, struct ledger *ret, struct err *e)
{
	struct stat st;
	if (fstat(c->fd, &st) < 0)
		return err_set(e, errno, "look at the ledger of box %s", c->box);
	char *text = arena_alloc(a, (size_t)st.st_size + 1);
	size_t got = 0;
	while (got < (size_t)st.st_size) {
		ssize_t n = pread(c->fd, text + got, (size_t)st.st_size - got, (off_t)got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(e, errno, "read the ledger of box %s", c->box);
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return ledger_parse(text, a, ret, e);
}

int claim_finish(struct claim *c, struct err *e)
{
	int r = unlink_own(c, e);
	if (r < 0)
		return r;
	claim_close(c);
	return 0;
}

void claim_close(struct claim *c)
{
	own_close(&c->fd);
	*c = CLAIM_NONE;
}
