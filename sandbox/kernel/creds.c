/* See creds.h; capabilities(7) for what each set means. */
#include "sandbox/kernel/creds.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <stdio.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "probes/base/own.h"
#include "sandbox/kernel/sys.h"

/* Higher than any kernel's; the loop ends at the first number the kernel does not know. */
enum { CAPS_BEYOND = 64 };

/* uid 0 shall never mean anything again, in this process or any it becomes. */
enum { BITS = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
	      SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED };

static int drop_bounding(void)
{
	for (unsigned long cap = 0; cap < CAPS_BEYOND; cap++) {
		int r = sys_prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
		if (r == -EINVAL)
			return cap > CAP_SETPCAP ? 0 : r;
		if (r < 0)
			return r;
	}
	return 0;
}

static int bounding_is_empty(void)
{
	for (unsigned long cap = 0; cap < CAPS_BEYOND; cap++) {
		int r = sys_prctl(PR_CAPBSET_READ, cap, 0, 0, 0);
		if (r < 0)
			return 0;
		if (r != 0)
			return -EPERM;
	}
	return 0;
}

static int change_ids(uid_t uid, gid_t gid)
{
	int r = uid == 0 ? 0 : sys_setgroups(0, NULL);
	if (r == 0)
		r = sys_setresgid(gid);
	return r == 0 ? sys_setresuid(uid) : r;
}

static int ids_are(uid_t uid, gid_t gid)
{
	uid_t u[3];
	gid_t g[3];
	if (getresuid(&u[0], &u[1], &u[2]) < 0 || getresgid(&g[0], &g[1], &g[2]) < 0)
		return -errno;
	for (int i = 0; i < 3; i++)
		if (u[i] != uid || g[i] != gid)
			return -EPERM;
	return uid == 0 || getgroups(0, NULL) == 0 ? 0 : -EPERM;
}

int creds_user_namespace(struct err *e)
{
	char uids[40], gids[40];
	(void)snprintf(uids, sizeof uids, "0 %u 1", (unsigned)geteuid());
	(void)snprintf(gids, sizeof gids, "0 %u 1", (unsigned)getegid());
	int r = sys_unshare(CLONE_NEWUSER | CLONE_NEWNS);
	if (r == 0)
		r = sys_write_file(AT_FDCWD, "/proc/self/setgroups", "deny");
	if (r == 0)
		r = sys_write_file(AT_FDCWD, "/proc/self/uid_map", uids);
	if (r == 0)
		r = sys_write_file(AT_FDCWD, "/proc/self/gid_map", gids);
	return r < 0 ? err_set(e, -r, "make a user namespace (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone=1, "
			       "kernel.apparmor_restrict_unprivileged_userns=0)") : 0;
}

int creds_become(uid_t uid, gid_t gid)
{
	int r = drop_bounding();
	if (r == 0)
		r = sys_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (r == 0)
		r = sys_prctl(PR_SET_SECUREBITS, BITS, 0, 0, 0);
	if (r == 0)
		r = change_ids(uid, gid);
	return r == 0 ? ids_are(uid, gid) : r;
}

static int empty_sets(void)
{
	struct __user_cap_data_struct none[2] = { { 0 } };
	int r = sys_capset(none);
	return r == 0 ? sys_prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) : r;
}

static int sets_are_empty(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct now[2];
	if (capget(&header, now) < 0)
		return -errno;
	for (int i = 0; i < 2; i++)
		if (now[i].effective | now[i].permitted | now[i].inheritable)
			return -EPERM;
	return sys_prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : -EPERM;
}

int creds_renounce(void)
{
	int r = empty_sets();
	if (r == 0)
		r = sets_are_empty();
	return r == 0 ? bounding_is_empty() : r;
}

int creds_hide_launcher(void)
{
	autofd int root = sys_openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0);
	if (root < 0)
		return root;
	int r = sys_execute_only_beneath(root);
	return r == -ENOSYS || r == -EOPNOTSUPP ? 0 : r;
}

int creds_retire(uid_t uid, gid_t gid)
{
	int r = change_ids(uid, gid);
	if (r == 0)
		r = empty_sets();
	if (r == 0)
		r = ids_are(uid, gid);
	return r == 0 ? sets_are_empty() : r;
}
