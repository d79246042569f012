/* See exchange.h. */
#include "sandbox/box/exchange.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "probes/base/clock.h"
#include "probes/base/own.h"
#include "probes/base/text.h"
#include "sandbox/kernel/sys.h"

enum { BLOCK = 65536, INSIDE_MAX = 4000, NAME_TRIES = 8 };
static const uint64_t beneath = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;

int exchange_open(const struct paths *paths, const char *box, struct exchange *ret, struct err *e)
{
	struct exchange x = EXCHANGE_NONE;
	int r = living_enter(paths, box, &x.claim, e);
	x.root_fd = r < 0 ? r : living_root(paths, &x.claim, &x.uid, e);
	if (x.root_fd < 0) {
		claim_close(&x.claim);
		return x.root_fd;
	}
	*ret = x;
	return 0;
}

void exchange_close(struct exchange *x)
{
	own_close(&x->root_fd);
	claim_close(&x->claim);
	*x = EXCHANGE_NONE;
}

int exchange_path(const char *inside, struct arena *a, const char **ret, struct err *e)
{
	char shown[80];
	const char *p = inside;
	if (*p == '/') {
		if (strncmp(p, "/box", 4) != 0 || (p[4] && p[4] != '/'))
			return err_say(e, EINVAL, "'%s': only what is in /box stays", text_escape(inside, shown, sizeof shown));
		p += 4;
	}
	if (strlen(p) > INSIDE_MAX)
		return err_say(e, EINVAL, "a path inside has at most %d characters", INSIDE_MAX);
	char *out = arena_alloc(a, strlen(p) + 2), *end = out;
	while (*p) {
		size_t slashes = strspn(p, "/"), n = strcspn(p + slashes, "/");
		const char *part = p + slashes;
		if (n == 2 && part[0] == '.' && part[1] == '.')
			return err_say(e, EINVAL, "'%s' must not contain '..'", text_escape(inside, shown, sizeof shown));
		if (n && !(n == 1 && part[0] == '.')) {
			if (end > out)
				*end++ = '/';
			memcpy(end, part, n);
			end += n;
		}
		p = part + n;
	}
	*ret = end > out ? out : ".";
	return 0;
}

/* Names of the box are shown escaped, and what the kernel refused is told in words. */
static int refused(int r, const char *inside, struct err *e)
{
	char shown[120];
	(void)text_escape(inside, shown, sizeof shown);
	switch (-r) {
	case ELOOP: return err_say(e, ELOOP, "'%s': a symbolic link is in the path, and is not followed", shown);
	case EXDEV: return err_say(e, EXDEV, "'%s': it leads out of the box's own file system", shown);
	case ENXIO: return err_say(e, EINVAL, "'%s': not a regular file", shown); /* a socket */
	default: return err_set(e, -r, "'%s'", shown);
	}
}

int exchange_copy(int from_fd, int to_fd, uint64_t most, struct err *e)
{
	char block[BLOCK];
	for (uint64_t done = 0;;) {
		ssize_t n = read(from_fd, block, sizeof block);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(e, errno, "read");
		if (n == 0)
			return 0;
		if ((uint64_t)n > most - done)
			return err_say(e, EFBIG, "more than %llu bytes (--max)", (unsigned long long)most);
		int r = sys_write_all(to_fd, block, (size_t)n);
		if (r < 0)
			return err_set(e, -r, "write");
		done += (uint64_t)n;
	}
}

/* ---- in ---- */

static int open_new(int dir, char name[static 48], struct err *e)
{
	int fd = -EEXIST;
	for (int i = 0; fd == -EEXIST && i < NAME_TRIES; i++) {
		(void)snprintf(name, 48, ".rustbox-put-%llx", (unsigned long long)clock_mono_ns());
		fd = sys_openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	}
	return fd < 0 ? err_set(e, -fd, "make a file in the box") : fd;
}

static int fill(int fd, const struct exchange *x, int from_fd, mode_t mode, uint64_t most, struct err *e)
{
	int r = exchange_copy(from_fd, fd, most, e);
	if (r < 0)
		return r;
	r = sys_fchownat(fd, "", x->uid, (gid_t)x->uid, AT_EMPTY_PATH);
	if (r == 0)
		r = sys_fchmod(fd, mode); /* whatever the caller's umask */
	return r < 0 ? err_set(e, -r, "give the file to the box") : 0;
}

int exchange_put(const struct exchange *x, int from_fd, const char *inside, bool executable, uint64_t most, struct err *e)
{
	char parent[INSIDE_MAX + 8] = ".", name[48];
	const char *slash = strrchr(inside, '/'), *last = slash ? slash + 1 : inside;
	if (strcmp(inside, ".") == 0)
		return err_say(e, EINVAL, "name a file in /box, not /box itself");
	if (slash)
		(void)snprintf(parent, sizeof parent, "%.*s", (int)(slash - inside), inside);
	autofd int dir = sys_openat2(x->root_fd, parent, O_RDONLY | O_DIRECTORY, 0, beneath);
	if (dir < 0)
		return refused(dir, parent, e);
	autofd int fd = open_new(dir, name, e);
	if (fd < 0)
		return fd;
	int r = fill(fd, x, from_fd, executable ? 0755 : 0644, most, e);
	if (r == 0 && (r = sys_renameat2(dir, name, dir, last, 0)) < 0)
		(void)refused(r, inside, e);
	if (r < 0) {
		int gone = sys_unlinkat(dir, name, 0);
		if (gone < 0)
			(void)err_wrap(e, "%s stays in the box", name);
	}
	return r;
}

/* ---- out ---- */

int exchange_get(const struct exchange *x, const char *inside, uint64_t most, unsigned *names, struct err *e)
{
	char shown[120];
	struct stat st;
	/* Non-blocking: a FIFO opens at once and is then refused for what it is; a device does not open at all (nodev). */
	autofd int fd = sys_openat2(x->root_fd, inside, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, beneath);
	if (fd < 0)
		return refused(fd, inside, e);
	(void)text_escape(inside, shown, sizeof shown);
	if (fstat(fd, &st) < 0)
		return err_set(e, errno, "look at '%s'", shown);
	if (!S_ISREG(st.st_mode))
		return err_say(e, EINVAL, "'%s': not a regular file", shown);
	if ((uint64_t)st.st_size > most)
		return err_say(e, EFBIG, "'%s': %lld bytes, more than %llu (--max)", shown, (long long)st.st_size,
			       (unsigned long long)most);
	*names = (unsigned)st.st_nlink;
	return take_fd(&fd);
}
