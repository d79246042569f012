/*
 * Where something is missing: a container that shows the cgroups read-only or not at all, no /proc, a system call that an
 * outer filter denies, a user namespace that has not all of root. Strict refuses and names the thing and its remedy; `check` and --dry-run say the same before anything is
 * tried; --permissive does what is possible. Each row runs in a mount namespace of its own, or below a filter of its own.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/world.h"

static const struct view {
	const char *name, *script; /* what is done to the namespace first */
	int denied;		   /* a system call that is refused there; 0: none */
	const char *says, *remedy; /* of the strict refusal; NULL: it runs all the same */
	const char *check;	   /* a line of `check` that begins so; NULL: none */
	bool permissive;	   /* runs with --permissive */
	int error;		   /* how the call is refused; 0: ENOSYS */
	const char *user;	   /* a user namespace first: "allow" or "deny" setgroups, "its" or "no" mounts, the map of ids; NULL: none */
} views[] = {
	{ "whole", ":", 0, NULL, NULL, .check = "ok   privileges", .permissive = true },
	{ "no cgroups", "for d in $(grep ' - cgroup' /proc/self/mountinfo | cut -d' ' -f5 | sort -r); do umount -l $d; done", 0,
	  "no cgroup controller `memory`", "mount a cgroup tree", .check = "MISS cgroups      none", .permissive = true },
	{ "cgroups read-only", "for d in $(grep ' - cgroup' /proc/self/mountinfo | cut -d' ' -f5); do mount -o remount,bind,ro $d; done", 0,
	  "the cgroups of `memory` are mounted read-only", "remount,rw", .check = "MISS memory       read-only", .permissive = true },
	{ "no proc", "while umount -l /proc 2>/dev/null; do :; done", 0, "there is no /proc", "mount -t proc", .check = "MISS /proc        no" },
	{ "no mount API", ":", SYS_open_tree, "no fsopen, fsmount, move_mount", "Linux 5.2", .check = "MISS mount API    no" },
	{ "no pidfd", ":", SYS_pidfd_open, "no pidfd_open", "Linux 5.3", .check = "MISS pidfd        no" },
	{ "no seccomp", ":", SYS_seccomp, "no seccomp filters", "CONFIG_SECCOMP_FILTER", .check = "MISS seccomp      no", .permissive = true },
	{ "no landlock", ":", SYS_landlock_create_ruleset, NULL, NULL, .permissive = true },
	{ "no clone3", ":", SYS_clone3, "no clone3", "permit clone3", .check = "MISS clone3       no" },
	{ "no clone3, EPERM", ":", SYS_clone3, "no clone3", "permit clone3", .check = "MISS clone3       no", .error = EPERM },
	{ "no mount API, EPERM", ":", SYS_open_tree, "no fsopen", "Linux 5.2", .check = "MISS mount API    no", .error = EPERM },
	{ "root of a user namespace", ":", 0, NULL, NULL, .check = "ok   privileges", .permissive = true, .user = "allow its '0 0 4294967295'" },
	{ "the same with few ids", ":", 0, "does not map the ids of boxes", "the ids 0 to 65535", .check = "MISS privileges   no", .permissive = true,
	  .user = "allow its '0 0 1'" },
	{ "the same without setgroups", ":", 0, "forbids setgroups", "and setgroups", .check = "MISS privileges   no", .permissive = true,
	  .user = "deny its '0 0 4294967295'" },
	{ "the same without the mounts", ":", 0, "the mount namespace is not", "mounts of its own", "MISS privileges   no", .permissive = true,
	  .user = "allow no '0 0 4294967295'" },
};

static struct world w;
static char self[PATH_ROOM + 32];

static bool put(pid_t of, const char *file, const char *text)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/%s", (int)of, file);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0;
}

/* test_views user SETGROUPS MOUNTS MAP PROGRAM...: goes on as the program, root of a new user namespace. Only who is still
 * outside may map more than one id. */
static int in_user_namespace(char **argv)
{
	int made[2], status = -1;
	char byte;
	pid_t me = getpid();
	if (pipe2(made, O_CLOEXEC) < 0)
		return 126;
	pid_t mapper = fork();
	if (mapper == 0) {
		close(made[1]);
		_exit(read(made[0], &byte, 1) != 1 || !put(me, "setgroups", argv[2]) || !put(me, "uid_map", argv[4]) ||
		      !put(me, "gid_map", argv[4]));
	}
	if (unshare(CLONE_NEWUSER | (strcmp(argv[3], "its") == 0 ? CLONE_NEWNS : 0)) < 0 || write(made[1], "m", 1) != 1 ||
	    waitpid(mapper, &status, 0) != mapper || status != 0)
		return 126;
	execv(argv[5], argv + 5);
	return 127;
}

/* test_views NR ERRNO PROGRAM...: goes on as the program, below a filter that denies one call. */
static int deny(char **argv)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)atoi(argv[1]), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)atoi(argv[2])),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog filter = { sizeof code / sizeof code[0], code };
	if (atoi(argv[1]) && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0)
		return 126;
	execv(argv[3], argv + 3);
	return 127;
}

static void in_view(struct ran *r, const struct view *v, const char *rest)
{
	char script[1024];
	snprintf(script, sizeof script, "%s; exec %s%s%s %s %d %d %s/rustbox %s", v->script, v->user ? self : "", v->user ? " user " : "",
		 v->user ?: "", self, v->denied, v->error ?: ENOSYS, w.build, rest);
	world_call(&w, r, 60, "/usr/bin/unshare", "--mount", "--propagation", "private", "/bin/bash", "-c", script);
}

static void told(void **state)
{
	const struct view *v = *state;
	struct ran r;
	in_view(&r, v, "run -- /bin/echo ran");
	if (r.code != (v->says ? 3 : 0) || (v->says && (!strstr(r.err, v->says) || !strstr(r.err, v->remedy))))
		fail_msg("strict: exit %d: %s", r.code, r.err);
	ran_done(&r);
	in_view(&r, v, "check");
	if (r.code != (v->says ? 1 : 0) || (v->check && !strstr(r.out, v->check)) || (v->remedy && !strstr(r.out, v->remedy) &&
	    !strstr(v->name, "no cgroups")))
		fail_msg("check: exit %d: %s", r.code, r.out);
	ran_done(&r);
	in_view(&r, v, "run --dry-run -- /bin/echo ran");
	if (r.code != (v->says ? 3 : 0) || (v->says && !strstr(r.out, v->says)))
		fail_msg("dry run: exit %d: %s", r.code, r.out);
	ran_done(&r);
	in_view(&r, v, "run --permissive -- /bin/echo ran");
	if (v->permissive != (r.code == 0 && strcmp(r.out, "ran\n") == 0) || (v->says && !strstr(r.err, v->says)))
		fail_msg("permissive: exit %d: %s", r.code, r.err);
	ran_done(&r);
	assert_true(world_clean_within(&w, 20));
}

int main(int argc, char **argv)
{
	enum { N = sizeof views / sizeof views[0] };
	struct CMUnitTest tests[N];
	if (argc > 2)
		return strcmp(argv[1], "user") == 0 ? in_user_namespace(argv) : deny(argv);
	world_alone();
	if (world_lacking()) {
		printf("skipped: %s\n", world_lacking());
		return 77;
	}
	world_open(&w, WORLD_SHARED);
	snprintf(self, sizeof self, "%s/tests/system/test_views", w.build);
	for (size_t i = 0; i < N; i++)
		tests[i] = (struct CMUnitTest){ .name = views[i].name, .test_func = told, .initial_state = (void *)(uintptr_t)&views[i] };
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	return !world_done(&w) || failed != 0;
}
