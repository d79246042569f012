/*
 * A cgroup delegated to us, made as systemd makes one for a unit with Delegate=yes (a directory of that name in each
 * hierarchy, the extended attribute, for a user also the ownership): boxes go below it and nowhere else, limits hold there,
 * what a killed supervisor leaves there is found and removed from outside, and who sits in the way is named.
 */
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
#include <sys/xattr.h>
#include <unistd.h>

#include "probes/base/json.h"
#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "tests/harness/world.h"

enum { NOBODY = 65534 };
static const char *const made_in[] = { "memory", "pids", "unified" }; /* as systemd: not in every hierarchy */
static struct world w;
static char place[64], unified[PATH_ROOM], payloads[PATH_ROOM + 40];
static bool v2_memory, user_namespaces;

static bool wanted(const char *name)
{
	for (size_t i = 0; i < sizeof made_in / sizeof made_in[0]; i++)
		if (strcmp(name, made_in[i]) == 0)
			return true;
	return false;
}

static void make(const char *point, const char *name, void *arg)
{
	char dir[PATH_ROOM * 2];
	(void)arg;
	if (!wanted(name))
		return;
	snprintf(dir, sizeof dir, "%s%s", point, place);
	if (mkdir(dir, 0755) < 0)
		fail_msg("%s: %s", dir, strerror(errno));
	if (strcmp(name, "unified") == 0) {
		char controllers[512] = "";
		snprintf(unified, sizeof unified, "%s", point);
		assert_true(setxattr(dir, "user.delegate", "1", 1, 0) == 0 || errno == EOPNOTSUPP);
		snprintf(dir, sizeof dir, "%s%s/cgroup.controllers", point, place);
		v2_memory = kfile_read(AT_FDCWD, dir, controllers, sizeof controllers) > 0 && strstr(controllers, "memory");
	}
}

static void unmake(const char *point, const char *name, void *arg)
{
	struct ran r;
	char dir[PATH_ROOM * 2];
	(void)arg;
	if (!wanted(name))
		return;
	snprintf(dir, sizeof dir, "%s%s", point, place);
	world_call(&w, &r, 10, "/usr/bin/find", dir, "-depth", "-type", "d", "-exec", "/bin/rmdir", "{}", ";");
	if (access(dir, F_OK) == 0)
		fail_msg("%s stays: %s", dir, r.err);
	ran_done(&r);
}

/* In bash, which has joined $1 below the place in each hierarchy; $B the programs, $P the place. */
static void inside(struct ran *r, const char *below, const char *script)
{
	static const char join[] = "for d in /sys/fs/cgroup /sys/fs/cgroup/*; do [ -d $d$P ] || continue; mkdir -p $d$P$1; "
				   "echo $$ >$d$P$1/cgroup.procs || exit 99; done; ";
	char *text = NULL, b[PATH_ROOM + 8], p[80];
	assert_true(asprintf(&text, "%s%s", join, script) > 0);
	snprintf(b, sizeof b, "B=%s", w.build);
	snprintf(p, sizeof p, "P=%s", place);
	world_call(&w, r, 60, "/usr/bin/env", b, p, "/bin/bash", "-c", text, "bash", below, payloads);
	free(text);
}

static void expect(struct ran *r, int code, const char *out)
{
	if (r->code != code || !strstr(r->out, out))
		fail_msg("exit %d, not %d with '%s': %s %s", r->code, code, out, r->out, r->err);
	ran_done(r);
}

/* Where boxes were made, this world's directory stays. */
static void assert_only_in_place(void)
{
	char dir[PATH_ROOM * 2];
	static const char *const points[] = { "/sys/fs/cgroup/memory", "/sys/fs/cgroup/pids", unified };
	for (size_t i = 0; i < 3; i++) {
		if (!*points[i] || access(points[i], F_OK) < 0)
			continue;
		snprintf(dir, sizeof dir, "%s/%s", points[i], w.paths.cgroup_parent);
		if (access(dir, F_OK) == 0)
			fail_msg("%s was made outside of the place", dir);
		snprintf(dir, sizeof dir, "%s%s/%s", points[i], place, w.paths.cgroup_parent);
		if (access(dir, F_OK) < 0)
			fail_msg("%s was not made", dir);
	}
}

static void alone_in_it(void **state)
{
	struct ran r;
	(void)state;
	if (!*unified)
		skip(); /* the mark is looked for in the v2 tree, or in systemd's own hierarchy, which nobody has mounted */
	inside(&r, "", "exec $B/rustbox run --mem 32M --json - --dir $2 -- /p/in_use memory 100");
	expect(&r, 1, "\"status\":\"MLE\"");
	assert_only_in_place();
	char leaf[PATH_ROOM * 2];
	snprintf(leaf, sizeof leaf, "%s%s/supervisor", unified, place);
	assert_int_equal(access(leaf, F_OK) == 0, v2_memory); /* only controllers need it */
	inside(&r, "/main", "$B/rustbox run --json - -- /bin/echo below; $B/rustbox check");
	assert_non_null(strstr(r.out, place));
	expect(&r, 0, "\"status\":\"OK\"");
	assert_only_in_place();
}

static void named(void **state)
{
	struct ran r;
	(void)state;
	world_call(&w, &r, 20, "rustbox", "run", "--cgroup-parent", place, "--processes", "4", "--json", "-", "--dir", payloads, "--",
		   "/p/in_use", "children", "9");
	expect(&r, 1, "\"status\":\"PLE\"");
	assert_only_in_place();
	world_call(&w, &r, 20, "rustbox", "run", "--cgroup-parent", "/rustbox-x/y", "--", "/bin/true");
	assert_non_null(strstr(r.err, "looks like the cgroup of box x"));
	expect(&r, 2, "");
	world_call(&w, &r, 20, "rustbox", "run", "--cgroup-parent", "/not/there", "--", "/bin/true");
	assert_non_null(strstr(r.err, "in no hierarchy"));
	expect(&r, 2, "");
}

/* The supervisor is killed in the middle of a run; then even its ledger is lost. The box is dead when its lock is free. */
static void left_behind(void **state)
{
	static const char script[] = "exec 3< <(exec $B/rustbox run --cgroup-parent $P --wall-time 60 -- /bin/sh -c 'echo up; sleep 50'); "
				     "read -u 3 up && kill -9 $! && [ $up = up ] && flock -w 50 $RUSTBOX_ROOT/run/rustbox/ledger/r* true";
	(void)state;
	for (int lost = 0; lost < 2; lost++) {
		struct ran r;
		inside(&r, "/elsewhere", script);
		expect(&r, 0, "");
		if (lost) {
			world_call(&w, &r, 10, "/bin/rm", "-r", w.paths.of[PATH_LEDGER]);
			expect(&r, 0, "");
		}
		world_call(&w, &r, 20, "rustbox", "health", "--verify-clean");
		assert_null(strstr(r.out, "\"cgroups\":0"));
		expect(&r, 1, "\"clean\":false");
		world_call(&w, &r, 60, "rustbox", "health", "--recover", "--cleanup", "--json");
		expect(&r, 0, "\"healthy\"");
		world_call(&w, &r, 20, "rustbox", "health", "--verify-clean");
		expect(&r, 0, "\"clean\":true");
		world_call(&w, &r, 10, "/usr/bin/find", "/sys/fs/cgroup", "-path", "*/rustbox-root*", "-path", place, "-name", "rustbox-r[0-9]*");
		assert_int_equal(r.out_len, 0);
		ran_done(&r);
	}
}

/* A list that cannot be believed makes no look complete, and no run quietly forgets the others' places. */
static void spoilt_list(void **state)
{
	struct ran r;
	(void)state;
	world_call(&w, &r, 10, "/bin/cp", w.paths.of[PATH_PLACES], w.root);
	expect(&r, 0, "");
	world_call(&w, &r, 10, "/bin/sh", "-c", "printf '/a/../b\\n' >>\"$1\"", "sh", w.paths.of[PATH_PLACES]);
	expect(&r, 0, "");
	world_call(&w, &r, 20, "rustbox", "health", "--verify-clean");
	expect(&r, 1, "\"incomplete\"");
	world_call(&w, &r, 20, "rustbox", "run", "--cgroup-parent", place, "--", "/bin/true");
	assert_non_null(strstr(r.err, "the places of boxes"));
	expect(&r, 3, "");
	char kept[PATH_ROOM];
	snprintf(kept, sizeof kept, "%s/cgroup-places", w.root);
	world_call(&w, &r, 10, "/bin/mv", kept, w.paths.of[PATH_PLACES]);
	expect(&r, 0, "");
}

/* Somebody else is in the delegated cgroup itself: root's boxes go to the root, and `check` says who is in the way. */
static void in_the_way(void **state)
{
	struct ran r;
	(void)state;
	if (!v2_memory)
		skip(); /* without controllers a v2 cgroup may have both */
	inside(&r, "/main", "rmdir /sys/fs/cgroup$P/rustbox-root*; for c in memory pids cpu cpuset; do "
			    "echo -$c >/sys/fs/cgroup$P/cgroup.subtree_control; done 2>/dev/null; echo $$ >/sys/fs/cgroup$P/cgroup.procs; "
			    "$B/rustbox check; $B/rustbox run --json - -- /bin/echo top; "
			    "$B/rustbox run --cgroup-parent $P -- /bin/true; echo code $?");
	assert_non_null(strstr(r.out, "(bash) is in the delegated cgroup itself"));
	assert_non_null(strstr(r.out, "\"status\":\"OK\""));
	assert_non_null(strstr(r.err, "is in the cgroup that boxes are to be made in"));
	expect(&r, 0, "code 3");
	char top[PATH_ROOM * 2];
	snprintf(top, sizeof top, "%s/%s", unified, w.paths.cgroup_parent);
	assert_int_equal(access(top, F_OK), 0);
}

/* An ordinary user, given a v2 cgroup: limits are the kernel's, and what is missing still is. */
static void as_user(void **state)
{
	static const char user[] = "exec /usr/bin/setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all ";
	static const struct {
		const char *limit, *use, *status;
	} rows[] = { { "--mem 32M", "memory 100", "MLE" }, { "--processes 4", "children 9", "PLE" }, { "--quiet", "exit 0", "OK" } };
	struct ran r;
	char script[512];
	(void)state;
	if (!v2_memory || !user_namespaces)
		skip();
	world_call(&w, &r, 10, "/bin/chown", "-R", "65534:65534", w.root);
	expect(&r, 0, "");
	snprintf(script, sizeof script, "rmdir /sys/fs/cgroup$P/rustbox-root*; chown %d $(ls -d /sys/fs/cgroup$P /sys/fs/cgroup$P/cgroup.{procs,threads,subtree_control} "
					"/sys/fs/cgroup$P/user{,/cgroup.procs})", NOBODY);
	inside(&r, "/user", script);
	expect(&r, 0, "");
	snprintf(script, sizeof script, "%s $B/rustbox check", user);
	inside(&r, "/user", script);
	assert_non_null(strstr(r.out, place));
	assert_non_null(strstr(r.out, "cgroup v2"));
	expect(&r, 1, "strict mode would not run");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		snprintf(script, sizeof script, "%s $B/rustbox run --permissive %s --json - --dir $2 -- /p/in_use %s", user, rows[i].limit,
			 rows[i].use);
		inside(&r, "/user", script);
		json_t *j = ran_json(&r);
		char said[4096];
		if (!j || strcmp(json_at(j, "status", said, sizeof said), rows[i].status) != 0)
			fail_msg("%s: exit %d: %s %s", rows[i].use, r.code, r.err, r.out);
		assert_null(strstr(r.err, "without --mem"));
		assert_non_null(strstr(r.err, "own uid"));
		json_decref(j);
		ran_done(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alone_in_it), cmocka_unit_test(named),	     cmocka_unit_test(left_behind),
		cmocka_unit_test(spoilt_list), cmocka_unit_test(in_the_way), cmocka_unit_test(as_user),
	};
	struct ran r;
	world_alone();
	if (world_lacking()) {
		printf("skipped: %s\n", world_lacking());
		return 77;
	}
	world_open(&w, WORLD_SHARED);
	snprintf(place, sizeof place, "/rbt-deleg.%.30s", strrchr(w.root, '-') + 1); /* the root's name is nobody else's */
	snprintf(payloads, sizeof payloads, "/p=%s/payloads", w.build);
	world_call(&w, &r, 10, "/usr/bin/setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "/usr/bin/unshare", "--user",
		   "/bin/true");
	user_namespaces = r.code == 0;
	ran_done(&r);
	world_hierarchies(make, NULL);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	world_hierarchies(unmake, NULL);
	return !world_done(&w) || failed != 0;
}
