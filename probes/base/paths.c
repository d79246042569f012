/* The table of paths, made absolute under one prefix; see paths.h. */
#include "probes/base/paths.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "probes/base/text.h"

static const char *const relative[PATH_COUNT] = {
#define X(id, path, why) [PATH_##id] = path,
	PATHS(X)
#undef X
};

enum { HOST_UID_BASE = 61000, OTHER_UID_BASE = 200000, OTHER_WORLDS = 4096 };

static uint32_t fnv1a(const char *s)
{
	uint32_t h = 2166136261u;
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	return h;
}

int paths_init(struct paths *ret, const char *root, struct err *e)
{
	struct paths p = { .uid_base = HOST_UID_BASE };
	if (root && *root) {
		size_t n = strlen(root);
		while (n > 1 && root[n - 1] == '/')
			n--;
		if (root[0] != '/' || n <= 1)
			return err_say(e, EINVAL, "root '%.80s' must be an absolute path other than /", root);
		if (n > PATH_ROOM - 64)
			return err_say(e, ENAMETOOLONG, "root '%.80s…' is longer than %d bytes", root, PATH_ROOM - 64);
		memcpy(p.root, root, n);
		uint32_t h = fnv1a(p.root);
		(void)snprintf(p.cgroup_parent, sizeof p.cgroup_parent, "rustbox-root.%08x", h);
		p.uid_base = OTHER_UID_BASE + h % OTHER_WORLDS * UID_POOL;
	}
	char base[PATH_ROOM]; /* a copy: the compiler cannot know that p.root and p.of do not overlap */
	memcpy(base, p.root, sizeof base);
	for (int i = 0; i < PATH_COUNT; i++)
		(void)snprintf(p.of[i], PATH_ROOM, "%.190s%s", base, relative[i]);
	*ret = p;
	return 0;
}

void paths_box_dir(const struct paths *p, const char *box, char out[static PATH_ROOM + 80])
{
	(void)snprintf(out, PATH_ROOM + 80, "%s/rustbox-%s", p->of[PATH_WORK], box);
}

void paths_box_root(const struct paths *p, const char *box, char out[static PATH_ROOM + 80])
{
	(void)snprintf(out, PATH_ROOM + 80, "%s/rustbox-%s/root", p->of[PATH_WORK], box);
}

void paths_ledger(const struct paths *p, const char *box, char out[static PATH_ROOM + 80])
{
	(void)snprintf(out, PATH_ROOM + 80, "%s/%s", p->of[PATH_LEDGER], box);
}

const char *paths_box_of_name(const char *file_name)
{
	static const char prefix[] = "rustbox-";
	if (strncmp(file_name, prefix, sizeof prefix - 1) != 0)
		return NULL;
	const char *box = file_name + sizeof prefix - 1;
	return text_is_box_name(box) ? box : NULL;
}
