/* See slot.h. */
#include "sandbox/box/slot.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "probes/base/own.h"
#include "sandbox/kernel/dirs.h"
#include "sandbox/kernel/sys.h"

static int open_directory(const struct paths *p, struct err *e)
{
	const char *path = p->of[PATH_SLOTS];
	int fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (fd == -ENOENT) {
		int r = dirs_make(p, PATH_SLOTS, 0700, e);
		if (r < 0)
			return r;
		fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	}
	return fd < 0 ? err_set(e, -fd, "open %s", path) : fd;
}

int slot_claim(const struct paths *p, unsigned slots, struct slot *ret, struct err *e)
{
	autofd int dir = open_directory(p, e);
	if (dir < 0)
		return dir;
	/* Each process starts elsewhere, so that many at once do not queue at the first. */
	unsigned start = (unsigned)getpid();
	for (unsigned i = 0; i < slots; i++) {
		unsigned n = (start + i) % slots;
		char name[16];
		(void)snprintf(name, sizeof name, "%u", n);
		autofd int fd = sys_openat(dir, name, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
		if (fd < 0)
			return err_set(e, -fd, "open %s/%s", p->of[PATH_SLOTS], name);
		int r = sys_flock(fd, LOCK_EX | LOCK_NB);
		if (r == -EWOULDBLOCK)
			continue;
		if (r < 0)
			return err_set(e, -r, "lock %s/%s", p->of[PATH_SLOTS], name);
		*ret = (struct slot){ .fd = take_fd(&fd), .uid = p->uid_base + n };
		return 0;
	}
	return err_say(e, EAGAIN, "all %u boxes this host may have at once are in use: wait until one ends, `rustbox status` lists "
		       "them (config.json: slots)", slots);
}

void slot_release(struct slot *s)
{
	own_close(&s->fd);
	*s = SLOT_NONE;
}
