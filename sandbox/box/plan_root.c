/* The rows of the new root; see plan.h. Reads the host's layout only: which of /bin, /lib... are symlinks. */
#include "sandbox/box/plan_root.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "probes/base/own.h"

#define SAFE (MS_NOSUID | MS_NODEV)

struct rows {
	struct arena *arena;
	struct mount_row *v;
	size_t n;
};

static void put(struct rows *r, struct mount_row row)
{
	*(struct mount_row *)arena_push(r->arena, &r->v, &r->n, sizeof row) = row;
}

/* A merged-/usr host has /bin as a symlink: the same link costs nothing, a bind mount does. */
static void put_system(struct rows *r, const char *path)
{
	char link[256];
	ssize_t n = readlink(path, link, sizeof link);
	if (n > 0 && n < (ssize_t)sizeof link)
		put(r, (struct mount_row){ .kind = MOUNT_SYMLINK, .target = path + 1,
					   .source = arena_strndup(r->arena, link, (size_t)n) });
	else if (n < 0 && errno == EINVAL) /* there, and no link */
		put(r, (struct mount_row){ .kind = MOUNT_BIND, .target = path + 1, .source = path,
					   .flags = MS_BIND | MS_REC | MS_RDONLY | SAFE });
}

/* Debian keeps the configuration of /usr/lib/jvm/java-17-openjdk-amd64 in /etc/java-17-openjdk. The few names there
 * are read, because /etc has hundreds, and reading them costs as much as mounting three of them. */
static void put_java(struct rows *r)
{
	autodir DIR *dir = opendir("/usr/lib/jvm");
	const struct dirent *d;
	while (dir && (d = readdir(dir))) {
		const char *arch = strrchr(d->d_name, '-');
		if (strncmp(d->d_name, "java-", 5) == 0 && arch)
			put_system(r, arena_printf(r->arena, "/etc/%.*s", (int)(arch - d->d_name), d->d_name));
	}
}

static void put_system_all(struct rows *r)
{
	static const char *const trees[] = { "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32" };
	/* What programs below /usr need of /etc: the loader's cache, and where Debian's links lead. */
	static const char *const etc[] = { "/etc/ld.so.cache", "/etc/alternatives" };
	for (size_t i = 0; i < sizeof trees / sizeof trees[0]; i++)
		put_system(r, trees[i]);
	put(r, (struct mount_row){ .kind = MOUNT_DIR, .target = "etc", .mode = 0755 });
	for (size_t i = 0; i < sizeof etc / sizeof etc[0]; i++)
		put_system(r, etc[i]);
	put_java(r);
}

static void put_dev(struct rows *r)
{
	static const struct {
		const char *name;
		unsigned major, minor; /* Documentation/admin-guide/devices.txt */
	} nodes[] = { { "dev/null", 1, 3 }, { "dev/zero", 1, 5 }, { "dev/full", 1, 7 },
		      { "dev/random", 1, 8 }, { "dev/urandom", 1, 9 } };
	static const char *const links[][2] = { { "dev/fd", "/proc/self/fd" }, { "dev/stdin", "/proc/self/fd/0" },
						{ "dev/stdout", "/proc/self/fd/1" }, { "dev/stderr", "/proc/self/fd/2" } };
	put(r, (struct mount_row){ .kind = MOUNT_AGAIN, .target = "dev", .flags = MS_NOSUID | MS_NOEXEC });
	for (size_t i = 0; i < sizeof nodes / sizeof nodes[0]; i++)
		put(r, (struct mount_row){ .kind = MOUNT_NODE, .target = nodes[i].name, .mode = 0666,
					   .major = nodes[i].major, .minor = nodes[i].minor });
	for (size_t i = 0; i < sizeof links / sizeof links[0]; i++)
		put(r, (struct mount_row){ .kind = MOUNT_SYMLINK, .target = links[i][0], .source = links[i][1] });
}

const char *plan_tmpfs_data(const struct limits *limits, const char *mode, struct arena *a)
{
	uint64_t size = limits->of[LIMIT_WORKSPACE], inodes = limits->of[LIMIT_INODES];
	/* To tmpfs, 0 is "no cap"; the memory limit still holds, files in it are charged to the box. */
	return arena_printf(a, "size=%llu,nr_inodes=%llu,mode=%s", size == LIMIT_NONE ? 0ull : (unsigned long long)size,
			    inodes == LIMIT_NONE ? 0ull : (unsigned long long)inodes, mode);
}

static void put_bind(struct rows *r, const struct bind *b, const struct limits *limits)
{
	unsigned long flags = SAFE;
	flags |= b->options & BIND_BIT(BIND_RW) ? 0 : MS_RDONLY;
	flags |= b->options & BIND_BIT(BIND_NOEXEC) ? MS_NOEXEC : 0;
	if (b->options & BIND_BIT(BIND_TMP)) {
		put(r, (struct mount_row){ .kind = MOUNT_TMPFS, .target = b->inside + 1, .flags = flags, .owned = true,
					   .data = plan_tmpfs_data(limits, "0700", r->arena) });
		return;
	}
	flags |= MS_BIND | (b->options & BIND_BIT(BIND_NOREC) ? 0 : MS_REC);
	put(r, (struct mount_row){ .kind = MOUNT_BIND, .target = b->inside + 1, .source = b->outside, .flags = flags,
				   .maybe = b->options & BIND_BIT(BIND_MAYBE) });
}

static bool is_bound(const struct spec *spec, const char *inside)
{
	for (size_t i = 0; i < spec->nbinds; i++)
		if (strcmp(spec->binds[i].inside, inside) == 0)
			return true;
	return false;
}

void plan_root(const struct spec *spec, struct arena *a, struct mount_row **ret, size_t *n)
{
	struct rows r = { .arena = a };
	put_system_all(&r);
	/* Only the program's own processes, and nothing to write to: no knob of the kernel is there at all. */
	put(&r, (struct mount_row){ .kind = MOUNT_PROC, .target = "proc", .data = "subset=pid,hidepid=invisible",
				    .flags = SAFE | MS_NOEXEC });
	put_dev(&r);
	put(&r, (struct mount_row){ .kind = MOUNT_TMPFS, .target = "dev/shm", .flags = SAFE | MS_NOEXEC, .owned = true,
				    .data = plan_tmpfs_data(&spec->limits, "1777", a) });
	if (!is_bound(spec, "/tmp"))
		put(&r, (struct mount_row){ .kind = MOUNT_TMPFS, .target = "tmp", .flags = SAFE, .owned = true,
					    .data = plan_tmpfs_data(&spec->limits, "1777", a) });
	put(&r, (struct mount_row){ .kind = MOUNT_WORKSPACE, .target = "box", .flags = SAFE });
	for (size_t i = 0; i < spec->nbinds; i++)
		put_bind(&r, &spec->binds[i], &spec->limits);
	*ret = r.v;
	*n = r.n;
}
