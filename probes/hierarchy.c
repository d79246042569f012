/*
 * Finding the cgroup hierarchies; see hierarchy.h. `rustbox run` needs only these few lines of mountinfo
 * and its start-up is measured in microseconds, so they are read here without libmount; mountinfo.c reads
 * the whole table with it.
 */
#include "probes/hierarchy.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"

struct list {
	struct hierarchy *v;
	size_t n;
};

/* proc(5): space, tab, newline, backslash and '#' in a path are written as three octal digits. */
static void decode_octal(char *s)
{
	char *out = s;
	while (*s) {
		bool octal = s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' && s[3] >= '0' &&
			     s[3] <= '7';
		*out++ = octal ? (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0')) : *s;
		s += octal ? 4 : 1;
	}
	*out = '\0';
}

/* The v1 super options name the controllers among ordinary mount options: "rw,cpu,cpuacct". */
static const char *v1_name(char *options, struct arena *a)
{
	static const char *const ordinary[] = { "rw", "ro", "xattr", "clone_children", "noprefix", "none",
						"cpuset_v2_mode", "favordynmods", "nofavordynmods", NULL };
	char name[256] = "";
	size_t len = 0;
	char *save = NULL;
	for (char *o = strtok_r(options, ",", &save); o; o = strtok_r(NULL, ",", &save)) {
		size_t i = 0;
		while (ordinary[i] && strcmp(ordinary[i], o) != 0)
			i++;
		if (ordinary[i] || strncmp(o, "release_agent=", 14) == 0 || len + strlen(o) + 2 > sizeof name)
			continue;
		len += (size_t)snprintf(name + len, sizeof name - len, "%s%s", len ? "," : "", o);
	}
	return len ? arena_strdup(a, name) : NULL;
}

static void list_add(struct list *l, struct arena *a, const char *name, const char *mount, int version)
{
	if (!name)
		return;
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i].name, name) == 0)
			return;
	struct hierarchy *slot = arena_push(a, &l->v, &l->n, sizeof *l->v);
	*slot = (struct hierarchy){ .name = name, .mount = mount, .version = version };
}

/* "31 23 0:28 / /sys/fs/cgroup rw [optional...] - fstype source super": the fields before the lone dash
 * are found from the left, those after it from " - "; a path holds no space. */
static void take_line(char *line, struct arena *a, struct list *l)
{
	char *tail = strstr(line, " - cgroup");
	if (!tail)
		return;
	*tail = '\0';
	char *save = NULL, *target = NULL, *word = strtok_r(line, " ", &save);
	for (int i = 0; word && i < 5; i++, word = strtok_r(NULL, " ", &save))
		target = word;
	char *type = strtok_r(tail + 3, " ", &save);
	char *source = type ? strtok_r(NULL, " ", &save) : NULL;
	char *super = source ? strtok_r(NULL, " ", &save) : NULL;
	if (!super || !target)
		return;
	decode_octal(target);
	if (strcmp(type, "cgroup2") == 0)
		list_add(l, a, "unified", arena_strdup(a, target), 2);
	else if (strcmp(type, "cgroup") == 0)
		list_add(l, a, v1_name(super, a), arena_strdup(a, target), 1);
}

static bool is_v2(const char *dir)
{
	char path[4200];
	(void)snprintf(path, sizeof path, "%.4000s/cgroup.controllers", dir);
	return access(path, F_OK) == 0;
}

/* A recorded tree: itself v2, or a directory per hierarchy named as on a real host. */
static int take_recorded(const char *top, struct arena *a, struct list *l, struct err *e)
{
	if (is_v2(top)) {
		list_add(l, a, "unified", arena_strdup(a, top), 2);
		return 0;
	}
	struct dirent **names = NULL;
	int n = scandir(top, &names, NULL, alphasort);
	if (n < 0)
		return err_set(e, errno, "open %s", top);
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;
		if (name[0] != '.') {
			const char *dir = arena_printf(a, "%s/%s", top, name);
			bool v2 = is_v2(dir);
			list_add(l, a, v2 ? "unified" : arena_strdup(a, name), dir, v2 ? 2 : 1);
		}
		free(names[i]);
	}
	free(names);
	return 0;
}

int hierarchies_read(const struct scope *scope, struct arena *a, struct hierarchy **ret, size_t *ret_n, struct err *e)
{
	struct list l = { 0 };
	if (scope->cgroup) {
		int rc = take_recorded(scope->cgroup, a, &l, e);
		if (rc)
			return rc;
	} else {
		char path[512];
		autofree char *text = NULL;
		(void)snprintf(path, sizeof path, "%.480s/self/mountinfo", scope->proc);
		ssize_t len = kfile_read_all(AT_FDCWD, path, &text);
		if (len < 0)
			return err_set(e, (int)-len, "read %s", path);
		char *save = NULL;
		for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
			take_line(line, a, &l);
	}
	*ret = l.v;
	*ret_n = l.n;
	return 0;
}
