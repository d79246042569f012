/* What each stage of the launch means, seen from inside by a program that was launched: tests/payloads/in_look.c. */
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
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness/world.h"

struct seen {
	struct world world;
	struct ran ran;
};

/* How often "name=value" is among the lines; value NULL: any. */
static int count(const struct seen *s, const char *name, const char *value)
{
	int n = 0;
	size_t len = strlen(name);
	for (const char *l = s->ran.out; l && *l; l = strchr(l, '\n') ? strchr(l, '\n') + 1 : NULL) {
		if (strncmp(l, name, len) != 0 || l[len] != '=')
			continue;
		size_t rest = strcspn(l + len + 1, "\n");
		n += !value || (rest == strlen(value) && strncmp(l + len + 1, value, rest) == 0);
	}
	return n;
}

static long number(const struct seen *s, const char *name)
{
	char key[64];
	(void)snprintf(key, sizeof key, "\n%s=", name);
	const char *l = strstr(s->ran.out, key);
	return l ? strtol(l + strlen(key), NULL, 10) : -1;
}

#define is(s, name, value)                                                                                     \
	do {                                                                                                       \
		if (count(s, name, value) != 1)                                                                    \
			fail_msg("expected one %s=%s in:\n%s", name, value, (s)->ran.out);                          \
	} while (0)

static int setup(void **state)
{
	struct seen *s = calloc(1, sizeof *s);
	char dir[PATH_ROOM + 32];
	*state = s;
	if (world_lacking())
		return 0;
	world_open(&s->world, WORLD_SHARED);
	/* Leaked on purpose: not one of these may be seen inside. */
	for (int i = 0; i < 5; i++)
		if (open("/proc/version", O_RDONLY) < 0)
			return -1;
	(void)snprintf(dir, sizeof dir, "/p=%s/payloads", s->world.build);
	world_call(&s->world, &s->ran, 20, "rustbox", "run", "--dir", dir, "--env", "A=b", "--", "/p/in_look", "one");
	return 0;
}

static int teardown(void **state)
{
	struct seen *s = *state;
	bool clean = world_lacking() || (world_clean_within(&s->world, 1) && world_done(&s->world));
	ran_done(&s->ran);
	free(s);
	return clean ? 0 : -1;
}

static const struct seen *seen(void **state)
{
	const struct seen *s = *state;
	if (world_lacking())
		skip();
	if (s->ran.code != 0 || !strstr(s->ran.out, "alive=1"))
		fail_msg("no proof of life, exit %d: %s%s", s->ran.code, s->ran.out, s->ran.err);
	return s;
}

static void test_processes(void **state)
{
	const struct seen *s = seen(state);
	is(s, "pid", "2");
	is(s, "ppid", "1");
	is(s, "sid", "2");
	assert_int_equal(count(s, "proc", "1"), 0); /* its init is invisible */
	assert_int_equal(count(s, "proc", "2"), 1);
	assert_int_equal(count(s, "proc", NULL), 3); /* 2, self, thread-self: not one of the host's, and no knobs */
	is(s, "kill_init", "1");
	is(s, "read_init", "2");
	is(s, "exe_init", "2");
	is(s, "exe", "/p/in_look");
}

static void test_identity(void **state)
{
	const struct seen *s = seen(state);
	long uid = number(s, "uid");
	assert_in_range(uid, s->world.paths.uid_base, s->world.paths.uid_base + UID_POOL - 1);
	assert_int_equal(number(s, "gid"), uid);
	is(s, "groups", "0");
	static const char *const sets[] = { "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb" };
	for (size_t i = 0; i < 5; i++)
		is(s, sets[i], "0000000000000000");
	is(s, "NoNewPrivs", "1");
	is(s, "Seccomp", "2");
	is(s, "core", "1"); /* where no host handler is started for a crash, either */
	is(s, "umask", "77");
}

static void test_what_it_was_given(void **state)
{
	const struct seen *s = seen(state);
	is(s, "arg", "one");
	assert_int_equal(count(s, "arg", NULL), 1);
	is(s, "env", "A=b");
	assert_int_equal(count(s, "env", NULL), 1);
	is(s, "cwd", "/box");
	for (int i = 0; i < 3; i++) {
		char name[16], value[16];
		(void)snprintf(name, sizeof name, "fd%d", i);
		(void)snprintf(value, sizeof value, "%d", i);
		is(s, "fd", value);
		/* A pipe of ours, or /dev/null: never what the caller has. */
		char pipe[24];
		(void)snprintf(pipe, sizeof pipe, "fd%d=pipe", i);
		assert_true(strstr(s->ran.out, pipe) || count(s, name, "/dev/null") == 1);
	}
	assert_int_equal(count(s, "fd", NULL), 3);
}

static void test_files(void **state)
{
	const struct seen *s = seen(state);
	char eaccess[12], erofs[12], enoent[12];
	(void)snprintf(eaccess, sizeof eaccess, "%d", EACCES);
	(void)snprintf(erofs, sizeof erofs, "%d", EROFS);
	(void)snprintf(enoent, sizeof enoent, "%d", ENOENT);
	is(s, "sys", enoent);
	is(s, "tty", enoent);
	is(s, "write_root", erofs);
	is(s, "write_usr", erofs);
	is(s, "write_etc", erofs);
	is(s, "write_dev", eaccess);
	is(s, "write_box", "0");
	is(s, "write_tmp", "0");
	assert_null(strstr(s->ran.out, "root=home"));
	assert_null(strstr(s->ran.out, "root=root"));
	assert_null(strstr(s->ran.out, "dev=pts"));
	/* Every mount refuses set-user-id, and all but /dev refuse devices. */
	int mounts = count(s, "mount", NULL), nosuid = 0, nodev = 0;
	for (const char *l = strstr(s->ran.out, "\nmount="); l; l = strstr(l + 1, "\nmount=")) {
		char line[1024];
		(void)snprintf(line, sizeof line, "%.*s", (int)strcspn(l + 1, "\n"), l + 1);
		nosuid += strstr(line, "nosuid") != NULL;
		nodev += strstr(line, "nodev") != NULL;
		assert_null(strstr(line, "shared:"));
	}
	assert_true(mounts > 5);
	assert_int_equal(nosuid, mounts);
	assert_int_equal(nodev, mounts - 1);
}

static void test_world_outside(void **state)
{
	const struct seen *s = seen(state);
	char text[16];
	(void)snprintf(text, sizeof text, "%d", EAFNOSUPPORT);
	is(s, "inet", text);
	is(s, "vsock", text);
	is(s, "netlink", text);
	is(s, "unix", "0");
	(void)snprintf(text, sizeof text, "%d", ECONNREFUSED);
	is(s, "abstract", text);
	is(s, "host", "rustbox");
	/* Its cgroup namespace begins at its own cgroup: "/" where it is confined, and never a name of the host's. */
	assert_null(strstr(s->ran.out, "rustbox-"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_processes),	  cmocka_unit_test(test_identity),
		cmocka_unit_test(test_what_it_was_given), cmocka_unit_test(test_files),
		cmocka_unit_test(test_world_outside),
	};
	world_alone();
	return cmocka_run_group_tests(tests, setup, teardown);
}
