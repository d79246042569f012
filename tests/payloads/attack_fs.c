/* Files: size, number, traps for whoever cleans up, ways to the host's files, output floods. */
#include "payload.h"

#include <dirent.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/xattr.h>

static char block[1 << 20];

static int big_file(int argc, char **argv)
{
	(void)argc, (void)argv;
	int fd = open("big", O_WRONLY | O_CREAT, 0600);
	if (fd < 0)
		return must_fail("big", fd) + 1;
	for (int i = 0; i < 256; i++)
		if (write(fd, block, sizeof block) < 0) {
			say("refused: %d\n", errno);
			return 5;
		}
	say("REACHED 256 MiB in one file\n");
	return REACHED;
}

/* Ignores SIGXFSZ and goes on: EFBIG must hold. */
static int big_file_deaf(int argc, char **argv)
{
	signal(SIGXFSZ, SIG_IGN);
	return big_file(argc, argv);
}

static int sparse(int argc, char **argv)
{
	(void)argc, (void)argv;
	int fd = open("sparse", O_RDWR | O_CREAT, 0600);
	signal(SIGXFSZ, SIG_IGN);
	if (fd < 0)
		return 1;
	int bad = must_fail("1 TiB file", ftruncate(fd, (off_t)1 << 40));
	return bad | must_fail("write at 1 TiB", pwrite(fd, "x", 1, (off_t)1 << 40));
}

static int inodes(int argc, char **argv)
{
	(void)argc, (void)argv;
	for (int i = 0; i < 300000; i++) {
		char name[64];
		snprintf(name, sizeof name, "f%d", i);
		int fd = open(name, O_WRONLY | O_CREAT, 0600);
		if (fd < 0) {
			say("refused after %d: %d\n", i, errno);
			return 5;
		}
		close(fd);
	}
	say("REACHED 300000 files\n");
	return REACHED;
}

static int descriptors(int argc, char **argv)
{
	(void)argc, (void)argv;
	for (int i = 0; i < 100000; i++)
		if (dup(0) < 0) {
			say("refused after %d: %d\n", i, errno);
			return 5;
		}
	say("REACHED 100000 descriptors\n");
	return REACHED;
}

static int deep_tree(int argc, char **argv)
{
	(void)argc, (void)argv;
	int depth = 0;
	for (; depth < 10000; depth++)
		if (mkdir("d", 0700) < 0 || chdir("d") < 0)
			break;
	say("depth %d\n", depth);
	return 0;
}

/* Everything a cleaner might follow: links to files outside, FIFOs that block an open, odd names and modes. */
static int traps(int argc, char **argv)
{
	const char *victim = argc > 1 ? argv[1] : "/etc/passwd";
	(void)!symlink(victim, "link");
	(void)!symlink("/", "root");
	(void)!symlink("..", "up");
	(void)!symlink("loop", "loop");
	(void)!mkfifo("fifo", 0666);
	mkdir("closed", 0);
	mkdir("name with\nnewline \x1b[31m \xff\xfe", 0777);
	mkdir("-rf", 0777);
	mkdir("...", 0777);
	int fd = open("ro", O_CREAT | O_WRONLY, 0);
	(void)!write(fd, "x", 1);
	fchmod(fd, 04777);
	char name[256];
	memset(name, 'n', 255);
	name[255] = '\0';
	mkdir(name, 0700);
	say("hardlink %d device %d\n", link("/bin/sh", "sh"), mknod("sda", S_IFBLK | 0666, makedev(8, 0)));
	return 0;
}

static int sockets_left(int argc, char **argv)
{
	(void)argc, (void)argv;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr addr = { .sa_family = AF_UNIX, .sa_data = "sock" };
	say("bind %d\n", bind(fd, &addr, sizeof addr));
	return 0;
}

static int devices(int argc, char **argv)
{
	(void)argc, (void)argv;
	int bad = must_fail("mknod block", mknod("sda", S_IFBLK | 0666, makedev(8, 0)));
	bad |= must_fail("mknod mem", mknod("mem", S_IFCHR | 0666, makedev(1, 1)));
	bad |= must_fail("mknod kmsg", mknod("kmsg", S_IFCHR | 0666, makedev(1, 11)));
	static const char *const nodes[] = { "/dev/mem", "/dev/kmem", "/dev/port", "/dev/sda", "/dev/vda", "/dev/loop0",
		"/dev/loop-control", "/dev/fuse", "/dev/kvm", "/dev/kmsg", "/dev/tty0", "/dev/console", "/dev/ptmx",
		"/dev/net/tun", "/dev/vsock", "/dev/vhost-vsock", "/dev/uinput", "/dev/mapper/control", "/dev/userfaultfd" };
	for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++)
		bad |= must_not_open(nodes[i], O_RDWR);
	return bad;
}

static int sysfs(int argc, char **argv)
{
	(void)argc, (void)argv;
	int bad = must_fail("/sys", chdir("/sys/kernel"));
	bad |= must_not_open("/sys/kernel/uevent_helper", O_WRONLY);
	bad |= must_not_open("/sys/fs/cgroup/memory/release_agent", O_WRONLY);
	bad |= must_not_open("/sys/fs/cgroup/cgroup.procs", O_RDWR);
	return bad;
}

static int proc_writes(int argc, char **argv)
{
	(void)argc, (void)argv;
	static const char *const files[] = { "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe",
		"/proc/sys/vm/overcommit_memory", "/proc/sys/kernel/ns_last_pid", "/proc/sysrq-trigger", "/proc/kcore",
		"/proc/kmsg", "/proc/kallsyms", "/proc/keys", "/proc/timer_list", "/proc/sched_debug", "/proc/acpi",
		"/proc/bus/pci", "/proc/irq/0/smp_affinity", "/proc/fs/ext4", "/proc/scsi/scsi" };
	int bad = 0;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		bad |= must_not_open(files[i], O_WRONLY);
	return bad;
}

/* What a process may not say of itself: that memory shall be taken from others first, that its ids are others. */
static int proc_self(int argc, char **argv)
{
	static const char *const writes[][2] = { { "oom_score_adj", "-1000" }, { "oom_adj", "-17" }, { "uid_map", "0 0 1" },
		{ "gid_map", "0 0 1" }, { "projid_map", "0 0 1" }, { "autogroup", "-20" }, { "timens_offsets", "monotonic 1 0" },
		{ "../1/oom_score_adj", "1000" }, { "../1/mem", "x" }, { "../1/coredump_filter", "0" }, { "../1/comm", "x" } };
	int bad = 0;
	(void)argc, (void)argv;
	for (size_t i = 0; i < sizeof writes / sizeof *writes; i++) {
		char path[64];
		snprintf(path, sizeof path, "/proc/self/%s", writes[i][0]);
		int fd = open(path, O_WRONLY);
		bad |= fd < 0 ? 0 : must_fail(path, write(fd, writes[i][1], strlen(writes[i][1])));
	}
	return bad;
}

/* Who runs us must not be overwritten: through our own exe, init's exe, or any descriptor of theirs. */
static int exe_overwrite(int argc, char **argv)
{
	(void)argc, (void)argv;
	int bad = must_not_open("/proc/self/exe", O_WRONLY);
	bad |= must_not_open("/proc/1/exe", O_RDONLY);
	bad |= must_not_open("/proc/1/exe", O_WRONLY);
	bad |= must_not_open("/proc/1/exe", O_PATH);
	char name[64];
	for (int fd = 3; fd < 1024; fd++) {
		snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
		int again = open(name, O_RDONLY);
		if (again >= 0)
			bad |= must_fail(name, again);
	}
	return bad;
}

/* Open descriptors beside 0, 1, 2, and a working directory that can climb out. */
static int inherited(int argc, char **argv)
{
	(void)argc, (void)argv;
	int bad = 0;
	for (int fd = 3; fd < 4096; fd++)
		if (fcntl(fd, F_GETFD) >= 0) {
			say("REACHED descriptor %d\n", fd);
			bad = REACHED;
		}
	char cwd[4096];
	if (!getcwd(cwd, sizeof cwd) || cwd[0] != '/' || strstr(cwd, "unreachable")) {
		say("REACHED a cwd outside\n");
		bad = REACHED;
	}
	for (int i = 0; i < 64; i++)
		(void)!chdir("..");
	struct stat here, root;
	if (stat(".", &here) < 0 || stat("/", &root) < 0 || here.st_ino != root.st_ino || here.st_dev != root.st_dev)
		bad |= must_fail("above the root", 0);
	return bad;
}

extern char **environ;
static int environment(int argc, char **argv)
{
	(void)argc, (void)argv;
	for (char **e = environ; *e; e++)
		if (strstr(*e, "RUSTBOX") || strstr(*e, "SECRET")) {
			say("REACHED %s\n", *e);
			return REACHED;
		}
	return 0;
}

static int writes_outside(int argc, char **argv)
{
	(void)argc, (void)argv;
	static const char *const files[] = { "/x", "/usr/x", "/bin/x", "/etc/x", "/lib/x", "/dev/x", "/p/x", "/var/x", "/run/x" };
	int bad = 0;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		int fd = open(files[i], O_WRONLY | O_CREAT, 0600);
		if (fd >= 0 && strncmp(files[i], "/x", 2) != 0)
			bad |= must_fail(files[i], fd);
	}
	bad |= must_not_open("/usr/bin/env", O_WRONLY);
	bad |= must_fail("chmod /usr/bin/env", chmod("/usr/bin/env", 0777));
	bad |= must_fail("unlink /usr/bin/env", unlink("/usr/bin/env"));
	return bad;
}

static int host_files(int argc, char **argv)
{
	(void)argc;
	int bad = must_not_open("/etc/shadow", O_RDONLY);
	bad |= must_not_open("/root/.ssh", O_RDONLY);
	bad |= must_not_open("/work", O_RDONLY);
	bad |= must_not_open("/var/run/docker.sock", O_RDONLY);
	if (argv[1])
		bad |= must_not_open(argv[1], O_RDONLY);
	return bad;
}

/* A handle opens by number what no path reaches (the shocker attack). */
static int by_handle(int argc, char **argv)
{
	(void)argc, (void)argv;
	union {
		struct file_handle h;
		char room[64];
	} u = { .h = { .handle_bytes = 8, .handle_type = 1 } };
	u.room[8] = 2; /* inode 2: the root of an ext file system */
	int mnt = open("/usr", O_RDONLY);
	return must_fail("open_by_handle_at", open_by_handle_at(mnt, &u.h, O_RDONLY));
}

static int set_id(int argc, char **argv)
{
	(void)argc, (void)argv;
	static const char *const programs[] = { "/bin/su", "/usr/bin/su", "/bin/mount", "/usr/bin/passwd", "/usr/bin/newgrp" };
	for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
		struct stat st;
		if (stat(programs[i], &st) < 0 || !(st.st_mode & S_ISUID))
			continue;
		say("found %s\n", programs[i]);
		pid_t p = vfork();
		if (p == 0) {
			execl(programs[i], programs[i], "-c", "id", NULL);
			_exit(1);
		}
		int status;
		waitpid(p, &status, 0);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			return must_fail(programs[i], 0);
	}
	return 0;
}

static int flood(int argc, char **argv)
{
	int fd = argc > 1 ? atoi(argv[1]) : 1;
	memset(block, 'A', sizeof block);
	for (int i = 0; i < 64; i++)
		if (write(fd, block, sizeof block) < 0)
			return 5;
	return 0;
}

static int flood_both(int argc, char **argv)
{
	(void)argc, (void)argv;
	memset(block, 'B', sizeof block);
	for (int i = 0; i < 1024; i++)
		if (write(1 + i % 2, block, 65536) < 0)
			return 5;
	return 0;
}

static int flood_for_ever(int argc, char **argv)
{
	(void)argc, (void)argv;
	signal(SIGPIPE, SIG_IGN);
	for (;;)
		(void)!write(1, block, sizeof block);
	return 0;
}

static int close_early(int argc, char **argv)
{
	(void)argc, (void)argv;
	close(1);
	close(2);
	close(0);
	usleep(20000);
	return 0;
}

static int binary_output(int argc, char **argv)
{
	(void)argc, (void)argv;
	char all[256];
	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	(void)!write(1, all, sizeof all);
	(void)!write(1, "\x1b]0;owned\x07\x1b[2J\"}{\"status\":\"OK\"}\n", 32);
	return 3;
}

/* What a reader at our other end might do to us, and we to it: a pipe must not be a way to its file. */
static int reopen_output(int argc, char **argv)
{
	(void)argc, (void)argv;
	struct stat st;
	fstat(1, &st);
	say("stdout is %s\n", S_ISFIFO(st.st_mode) ? "a pipe" : S_ISREG(st.st_mode) ? "a file" : "other");
	return must_fail("stdout as directory", openat(1, "..", O_RDONLY));
}

static int attributes(int argc, char **argv)
{
	(void)argc, (void)argv;
	int fd = open("caps", O_WRONLY | O_CREAT, 0700);
	uint32_t cap[5] = { 0x02000001, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff };
	int bad = must_fail("security.capability", fsetxattr(fd, "security.capability", cap, sizeof cap, 0));
	bad |= must_fail("trusted.x", fsetxattr(fd, "trusted.x", "x", 1, 0));
	bad |= must_fail("chown 0", fchown(fd, 0, 0));
	return bad;
}

static int immutable(int argc, char **argv)
{
	(void)argc, (void)argv;
	int fd = open("frozen", O_RDWR | O_CREAT, 0600), flags = 0x10 /* FS_IMMUTABLE_FL */;
	return must_fail("FS_IOC_SETFLAGS", syscall(SYS_ioctl, fd, 0x40086602, &flags));
}

/* Two boxes at once: what one leaves where both might look, the other must not find. */
static int meet(int argc, char **argv)
{
	bool second = argc > 1 && !strcmp(argv[1], "find");
	static const char name[] = "\0rustbox-meeting";
	struct { sa_family_t family; char path[sizeof name]; } addr = { .family = AF_UNIX };
	memcpy(addr.path, name, sizeof name);
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	int bad = 0;
	if (second) {
		bad |= must_fail("the other's abstract socket", connect(s, (void *)&addr, sizeof addr));
		bad |= must_not_open("/dev/shm/meeting", O_RDONLY);
		bad |= must_not_open("/tmp/meeting", O_RDONLY);
		bad |= must_fail("the other's shm", syscall(SYS_shmget, 0x4d454554, 4096, 0));
		bad |= must_fail("the other's queue", syscall(SYS_msgget, 0x4d454554, 0));
		return bad;
	}
	say("bind %d\n", bind(s, (void *)&addr, sizeof addr));
	listen(s, 1);
	say("shm %ld\n", syscall(SYS_shmget, 0x4d454554, 4096, 0666 | 01000));
	say("msg %ld\n", syscall(SYS_msgget, 0x4d454554, 0666 | 01000));
	(void)!open("/dev/shm/meeting", O_WRONLY | O_CREAT, 0666);
	(void)!open("/tmp/meeting", O_WRONLY | O_CREAT, 0666);
	say("waiting\n");
	poll(NULL, 0, 1500);
	return 0;
}

static const struct attack attacks[] = {
	{ "big_file", big_file }, { "big_file_deaf", big_file_deaf }, { "sparse", sparse }, { "inodes", inodes },
	{ "descriptors", descriptors }, { "deep_tree", deep_tree }, { "traps", traps }, { "sockets_left", sockets_left },
	{ "devices", devices }, { "sysfs", sysfs }, { "proc_writes", proc_writes }, { "proc_self", proc_self }, { "exe_overwrite", exe_overwrite },
	{ "inherited", inherited }, { "environment", environment }, { "writes_outside", writes_outside },
	{ "host_files", host_files }, { "by_handle", by_handle }, { "set_id", set_id }, { "flood", flood },
	{ "flood_both", flood_both }, { "flood_for_ever", flood_for_ever }, { "close_early", close_early },
	{ "binary_output", binary_output }, { "reopen_output", reopen_output }, { "attributes", attributes },
	{ "immutable", immutable }, { "meet", meet },
};
PAYLOAD_MAIN(attacks)
