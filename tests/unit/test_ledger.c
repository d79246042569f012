/* The ledger's parser: every prefix of a true ledger is a torn one, everything else that is odd is corrupt. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/base/own.h"
#include "probes/ledger.h"

#define HEAD "rustbox-ledger 1 b1 c430e111-57c6-43af-86b6-2ab9f46fac51\n"

static void a_whole_life(void **state)
{
	static const char text[] = HEAD "own 1 cgroup /rustbox-b1\nis 1 memory:77\nown 2 mount /tmp/rustbox-b1/root dir\n"
					"is 2 2147483700\nghost 2 0:57\ngone 1\nown 3 tempdir /tmp/rustbox-b1\n";
	autoarena struct arena a = { 0 };
	struct ledger l;
	(void)state;
	assert_int_equal(ledger_parse(text, &a, &l, NULL), 0);
	assert_string_equal(l.box, "b1");
	assert_int_equal(l.n, 3);
	assert_int_equal(l.v[0].kind, RES_CGROUP);
	assert_true(l.v[0].gone);
	assert_string_equal(l.v[0].identity, "memory:77");
	assert_string_equal(l.v[1].name, "/tmp/rustbox-b1/root dir"); /* the rest of the line, spaces too */
	assert_string_equal(l.v[1].identity, "2147483700");
	assert_string_equal(l.v[1].device, "0:57");
	assert_true(l.v[1].ghost);
	assert_false(l.v[1].gone);
	assert_null(l.v[2].identity);
}

static void every_prefix_is_readable(void **state)
{
	static const char text[] = HEAD "own 1 mount /tmp/rustbox-b1/root\nis 1 99\ngone 1\n";
	(void)state;
	for (size_t n = 0; n < sizeof text; n++) {
		autoarena struct arena a = { 0 };
		struct ledger l;
		char part[sizeof text];
		memcpy(part, text, n);
		part[n] = '\0';
		assert_int_equal(ledger_parse(part, &a, &l, NULL), 0);
		assert_true(l.n <= 1);
	}
}

static void garbage_is_corrupt(void **state)
{
	static const char *const bad[] = {
		"hello\n",
		"own 1 mount /x\n", /* before the header */
		HEAD HEAD,
		"rustbox-ledger 2 b1 c430e111-57c6-43af-86b6-2ab9f46fac51\n",
		"rustbox-ledger 1 b/1 c430e111-57c6-43af-86b6-2ab9f46fac51\n",
		"rustbox-ledger 1 b1 short\n",
		HEAD "own 1 elephant /x\n",
		HEAD "own x mount /x\n",
		HEAD "own 1 mount\n",
		HEAD "own 1 mount /x\nown 1 mount /y\n",
		HEAD "is 1 5\n",
		HEAD "gone 7\n",
		HEAD "own 1 mount /x\ngone 1 2\n",
		HEAD "\n",
		HEAD "own 1 mount /x\n\x1b[2J\n",
		HEAD "own 99999999999999999999 mount /x\n",
	};
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		autoarena struct arena a = { 0 };
		struct ledger l = { .n = 42 };
		struct err e = { 0 };
		assert_int_equal(ledger_parse(bad[i], &a, &l, &e), -EBADMSG);
		assert_int_equal(l.n, 42); /* untouched */
		assert_null(strchr(e.text, '\x1b'));
	}
}

static void flipped_bits_never_crash(void **state)
{
	static const char text[] = HEAD "own 1 mount /tmp/rustbox-b1/root\nis 1 99\nghost 1 0:5\ngone 1\n";
	(void)state;
	for (size_t bit = 0; bit < (sizeof text - 1) * 8; bit++) {
		autoarena struct arena a = { 0 };
		struct ledger l;
		char copy[sizeof text];
		memcpy(copy, text, sizeof text);
		copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
		int rc = ledger_parse(copy, &a, &l, NULL);
		assert_true(rc == 0 || rc == -EBADMSG);
	}
}

struct home {
	char root[40];
	struct paths paths;
};

static void put(const struct home *h, const char *box, const char *text, size_t n)
{
	char path[PATH_ROOM + 80];
	paths_ledger(&h->paths, box, path);
	autofd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, text, n), n);
}

static int setup(void **state)
{
	struct home *h = calloc(1, sizeof *h);
	char path[PATH_ROOM + 20];
	(void)snprintf(h->root, sizeof h->root, "/tmp/rbt-ledger-XXXXXX");
	if (!mkdtemp(h->root) || paths_init(&h->paths, h->root, NULL))
		return -1;
	(void)snprintf(path, sizeof path, "%s/run", h->root);
	(void)mkdir(path, 0700);
	(void)mkdir(h->paths.of[PATH_RUN], 0700);
	(void)mkdir(h->paths.of[PATH_LEDGER], 0700);
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	struct home *h = *state;
	char command[100];
	(void)snprintf(command, sizeof command, "rm -rf %s", h->root);
	int rc = system(command);
	free(h);
	return rc;
}

static void held_free_and_corrupt(void **state)
{
	struct home *h = *state;
	struct scope scope = scope_host(&h->paths);
	autoarena struct arena a = { 0 };
	char path[PATH_ROOM + 80];
	struct ledgers all;
	put(h, "b1", HEAD, sizeof HEAD - 1);
	put(h, "free", "", 0);
	put(h, "other", HEAD, sizeof HEAD - 1); /* its header names another box */
	put(h, "nul", "a\0b\n", 4);
	put(h, "not.a.box", "junk\n", 5);
	paths_ledger(&h->paths, "b1", path);
	autofd int lock = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(flock(lock, LOCK_EX | LOCK_NB), 0);
	ledgers_read(&scope, &a, &all);
	assert_true(all.complete);
	assert_int_equal(all.n, 4);
	assert_true(ledgers_find(&all, "b1")->held);
	assert_false(ledgers_find(&all, "b1")->corrupt);
	assert_false(ledgers_find(&all, "free")->held);
	assert_false(ledgers_find(&all, "free")->corrupt);
	assert_true(ledgers_find(&all, "other")->corrupt);
	assert_true(ledgers_find(&all, "nul")->corrupt);
	assert_null(ledgers_find(&all, "not.a.box"));
	/* Asking has not taken the lock away, nor left one behind. */
	autofd int again = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(flock(again, LOCK_EX | LOCK_NB), -1);
	assert_int_equal(flock(lock, LOCK_UN), 0);
	assert_int_equal(flock(again, LOCK_EX | LOCK_NB), 0);
}

static void no_directory_is_no_ledger(void **state)
{
	struct paths p;
	autoarena struct arena a = { 0 };
	struct ledgers all;
	(void)state;
	assert_int_equal(paths_init(&p, "/tmp/rbt-no-such-world", NULL), 0);
	struct scope scope = scope_host(&p);
	ledgers_read(&scope, &a, &all);
	assert_true(all.complete);
	assert_int_equal(all.n, 0);
	assert_null(ledgers_find(&all, "b1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_life),
		cmocka_unit_test(every_prefix_is_readable),
		cmocka_unit_test(garbage_is_corrupt),
		cmocka_unit_test(flipped_bits_never_crash),
		cmocka_unit_test_setup_teardown(held_free_and_corrupt, setup, teardown),
		cmocka_unit_test(no_directory_is_no_ledger),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
