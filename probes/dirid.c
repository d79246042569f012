/* Identities of directories; see dirid.h. */
#include "probes/dirid.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "probes/statx.h"

int dirid_parse(const char *text, struct dirid *ret)
{
	struct dirid id = { 0 };
	unsigned long long inode = 0, birth = 0;
	int end = 0, whole = 0;
	(void)sscanf(text, "%10u:%10u:%20llu%n:%20llu%n", &id.major, &id.minor, &inode, &end, &birth, &whole);
	if (!end || text[whole ? whole : end])
		return -EINVAL;
	id.inode = inode;
	id.birth = birth;
	*ret = id;
	return 0;
}

bool dirid_same(const struct dirid *a, const struct dirid *b)
{
	return a->major == b->major && a->minor == b->minor && a->inode == b->inode &&
	       (!a->birth || !b->birth || a->birth == b->birth);
}

bool dirid_is(const struct dirid *id, int dirfd, const char *name)
{
	struct identity now;
	if (identity_at(dirfd, name, *name ? AT_SYMLINK_NOFOLLOW : AT_EMPTY_PATH, &now))
		return false;
	return dirid_same(id, &(struct dirid){ now.major, now.minor, now.inode, now.birth });
}
