/*
 * Files into and out of a box that a hostile program has filled: nothing is followed, nothing hangs, and a file of the
 * host that the program aims at is the same afterwards in content, inode, owner, mode, links and times.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/base/own.h"
#include "tests/harness/world.h"

static struct world w;
static char payloads[PATH_ROOM + 40], victims[PATH_ROOM + 8], victim[PATH_ROOM + 16], box_root[PATH_ROOM + 80];
static struct stat victim_was;
static const char secret[] = "the victim's own words\n";

#define rustbox(ran, ...) world_call(&w, ran, 10, "rustbox", __VA_ARGS__)

static void write_file(const char *path, const char *text)
{
	autofile FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
}

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_uid == b->st_uid && a->st_gid == b->st_gid &&
	       a->st_mode == b->st_mode && a->st_nlink == b->st_nlink && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static void assert_unharmed(void)
{
	struct stat st;
	char text[100] = "";
	autofile FILE *f = fopen(victim, "r");
	assert_non_null(f);
	assert_true(fread(text, 1, sizeof text - 1, f) == strlen(secret));
	assert_string_equal(text, secret);
	assert_int_equal(stat(victim, &st), 0);
	assert_true(same(&st, &victim_was));
}

/* One call: its exit status, one clear line on stderr when it is not 0, the victim unharmed, and no hang. */
static void expect(int code, const char *says, const char *const *argv)
{
	struct ran r;
	world_run(&w, &r, 5, "from stdin\n", argv);
	if (r.late || r.code != code || (says && !strstr(r.err, says)) || strstr(r.out, secret) || strchr(r.err, '\x1b'))
		fail_msg("%s %s %s: exit %d%s, not %d; '%.300s' does not say '%s'", argv[1], argv[3], argv[4] ? argv[4] : "", r.code,
			 r.late ? " (hangs)" : "", code, r.err, says ? says : "");
	if (code && (!strchr(r.err, '\n') || strchr(r.err, '\n')[1]))
		fail_msg("not one line: %s", r.err);
	ran_done(&r);
	assert_unharmed();
}
#define put(code, says, ...) expect(code, says, (const char *const[]){ "rustbox", "put", "--box-id=x", __VA_ARGS__, NULL })
#define get(code, says, ...) expect(code, says, (const char *const[]){ "rustbox", "get", "--box-id=x", __VA_ARGS__, NULL })

static int run_inside(struct ran *r, const char *a, const char *b)
{
	rustbox(r, "run", "--box-id", "x", "--dir", payloads, "--", "/p/in_box", a, b);
	return r->code;
}

static int make_box(void **state)
{
	struct ran r;
	(void)state;
	rustbox(&r, "init", "--box-id", "x", "--workspace", "4M", "--inodes", "3000");
	int bad = r.code;
	ran_done(&r);
	paths_box_root(&w.paths, "x", box_root);
	return bad;
}

static int remove_box(void **state)
{
	struct ran r;
	(void)state;
	rustbox(&r, "cleanup", "--box-id", "x");
	int bad = r.code;
	if (bad)
		print_message("%s\n", r.err);
	ran_done(&r);
	return bad || !world_clean_within(&w, 1);
}

static void there_and_back(void **state)
{
	char file[PATH_ROOM + 20], back[PATH_ROOM + 20];
	struct ran r;
	struct stat st;
	(void)state;
	(void)snprintf(file, sizeof file, "%s/file", w.root);
	(void)snprintf(back, sizeof back, "%s/back", w.root);
	write_file(file, "hello\n");
	put(0, NULL, file);
	put(0, NULL, file, "/box/renamed");
	put(0, NULL, "-", "from-stdin");
	put(1, "No such file", file, "nowhere/file");
	put(2, "must not contain '..'", file, "../file");
	put(2, "only what is in /box", file, "/etc/passwd");
	put(2, "No such file", "/no/such/file");
	put(2, "not a regular file", "/dev/zero");
	put(1, "name a file", file, "/box");
	put(1, "more than 3 bytes", "--max", "3", file, "big");
	get(1, "more than 3", "--max", "3", "file", back);
	assert_int_equal(access(back, F_OK), -1);
	get(0, NULL, "file", back);
	assert_int_equal(stat(back, &st), 0);
	assert_true(st.st_uid == geteuid() && st.st_size == 6);
	get(0, NULL, "file", back); /* again: replaced */
	get(2, "is not a regular file", "file", "/dev/null");
	assert_int_equal(run_inside(&r, "cat", "from-stdin"), 0);
	if (!strstr(r.out, "mine 1 mode 644\nfrom stdin"))
		fail_msg("%s", r.out);
	ran_done(&r);
	rustbox(&r, "ls", "--box-id", "x");
	assert_int_equal(r.code, 0);
	assert_non_null(strstr(r.out, "- 0644   1          6 renamed\n"));
	assert_null(strstr(r.out, "rustbox-put"));
	ran_done(&r);
}

static void hostile_things(void **state)
{
	static const char *const links[] = { "link", "parent/victim", "up/etc/passwd", "loop", "proc/etc/passwd", "parent" };
	struct ran r;
	char device[PATH_ROOM + 100];
	(void)state;
	if (run_inside(&r, "hostile", victims) != 0)
		fail_msg("%s %s", r.out, r.err);
	ran_done(&r);
	(void)snprintf(device, sizeof device, "%s/device", box_root);
	assert_int_equal(mknod(device, S_IFCHR | 0666, makedev(1, 5)), 0);
	for (size_t i = 0; i < sizeof links / sizeof links[0]; i++)
		get(1, "a symbolic link", links[i], "-");
	get(1, "not a regular file", "fifo", "-");
	get(1, "not a regular file", "dir", "-");
	get(1, "Permission denied", "device", "-");
	get(0, "2 names", "hard", "-");
	get(0, NULL, "--", "-rf", "-");
	get(0, NULL, "new\nline", "-");
	get(1, "\\x1b", "\x1b[31mred/x", "-");
	put(1, "a symbolic link", "-", "parent/victim");
	put(1, "a symbolic link", "-", "parent/new");
	put(1, "Is a directory", "-", "dir");
	put(1, "Not a directory", "-", "plain/x");
	/* Over a link, a FIFO, a socket, a device, a second name: that name is replaced, nothing behind it is written. */
	for (size_t i = 0; i < 4; i++)
		put(0, NULL, "-", (const char *const[]){ "link", "fifo", "device", "hard" }[i]);
	assert_int_equal(run_inside(&r, "cat", "plain"), 0);
	assert_non_null(strstr(r.out, "plain text"));
	ran_done(&r);
	rustbox(&r, "ls", "--box-id", "x");
	assert_int_equal(r.code, 0);
	assert_non_null(strstr(r.out, "\\x1b[31mred"));
	assert_null(strchr(r.out, '\x1b'));
	assert_non_null(strstr(r.out, "new\\nline"));
	assert_non_null(strstr(r.out, "l 0777"));
	ran_done(&r);
	rustbox(&r, "ls", "--box-id", "x", "--json");
	assert_int_equal(r.code, 0);
	json_t *last = ran_json(&r);
	assert_non_null(last);
	json_decref(last);
	ran_done(&r);
}

/* With --json each of them prints one object, and an error is in it; the exit status is the same. */
static void told_in_json(void **state)
{
	static const struct {
		const char *command, *name, *to; /* put to the place `to`, got from or listed at `name` */
		int code;
		const char *error;
	} rows[] = { { "put", "-", "told", 0, NULL },	    { "put", "-", "no/../way", 2, ".." },     { "get", "told", "/dev/null", 2, "not a regular" },
		     { "get", "absent", "out", 1, "absent" }, { "ls", "absent", NULL, 1, "absent" } };
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct ran r;
		rustbox(&r, rows[i].command, "--box-id=x", "--json", rows[i].name, rows[i].to);
		json_t *j = ran_json(&r);
		const char *error = json_string_value(json_object_get(j, "error"));
		if (r.code != rows[i].code || !json_object_get(j, "error") || !error != !rows[i].error ||
		    (error && (!strstr(error, rows[i].error) || !strstr(r.err, error))))
			fail_msg("%s %s: exit %d: %s%s", rows[i].command, rows[i].name, r.code, r.out, r.err);
		json_decref(j);
		ran_done(&r);
	}
}

static void deep_tree(void **state)
{
	struct ran r;
	char path[600] = "deep";
	(void)state;
	assert_int_equal(run_inside(&r, "deep", "2500"), 0);
	ran_done(&r);
	rustbox(&r, "ls", "--box-id", "x");
	assert_int_equal(r.code, 1);
	assert_non_null(strstr(r.err, "not all of it"));
	assert_true(r.out_len > 128 * 20);
	ran_done(&r);
	for (int i = 0; i < 100; i++)
		(void)strcat(path, "/d");
	(void)strcat(path, "/leaf");
	put(0, NULL, "-", path);
	get(0, NULL, path, "-");
}

static void full_box(void **state)
{
	struct ran r;
	char big[PATH_ROOM + 20];
	(void)state;
	(void)snprintf(big, sizeof big, "%s/big", w.root);
	write_file(big, "");
	assert_int_equal(truncate(big, 8 << 20), 0);
	put(1, "No space left", big);
	assert_int_equal(run_inside(&r, "sparse", "1000000000"), 1); /* RLIMIT_FSIZE */
	ran_done(&r);
	rustbox(&r, "run", "--box-id", "x", "--fsize", "none", "--dir", payloads, "--", "/p/in_box", "sparse", "1000000000");
	assert_int_equal(r.code, 0);
	ran_done(&r);
	get(1, "more than 67108864", "sparse", "-");
	rustbox(&r, "ls", "--box-id", "x");
	assert_null(strstr(r.out, "rustbox-put"));
	ran_done(&r);
}

/* A mount of the host below the box's root is not entered. */
static void other_mount(void **state)
{
	char at[PATH_ROOM + 100];
	struct ran r;
	(void)state;
	(void)snprintf(at, sizeof at, "%s/m", box_root);
	assert_int_equal(mkdir(at, 0755), 0);
	assert_int_equal(mount(victims, at, NULL, MS_BIND, NULL), 0);
	get(1, "leads out of the box", "m/victim", "-");
	put(1, "leads out of the box", "-", "m/victim");
	rustbox(&r, "ls", "--box-id", "x");
	bool seen = strstr(r.out, "victim");
	ran_done(&r);
	assert_true(world_unmount(at));
	assert_false(seen);
}

static pid_t swap_for_ever(void)
{
	pid_t pid = fork();
	if (pid)
		return pid;
	if (chdir(box_root) < 0)
		_exit(1);
	for (;;)
		if (renameat2(AT_FDCWD, "d", AT_FDCWD, "s", RENAME_EXCHANGE) < 0)
			_exit(1);
}

/* A directory that turns into a link and back while it is used: refused or served, never followed. */
static void swap_race(void **state)
{
	enum { ROUNDS = 200 };
	char path[PATH_ROOM + 100];
	int refused = 0, served = 0;
	(void)state;
	(void)snprintf(path, sizeof path, "%s/d", box_root);
	assert_int_equal(mkdir(path, 0755), 0);
	(void)snprintf(path, sizeof path, "%s/d/victim", box_root);
	write_file(path, "of the box\n");
	(void)snprintf(path, sizeof path, "%s/s", box_root);
	assert_int_equal(symlink(victims, path), 0);
	pid_t pid = swap_for_ever();
	for (int i = 0; i < ROUNDS; i++) {
		struct ran r;
		if (i % 2)
			world_run(&w, &r, 5, "in\n", (const char *const[]){ "rustbox", "put", "--box-id", "x", "-", "d/victim", NULL });
		else
			rustbox(&r, "get", "--box-id", "x", i % 4 ? "d/victim" : "s/victim", "-");
		if (r.late || (r.code != 0 && r.code != 1) || strstr(r.out, secret))
			fail_msg("round %d: exit %d: %.200s %.200s", i, r.code, r.out, r.err);
		served += r.code == 0;
		refused += r.code == 1;
		ran_done(&r);
	}
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	print_message("served %d, refused %d\n", served, refused);
	assert_true(served > 0 && refused > 0);
	assert_unharmed();
}

/* While a program runs in it, it is nobody else's; without its keeper, or with another mount on it, it is not entered. */
static void not_entered(void **state)
{
	struct ran r;
	char path[PATH_ROOM + 16];
	(void)state;
	(void)snprintf(path, sizeof path, "%s/rustbox", w.build);
	pid_t pid = fork();
	if (pid == 0) {
		(void)setenv("RUSTBOX_ROOT", w.root, 1);
		execl(path, "rustbox", "run", "--box-id", "x", "--dir", payloads, "--", "/p/in_box", "rest", NULL);
		_exit(127);
	}
	for (bool runs = false; !runs; (void)usleep(10000)) {
		autofree char *left = world_left(&w);
		runs = strstr(left, " in_box\n");
		assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	}
	get(3, "in use by another run", "anything", "-");
	(void)kill(pid, SIGTERM);
	(void)waitpid(pid, NULL, 0);
	expect(3, "there is no box", (const char *const[]){ "rustbox", "get", "--box-id=none", "a", "-", NULL });
	expect(2, "--box-id", (const char *const[]){ "rustbox", "get", "--box-id=../x", "a", "-", NULL });
	assert_int_equal(mount("cover", box_root, "tmpfs", 0, NULL), 0);
	rustbox(&r, "ls", "--box-id", "x");
	assert_true(world_unmount(box_root));
	assert_int_equal(r.code, 3);
	assert_non_null(strstr(r.err, "records"));
	ran_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(there_and_back, make_box, remove_box),
		cmocka_unit_test_setup_teardown(hostile_things, make_box, remove_box),
		cmocka_unit_test_setup_teardown(told_in_json, make_box, remove_box),
		cmocka_unit_test_setup_teardown(deep_tree, make_box, remove_box),
		cmocka_unit_test_setup_teardown(full_box, make_box, remove_box),
		cmocka_unit_test_setup_teardown(other_mount, make_box, remove_box),
		cmocka_unit_test_setup_teardown(swap_race, make_box, remove_box),
		cmocka_unit_test_setup_teardown(not_entered, make_box, remove_box),
	};
	world_alone();
	if (world_lacking()) {
		printf("skipped: %s\n", world_lacking());
		return 77;
	}
	world_open(&w, WORLD_MOUNTS);
	(void)snprintf(payloads, sizeof payloads, "/p=%s/payloads", w.build);
	(void)snprintf(victims, sizeof victims, "%s/victims", w.root);
	(void)snprintf(victim, sizeof victim, "%s/victim", victims);
	assert_int_equal(mkdir(victims, 0777), 0);
	write_file(victim, secret);
	assert_int_equal(stat(victim, &victim_was), 0);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	return !world_done(&w) || failed != 0;
}
