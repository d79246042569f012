/* The mounts' half of sys.c, by the same rules; see sys.h. */
#include "sandbox/kernel/sys.h"

#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

static int result(long r)
{
	return r < 0 ? -errno : (int)r;
}

int sys_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)
{
	return result(mount(source, target, type, flags, data));
}

int sys_umount2(const char *target, int flags)
{
	return result(umount2(target, flags));
}

int sys_mount_exists(uint64_t unique_id)
{
	/* struct mnt_id_req and STATMOUNT_MNT_BASIC of Linux 6.8, newer than Debian 12's headers; statmount(2). */
	struct {
		uint32_t size, spare;
		uint64_t id, param;
	} request = { .size = sizeof request, .id = unique_id, .param = 2 };
	uint64_t answer[64];
	long r = syscall(457, &request, answer, sizeof answer, 0);
	return r == 0 ? 1 : errno == ENOENT ? 0 : -errno;
}

int sys_fsopen(const char *type)
{
	return result(fsopen(type, FSOPEN_CLOEXEC));
}

int sys_fsconfig_string(int fd, const char *key, const char *value)
{
	return result(fsconfig(fd, FSCONFIG_SET_STRING, key, value, 0));
}

int sys_fsconfig_flag(int fd, const char *key)
{
	return result(fsconfig(fd, FSCONFIG_SET_FLAG, key, NULL, 0));
}

int sys_fsconfig_create(int fd)
{
	return result(fsconfig(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
}

int sys_fsmount(int fd, unsigned attributes)
{
	return result(fsmount(fd, FSMOUNT_CLOEXEC, attributes));
}

int sys_open_tree(int dirfd, const char *path, unsigned flags)
{
	return result(open_tree(dirfd, path, flags | OPEN_TREE_CLOEXEC));
}

int sys_move_mount(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	return result(move_mount(from_fd, from, to_fd, to, flags));
}

int sys_mount_setattr(int dirfd, const char *path, unsigned flags, const struct mount_attr *attr)
{
	return result(syscall(SYS_mount_setattr, dirfd, path, flags, attr, sizeof *attr));
}

int sys_chroot(const char *path)
{
	return result(chroot(path));
}

int sys_pivot_root(const char *new_root, const char *put_old)
{
	return result(syscall(SYS_pivot_root, new_root, put_old));
}
