/*
 * What this host offers; see host.h. Every probe asks the kernel in a way that cannot succeed in changing
 * anything: a call with arguments it must refuse tells a missing call (ENOSYS) from a present one.
 */
#include "probes/host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "probes/hierarchy.h"

/* Newer than the headers of Debian 12. */
#define STATX_WANT_UNIQUE_ID 0x4000u /* STATX_MNT_ID_UNIQUE, Linux 6.8 */
#define NR_STATMOUNT	     457L    /* Linux 6.8, the same on every architecture */
#define FIRST_USER_NS	     0xEFFFFFFDu /* include/linux/proc_ns.h: its file's number since 3.8, known to nsenter and systemd too */

static const char *const controllers[] = {
#define X(id, name) [HOST_##id] = name,
	HOST_CONTROLLERS(X)
#undef X
};
_Static_assert(sizeof controllers / sizeof *controllers == HOST_CONTROLLER_COUNT, "a name for each controller");

static const char *const layouts[] = {
	[CGROUP_NONE] = "none", [CGROUP_V1] = "v1", [CGROUP_V2] = "v2", [CGROUP_HYBRID] = "hybrid"
};

static const struct {
	const char *file;
	uint32_t flag;
} namespaces[] = {
	{ "cgroup", CLONE_NEWCGROUP }, { "ipc", CLONE_NEWIPC }, { "mnt", CLONE_NEWNS },	  { "net", CLONE_NEWNET },
	{ "pid", CLONE_NEWPID },       { "time", 0x80u },	{ "user", CLONE_NEWUSER }, { "uts", CLONE_NEWUTS },
};

const char *cgroup_layout_word(enum cgroup_layout layout)
{
	return layouts[layout];
}

/* True when `word` is one of the words of `list`, separated by any of `sep`. */
static bool has_word(const char *list, const char *word, const char *sep)
{
	size_t len = strlen(word);
	for (const char *s = list; *s; s += strspn(s, sep)) {
		size_t n = strcspn(s, sep);
		if (n == len && strncmp(s, word, n) == 0)
			return true;
		s += n;
	}
	return false;
}

uint32_t host_v2_controllers(const char *dir)
{
	char path[4200], text[1024];
	(void)snprintf(path, sizeof path, "%.4000s/cgroup.controllers", dir);
	if (kfile_read(AT_FDCWD, path, text, sizeof text) < 0)
		return 0;
	/* v2 has no such controllers: cpu.stat and cgroup.freeze are part of the core. */
	uint32_t set = 1u << HOST_CPUACCT | 1u << HOST_FREEZER;
	for (int c = 0; c < HOST_CONTROLLER_COUNT; c++)
		if (has_word(text, controllers[c], " \n"))
			set |= 1u << c;
	return set;
}

static void look_v2(struct host *h, const char *mount)
{
	h->unified = mount;
	h->v2_controllers = host_v2_controllers(mount);
}

static void look_cgroups(const struct scope *scope, struct arena *a, struct host *h)
{
	struct hierarchy *v = NULL;
	size_t n = 0;
	bool v1 = false;
	if (hierarchies_read(scope, a, &v, &n, NULL))
		return;
	for (size_t i = 0; i < n; i++) {
		if (v[i].version == 2)
			look_v2(h, v[i].mount);
		for (int c = 0; v[i].version == 1 && c < HOST_CONTROLLER_COUNT; c++) {
			if (!has_word(v[i].name, controllers[c], ","))
				continue;
			h->v1[c] = v[i].mount;
			v1 = true;
		}
	}
	h->layout = v1 ? (h->unified ? CGROUP_HYBRID : CGROUP_V1) : (h->unified ? CGROUP_V2 : CGROUP_NONE);
}

static bool is_a(const char *path, long magic)
{
	struct stat st;
	struct statfs fs;
	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && statfs(path, &fs) == 0 && fs.f_type == magic;
}

/* Where hierarchies are mounted on nearly every host, each in a place named for it. Asking there costs the same on a
 * host with ten mounts and one with ten thousand, which reading mountinfo does not. False when any is elsewhere (or
 * behind a link, as where cpu and cpuacct are one): then mountinfo has to tell. */
static bool look_usual_places(const struct scope *scope, struct arena *a, struct host *h)
{
	static const char top[] = "/sys/fs/cgroup", unified[] = "/sys/fs/cgroup/unified";
	const uint32_t needed = 1u << HOST_MEMORY | 1u << HOST_PIDS | 1u << HOST_CPU | 1u << HOST_CPUSET;
	if (scope->cgroup || strcmp(scope->proc, "/proc") != 0)
		return false;
	if (is_a(top, CGROUP2_SUPER_MAGIC)) {
		look_v2(h, top);
		h->layout = CGROUP_V2;
		return (h->v2_controllers & needed) == needed;
	}
	for (int c = 0; c < HOST_CONTROLLER_COUNT; c++) {
		char *path = arena_printf(a, "%s/%s", top, controllers[c]);
		if (!is_a(path, CGROUP_SUPER_MAGIC))
			return false;
		h->v1[c] = path;
	}
	h->layout = CGROUP_V1;
	if (is_a(unified, CGROUP2_SUPER_MAGIC)) { /* none of ours can be there as well */
		h->unified = unified;
		h->v2_controllers = 1u << HOST_CPUACCT | 1u << HOST_FREEZER;
		h->layout = CGROUP_HYBRID;
	}
	return true;
}

/* Containers often show the hierarchies read-only: then they are there to be looked at, and no more. */
static void look_writable(const struct scope *scope, struct host *h)
{
	for (int c = 0; c < HOST_CONTROLLER_COUNT; c++)
		if (h->v1[c] && access(h->v1[c], W_OK) < 0 && errno == EROFS) {
			h->read_only |= 1u << c;
			h->v1[c] = NULL;
		}
	if (h->unified && access(h->unified, W_OK) < 0 && errno == EROFS) {
		h->read_only |= h->v2_controllers;
		h->v2_controllers = 0;
		h->unified = NULL;
	}
	h->proc = is_a(scope->proc, PROC_SUPER_MAGIC); /* where it was unmounted, another file system's may show through */
}

static void look_calls(struct host *h)
{
	struct statx sx = { 0 };
	uint32_t action = SECCOMP_RET_KILL_PROCESS;
	h->pidfd = syscall(SYS_pidfd_open, 0, 0) < 0 && errno == EINVAL;
	h->openat2 = syscall(SYS_openat2, -1, "", NULL, 0) < 0 && errno == EINVAL;
	h->clone3 = syscall(SYS_clone3, NULL, 0) < 0 && errno == EINVAL;
	h->seccomp = syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
	h->mount_api = syscall(SYS_open_tree, -1, "", ~0u) < 0 && errno == EINVAL;
	h->statmount = syscall(NR_STATMOUNT, NULL, NULL, 0, 0) < 0 && errno != ENOSYS && errno != EPERM;
	h->landlock = syscall(SYS_landlock_create_ruleset, NULL, 0, 1 /* ask the version */) > 0;
	h->mount_id_unique = statx(AT_FDCWD, "/", AT_STATX_DONT_SYNC, STATX_WANT_UNIQUE_ID, &sx) == 0 &&
			     (sx.stx_mask & STATX_WANT_UNIQUE_ID);
}

/* user_namespaces(7): a row is "inside outside how-many". */
static bool is_mapped(const char *map, unsigned id)
{
	unsigned from, outside, n;
	for (int used = 0; sscanf(map, "%u %u %u%n", &from, &outside, &n, &used) == 3; map += used)
		if (id >= from && id - from < n)
			return true;
	return false;
}

/* Root of a user namespace is root of the ids that it maps, not of groups where setgroups(2) was given up for that, and of
 * the mounts only where the mount namespace belongs to it: its owner is not told to who is below (ioctl_nsfs(2)). */
static const char *not_root_of(const struct scope *scope)
{
	static const char *const files[] = { "uid_map", "gid_map", "setgroups" };
	const unsigned needed[] = { 65534, scope->paths->uid_base, scope->paths->uid_base + UID_POOL - 1 };
	char path[512], text[3][4096];
	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(path, sizeof path, "%.400s/self/%s", scope->proc, files[i]);
		if (kfile_read(AT_FDCWD, path, text[i], sizeof text[i]) < 0)
			return "what this user namespace maps cannot be read";
	}
	for (size_t i = 0; i < 3; i++)
		if (!is_mapped(text[0], needed[i]) || !is_mapped(text[1], needed[i]))
			return "this user namespace does not map the ids of boxes";
	if (strncmp(text[2], "allow", 5) != 0)
		return "this user namespace forbids setgroups";
	(void)snprintf(path, sizeof path, "%.400s/self/ns/mnt", scope->proc);
	autofd int mounts = open(path, O_RDONLY | O_CLOEXEC);
	autofd int owner = ioctl(mounts, NS_GET_USERNS);
	return owner >= 0 ? NULL : "the mount namespace is not this user namespace's";
}

static void look_root(const struct scope *scope, struct host *h)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };
	if (geteuid() != 0 || syscall(SYS_capget, &head, data) < 0 || !(data[0].effective & 1u << CAP_SYS_ADMIN))
		return;
	h->root_why = h->user_ns ? not_root_of(scope) : NULL;
	h->root = !h->root_why;
}

static void look_namespaces(const struct scope *scope, struct host *h)
{
	char path[512];
	(void)snprintf(path, sizeof path, "%.400s/self/ns", scope->proc);
	autofd int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; dir >= 0 && i < sizeof namespaces / sizeof *namespaces; i++)
		if (faccessat(dir, namespaces[i].file, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			h->namespaces |= namespaces[i].flag;
	struct stat st;
	h->user_ns = dir >= 0 && fstatat(dir, "user", &st, 0) == 0 && st.st_ino != FIRST_USER_NS;
}

static void look_proc(const struct scope *scope, struct host *h)
{
	char path[512], text[64];
	(void)snprintf(path, sizeof path, "%.400s/sys/kernel/random/boot_id", scope->proc);
	ssize_t n = kfile_read(AT_FDCWD, path, text, sizeof text);
	if (n >= 36)
		(void)snprintf(h->boot_id, sizeof h->boot_id, "%.36s", text);
	/* The file exists but refuses to be read when the kernel was booted with psi=0. */
	char psi[256];
	(void)snprintf(path, sizeof path, "%.400s/pressure/memory", scope->proc);
	h->psi = kfile_read(AT_FDCWD, path, psi, sizeof psi) > 0;
}

void host_look(const struct scope *scope, struct arena *a, struct host *ret)
{
	struct host h = { 0 };
	struct utsname u;
	unsigned major = 0, minor = 0;
	if (uname(&u) == 0) {
		(void)snprintf(h.name, sizeof h.name, "%s", u.nodename);
		(void)snprintf(h.kernel, sizeof h.kernel, "%s", u.release);
		(void)sscanf(u.release, "%u.%u", &major, &minor);
	}
	look_cgroups(scope, a, &h);
	look_writable(scope, &h);
	look_calls(&h);
	look_namespaces(scope, &h);
	look_proc(scope, &h);
	/* cgroup.kill is absent from the root cgroup, so its presence is read off the version: 5.14. */
	h.cgroup_kill = h.unified && (major > 5 || (major == 5 && minor >= 14));
	long cpus = sysconf(_SC_NPROCESSORS_ONLN), pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
	h.cpus = cpus > 0 ? (unsigned)cpus : 1;
	h.memory = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 0;
	look_root(scope, &h);
	*ret = h;
}

void host_look_for_launch(const struct scope *scope, struct arena *a, struct host *ret)
{
	struct host h = { 0 };
	if (!look_usual_places(scope, a, &h)) {
		h = (struct host){ 0 };
		look_cgroups(scope, a, &h);
	}
	look_writable(scope, &h);
	look_calls(&h);
	look_namespaces(scope, &h);
	look_root(scope, &h);
	*ret = h;
}
