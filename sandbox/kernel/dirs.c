/* See dirs.h. */
#include "sandbox/kernel/dirs.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "sandbox/kernel/sys.h"

int dirs_make(const struct paths *p, enum path_id which, mode_t mode, struct err *e)
{
	char path[PATH_ROOM];
	const char *whole = p->of[which];
	size_t n = strlen(p->root), all = strlen(whole);
	while (n < all) {
		if (n) { /* the root itself, then each step below it */
			(void)snprintf(path, sizeof path, "%.*s", (int)n, whole);
			int r = sys_mkdirat(AT_FDCWD, path, 0755);
			if (r < 0 && r != -EEXIST)
				return err_set(e, -r, "make %s", path);
		}
		n += 1 + strcspn(whole + n + 1, "/");
	}
	int r = sys_mkdirat(AT_FDCWD, whole, mode);
	return r < 0 && r != -EEXIST ? err_set(e, -r, "make %s", whole) : 0;
}
