/* Where the space went, on a real file system: what a walk finds, what only an open descriptor keeps, what was planted
 * under a mount of another file system and so is nobody's here. And that a short time is said, not hidden. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/base/own.h"
#include "probes/space.h"
#include "tests/harness/world.h"

enum { MIB = 1024 * 1024 };

struct place {
	struct world w;
	char at[PATH_ROOM];
	struct scope scope;
	struct arena a;
};

static int file_of(const char *dir, const char *name, size_t bytes)
{
	char path[PATH_ROOM * 2];
	static char page[4096];
	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	for (size_t i = 0; i < bytes; i += sizeof page)
		assert_int_equal(write(fd, page, sizeof page), sizeof page);
	return fd;
}

/* The child that asked the file system for its size may live some moments longer, with a copy of every descriptor. */
static void unmount(const char *at)
{
	assert_true(world_unmount(at));
}

static int setup(void **state)
{
	static struct place p;
	memset(&p, 0, sizeof p);
	world_open(&p.w, WORLD_MOUNTS);
	p.scope = scope_host(&p.w.paths);
	(void)snprintf(p.at, sizeof p.at, "%s/fs", p.w.root);
	if (mkdir(p.at, 0700) != 0 || mount("none", p.at, "tmpfs", 0, "size=64m") != 0)
		return -1;
	*state = &p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	arena_done(&p->a);
	unmount(p->at);
	return world_done(&p->w) ? 0 : -1;
}

static void deleted_but_open(void **state)
{
	struct place *p = *state;
	char sub[PATH_ROOM + 8], link_at[PATH_ROOM + 24], path[PATH_ROOM + 24];
	struct space s;
	struct err e = { 0 };
	(void)snprintf(sub, sizeof sub, "%s/sub", p->at);
	assert_int_equal(mkdir(sub, 0700), 0);
	(void)close(file_of(sub, "two names", 3 * MIB));
	(void)snprintf(path, sizeof path, "%s/two names", sub);
	(void)snprintf(link_at, sizeof link_at, "%s/other", sub);
	assert_int_equal(link(path, link_at), 0);
	(void)snprintf(sub, sizeof sub, "%s/deeper", p->at);
	assert_int_equal(mkdir(sub, 0700), 0);
	assert_int_equal(mount("none", sub, "tmpfs", 0, "size=8m"), 0);
	autofd int elsewhere = file_of(sub, "elsewhere", 4 * MIB);
	autofd int gone = file_of(p->at, "gone\x1b", 6 * MIB);
	(void)snprintf(path, sizeof path, "%s/gone\x1b", p->at);
	assert_int_equal(unlink(path), 0);
	if (space_look(&p->scope, p->at, 120000, &p->a, &s, &e) != 0)
		fail_msg("%s", e.text);
	assert_string_equal(s.mount, p->at);
	assert_true(s.complete);
	assert_int_equal(s.used, 9 * MIB);
	assert_int_equal(s.found, 3 * MIB); /* once, though it has two names; nothing of the mount above it */
	assert_int_equal(s.ndeleted, 1);
	assert_int_equal(s.deleted_bytes, 6 * MIB);
	assert_int_equal(s.deleted[0].pid, getpid());
	assert_int_equal(s.deleted[0].fd, gone);
	assert_string_equal(s.deleted[0].path, path);
	assert_string_equal(s.dirs[0].path + strlen(p->at), "/sub");
	autofree char *line = NULL;
	json_t *all = space_to_json(&s);
	line = json_dumps(json_array_get(all, json_array_size(all) - 1), JSON_COMPACT);
	json_decref(all);
	assert_non_null(strstr(line, "\"deleted_files\":1,\"unexplained\":0,\"complete\":true"));
	(void)close(take_fd(&elsewhere));
	unmount(sub);
}

static void no_time_is_said(void **state)
{
	struct place *p = *state;
	struct space s;
	struct err e = { 0 };
	for (int i = 0; i < 200; i++) {
		char name[16];
		(void)snprintf(name, sizeof name, "f%d", i);
		(void)close(file_of(p->at, name, 4096));
	}
	assert_int_equal(space_look(&p->scope, p->at, 0, &p->a, &s, &e), 0);
	assert_false(s.complete);
	assert_non_null(strstr(s.why.text, "time"));
	assert_true(s.entries < 200);
}

static void nothing_there_is_an_error(void **state)
{
	struct place *p = *state;
	struct space s = { .ms = 7 };
	struct err e = { 0 };
	char path[PATH_ROOM + 8];
	(void)snprintf(path, sizeof path, "%s/absent", p->at);
	assert_true(space_look(&p->scope, path, 1000, &p->a, &s, &e) < 0);
	assert_int_equal(s.ms, 7);
	assert_non_null(strstr(e.text, "absent"));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { CASE(deleted_but_open), CASE(no_time_is_said), CASE(nothing_there_is_an_error) };
	world_alone();
	if (world_lacking()) {
		printf("skipped: %s\n", world_lacking());
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
