/* The trash: what is put there comes back as it was, another directory of its name is never taken, time ends it. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "probes/statx.h"
#include "sandbox/box/trash.h"

static char root[64], work[PATH_ROOM];
static struct paths paths;

static int begin(void **state)
{
	(void)state;
	(void)strcpy(root, "/tmp/rbt-trash-XXXXXX");
	if (!mkdtemp(root) || paths_init(&paths, root, NULL) != 0)
		return -1;
	(void)snprintf(work, sizeof work, "%s", paths.of[PATH_WORK]);
	return mkdir(work, 0755);
}

static int end(void **state)
{
	char command[100];
	(void)state;
	(void)snprintf(command, sizeof command, "rm -rf %s", root);
	return system(command);
}

static struct stat make(const char *name)
{
	char path[PATH_ROOM + 80];
	struct stat st;
	(void)snprintf(path, sizeof path, "%s/%s", work, name);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(stat(path, &st), 0);
	(void)snprintf(path, sizeof path, "%s/%s/file", work, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	(void)close(fd);
	return st;
}

static const struct dirid *id_of(const struct stat *st)
{
	static struct dirid id;
	id = (struct dirid){ major(st->st_dev), minor(st->st_dev), st->st_ino, 0 };
	return &id;
}

static bool has_birth(void)
{
	struct identity id;
	return identity_at(AT_FDCWD, work, 0, &id) == 0 && id.birth;
}

static bool there(const char *name)
{
	char path[PATH_ROOM + 80];
	(void)snprintf(path, sizeof path, "%s/%s", work, name);
	return access(path, F_OK) == 0;
}

static void it_comes_back(void **state)
{
	struct stat st = make("rustbox-a"), after;
	char back[PATH_ROOM + 100];
	struct err e = { 0 };
	(void)state;
	assert_int_equal(trash_put(&paths, "rustbox-a", id_of(&st), 1000, &e), 0);
	assert_false(there("rustbox-a"));
	assert_true(there(".rustbox-trash-1000-a/file"));
	assert_int_equal(trash_expire(&paths, 999, 2000), 0);
	assert_true(there(".rustbox-trash-1000-a/file"));
	assert_int_equal(trash_undo(&paths, id_of(&st), back, sizeof back, &e), 0);
	assert_int_equal(stat(back, &after), 0);
	assert_int_equal(after.st_ino, st.st_ino);
	assert_true(there("rustbox-a/file"));
	assert_int_equal(trash_undo(&paths, id_of(&st), back, sizeof back, &e), -ENOENT);
}

static void only_the_one_that_was_meant(void **state)
{
	struct stat a = make("rustbox-a"), b = make("rustbox-b");
	char back[PATH_ROOM + 100];
	struct err e = { 0 };
	struct dirid other = *id_of(&a);
	(void)state;
	other.birth = 7; /* the number is used again: another directory */
	if (has_birth())
		assert_int_equal(trash_put(&paths, "rustbox-a", &other, 1000, &e), -ENOENT);
	assert_int_equal(trash_put(&paths, "rustbox-a", id_of(&b), 1000, &e), -ENOENT); /* another has the name */
	assert_int_equal(trash_put(&paths, "mine", id_of(&a), 1000, &e), -EINVAL);
	assert_int_equal(trash_put(&paths, "rustbox-../x", id_of(&a), 1000, &e), -EINVAL);
	assert_true(there("rustbox-a") && there("rustbox-b"));
	assert_int_equal(trash_put(&paths, "rustbox-a", id_of(&a), 1000, &e), 0);
	(void)make("rustbox-a"); /* a new box of that name: it is not overwritten */
	assert_int_equal(trash_undo(&paths, id_of(&a), back, sizeof back, &e), -EEXIST);
	assert_true(there("rustbox-a/file") && there(".rustbox-trash-1000-a/file"));
}

static void time_ends_it(void **state)
{
	struct stat a = make("rustbox-a"), b = make("rustbox-b");
	struct err e = { 0 };
	char link[PATH_ROOM + 80];
	(void)state;
	(void)make(".rustbox-trash-x-a"); /* not a name of ours */
	(void)make("precious");
	(void)snprintf(link, sizeof link, "%s/.rustbox-trash-1-link", work);
	assert_int_equal(symlink("precious", link), 0);
	assert_int_equal(trash_put(&paths, "rustbox-a", id_of(&a), 1000, &e), 0);
	assert_int_equal(trash_put(&paths, "rustbox-b", id_of(&b), 3000, &e), 0);
	assert_int_equal(trash_expire(&paths, 1000, 5000), 0);
	assert_false(there(".rustbox-trash-1000-a"));
	assert_true(there(".rustbox-trash-3000-b/file"));
	assert_true(there(".rustbox-trash-x-a/file"));
	assert_true(there("precious/file"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = { T(it_comes_back), T(only_the_one_that_was_meant), T(time_ends_it) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
