/* See toolchain.h. */
#include "sandbox/box/toolchain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/base/own.h"

/* What `rustbox run` shows of the host; see plan_root.c. */
static const char *const shown[] = { "/usr/", "/bin/", "/sbin/", "/lib" };

/* One "INSIDE=OUTSIDE[:opt]" or "PATH[:opt]" word of a language's binds that shows `path` (a path in the box). */
struct window {
	const char *inside, *outside;
	size_t ninside, noutside;
};

static bool find_window(const char *binds, const char *path, struct window *ret)
{
	for (const char *p = binds ? binds : ""; *p; p += strspn(p, " ")) {
		size_t n = strcspn(p, " "), end = strcspn(p, ": ");
		const char *equals = memchr(p, '=', end);
		struct window w = { .inside = p, .ninside = equals ? (size_t)(equals - p) : end };
		w.outside = equals ? equals + 1 : p;
		w.noutside = (size_t)(p + end - w.outside);
		if (strncmp(path, w.inside, w.ninside) == 0 && path[w.ninside] == '/') {
			*ret = w;
			return true;
		}
		p += n;
	}
	return false;
}

static bool is_shown(const char *path)
{
	for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
		if (strncmp(path, shown[i], strlen(shown[i])) == 0)
			return true;
	return false;
}

/* The component after the first `from` bytes that keeps a stranger out, or NULL. ACLs aside: those only ever give less or more to named users. */
static const char *barrier(const char *path, size_t from, struct arena *a)
{
	struct stat st;
	for (const char *slash = strchr(path + from + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		const char *dir = arena_strndup(a, path, (size_t)(slash - path));
		if (stat(dir, &st) < 0 || !(st.st_mode & S_IXOTH))
			return dir;
	}
	return stat(path, &st) < 0 || (st.st_mode & (S_IROTH | S_IXOTH)) != (S_IROTH | S_IXOTH) ? path : NULL;
}

/* True when it can be used; else *why says what stands against it (NULL: it is not there). */
static bool usable(const struct language *l, const char *path, struct arena *a, const char **why)
{
	struct window w;
	bool bound = find_window(l->binds, path, &w);
	const char *host = bound ? arena_printf(a, "%.*s%s", (int)w.noutside, w.outside, path + w.ninside) : path;
	autofree char *real = realpath(host, NULL);
	if (!real || access(real, X_OK) < 0)
		return false;
	/* What lies above a bind is not on the way in the box. */
	const char *closed = barrier(real, bound ? w.noutside : 0, a);
	bool visible = bound ? strncmp(real, w.outside, w.noutside) == 0 : is_shown(path) && is_shown(real);
	if (closed)
		*why = arena_printf(a, "%s is there, but only root can use it (%s)", host, closed);
	else if (!visible)
		*why = arena_printf(a, "%s is there, but not visible in a box: add its directory to languages.%s.binds", host,
				    l->word);
	else
		return true;
	return false;
}

static const char *search(const struct language *l, const char *name, const char *dirs, struct arena *a, const char **why)
{
	for (const char *p = dirs; *p; p += strspn(p, ":")) {
		size_t n = strcspn(p, ":");
		const char *path = arena_printf(a, "%.*s/%s", (int)n, p, name), *against = NULL;
		if (usable(l, path, a, &against))
			return path;
		*why = *why ? *why : against;
		p += n;
	}
	return NULL;
}

void tool_find(const struct language *l, const char *name, const char *callers_path, struct arena *a, struct tool *ret)
{
	const char *why = NULL, *install;
	*ret = (struct tool){ .name = name, .path = search(l, name, l->path, a, &why) };
	if (ret->path)
		return;
	if (!why && callers_path)
		(void)search(l, name, callers_path, a, &why);
	install = l->package ? arena_printf(a, "apt-get install %s, or set languages.%s in config.json", l->package, l->word)
			     : arena_printf(a, "set languages.%s in config.json", l->word);
	ret->why = arena_printf(a, "%s; %s", why ? why : arena_printf(a, "no %s in %s", name, l->path), install);
}

bool language_tools(const struct language *l, const char *callers_path, struct arena *a, struct tool *ret)
{
	const char *commands[] = { l->compile, l->run };
	bool any = false;
	for (size_t i = 0; i < 2; i++) {
		if (!commands[i] || !*commands[i] || *commands[i] == '.')
			continue;
		const char *name = arena_strndup(a, commands[i], strcspn(commands[i], " "));
		struct tool t = { .name = name, .path = name };
		if (*name != '/')
			tool_find(l, name, callers_path, a, &t);
		if (!any || !t.path)
			*ret = t;
		any = true;
		if (!t.path)
			return false;
	}
	if (!any)
		*ret = (struct tool){ .name = l->word, .path = "" };
	return true;
}
