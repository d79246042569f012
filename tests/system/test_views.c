/*
 * Where something is missing: a container that shows the cgroups read-only or not at all, no /proc, a system call that an
 * outer filter denies. Strict refuses and names the thing and its remedy; `check` and --dry-run say the same before anything is
 * tried; --permissive does what is possible. Each row runs in a mount namespace of its own, or below a filter of its own.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/harness/world.h"

static const struct view {
	const char *name, *script; /* what is done to the namespace first */
	int denied;		   /* a system call that answers ENOSYS there; 0: none */
	const char *says, *remedy; /* of the strict refusal; NULL: it runs all the same */
	const char *check;	   /* a line of `check` that begins so; NULL: none */
	bool permissive;	   /* runs with --permissive */
} views[] = {
	{ "whole", ":", 0, NULL, NULL, "ok   privileges", true },
	{ "no cgroups", "for d in $(grep ' - cgroup' /proc/self/mountinfo | cut -d' ' -f5 | sort -r); do umount -l $d; done", 0,
	  "no cgroup controller `memory`", "mount a cgroup tree", "MISS cgroups      none", true },
	{ "cgroups read-only", "for d in $(grep ' - cgroup' /proc/self/mountinfo | cut -d' ' -f5); do mount -o remount,bind,ro $d; done", 0,
	  "the cgroups of `memory` are mounted read-only", "remount,rw", "MISS memory       read-only", true },
	{ "no proc", "umount -l /proc", 0, "there is no /proc", "mount -t proc", "MISS /proc        no", false },
	{ "no mount API", ":", SYS_open_tree, "no fsopen, fsmount, move_mount", "Linux 5.2", "MISS mount API    no", false },
	{ "no pidfd", ":", SYS_pidfd_open, "no pidfd_open", "Linux 5.3", "MISS pidfd        no", false },
	{ "no seccomp", ":", SYS_seccomp, "no seccomp filters", "CONFIG_SECCOMP_FILTER", "MISS seccomp      no", true },
	{ "no landlock", ":", SYS_landlock_create_ruleset, NULL, NULL, NULL, true },
};

static struct world w;
static char self[PATH_ROOM + 32];

/* test_views NR PROGRAM...: goes on as the program, below a filter that denies one call. */
static int deny(char **argv)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)atoi(argv[1]), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog filter = { sizeof code / sizeof code[0], code };
	if (atoi(argv[1]) && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0)
		return 126;
	execv(argv[2], argv + 2);
	return 127;
}

static void in_view(struct ran *r, const struct view *v, const char *rest)
{
	char script[1024];
	snprintf(script, sizeof script, "%s; exec %s %d %s/rustbox %s", v->script, self, v->denied, w.build, rest);
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
		return deny(argv);
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
