/*
 * State that cannot be written or believed: a full disk, and a file cut off at any byte. Recovery still clears the host
 * and says what it could not record; a health that cannot be read is quarantine, never healthy; whatever is wrong with a
 * baseline or a page of counters is said, and is not in the way.
 */
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

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "probes/health.h"
#include "probes/snapshot.h"
#include "sandbox/worker/status.h"
#include "tests/harness/lab.h"

static struct world w;

static int call(struct ran *r, const char *a, const char *b, const char *c)
{
	world_run(&w, r, 60, NULL, (const char *const[]){ "rustbox", "health", a, b, c, NULL });
	assert_false(r->late);
	return r->code;
}

static int just(const char *a, const char *b, const char *c)
{
	struct ran r;
	int code = call(&r, a, b, c);
	ran_done(&r);
	return code;
}

static void fill(const char *dir)
{
	char path[PATH_ROOM + 16], block[4096];
	snprintf(path, sizeof path, "%s/full", dir);
	memset(block, 'x', sizeof block);
	autofd int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	while (write(fd, block, sizeof block) > 0)
		;
}

static void put(const char *path, const char *text, size_t n)
{
	autofd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, n), n);
}

/* The state's file system has no block left, or hardly an inode. */
static void full_disk(void **state)
{
	const char *size = *state;
	static struct lab l;
	struct ran r;
	char text[512] = "", status[32];
	struct err e;
	const char *dir = w.paths.of[PATH_STATE];
	assert_int_equal(status_directory(&w.paths, &e), 0);
	assert_int_equal(mount("full", dir, "tmpfs", 0, size), 0);
	fill(dir);
	lab_open(&l, &w, "leak");
	assert_int_equal(lab_plant(&l, lab_fault("ledger_true")), PLANTED);
	assert_int_equal(call(&r, "--json", NULL, NULL), 0);
	json_t *j = ran_json(&r);
	assert_string_equal(json_at(j, "status", status, sizeof status), "unhealthy");
	assert_string_not_equal(json_at(j, "trouble", text, sizeof text), "");
	json_decref(j);
	ran_done(&r);
	int code = call(&r, "--recover", "--cleanup", "--json");
	if (code != 3 || !r.err_len)
		print_message("exit %d: %s%s\n", code, r.out, r.err);
	assert_int_equal(code, 3); /* clean, and not recorded: not a success */
	assert_true(r.err_len > 0);
	ran_done(&r);
	assert_true(lab_gone(&l, text, sizeof text));
	assert_int_equal(just("--verify-clean", NULL, NULL), 0);
	assert_int_equal(umount2(dir, MNT_DETACH), 0);
	assert_true(world_clean_within(&w, 2));
	assert_int_equal(just("--recover", "--cleanup", NULL), 0);
	assert_int_equal(just("--check", NULL, NULL), 0);
	lab_undo(&l);
}

/* The ledgers' file system is full: no box begins, and nothing is left of the try. */
static void full_run(void **state)
{
	struct ran r;
	(void)state;
	char dir[PATH_ROOM];
	snprintf(dir, sizeof dir, "%s/run", w.root);
	(void)mkdir(dir, 0755);
	assert_int_equal(mount("full", dir, "tmpfs", 0, "size=16k"), 0);
	fill(dir);
	world_call(&w, &r, 20, "rustbox", "init", "--box-id", "none");
	assert_int_equal(r.code, 3);
	assert_non_null(strstr(r.err, "No space left"));
	ran_done(&r);
	world_call(&w, &r, 20, "rustbox", "run", "--json", "-", "--", "/bin/true");
	if (r.code != 3)
		print_message("run: exit %d %s %s\n", r.code, r.out, r.err);
	assert_int_equal(r.code, 3);
	ran_done(&r);
	assert_int_equal(just("--verify-clean", NULL, NULL), 0);
	assert_int_equal(umount2(dir, MNT_DETACH), 0);
}

static void every_prefix_of_health(void **state)
{
	(void)state;
	struct scope scope = scope_host(&w.paths);
	char text[1024];
	struct health h;
	struct err e;
	assert_int_equal(just("--quarantine", "--reason", "a disk"), 0);
	ssize_t n = kfile_read(AT_FDCWD, w.paths.of[PATH_HEALTH], text, sizeof text);
	assert_true(n > 50);
	while (text[n - 1] == '\n')
		n--;
	for (ssize_t cut = 0; cut < n; cut++) {
		put(w.paths.of[PATH_HEALTH], text, (size_t)cut);
		assert_int_equal(health_read(&scope, &h, &e), -EBADMSG);
		assert_int_equal(h.status, HEALTH_QUARANTINED);
		if (cut % 16 == 0)
			assert_int_equal(just("--check", NULL, NULL), 2);
	}
	for (ssize_t bit = 0; bit < n * 8; bit++) {
		text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
		put(w.paths.of[PATH_HEALTH], text, (size_t)n);
		(void)!health_read(&scope, &h, &e);
		assert_int_equal(h.status, HEALTH_QUARANTINED);
		text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
	}
	put(w.paths.of[PATH_HEALTH], text, 20);
	struct ran r;
	world_call(&w, &r, 20, "rustbox", "run", "--", "/bin/true");
	assert_int_equal(r.code, 4); /* what cannot be believed takes no work */
	ran_done(&r);
	assert_int_equal(just("--recover", "--cleanup", NULL), 0); /* sets it aside, looks, and is healthy by what it saw */
	assert_int_equal(just("--check", NULL, NULL), 0);
}

static void every_prefix_of_the_baseline(void **state)
{
	(void)state;
	struct ran r;
	char trusted[16];
	world_call(&w, &r, 20, "rustbox-probe", "baseline", "capture");
	assert_int_equal(r.code, 0);
	for (size_t cut = 0; cut < r.out_len; cut += 1 + cut / 8) {
		autoarena struct arena a = { 0 };
		struct snapshot base;
		struct err e;
		put(w.paths.of[PATH_BASELINE], r.out, cut);
		int rc = baseline_read(w.paths.of[PATH_BASELINE], &a, &base, &e);
		assert_true(rc == 0 ? r.out[cut - 1] == '\n' : rc == -EBADMSG);
	}
	put(w.paths.of[PATH_BASELINE], r.out, r.out_len / 2 - (r.out[r.out_len / 2 - 1] == '\n'));
	ran_done(&r);
	assert_int_equal(call(&r, "--json", NULL, NULL), 0);
	json_t *j = ran_json(&r);
	assert_string_equal(json_at(j, "baseline.trusted", trusted, sizeof trusted), "false");
	json_decref(j);
	ran_done(&r);
	assert_int_equal(unlink(w.paths.of[PATH_BASELINE]), 0);
}

static void a_page_that_is_none(void **state)
{
	(void)state;
	struct ran r;
	put(w.paths.of[PATH_METRICS], "rbmetric", 8);
	world_call(&w, &r, 20, "rustbox", "metrics");
	assert_int_equal(r.code, 3);
	assert_non_null(strstr(r.err, "not a metrics page"));
	ran_done(&r);
	world_call(&w, &r, 20, "rustbox", "run", "--", "/bin/true"); /* sets it aside and counts anew */
	assert_int_equal(r.code, 0);
	ran_done(&r);
	world_call(&w, &r, 20, "rustbox", "metrics");
	assert_int_equal(r.code, 0);
	assert_non_null(strstr(r.out, "rustbox_executions_total 1\n"));
	ran_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "the disk is full", full_disk, NULL, NULL, (void *)(uintptr_t) "size=16k" },
		{ "no block and one inode are left", full_disk, NULL, NULL, (void *)(uintptr_t) "size=64k,nr_inodes=3" },
		cmocka_unit_test(full_run),
		cmocka_unit_test(every_prefix_of_health),
		cmocka_unit_test(every_prefix_of_the_baseline),
		cmocka_unit_test(a_page_that_is_none),
	};
	world_alone();
	if (world_lacking()) {
		printf("skipped: %s\n", world_lacking());
		return 77;
	}
	world_open(&w, WORLD_MOUNTS);
	int failed = cmocka_run_group_tests_name("state", tests, NULL, NULL);
	return world_done(&w) ? failed : 1;
}
