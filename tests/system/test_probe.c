/*
 * The eyes on the real kernel: everything happens below a root of its own, in a mount namespace of its
 * own, and each case proves that nothing but the planted thing is called a leak.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "probes/base/own.h"
#include "probes/hierarchy.h"
#include "probes/holders.h"
#include "probes/host.h"
#include "probes/snapshot.h"
#include "probes/statx.h"
#include "tests/harness/world.h"

struct eyes {
	char root[32], box[PATH_ROOM + 80], target[PATH_ROOM + 80], cgroup[300];
	struct paths paths;
	struct scope scope;
	struct arena a;
	pid_t child;
};

static void make_dirs(const char *path)
{
	char part[PATH_ROOM + 80];
	for (size_t i = 1; i <= strlen(path); i++)
		if (path[i] == '/' || path[i] == '\0') {
			(void)snprintf(part, sizeof part, "%.*s", (int)i, path);
			(void)mkdir(part, 0755);
		}
}

static int setup(void **state)
{
	struct eyes *w = calloc(1, sizeof *w);
	(void)snprintf(w->root, sizeof w->root, "/tmp/rbt-eyes-XXXXXX");
	if (!mkdtemp(w->root) || paths_init(&w->paths, w->root, NULL))
		return -1;
	w->scope = scope_host(&w->paths);
	paths_box_dir(&w->paths, "b", w->box);
	paths_box_root(&w->paths, "b", w->target);
	make_dirs(w->target);
	make_dirs(w->paths.of[PATH_LEDGER]);
	*state = w;
	return 0;
}

static int end_child(struct eyes *w)
{
	if (w->child <= 0)
		return 0;
	(void)kill(w->child, SIGKILL);
	(void)waitpid(w->child, NULL, 0);
	w->child = 0;
	return 0;
}

static int teardown(void **state)
{
	struct eyes *w = *state;
	char command[100];
	(void)end_child(w);
	while (umount2(w->target, UMOUNT_NOFOLLOW) == 0 || umount2(w->target, MNT_DETACH | UMOUNT_NOFOLLOW) == 0) {
	}
	if (w->cgroup[0]) {
		char inner[400];
		(void)snprintf(inner, sizeof inner, "%s/rustbox-b/inner", w->cgroup);
		for (int i = 0; i < 3; i++) {
			for (double end = world_now() + world_patience(20); rmdir(inner) && errno == EBUSY && world_now() < end;)
				(void)usleep(5000);
			*strrchr(inner, '/') = '\0';
		}
	}
	(void)snprintf(command, sizeof command, "rm -rf --one-file-system %s", w->root);
	int rc = system(command);
	arena_done(&w->a);
	free(w);
	return rc;
}

/* Starts a child that does `act` and then waits to be killed; returns once it is there. */
static void start(struct eyes *w, int (*act)(struct eyes *w))
{
	int ready[2];
	char ok = 0;
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	w->child = fork();
	if (w->child == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		ok = act(w) == 0;
		(void)!write(ready[1], &ok, 1);
		for (;;)
			(void)pause();
	}
	(void)close(ready[1]);
	assert_int_equal(read(ready[0], &ok, 1), 1);
	(void)close(ready[0]);
	assert_int_equal(ok, 1);
}

static struct snapshot look(struct eyes *w)
{
	struct snapshot s;
	snapshot_take(&w->scope, 0, &w->a, &s);
	return s;
}

static const struct resource *by_name(const struct snapshot *s, enum resource_kind kind, const char *name)
{
	for (size_t i = 0; i < s->of[kind].n; i++)
		if (strcmp(s->of[kind].v[i].name, name) == 0)
			return &s->of[kind].v[i];
	return NULL;
}

/* Leftovers of every kind are exactly as many as said. */
static void expect_left(const struct snapshot *s, size_t mounts, size_t cgroups, size_t processes, size_t dirs, size_t locks,
			size_t ghosts)
{
	const size_t want[RES_KINDS] = { mounts, cgroups, processes, dirs, locks, ghosts };
	for (int k = 0; k < RES_KINDS; k++)
		if (snapshot_leftovers(s, (enum resource_kind)k) != want[k])
			fail_msg("%s: %zu left over, expected %zu", resource_kind_key((enum resource_kind)k),
				 snapshot_leftovers(s, (enum resource_kind)k), want[k]);
}

static void mount_box(const struct eyes *w)
{
	assert_int_equal(mount("rustbox-b", w->target, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m"), 0);
}

static void write_ledger(const struct eyes *w, const char *text)
{
	char path[PATH_ROOM + 80];
	paths_ledger(&w->paths, "b", path);
	autofile FILE *f = fopen(path, "we");
	(void)fprintf(f, "rustbox-ledger 1 b c430e111-57c6-43af-86b6-2ab9f46fac51\n%s", text);
}

static int hold_lock(struct eyes *w)
{
	char path[PATH_ROOM + 80];
	paths_ledger(&w->paths, "b", path);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return flock(fd, LOCK_EX);
}

static void nested_mounts_and_the_lock(void **state)
{
	struct eyes *w = *state;
	char inner[PATH_ROOM + 100], forged[PATH_ROOM + 100];
	mount_box(w);
	(void)snprintf(inner, sizeof inner, "%s/a \n\x1b[2Jb", w->target);
	make_dirs(inner);
	assert_int_equal(mount("x on /tmp/victim type rustbox", inner, "tmpfs", 0, NULL), 0);
	(void)snprintf(forged, sizeof forged, "%s/elsewhere", w->root);
	make_dirs(forged);
	assert_int_equal(mount("rustbox-b", forged, "tmpfs", 0, NULL), 0);
	struct snapshot s = look(w);
	expect_left(&s, 2, 0, 0, 1, 0, 0);
	assert_int_equal(by_name(&s, RES_MOUNT, inner)->owner, OWNER_LEAK);
	assert_int_equal(by_name(&s, RES_MOUNT, forged)->owner, OWNER_FOREIGN); /* a source is no evidence */
	assert_int_equal(by_name(&s, RES_MOUNT, w->target)->mount.children, 1);
	assert_int_equal(by_name(&s, RES_TEMPDIR, w->box)->tempdir.mounts_below, 2);
	start(w, hold_lock);
	s = look(w);
	expect_left(&s, 0, 0, 0, 0, 0, 0);
	assert_int_equal(by_name(&s, RES_MOUNT, inner)->owner, OWNER_ACTIVE);
	assert_int_equal(by_name(&s, RES_LOCK, "b")->owner, OWNER_ACTIVE);
	(void)end_child(w);
	s = look(w);
	expect_left(&s, 2, 0, 0, 1, 0, 0); /* a free and empty ledger is not left over */
	assert_int_equal(umount(inner), 0);
	assert_int_equal(umount(forged), 0);
}

static void ids_are_the_kernels(void **state)
{
	struct eyes *w = *state;
	struct identity id;
	struct host h;
	host_look(&w->scope, &w->a, &h);
	if (!h.mount_id_unique || !h.statmount)
		skip();
	mount_box(w);
	struct snapshot s = look(w);
	assert_int_equal(identity_at(AT_FDCWD, w->target, 0, &id), 0);
	assert_int_equal(strtoull(by_name(&s, RES_MOUNT, w->target)->id, NULL, 10), id.mount);
}

static void covered_directory_keeps_its_identity(void **state)
{
	struct eyes *w = *state;
	struct snapshot s = look(w);
	const char *id = by_name(&s, RES_TEMPDIR, w->box)->id;
	assert_int_equal(mount("x", w->box, "tmpfs", 0, NULL), 0);
	s = look(w);
	assert_string_equal(by_name(&s, RES_TEMPDIR, w->box)->id, id);
	assert_int_equal(umount(w->box), 0);
}

static const struct holder *held_by(const struct holders *h, pid_t pid, enum hold hold)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->v[i].pid == pid && h->v[i].hold == hold)
			return &h->v[i];
	return NULL;
}

static struct holders who(struct eyes *w, const struct resource *r)
{
	struct holders h;
	assert_non_null(r);
	holders_find(&w->scope, r, &w->a, &h);
	return h;
}

static int stand_in_it(struct eyes *w)
{
	char path[PATH_ROOM + 100];
	(void)snprintf(path, sizeof path, "%s/open", w->target);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return fd < 0 || unlink(path) || chdir(w->target);
}

static void holder_in_the_same_namespace(void **state)
{
	struct eyes *w = *state;
	mount_box(w);
	start(w, stand_in_it);
	struct snapshot s = look(w);
	struct holders h = who(w, by_name(&s, RES_MOUNT, w->target));
	const struct holder *cwd = held_by(&h, w->child, HOLD_CWD), *fd = held_by(&h, w->child, HOLD_FD);
	assert_non_null(cwd);
	assert_non_null(fd);
	assert_true(cwd->exact && cwd->same_ns && fd->exact && fd->deleted && !fd->you);
	assert_int_equal(h.n, 2); /* nobody else, and not us */
	assert_int_equal(umount(w->target), -1);
	(void)end_child(w);
	assert_int_equal(umount(w->target), 0); /* looking kept nothing open */
}

static void holders_of_a_bind_are_not_the_whole_host(void **state)
{
	struct eyes *w = *state;
	assert_int_equal(mount("/etc", w->target, NULL, MS_BIND, NULL), 0);
	struct snapshot s = look(w);
	struct holders h = who(w, by_name(&s, RES_MOUNT, w->target));
	assert_int_equal(h.n, 0);
}

static int private_copy(struct eyes *w)
{
	(void)w;
	return unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

static void what_is_certain_comes_first(void **state)
{
	struct eyes *w = *state;
	mount_box(w);
	start(w, private_copy);
	pid_t peer = w->child;
	start(w, stand_in_it);
	struct snapshot s = look(w);
	struct holders h = who(w, by_name(&s, RES_MOUNT, w->target));
	assert_non_null(held_by(&h, peer, HOLD_PEER_MOUNT));
	assert_int_equal(h.v[0].pid, w->child);
	(void)end_child(w);
	w->child = peer;
	(void)end_child(w);
	assert_int_equal(umount(w->target), 0);
}

static void copy_in_another_namespace_becomes_a_ghost(void **state)
{
	struct eyes *w = *state;
	mount_box(w);
	start(w, private_copy);
	struct snapshot s = look(w);
	expect_left(&s, 1, 0, 0, 1, 0, 0);
	struct holders h = who(w, by_name(&s, RES_MOUNT, w->target));
	const struct holder *peer = held_by(&h, w->child, HOLD_PEER_MOUNT);
	assert_non_null(peer);
	assert_false(peer->same_ns);
	assert_int_equal(umount(w->target), 0); /* looks as if it was gone (H10) */
	s = look(w);
	expect_left(&s, 0, 0, 0, 1, 0, 1);
	const struct resource *ghost = &s.of[RES_GHOST].v[0];
	assert_int_equal(ghost->ghost.holder, w->child);
	assert_string_equal(ghost->box, "b");
	h = who(w, ghost);
	assert_non_null(held_by(&h, w->child, HOLD_PEER_MOUNT));
	(void)end_child(w);
	s = look(w);
	expect_left(&s, 0, 0, 0, 1, 0, 0);
}

static int pivot_into_it(struct eyes *w)
{
	return private_copy(w) || chdir(w->target) || syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) ||
	       chdir("/");
}

static void pivoted_holder_is_found_by_device(void **state)
{
	struct eyes *w = *state;
	mount_box(w);
	start(w, pivot_into_it);
	struct snapshot s = look(w);
	struct holders h = who(w, by_name(&s, RES_MOUNT, w->target));
	assert_non_null(held_by(&h, w->child, HOLD_ROOT)); /* its links say "/" (H9) */
	assert_non_null(held_by(&h, w->child, HOLD_CWD));
	assert_false(held_by(&h, w->child, HOLD_CWD)->same_ns);
	assert_string_equal(held_by(&h, w->child, HOLD_PEER_MOUNT)->detail, "/");
}

static void lazy_unmount_stays_visible_through_the_ledger(void **state)
{
	struct eyes *w = *state;
	char text[400];
	mount_box(w);
	start(w, stand_in_it);
	struct snapshot s = look(w);
	const struct resource *r = by_name(&s, RES_MOUNT, w->target);
	(void)snprintf(text, sizeof text, "own 1 mount %s\nis 1 %s\nghost 1 %u:%u\n", w->target, r->id, r->mount.major,
		       r->mount.minor);
	write_ledger(w, text);
	s = look(w);
	expect_left(&s, 1, 0, 0, 1, 1, 0);
	assert_int_equal(umount2(w->target, MNT_DETACH), 0);
	s = look(w);
	expect_left(&s, 0, 0, 0, 1, 1, 1);
	assert_int_equal(s.of[RES_GHOST].v[0].ghost.holder, w->child);
	struct holders h = who(w, &s.of[RES_GHOST].v[0]);
	assert_non_null(held_by(&h, w->child, HOLD_CWD));
	(void)end_child(w);
	s = look(w);
	expect_left(&s, 0, 0, 0, 1, 1, 0);
}

static int hostile_in_cgroup(struct eyes *w)
{
	char path[400];
	(void)snprintf(path, sizeof path, "%s/rustbox-b/inner/cgroup.procs", w->cgroup);
	autofd int fd = open(path, O_WRONLY | O_CLOEXEC);
	(void)prctl(PR_SET_NAME, "a) Z 1\n\x1b[2J(");
	return fd < 0 || write(fd, "0", 1) != 1;
}

static int sits_outside_as_pool_user(struct eyes *w)
{
	return setresuid(w->paths.uid_base + 3, w->paths.uid_base + 3, w->paths.uid_base + 3) || prctl(PR_SET_NAME, "sh");
}

static void cgroups_below_and_hostile_members(void **state)
{
	struct eyes *w = *state;
	struct hierarchy *v = NULL;
	size_t n = 0;
	char path[400];
	assert_int_equal(hierarchies_read(&w->scope, &w->a, &v, &n, NULL), 0);
	for (size_t i = 0; i < n && !w->cgroup[0]; i++)
		if (strcmp(v[i].name, "pids") == 0 || v[i].version == 2)
			(void)snprintf(w->cgroup, sizeof w->cgroup, "%s/%s", v[i].mount, w->paths.cgroup_parent);
	(void)snprintf(path, sizeof path, "%s/rustbox-b/inner", w->cgroup);
	make_dirs(path);
	if (access(path, F_OK))
		skip();
	start(w, hostile_in_cgroup);
	struct snapshot s = look(w);
	expect_left(&s, 0, 2, 1, 1, 0, 0);
	assert_non_null(by_name(&s, RES_CGROUP, path));
	const struct resource *p = NULL;
	for (size_t i = 0; i < s.of[RES_PROCESS].n; i++)
		if (s.of[RES_PROCESS].v[i].process.pid == w->child)
			p = &s.of[RES_PROCESS].v[i];
	assert_non_null(p);
	assert_int_equal(p->owner, OWNER_LEAK);
	assert_string_equal(p->process.comm, "a) Z 1\n\x1b[2J(");
	assert_true(p->process.state == 'S' || p->process.state == 'R'); /* on its way to pause(), not the Z its name says */
	assert_string_equal(p->box, "b");
	/* The default world does not take another world's groups for its own. */
	struct paths host;
	struct snapshot t;
	assert_int_equal(paths_init(&host, NULL, NULL), 0);
	struct scope scope = scope_host(&host);
	snapshot_take(&scope, 0, &w->a, &t);
	assert_null(by_name(&t, RES_CGROUP, path));
	for (size_t i = 0; i < t.of[RES_PROCESS].n; i++)
		assert_int_not_equal(t.of[RES_PROCESS].v[i].process.pid, w->child);
}

static void pool_user_without_cgroup_is_an_orphan(void **state)
{
	struct eyes *w = *state;
	start(w, sits_outside_as_pool_user);
	struct snapshot s = look(w);
	expect_left(&s, 0, 0, 1, 1, 0, 0);
	for (size_t i = 0; i < s.of[RES_PROCESS].n; i++)
		if (s.of[RES_PROCESS].v[i].process.pid == w->child)
			assert_int_equal(s.of[RES_PROCESS].v[i].owner, OWNER_ORPHAN);
}

static void stranger_in_tmp_is_foreign(void **state)
{
	struct eyes *w = *state;
	assert_int_equal(chown(w->box, 1234, 1234), 0);
	struct snapshot s = look(w);
	expect_left(&s, 0, 0, 0, 0, 0, 0);
	assert_int_equal(by_name(&s, RES_TEMPDIR, w->box)->owner, OWNER_FOREIGN);
}

static uint64_t processor_ns(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* In time of its own on a processor: what else the host does is not in it. */
static uint64_t cost_of(struct eyes *w)
{
	struct snapshot s;
	autoarena struct arena a = { 0 };
	uint64_t best = UINT64_MAX;
	for (int i = 0; i < 3; i++) {
		uint64_t start = processor_ns();
		snapshot_take(&w->scope, 0, &a, &s);
		uint64_t took = processor_ns() - start;
		best = took < best ? took : best;
	}
	return best;
}

static void cost_grows_no_faster_than_mounts(void **state)
{
	struct eyes *w = *state;
	enum { FEW = 100, MANY = 1600 };
	uint64_t few = 0;
	char at[PATH_ROOM + 100];
	mount_box(w);
	for (int i = 0; i < MANY; i++) {
		if (i == FEW)
			few = cost_of(w);
		(void)snprintf(at, sizeof at, "%s/%d", w->target, i); /* beside each other: a stack of them is a long path to the kernel */
		assert_int_equal(mkdir(at, 0755), 0);
		assert_int_equal(mount("rustbox-b", at, "tmpfs", MS_NOSUID | MS_NODEV, "size=64k"), 0);
	}
	uint64_t many = cost_of(w);
	print_message("%d mounts: %llu us, %d mounts: %llu us\n", FEW, (unsigned long long)few / 1000, MANY,
		      (unsigned long long)many / 1000);
	assert_true(many < few * 64); /* sixteen times the mounts; quadratic would be 256 */
	assert_int_equal(umount2(w->target, MNT_DETACH), 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(nested_mounts_and_the_lock),
		CASE(ids_are_the_kernels),
		CASE(covered_directory_keeps_its_identity),
		CASE(holder_in_the_same_namespace),
		CASE(holders_of_a_bind_are_not_the_whole_host),
		CASE(what_is_certain_comes_first),
		CASE(copy_in_another_namespace_becomes_a_ghost),
		CASE(pivoted_holder_is_found_by_device),
		CASE(lazy_unmount_stays_visible_through_the_ledger),
		CASE(cgroups_below_and_hostile_members),
		CASE(pool_user_without_cgroup_is_an_orphan),
		CASE(stranger_in_tmp_is_foreign),
		CASE(cost_grows_no_faster_than_mounts),
	};
	world_alone(); /* device numbers of memory file systems are soon another's: what others mount would be taken for this one's */
	if (world_lacking()) {
		(void)printf("skipped: %s\n", world_lacking());
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
