/*
 * S30, a file system that does not answer: FUSE, whose server here reads each request and answers none but the few
 * that mounting takes. Whoever looks a name up in it sleeps in the kernel, deaf to SIGKILL, until the connection is
 * aborted; the screen lives on, says so, and says how. The server is the only one that has /dev/fuse open, so that
 * its end ends the connection and frees everybody, whatever the test came to.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include "probes/base/own.h"
#include "tests/harness/console.h"
#include "tests/harness/lab_parts.h"

static struct lab dead;
static int asked[2] = { -1, -1 }; /* a byte comes when a request was read that will never be answered */

static int each_end(void **state)
{
	if (dead.world)
		lab_undo(&dead);
	dead = (struct lab){ 0 };
	return world_each_end(state);
}

static void answer(int fd, const struct fuse_in_header *in, int error, const void *body, size_t n)
{
	struct fuse_out_header out = { .len = (uint32_t)(sizeof out + n), .error = error, .unique = in->unique };
	struct iovec v[] = { { &out, sizeof out }, { (void *)(uintptr_t)body, n } };
	(void)!writev(fd, v, n ? 2 : 1);
}

static void take_request(int fd, const struct fuse_in_header *in)
{
	const struct fuse_init_out hello = { .major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION, .max_write = 4096 };
	const struct fuse_attr_out root = { .attr = { .ino = FUSE_ROOT_ID, .mode = S_IFDIR | 0755, .nlink = 2 } };
	if (in->opcode == FUSE_INIT)
		answer(fd, in, 0, &hello, sizeof hello);
	else if (in->opcode == FUSE_GETATTR)
		answer(fd, in, 0, &root, sizeof root);
	else if (in->opcode == FUSE_LOOKUP)
		(void)!write(asked[1], "x", 1);
}

static void serve_nobody(struct lab *l, void *at)
{
	_Alignas(struct fuse_in_header) static char request[FUSE_MIN_READ_BUFFER + 4096];
	char options[100];
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	(void)l;
	(void)snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	if (fd < 0 || mount("rustbox", at, "fuse", MS_NOSUID | MS_NODEV, options) != 0)
		_exit(1);
	lab_ready();
	while (read(fd, request, sizeof request) > 0 || errno == EINTR || errno == ENOENT)
		take_request(fd, (const struct fuse_in_header *)(const void *)request);
}

static void look_up(struct lab *l, void *at)
{
	char path[PATH_ROOM * 2 + 8];
	(void)l;
	(void)snprintf(path, sizeof path, "%s/name", (const char *)at);
	lab_ready();
	(void)!access(path, F_OK); /* sleeps here */
}

static enum planted dead_fuse(struct lab *l)
{
	static char root[PATH_ROOM * 2], group[PATH_ROOM * 2];
	if (access("/dev/fuse", R_OK | W_OK) != 0) {
		(void)lab_no(l, "/dev/fuse");
		return PLANT_IMPOSSIBLE;
	}
	if (!lab_cgroup(l, "", group) || !lab_dir(l, root, "root"))
		return PLANT_FAILED;
	if (lab_process(l, false, serve_nobody, root) < 0) {
		(void)lab_no(l, "mount a file system of type fuse");
		return PLANT_IMPOSSIBLE;
	}
	return lab_mounted(l, root) && lab_holder(l, true, look_up, root) ? PLANTED : PLANT_FAILED;
}

/* As the screen says: 1 into the abort file of this connection, whose number is the mount's device. */
static void abort_connection(const struct world *w, unsigned number)
{
	char dir[PATH_ROOM], file[PATH_ROOM + 40];
	(void)snprintf(dir, sizeof dir, "%s/connections", w->root);
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(mount("fusectl", dir, "fusectl", 0, NULL), 0);
	(void)snprintf(file, sizeof file, "%s/%u/abort", dir, number);
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "1", 1), 1);
	(void)close(fd);
	assert_true(world_unmount(dir));
	assert_int_equal(rmdir(dir), 0);
}

static void a_dead_file_system(void **state)
{
	static const struct fault fault = { .name = "dead", .what = "a FUSE mount whose server does not answer", .plant = dead_fuse };
	struct world *w = world_need(state);
	char how[80];
	struct stat st;
	lab_open(&dead, w, "dead");
	enum planted planted = lab_plant(&dead, &fault);
	if (planted == PLANT_IMPOSSIBLE) {
		print_message("skipped: %s\n", dead.why);
		skip();
	}
	if (planted != PLANTED)
		fail_msg("%s", dead.why);
	struct pollfd p = { .fd = asked[0], .events = POLLIN };
	assert_int_equal(poll(&p, 1, 120000), 1); /* from here on nothing but the connection's end wakes it */
	unsigned mounted = 0;
	while (dead.trace[mounted].kind != TRACE_MOUNT)
		mounted++;
	assert_int_equal(stat(dead.trace[mounted].name, &st), 0); /* of the root it tells */
	struct pty *c = console_armed(w, "Proc +1");
	pty_send(c, "2");
	(void)snprintf(how, sizeof how, "/sys/fs/fuse/connections/%u/abort", minor(st.st_dev));
	assert_true(pty_wait(c, how, 60));
	pty_send(c, "1");
	console_begin(c, "4", "P4 Manual process", "[ok]1 List");
	console_commit(c, "kill 1");
	assert_true(pty_wait(c, "running", 60));
	pty_send(c, "?"); /* alive while it is waited for */
	assert_true(pty_wait(c, "every key", 60));
	pty_send(c, "\033");
	assert_true(pty_wait_gone(c, "every key", 60));
	assert_true(pty_wait(c, "NOT ALL OF IT WORKED", 60));
	assert_true(pty_wait(c, "state D", 60));
	assert_true(pty_wait(c, "FUSE", 60));
	assert_true(pty_wait(c, "off: nothing that concerns it changed", 60));
	abort_connection(w, minor(st.st_dev));
	assert_true(pty_wait(c, "r retry        on:", 60)); /* it ended: the retry unlocks itself */
	console_leave(c);
	console_undo(w, &dead);
	dead = (struct lab){ 0 };
}

int main(void)
{
	world_alone();
	if (pipe2(asked, O_CLOEXEC) != 0)
		return 1;
	const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(a_dead_file_system, world_each, each_end) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
