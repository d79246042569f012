/* The record and the log of a drill's world; see ground.h. */
#include "sandbox/drill/ground.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "probes/base/clock.h"
#include "probes/base/own.h"
#include "probes/base/text.h"
#include "sandbox/kernel/sys.h"

enum { SCHEMA = 1 };

unsigned ground_draw(struct ground *g, unsigned most)
{
	uint64_t x = ((uint64_t)g->seed << 32 | g->drill << 16 | ++g->draws) * 0x9e3779b97f4a7c15u;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u; /* splitmix64's finish */
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return (unsigned)((x ^ x >> 31) % most);
}

void ground_path(const struct ground *g, const char *name, char out[THING_NAME])
{
	(void)snprintf(out, THING_NAME, "%.200s/drill/%.80s", g->paths.root, name);
}

int ground_save(const struct ground *g, struct err *e)
{
	struct ground out = *g;
	char path[THING_NAME];
	out.schema = SCHEMA;
	out.size = sizeof out;
	out.storm = -1;
	ground_path(g, "record", path);
	autofd int fd = sys_openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	int r = fd < 0 ? fd : sys_write_all(fd, &out, sizeof out);
	return r < 0 ? err_set(e, -r, "keep the drill's record") : 0;
}

int ground_load(const char *root, struct ground *ret, struct err *e)
{
	char path[THING_NAME];
	(void)snprintf(path, sizeof path, "%.200s/drill/record", root);
	autofd int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_say(e, ENOENT, "no drill is under way here: rustbox drill run NAME starts one");
	if (read(fd, ret, sizeof *ret) != (ssize_t)sizeof *ret || ret->schema != SCHEMA || ret->size != sizeof *ret)
		return err_say(e, EINVAL, "%s was written by another version", path);
	return 0;
}

int ground_log(const struct ground *g, const char *what, const char *text)
{
	char path[THING_NAME], safe[1200], line[1400];
	ground_path(g, "log", path);
	autofd int fd = sys_openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	int n = snprintf(line, sizeof line, "%llu\t%s\t%s\n", (unsigned long long)(clock_wall_ns() / NS_PER_MS), what,
			 text_escape(text, safe, sizeof safe));
	return fd < 0 ? fd : sys_write_all(fd, line, (size_t)n);
}
