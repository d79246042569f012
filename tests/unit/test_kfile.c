/* Small kernel files: read whole or refused, never cut in silence. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"

struct world {
	char dir[40];
	int fd;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	(void)snprintf(w->dir, sizeof w->dir, "/tmp/rbt-kfile-XXXXXX");
	if (!w || !mkdtemp(w->dir))
		return -1;
	w->fd = open(w->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	(void)unlinkat(w->fd, "f", 0);
	(void)close(w->fd);
	(void)rmdir(w->dir);
	free(w);
	return 0;
}

static void put(const struct world *w, const char *text, size_t n)
{
	autofd int fd = openat(w->fd, "f", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, text, n), n);
}

static void whole_or_refused(void **state)
{
	const struct world *w = *state;
	char buf[8];
	put(w, "1234567", 7);
	assert_int_equal(kfile_read(w->fd, "f", buf, sizeof buf), 7);
	assert_string_equal(buf, "1234567");
	put(w, "12345678", 8);
	assert_int_equal(kfile_read(w->fd, "f", buf, sizeof buf), -EFBIG);
	assert_int_equal(kfile_read(w->fd, "none", buf, sizeof buf), -ENOENT);
}

static void grows_to_any_size(void **state)
{
	const struct world *w = *state;
	static char big[100000];
	autofree char *text = NULL;
	memset(big, 'x', sizeof big);
	put(w, big, sizeof big);
	assert_int_equal(kfile_read_all(w->fd, "f", &text), sizeof big);
	assert_int_equal(strlen(text), sizeof big);
}

static void numbers(void **state)
{
	const struct world *w = *state;
	uint64_t v = 5;
	put(w, "max\n", 4);
	assert_int_equal(kfile_u64(w->fd, "f", &v), 0);
	assert_true(v == UINT64_MAX);
	put(w, "42\n", 3);
	assert_int_equal(kfile_u64(w->fd, "f", &v), 0);
	assert_int_equal(v, 42);
	put(w, "what\n", 5);
	assert_int_equal(kfile_u64(w->fd, "f", &v), -EINVAL);
	assert_int_equal(v, 42);
}

static void keyed_numbers(void **state)
{
	static const char text[] = "oom 1\noom_kill 3\npopulated 0\n";
	const struct world *w = *state;
	uint64_t v = 9;
	put(w, text, sizeof text - 1);
	assert_int_equal(kfile_keyed_u64(w->fd, "f", "oom_kill", &v), 0);
	assert_int_equal(v, 3);
	assert_int_equal(kfile_keyed_u64(w->fd, "f", "kill", &v), -ENOENT);
	assert_int_equal(kfile_keyed_u64(w->fd, "f", "populated", &v), 0);
	assert_int_equal(v, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_or_refused),
		cmocka_unit_test(grows_to_any_size),
		cmocka_unit_test(numbers),
		cmocka_unit_test(keyed_numbers),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
