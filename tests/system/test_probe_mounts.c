/* The two ways to read the mount table tell the same: the kernel's calls, and its text. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/base/own.h"
#include "probes/mountinfo.h"
#include "tests/harness/world.h"

static struct world w;

static int setup(void **state)
{
	(void)state;
	world_open(&w, WORLD_MOUNTS);
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = { "plain", "plain", "odd \x1b[2J\t\\#\n", "flags", "none", "bound", "shared", "proc", "empty" };
	char at[PATH_ROOM];
	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		(void)snprintf(at, sizeof at, "%s/%s", w.root, names[i]);
		(void)umount2(at, UMOUNT_NOFOLLOW);
	}
	return world_done(&w) ? 0 : -1;
}

static void mount_at(const char *name, const char *source, const char *type, unsigned long flags, const char *data)
{
	char at[PATH_ROOM];
	(void)snprintf(at, sizeof at, "%s/%s", w.root, name);
	(void)mkdir(at, 0755);
	if (mount(source, at, type, flags, data) != 0)
		fail_msg("mount %s: %m", name);
}

static void same(const struct mount_row *a, const struct mount_row *b)
{
	const struct mount_facts *x = &a->facts, *y = &b->facts;
	assert_string_equal(a->target, b->target);
	assert_int_equal(a->unique, b->unique);
	assert_int_equal(x->mount_id, y->mount_id);
	assert_int_equal(x->parent, y->parent);
	assert_int_equal(x->major, y->major);
	assert_int_equal(x->minor, y->minor);
	assert_int_equal(x->shared, y->shared);
	assert_int_equal(x->master, y->master);
	assert_int_equal(x->layer, y->layer);
	assert_int_equal(x->children, y->children);
	assert_string_equal(x->fstype, y->fstype);
	assert_string_equal(x->source, y->source);
	assert_string_equal(x->root, y->root);
	assert_string_equal(x->options, y->options);
}

static void calls_and_text_agree(void **state)
{
	autoarena struct arena a = { 0 };
	struct mount_table calls, text;
	char sub[PATH_ROOM + 8], bound[PATH_ROOM];
	struct err e = { 0 };
	(void)state;
	mount_at("plain", "rustbox-x", "tmpfs", 0, "size=64k");
	mount_at("plain", "above", "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL); /* on the same point */
	mount_at("odd \x1b[2J\t\\#\n", "x on /tmp/victim type rustbox", "tmpfs", MS_NOATIME | MS_NODIRATIME, "mode=0700");
	mount_at("flags", "f", "tmpfs", MS_NOSYMFOLLOW, NULL);
	mount_at("none", NULL, "tmpfs", MS_STRICTATIME, NULL);
	mount_at("shared", "none", "tmpfs", 0, NULL);
	mount_at("shared", NULL, NULL, MS_SHARED, NULL);
	(void)snprintf(sub, sizeof sub, "%s/shared/sub", w.root);
	assert_int_equal(mkdir(sub, 0755), 0);
	mount_at("bound", sub, NULL, MS_BIND, NULL);
	mount_at("bound", NULL, NULL, MS_SLAVE, NULL);
	mount_at("bound", NULL, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOEXEC, NULL);
	(void)snprintf(bound, sizeof bound, "%s/proc", w.root);
	mount_at("proc", "proc", "proc", 0, "hidepid=invisible");
	assert_int_equal(rmdir(sub), 0); /* what is bound has no name any more */
	if (!mountinfo_own(&a, &calls))
		skip();
	autofd int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mountinfo_read(proc, "self", &a, &text, &e), 0);
	assert_true(mountinfo_unique_ids(&text));
	assert_int_equal(calls.n, text.n);
	for (size_t i = 0; i < text.n; i++)
		same(&calls.v[i], &text.v[i]);
	mount_at("empty", "", "tmpfs", 0, NULL); /* the text of this one libmount cannot parse */
	assert_true(mountinfo_own(&a, &calls));
	assert_int_equal(calls.n, text.n + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(calls_and_text_agree, setup, teardown) };
	world_alone();
	if (world_lacking()) {
		printf("skipped: %s\n", world_lacking());
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
