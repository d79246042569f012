/* The past and the space view, on a real kernel: what came and went is gone back to, and where the bytes went. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness/pty.h"
#include "tests/harness/world.h"

struct place {
	char dir[PATH_ROOM + 80], root[PATH_ROOM + 80];
};

static int each_world(void **state)
{
	static struct world w;
	if (world_lacking())
		return 0;
	world_open(&w, WORLD_MOUNTS);
	*state = &w;
	return 0;
}

static int each_end(void **state)
{
	return !*state || world_done(*state) ? 0 : -1;
}

static struct world *need_world(void **state)
{
	if (!*state) {
		print_message("skipped: %s\n", world_lacking());
		skip();
	}
	return *state;
}

static void place_of(const struct world *w, const char *box, struct place *ret)
{
	paths_box_dir(&w->paths, box, ret->dir);
	paths_box_root(&w->paths, box, ret->root);
	assert_int_equal(mkdir(ret->dir, 0700), 0);
	assert_int_equal(mkdir(ret->root, 0700), 0);
}

static void cover(const struct place *p)
{
	assert_int_equal(mount("none", p->root, "tmpfs", 0, "size=1m"), 0);
}

static void uncover(const struct place *p)
{
	assert_true(world_unmount(p->root));
}

static void take_away(const struct place *p)
{
	uncover(p);
	assert_int_equal(rmdir(p->root), 0);
	assert_int_equal(rmdir(p->dir), 0);
}

/* Every source has told its first state, from which on changes are changes. */
static void await_whole(struct pty *p)
{
	bool whole = false;
	for (int i = 0; i < 100 && !whole; i++) {
		pty_send(p, "t");
		pty_settle(p, 0.1, 1);
		whole = pty_shows(p, "nothing has changed") || pty_shows(p, "[THE PAST");
	}
	assert_true(whole);
	pty_send(p, "\033"); /* from the past to now; from now nowhere */
	assert_true(pty_wait_gone(p, "[THE PAST", 5));
}

/* One box stays under the cursor while the mount of the other comes and goes. */
static void back_and_on_again(void **state)
{
	struct world *w = need_world(state);
	struct place stays, goes;
	int row = -1, col = -1;
	place_of(w, "stays", &stays);
	place_of(w, "goes", &goes);
	cover(&stays);
	struct pty *p = pty_start(&(struct pty_how){ .root = w->root });
	assert_true(pty_wait(p, "2 Mount +1", 10));
	pty_send(p, "2k");
	await_whole(p);
	cover(&goes);
	assert_true(pty_wait(p, "2 Mount +2", 5));
	uncover(&goes);
	assert_true(pty_wait(p, "2 Mount +1", 5));
	pty_send(p, "t");
	assert_true(pty_wait(p, "[THE PAST ", 5));
	assert_true(pty_wait(p, "next: ", 5));
	while (!pty_shows(p, "next: - M ")) { /* what followed from the mount's end is a change as well */
		char here[32];
		unsigned at = 0;
		assert_true(pty_find(p, " change ", &row, &col));
		assert_int_equal(sscanf(strstr(pty_row(p, row), " change "), " change %u/", &at), 1);
		assert_true(at > 1);
		(void)snprintf(here, sizeof here, " change %u/", at);
		pty_send(p, "[");
		assert_true(pty_wait_gone(p, here, 5));
	}
	assert_true(pty_wait(p, "2 Mount +2", 5)); /* as it was */
	assert_true(pty_wait(p, "now +", 5));
	assert_true(pty_find(p, ">+ M leak", &row, &col));
	if (!strstr(pty_row(p, row), "stays"))
		fail_msg("%s", pty_screen(p));
	pty_send(p, "A");
	assert_true(pty_wait(p, "not in the past", 5));
	assert_false(pty_shows(p, "why do you act"));
	cover(&goes); /* now moves on, the screen does not */
	assert_true(pty_wait(p, "+ M leak", 5));
	assert_true(pty_shows(p, "next: - M "));
	pty_send(p, "t");
	assert_true(pty_wait_gone(p, "[THE PAST ", 5));
	assert_true(pty_wait(p, "2 Mount +2", 5));
	pty_send(p, "\033q");
	assert_int_equal(pty_wait_exit(p, 5), 0);
	pty_done(p);
	take_away(&goes);
	take_away(&stays);
}

/* Whatever the size, nobody takes it for now. */
static void small_screens_say_it_too(void **state)
{
	struct world *w = need_world(state);
	struct place goes;
	place_of(w, "goes", &goes);
	struct pty *p = pty_start(&(struct pty_how){ .root = w->root });
	assert_true(pty_wait(p, "5 Dir +1", 10));
	await_whole(p);
	pty_resize(p, 10, 40);
	assert_true(pty_wait(p, "M0 ", 10));
	cover(&goes);
	assert_true(pty_wait(p, "M1 ", 5));
	pty_send(p, "t");
	assert_true(pty_wait(p, "[PAST ", 5));
	assert_true(pty_wait(p, "this is the past: t goes back to now", 5));
	pty_resize(p, 5, 29);
	assert_true(pty_wait(p, "PAST ", 5));
	pty_resize(p, 45, 160);
	assert_true(pty_wait(p, "look, nothing can be done here", 5));
	assert_true(pty_wait(p, " of 12 MiB", 5));
	pty_send(p, "\033");
	assert_true(pty_wait(p, "OBSERVE", 5));
	pty_send(p, "q");
	assert_int_equal(pty_wait_exit(p, 5), 0);
	pty_done(p);
	take_away(&goes);
}

/* S06: a directory deleted gives nothing back, and the view says whose end does. */
static void deleted_but_open(void **state)
{
	struct world *w = need_world(state);
	char path[PATH_ROOM + 40], holder[80];
	const char *work = w->paths.of[PATH_WORK];
	assert_int_equal(mount("none", work, "tmpfs", 0, "size=8m"), 0);
	(void)snprintf(path, sizeof path, "%s/big", work);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(posix_fallocate(fd, 0, 6 << 20), 0);
	assert_int_equal(unlink(path), 0);
	struct pty *p = pty_start(&(struct pty_how){ .root = w->root, .rows = 30, .cols = 120 });
	assert_true(pty_wait(p, "live: mounts cgroups procs dirs", 10));
	pty_send(p, "5\r");
	assert_true(pty_wait(p, "used, says the file system      6.0M", 10));
	/* It counts for three seconds and says what it has: on a busy machine that can be nothing yet. It is asked again. */
	for (int tries = 0; pty_wait(p, "deleted, but still open  ", 20) && pty_shows(p, "NOT ALL COUNTED") && tries < 20; tries++) {
		pty_send(p, "\033");
		assert_true(pty_wait_gone(p, "where the space went", 20));
		pty_send(p, "5\r");
	}
	assert_true(pty_wait(p, "deleted, but still open         6.0M in 1 file", 10));
	(void)snprintf(holder, sizeof holder, "6.0M  %d test_console_ti, fd %d: ", (int)getpid(), fd);
	assert_true(pty_wait(p, holder, 5));
	assert_true(pty_shows(p, "only its holder's end does"));
	pty_send(p, "\033\033q");
	assert_int_equal(pty_wait_exit(p, 5), 0);
	pty_done(p);
	(void)close(fd);
	assert_true(world_unmount(work));
}

static void palette(struct pty *p, const char *words)
{
	pty_send(p, ":");
	pty_settle(p, 0.2, 2);
	pty_send(p, words);
	pty_send(p, "\r");
}

/* Into a new file of one's own and nowhere else. */
static void write_the_list(void **state)
{
	struct world *w = need_world(state);
	struct place goes;
	char file[PATH_ROOM + 40], link[PATH_ROOM + 40], words[2 * PATH_ROOM];
	struct stat st;
	json_error_t bad;
	place_of(w, "goes", &goes);
	cover(&goes);
	(void)snprintf(file, sizeof file, "%s/list.json", w->root);
	(void)snprintf(link, sizeof link, "%s/link.txt", w->root);
	assert_int_equal(symlink("/tmp/no-such-place", link), 0);
	struct pty *p = pty_start(&(struct pty_how){ .root = w->root, .rows = 30, .cols = 150 });
	assert_true(pty_wait(p, "2 Mounts +1", 10));
	(void)snprintf(words, sizeof words, "write %s", file);
	palette(p, words);
	assert_true(pty_wait(p, "readable by you only", 5));
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	json_t *j = json_load_file(file, 0, &bad);
	assert_int_equal(json_integer_value(json_object_get(j, "schema")), 1);
	assert_true(json_array_size(json_object_get(j, "rows")) >= 1);
	json_decref(j);
	palette(p, words);
	assert_true(pty_wait(p, "nothing is ever overwritten", 5));
	(void)snprintf(words, sizeof words, "write %s", link);
	palette(p, words);
	assert_true(pty_wait(p, "link.txt: File exists", 5));
	assert_int_not_equal(access("/tmp/no-such-place", F_OK), 0);
	palette(p, "write list.txt");
	assert_true(pty_wait(p, ":write /WHOLE/PATH", 5));
	pty_send(p, "q");
	assert_int_equal(pty_wait_exit(p, 5), 0);
	pty_done(p);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(unlink(link), 0);
	take_away(&goes);
}

/* From a real worker's endpoint; and when nobody is there, that is said instead of a number. */
static void the_promise(void **state)
{
	struct world *w = need_world(state);
	static const char *const argv[] = { "rustbox", "serve", "--port", "0", NULL };
	struct ran r;
	char metrics[64];
	unsigned port = 0;
	world_call(w, &r, 30, "rustbox", "run", "--", "/bin/true");
	assert_int_equal(r.code, 0);
	ran_done(&r);
	struct pty *serve = pty_start(&(struct pty_how){ .argv = argv, .root = w->root });
	assert_true(pty_wait(serve, "/metrics /health", 10));
	assert_int_equal(sscanf(strstr(pty_screen(serve), "listening"), "listening on port %u", &port), 1);
	(void)snprintf(metrics, sizeof metrics, "RUSTBOX_METRICS=%u", port);
	const char *const env[] = { metrics, NULL };
	struct pty *p = pty_start(&(struct pty_how){ .root = w->root, .env = env });
	assert_true(pty_wait(p, "SLO 100.00%", 10));
	pty_resize(p, 45, 160);
	assert_true(pty_wait(p, "budget 100% left", 5));
	pty_send(p, "\033q");
	assert_int_equal(pty_wait_exit(p, 5), 0);
	pty_done(p);
	pty_send(serve, "\003");
	assert_int_not_equal(pty_wait_exit(serve, 10), -1);
	pty_done(serve);
	p = pty_start(&(struct pty_how){ .root = w->root, .env = env });
	assert_true(pty_wait(p, "metrics GONE", 10));
	pty_send(p, "q");
	assert_int_equal(pty_wait_exit(p, 5), 0);
	pty_done(p);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, each_world, each_end)
	const struct CMUnitTest tests[] = { T(back_and_on_again), T(small_screens_say_it_too), T(deleted_but_open), T(the_promise),
					    T(write_the_list) };
	world_alone();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
