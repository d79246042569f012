/* Reading the list of places; see places.h. One absolute path a line; a cgroup's name never holds a newline. */
#include "probes/places.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "probes/base/text.h"
#include "probes/hierarchy.h"

int place_check(const char *path, struct err *e)
{
	char shown[PLACE_ROOM];
	size_t len = strlen(path);
	(void)text_escape(path, shown, sizeof shown);
	if (path[0] != '/' || len < 2 || len >= PLACE_ROOM || path[len - 1] == '/' || strchr(path, '\n'))
		return err_say(e, EINVAL, "'%s' is no cgroup: expected a path below the hierarchies' roots, as in /proc/self/cgroup",
			       shown);
	for (const char *p = path; *p; p += strcspn(p, "/")) {
		char name[PLACE_ROOM];
		size_t n = strcspn(++p, "/");
		memcpy(name, p, n);
		name[n] = '\0';
		if (n == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			return err_say(e, EINVAL, "'%s' is no cgroup: expected names between its slashes", shown);
		if (paths_box_of_name(name))
			return err_say(e, EINVAL, "'%s' looks like the cgroup of box %s: call it something else", shown, name + 8);
	}
	return 0;
}

const char *places_parent(const struct places *places, size_t i, struct arena *a)
{
	const char *place = places->v[i], *world = places->world;
	return arena_printf(a, "%s%s%s", place, *place && *world ? "/" : "", world);
}

static void add(struct places *p, struct arena *a, const char *place)
{
	*(const char **)arena_push(a, &p->v, &p->n, sizeof *p->v) = place;
}

void places_read(const struct paths *paths, struct arena *a, struct places *ret)
{
	autofree char *text = NULL;
	struct places p = { .complete = true, .world = paths->cgroup_parent };
	add(&p, a, "");
	ssize_t n = kfile_read_all(AT_FDCWD, paths->of[PATH_PLACES], &text);
	if (n < 0 && n != -ENOENT && n != -ENOTDIR) {
		p.complete = false;
		(void)err_set(&p.why, (int)-n, "read %s", paths->of[PATH_PLACES]);
	}
	for (char *line = text, *end; line && (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		struct err why;
		if (place_check(line, &why) == 0)
			add(&p, a, arena_strdup(a, line + 1));
		else if (p.complete) {
			p.complete = false;
			(void)err_say(&p.why, EBADMSG, "%.80s: %.150s", paths->of[PATH_PLACES], why.text);
		}
	}
	*ret = p;
}

size_t places_dirs(const struct scope *scope, struct arena *a, const char ***ret)
{
	struct places places;
	struct hierarchy *in = NULL;
	size_t nin = 0, n = 0;
	places_read(scope->paths, a, &places);
	if (hierarchies_read(scope, a, &in, &nin, NULL) < 0)
		return 0;
	for (size_t i = 0; i < nin; i++)
		for (size_t k = 0; k < places.n; k++) {
			const char *parent = places_parent(&places, k, a);
			if (k == 0 || access(arena_printf(a, "%s/%s", in[i].mount, places.v[k]), F_OK) == 0)
				*(const char **)arena_push(a, ret, &n, sizeof **ret) =
					arena_printf(a, "%s%s%s", in[i].mount, *parent ? "/" : "", parent);
		}
	return n;
}

/* What follows "name/" at the beginning of what is left of the path; itself for no name; NULL when it is another. */
static const char *behind(const char *at, const char *end, const char *name)
{
	size_t n = strlen(name);
	if (!at || n == 0)
		return at;
	return (size_t)(end - at) > n && memcmp(at, name, n) == 0 && at[n] == '/' ? at + n + 1 : NULL;
}

const char *places_within(const struct places *places, const char *path, size_t len)
{
	const char *end = path + len;
	for (size_t i = 0; len > 1 && i < places->n; i++) {
		const char *at = behind(behind(path + 1, end, places->v[i]), end, places->world), *slash;
		char name[80];
		if (!at)
			continue;
		slash = memchr(at, '/', (size_t)(end - at));
		size_t n = (size_t)((slash ? slash : end) - at);
		if (n >= sizeof name)
			continue;
		memcpy(name, at, n);
		name[n] = '\0';
		if (paths_box_of_name(name))
			return at;
	}
	return NULL;
}
