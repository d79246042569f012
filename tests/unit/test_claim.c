/* The ledger's writer against its reader: order, refusals, torn tails, two owners. */
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
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/box/claim.h"

static char root[64];
static struct paths paths;

static int setup(void **state)
{
	struct err e;
	(void)state;
	strcpy(root, "/tmp/rbt-recover-XXXXXX");
	assert_non_null(mkdtemp(root));
	assert_int_equal(paths_init(&paths, root, &e), 0);
	assert_int_equal(rmdir(root), 0); /* not even the root is there: all of it is made */
	return 0;
}

static int teardown(void **state)
{
	char path[PATH_ROOM + 80];
	(void)state;
	paths_ledger(&paths, "b", path);
	(void)unlink(path);
	(void)rmdir(paths.of[PATH_LEDGER]);
	(void)rmdir(paths.of[PATH_RUN]);
	(void)snprintf(path, sizeof path, "%s/run", root);
	(void)rmdir(path);
	return rmdir(root) < 0 && errno != ENOENT;
}

static const char *file_of(const char *box)
{
	static char path[PATH_ROOM + 80];
	paths_ledger(&paths, box, path);
	return path;
}

static bool exists(const char *box)
{
	return access(file_of(box), F_OK) == 0;
}

static void lines_in_order(void **state)
{
	struct claim c = CLAIM_NONE;
	struct err e = { 0 };
	struct ledger l;
	autoarena struct arena a = { 0 };
	unsigned one, two;
	(void)state;
	assert_int_equal(claim_open(&paths, "b", &c, &e), 0);
	assert_int_equal(claim_own(&c, RES_TEMPDIR, "/tmp/rustbox-b with space", &one, &e), 0);
	assert_int_equal(claim_is(&c, one, "1:2:3", &e), 0);
	assert_int_equal(claim_own(&c, RES_MOUNT, "/tmp/rustbox-b/root", &two, &e), 0);
	assert_int_equal(claim_ghost(&c, two, "0:99", &e), 0);
	assert_int_equal(claim_read(&c, &a, &l, &e), 0);
	assert_int_equal(l.n, 2);
	assert_string_equal(l.v[0].name, "/tmp/rustbox-b with space");
	assert_string_equal(l.v[0].identity, "1:2:3");
	assert_true(l.v[1].ghost && !l.v[1].gone);
	assert_int_equal(claim_own(&c, RES_MOUNT, "a\nb", &two, &e), -EINVAL);
	assert_int_equal(claim_finish(&c, &e), 0);
	assert_int_equal(c.fd, -1);
	assert_false(exists("b"));
	close(creat(file_of("b"), 0600));
	assert_int_equal(claim_open(&paths, "b", &c, &e), 0); /* an empty ledger is free */
	claim_close(&c);
	assert_int_equal(claim_open(&paths, "b", &c, &e), 0); /* so is one with a header only */
	assert_int_equal(claim_finish(&c, &e), 0);
	assert_false(exists("b"));
}

/* Who waited for the lock of a file that its owner then unlinked must not believe in that lock. */
static void a_removed_file_is_no_lock(void **state)
{
	struct claim c = CLAIM_NONE, next = CLAIM_NONE;
	struct err e = { 0 };
	struct stat named, held;
	int ends[2];
	char byte;
	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(claim_open(&paths, "b", &c, &e), 0);
	pid_t child = fork();
	if (child == 0) { /* opens the same file, waits, and gets the lock of one that has no name any more */
		claim_close(&c);
		assert_int_equal(write(ends[1], "x", 1), 1);
		assert_int_equal(claim_open(&paths, "b", &next, &e), 0);
		assert_int_equal(fstat(next.fd, &held), 0);
		_exit(stat(file_of("b"), &named) == 0 && named.st_ino == held.st_ino && held.st_nlink == 1 ? 0 : 1);
	}
	assert_int_equal(read(ends[0], &byte, 1), 1);
	usleep(60000); /* it is in its wait for the lock now, or will be: both must end well */
	assert_int_equal(claim_finish(&c, &e), 0);
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	close(ends[0]);
	close(ends[1]);
}

/* A file of that name that is not ours any more stays. */
static void another_file_is_left_alone(void **state)
{
	struct claim c = CLAIM_NONE;
	struct err e = { 0 };
	(void)state;
	assert_int_equal(claim_open(&paths, "b", &c, &e), 0);
	assert_int_equal(unlink(file_of("b")), 0);
	close(creat(file_of("b"), 0600));
	assert_int_equal(claim_finish(&c, &e), 0);
	assert_true(exists("b"));
}

static void what_is_left_refuses(void **state)
{
	struct claim c = CLAIM_NONE;
	struct err e = { 0 };
	unsigned seq;
	(void)state;
	assert_int_equal(claim_open(&paths, "b", &c, &e), 0);
	assert_int_equal(claim_own(&c, RES_TEMPDIR, "/tmp/rustbox-b", &seq, &e), 0);
	claim_close(&c);
	assert_int_equal(claim_open(&paths, "b", &c, &e), -EEXIST);
	assert_non_null(strstr(e.text, "rustbox health --recover --cleanup"));
	assert_int_equal(claim_take(&paths, "b", &c, &e), 0);
	assert_int_equal(claim_gone(&c, seq, &e), 0);
	claim_close(&c);
	assert_int_equal(claim_open(&paths, "b", &c, &e), 0);
	claim_close(&c);
}

static void a_torn_line_is_cut(void **state)
{
	struct claim c = CLAIM_NONE;
	struct err e = { 0 };
	struct ledger l;
	autoarena struct arena a = { 0 };
	unsigned seq;
	(void)state;
	assert_int_equal(claim_open(&paths, "b", &c, &e), 0);
	assert_int_equal(claim_own(&c, RES_TEMPDIR, "/tmp/rustbox-b", &seq, &e), 0);
	assert_int_equal(write(c.fd, "own 2 mou", 9), 9);
	claim_close(&c);
	assert_int_equal(claim_take(&paths, "b", &c, &e), 0);
	assert_int_equal(c.next, 2);
	assert_int_equal(claim_gone(&c, seq, &e), 0);
	assert_int_equal(claim_read(&c, &a, &l, &e), 0);
	assert_true(l.n == 1 && l.v[0].gone);
	claim_close(&c);
}

/* The lock lives as long as any process that inherited it. */
static void the_last_holder_lets_go(void **state)
{
	struct claim c = CLAIM_NONE, other = CLAIM_NONE;
	struct err e = { 0 };
	int ends[2];
	char byte;
	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(claim_open(&paths, "b", &c, &e), 0);
	pid_t child = fork();
	if (child == 0) {
		close(ends[1]);
		_exit(read(ends[0], &byte, 1) == 0 ? 0 : 1);
	}
	claim_close(&c);
	assert_int_equal(claim_open(&paths, "b", &other, &e), -EBUSY);
	assert_int_equal(claim_take(&paths, "b", &other, &e), -EBUSY);
	close(ends[1]);
	assert_int_equal(waitpid(child, NULL, 0), child);
	close(ends[0]);
	assert_int_equal(claim_open(&paths, "b", &other, &e), 0);
	claim_close(&other);
}

static void names(void **state)
{
	struct claim c = CLAIM_NONE;
	struct err e = { 0 };
	(void)state;
	assert_int_equal(claim_open(&paths, "../b", &c, &e), -EINVAL);
	assert_int_equal(claim_open(&paths, "", &c, &e), -EINVAL);
	assert_int_equal(claim_take(&paths, "nobody", &c, &e), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lines_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(a_removed_file_is_no_lock, setup, teardown),
		cmocka_unit_test_setup_teardown(another_file_is_left_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_left_refuses, setup, teardown),
		cmocka_unit_test_setup_teardown(a_torn_line_is_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(the_last_holder_lets_go, setup, teardown),
		cmocka_unit_test_setup_teardown(names, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
