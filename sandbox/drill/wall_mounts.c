/* The drill's inside: what it sees of files; see wall.h. Nothing here is undone: it goes with the namespace. */
#include <fcntl.h>
#include <linux/mount.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/hierarchy.h"
#include "sandbox/drill/wall.h"
#include "sandbox/kernel/sys.h"

enum { ROOM = PATH_ROOM * 2 };

static int make_dirs(const struct paths *p, struct err *e)
{
	static const char *const dirs[] = { "", "/tmp", "/run", "/etc", "/var", "/var/lib", "/srv", "/drill", "/drill/bin",
					    "/drill/real" };
	char path[ROOM];
	for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
		(void)snprintf(path, sizeof path, "%s%s", p->root, dirs[i]);
		int r = sys_mkdirat(AT_FDCWD, path, 0755);
		if (r < 0)
			return err_set(e, -r, "make %s", path);
	}
	int r = sys_fchmodat(AT_FDCWD, p->of[PATH_WORK], 01777);
	return r < 0 ? err_set(e, -r, "make %s", p->of[PATH_WORK]) : 0;
}

static int read_only(const char *path, bool on, bool all)
{
	struct mount_attr attr = { .attr_set = on ? MOUNT_ATTR_RDONLY : 0, .attr_clr = on ? 0 : MOUNT_ATTR_RDONLY };
	return sys_mount_setattr(AT_FDCWD, path, all ? AT_RECURSIVE : 0, &attr);
}

/* The host's files cannot be written from here; its cgroup trees can, for the drill's own are among them. */
static int close_host(const struct wall *w, struct err *e)
{
	autoarena struct arena a = { 0 };
	struct scope scope = scope_host(&w->paths);
	struct hierarchy *h = NULL;
	size_t n = 0;
	int r = sys_mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	r = r ? r : read_only("/", true, true);
	if (r < 0)
		return err_set(e, -r, "keep the drill from the host's files");
	r = w->as_user ? 0 : hierarchies_read(&scope, &a, &h, &n, e);
	for (size_t i = 0; r == 0 && i < n; i++) {
		r = read_only(h[i].mount, false, false);
		if (r < 0)
			return err_set(e, -r, "open %s for the drill", h[i].mount);
	}
	return r;
}

int wall_enter(const struct wall *w, struct err *e)
{
	char real[ROOM];
	int r = close_host(w, e);
	if (r < 0)
		return r;
	r = sys_mount("drill", w->base, "tmpfs", MS_NOSUID, "size=128m,mode=755");
	r = r ? r : sys_mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	if (r < 0)
		return err_set(e, -r, "mount the drill's own files");
	r = make_dirs(&w->paths, e);
	if (r < 0)
		return r;
	(void)snprintf(real, sizeof real, "%s/drill/real", w->paths.root);
	r = sys_mount(w->programs, real, NULL, MS_BIND, NULL);
	return r < 0 ? err_set(e, -r, "show %s to the drill", w->programs) : 0;
}

/* ---- the founding runbook's view -------------------------------------------------------------- */

int wall_show(const char *root, const char *dir)
{
	char at[ROOM * 2], link[PATH_ROOM] = "";
	struct stat st;
	(void)snprintf(at, sizeof at, "%.600s%.100s", root, dir);
	if (lstat(dir, &st) < 0)
		return 0;
	if (S_ISLNK(st.st_mode)) {
		ssize_t n = readlink(dir, link, sizeof link - 1);
		return n < 0 ? -EINVAL : sys_symlinkat(link, AT_FDCWD, at);
	}
	int r = sys_mkdirat(AT_FDCWD, at, 0755);
	return r && r != -EEXIST ? r : sys_mount(dir, at, NULL, MS_BIND | MS_REC, NULL);
}

/* Of each hierarchy only the drill's own part: what `find /sys/fs/cgroup` finds is the drill's. */
static int show_cgroups(const struct paths *p, struct err *e)
{
	autoarena struct arena a = { 0 };
	struct scope scope = scope_host(p);
	struct hierarchy *h = NULL;
	size_t n = 0;
	char part[ROOM], at[ROOM];
	static const char *const above[] = { "/sys", "/sys/fs", "/sys/fs/cgroup" };
	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(at, sizeof at, "%s%s", p->root, above[i]);
		int r = sys_mkdirat(AT_FDCWD, at, 0755);
		if (r < 0)
			return err_set(e, -r, "make %s", at);
	}
	int r = hierarchies_read(&scope, &a, &h, &n, e);
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct stat st;
		(void)snprintf(part, sizeof part, "%.300s/%s", h[i].mount, p->cgroup_parent);
		(void)snprintf(at, sizeof at, "%s/sys/fs/cgroup/%.100s", p->root, h[i].name);
		if (stat(part, &st) < 0)
			continue;
		r = sys_mkdirat(AT_FDCWD, at, 0755);
		r = r ? r : sys_mount(part, at, NULL, MS_BIND, NULL);
		if (r < 0)
			return err_set(e, -r, "show %s", part);
	}
	return r;
}

int wall_view(const struct paths *p, struct err *e)
{
	static const char *const dirs[] = { "/usr", "/bin", "/sbin", "/lib", "/lib64", "/dev", "/proc", "/etc/alternatives" };
	int r = 0;
	for (size_t i = 0; r == 0 && i < sizeof dirs / sizeof *dirs; i++)
		if ((r = wall_show(p->root, dirs[i])) < 0)
			r = err_set(e, -r, "show %s", dirs[i]);
	r = r ? r : show_cgroups(p, e);
	if (r < 0)
		return r;
	r = sys_chroot(p->root);
	r = r ? r : sys_chdir("/");
	return r < 0 ? err_set(e, -r, "enter the view") : 0;
}
