/* System calls that must not work in a box, and the side doors to them: other entry points, wide arguments,
 * families of sockets, terminals. A call is refused by an errno or by death; both are fine, success is not. */
#include "payload.h"

#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>

static int namespaces(int argc, char **argv)
{
	static const struct { const char *name; int flag; } kinds[] = {
		{ "user", CLONE_NEWUSER }, { "mnt", CLONE_NEWNS }, { "pid", CLONE_NEWPID }, { "net", CLONE_NEWNET },
		{ "ipc", CLONE_NEWIPC }, { "uts", CLONE_NEWUTS }, { "cgroup", CLONE_NEWCGROUP }, { "time", 0x80 },
	};
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (argc > 1 && !strcmp(argv[1], kinds[i].name))
			return must_fail(kinds[i].name, syscall(SYS_unshare, kinds[i].flag));
	return 99;
}

/* The flags of clone in the low half, and the same with high bits set: a filter must look at 32 bits only. */
static int clone_newuser(int argc, char **argv)
{
	(void)argv;
	uint64_t high = argc > 1 ? (uint64_t)1 << 32 : 0;
	long p = syscall(SYS_clone, high | CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
	if (p == 0)
		_exit(0);
	return must_fail("clone(CLONE_NEWUSER)", p);
}

/* Each namespace by clone(2), not only unshare(2); one at a time, and with what often goes along. */
static int clone_spaces(int argc, char **argv)
{
	static const unsigned long flags[] = { CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP,
		CLONE_NEWUSER | CLONE_NEWNS, CLONE_NEWUSER | CLONE_VFORK, CLONE_NEWNET | CLONE_PARENT };
	int bad = 0;
	(void)argc, (void)argv;
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
		long p = syscall(SYS_clone, flags[i] | SIGCHLD, 0, 0, 0, 0);
		if (p == 0)
			_exit(0);
		bad |= must_fail("clone into a namespace", p);
	}
	return bad;
}

/* Who somebody is goes along with a message (unix(7)): it must be true. */
static int credentials(int argc, char **argv)
{
	union { struct cmsghdr h; char room[CMSG_SPACE(sizeof(struct ucred))]; } u = { .h = {
		.cmsg_len = CMSG_LEN(sizeof(struct ucred)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_CREDENTIALS } };
	struct iovec v = { (char[]){ "x" }, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &u, .msg_controllen = sizeof u };
	struct ucred root = { .pid = getpid(), .uid = 0, .gid = 0 }, init = { .pid = 1, .uid = getuid(), .gid = getgid() };
	int ends[2], bad = 0;
	(void)argc, (void)argv;
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) < 0)
		return 98;
	memcpy(CMSG_DATA(&u.h), &root, sizeof root);
	bad |= must_fail("root's ids in a message", sendmsg(ends[0], &m, 0));
	memcpy(CMSG_DATA(&u.h), &init, sizeof init);
	return bad | must_fail("init's pid in a message", sendmsg(ends[0], &m, 0));
}

/* argv[1]: an abstract socket that somebody listens on outside. */
static int abstract(int argc, char **argv)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	if (s < 0 || argc < 2)
		return 98;
	snprintf(to.sun_path + 1, sizeof to.sun_path - 1, "%s", argv[1]);
	return must_fail("the host's abstract socket",
			 connect(s, (void *)&to, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(argv[1]))));
}

static int clone3_newuser(int argc, char **argv)
{
	(void)argc, (void)argv;
	struct { uint64_t v[11]; } args = { .v = { CLONE_NEWUSER, 0, 0, 0, SIGCHLD } };
	long p = syscall(435, &args, sizeof args);
	if (p == 0)
		_exit(0);
	return must_fail("clone3(CLONE_NEWUSER)", p);
}

static int join(int argc, char **argv)
{
	(void)argc, (void)argv;
	static const char *const kinds[] = { "mnt", "pid", "net", "ipc", "uts", "user", "cgroup" };
	int bad = 0;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		char name[64];
		snprintf(name, sizeof name, "/proc/1/ns/%s", kinds[i]);
		int fd = open(name, O_RDONLY);
		if (fd < 0) {
			snprintf(name, sizeof name, "/proc/self/ns/%s", kinds[i]);
			fd = open(name, O_RDONLY);
		}
		bad |= must_fail(name, syscall(SYS_setns, fd, 0));
	}
	return bad;
}

static int mounts(int argc, char **argv)
{
	(void)argc, (void)argv;
	int bad = must_fail("mount tmpfs", syscall(SYS_mount, "x", "/tmp", "tmpfs", 0, NULL));
	bad |= must_fail("remount rw", syscall(SYS_mount, NULL, "/usr", NULL, MS_REMOUNT | MS_BIND, NULL));
	bad |= must_fail("mount proc", syscall(SYS_mount, "x", "/tmp", "proc", 0, NULL));
	bad |= must_fail("bind", syscall(SYS_mount, "/", "/tmp", NULL, MS_BIND, NULL));
	bad |= must_fail("umount", syscall(SYS_umount2, "/proc", MNT_DETACH));
	bad |= must_fail("pivot_root", syscall(SYS_pivot_root, "/tmp", "/tmp"));
	bad |= must_fail("chroot", chroot("/tmp"));
	return bad;
}

static int mount_api(int argc, char **argv)
{
	(void)argc, (void)argv;
	int bad = must_fail("open_tree", syscall(428, AT_FDCWD, "/", 1));
	bad |= must_fail("move_mount", syscall(429, AT_FDCWD, "/usr", AT_FDCWD, "/tmp", 0));
	bad |= must_fail("fsopen", syscall(430, "tmpfs", 0));
	bad |= must_fail("fspick", syscall(433, AT_FDCWD, "/", 0));
	uint64_t attr[4] = { 0, 1, 0, 0 };
	bad |= must_fail("mount_setattr", syscall(442, AT_FDCWD, "/usr", 0, attr, sizeof attr));
	uint64_t req[3] = { 24, ~0ull, 0 }, ids[8];
	bad |= must_fail("listmount", syscall(458, req, ids, 8, 0));
	return bad;
}

static int one_call(int argc, char **argv)
{
	static char page[8192];
	static const struct { const char *name; long nr, a, b, c, d, e; } calls[] = {
		{ "io_uring_setup", 425, 8, (long)page, 0, 0, 0 }, { "bpf", SYS_bpf, 0, (long)page, 64, 0, 0 },
		{ "userfaultfd", SYS_userfaultfd, 1, 0, 0, 0, 0 }, { "keyctl", SYS_keyctl, 0, -3, 1, 0, 0 },
		{ "add_key", SYS_add_key, (long)"user", (long)"k", (long)"v", 1, -3 },
		{ "perf_event_open", SYS_perf_event_open, (long)page, 0, -1, -1, 0 },
		{ "init_module", SYS_init_module, (long)page, 8, (long)"", 0, 0 },
		{ "finit_module", SYS_finit_module, 0, (long)"", 0, 0, 0 },
		{ "delete_module", SYS_delete_module, (long)"x", 0, 0, 0, 0 },
		{ "kexec_load", SYS_kexec_load, 0, 0, 0, 0, 0 }, { "reboot", SYS_reboot, 0xfee1dead, 672274793, 0, 0, 0 },
		{ "swapon", SYS_swapon, (long)"/tmp/x", 0, 0, 0, 0 }, { "acct", SYS_acct, (long)"/tmp/x", 0, 0, 0, 0 },
		{ "syslog", SYS_syslog, 3, (long)page, 4096, 0, 0 }, { "sethostname", SYS_sethostname, (long)"x", 1, 0, 0, 0 },
		{ "setdomainname", SYS_setdomainname, (long)"x", 1, 0, 0, 0 },
		{ "settimeofday", SYS_settimeofday, (long)page, 0, 0, 0, 0 },
		{ "clock_settime", SYS_clock_settime, 0, (long)page, 0, 0, 0 },
		{ "adjtimex", SYS_adjtimex, 0, 0, 0, 0, 0 }, { "iopl", SYS_iopl, 3, 0, 0, 0, 0 },
		{ "ioperm", SYS_ioperm, 0, 1, 1, 0, 0 }, { "quotactl", SYS_quotactl, 0, 0, 0, 0, 0 },
		{ "lookup_dcookie", 212, 0, (long)page, 64, 0, 0 }, { "vhangup", SYS_vhangup, 0, 0, 0, 0, 0 },
		{ "fanotify_init", SYS_fanotify_init, 0, 0, 0, 0, 0 },
		{ "name_to_handle_at", SYS_name_to_handle_at, -100, (long)"/", (long)page, (long)page, 0 },
		{ "kcmp", SYS_kcmp, 1, 1, 0, 0, 0 }, { "process_madvise", 440, -1, 0, 0, 0, 0 },
		{ "move_pages", SYS_move_pages, 1, 0, 0, 0, 0 }, { "migrate_pages", SYS_migrate_pages, 1, 64, 0, 0, 0 },
		{ "setuid0", SYS_setuid, 0, 0, 0, 0, 0 }, { "setgid0", SYS_setgid, 0, 0, 0, 0, 0 },
		{ "setresuid0", SYS_setresuid, 0, 0, 0, 0, 0 }, { "setgroups", SYS_setgroups, 1, (long)page, 0, 0, 0 },
		{ "modify_ldt", SYS_modify_ldt, 1, (long)page, 16, 0, 0 }, { "uselib", SYS_uselib, (long)"/bin/sh", 0, 0, 0, 0 },
		{ "memfd_secret", 447, 0, 0, 0, 0, 0 }, { "personality", SYS_personality, 0x0040000, 0, 0, 0, 0 },
		{ "ptrace", SYS_ptrace, 16, 1, 0, 0, 0 }, { "open_by_handle_at", SYS_open_by_handle_at, -100, (long)page, 0, 0, 0 },
		{ "quotactl_fd", 443, 0, 0, 0, 0, 0 }, { "kexec_file_load", 320, -1, -1, 0, (long)"", 0 },
		{ "pidfd_getfd", 438, 0, 0, 0, 0, 0 }, { "tomorrow", 4000, 0, 0, 0, 0, 0 },
	};
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		if (argc > 1 && !strcmp(argv[1], calls[i].name))
			return must_fail(argv[1], syscall(calls[i].nr, calls[i].a, calls[i].b, calls[i].c, calls[i].d, calls[i].e));
	return 99;
}

/* The same kernel by the other two doors. 20 is getpid for i386; x32 sets bit 30 of the number. */
static int int80(int argc, char **argv)
{
	(void)argc, (void)argv;
	long r;
	__asm__ volatile("int $0x80" : "=a"(r) : "a"(20), "b"(0) : "memory", "r8", "r9", "r10", "r11");
	if (r == getpid())
		return must_fail("int 0x80 getpid", r);
	errno = (int)-r;
	return must_fail("int 0x80 getpid", -1);
}

static int x32(int argc, char **argv)
{
	(void)argc, (void)argv;
	return must_fail("x32 getpid", syscall(0x40000000 | SYS_getpid));
}

static int x32_unshare(int argc, char **argv)
{
	(void)argc, (void)argv;
	return must_fail("x32 unshare", syscall(0x40000000 | SYS_unshare, CLONE_NEWUSER));
}

static int family(int argc, char **argv)
{
	static const struct { const char *name; int family, type, protocol; } kinds[] = {
		{ "vsock", 40, SOCK_STREAM, 0 }, { "netlink", 16, SOCK_RAW, 0 }, { "packet", 17, SOCK_RAW, 0x300 },
		{ "raw", AF_INET, SOCK_RAW, 1 }, { "bluetooth", 31, SOCK_RAW, 1 }, { "alg", 38, SOCK_SEQPACKET, 0 },
		{ "can", 29, SOCK_RAW, 1 }, { "tipc", 30, SOCK_RDM, 0 }, { "rds", 21, SOCK_SEQPACKET, 0 },
		{ "key", 15, SOCK_RAW, 2 }, { "xdp", 44, SOCK_RAW, 0 }, { "smc", 43, SOCK_STREAM, 0 },
		{ "mctp", 45, SOCK_DGRAM, 0 }, { "qipcrtr", 42, SOCK_DGRAM, 0 },
	};
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (argc > 1 && !strcmp(argv[1], kinds[i].name))
			return must_fail(argv[1], socket(kinds[i].family, kinds[i].type, kinds[i].protocol));
	return 99;
}

/* The family with rubbish in the upper half of the register. */
static int family_high_bits(int argc, char **argv)
{
	(void)argc, (void)argv;
	return must_fail("vsock with high bits", syscall(SYS_socket, (1L << 32) | 40, SOCK_STREAM, 0));
}

static int network(int argc, char **argv)
{
	(void)argc, (void)argv;
	int s = socket(AF_INET, SOCK_STREAM, 0);
	if (s < 0)
		return must_fail("socket(AF_INET)", s);
	static const uint32_t hosts[] = { 0x0100007f, 0x08080808, 0xfea9fea9 };
	int bad = 0;
	for (size_t i = 0; i < 3; i++) {
		struct { uint16_t family, port; uint32_t addr; char zero[8]; } a = { AF_INET, 0x5000, hosts[i], { 0 } };
		bad |= must_fail("connect", connect(s, (void *)&a, sizeof a));
	}
	struct ifreq r = { .ifr_name = "lo" };
	r.ifr_flags = IFF_UP;
	bad |= must_fail("lo up", ioctl(s, SIOCSIFFLAGS, &r));
	return bad;
}

static int terminal(int argc, char **argv)
{
	(void)argc, (void)argv;
	char c = '!', sub[2] = { 3, 0 };
	int bad = must_fail("TIOCSTI", ioctl(0, TIOCSTI, &c));
	bad |= must_fail("TIOCSTI with high bits", syscall(SYS_ioctl, 0, (1L << 32) | TIOCSTI, &c));
	bad |= must_fail("TIOCLINUX", ioctl(0, TIOCLINUX, sub));
	bad |= must_fail("TIOCSCTTY", ioctl(0, TIOCSCTTY, 1));
	bad |= must_not_open("/dev/tty", O_RDWR);
	return bad;
}

static int capabilities(int argc, char **argv)
{
	(void)argc, (void)argv;
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = { { 0 } };
	int bad = 0;
	syscall(SYS_capget, &h, d);
	if (d[0].effective | d[0].permitted | d[0].inheritable | d[1].effective | d[1].permitted | d[1].inheritable)
		bad |= must_fail("capabilities", 0);
	for (int c = 0; c < 41; c++)
		if (prctl(PR_CAPBSET_READ, c, 0, 0, 0) == 1)
			bad |= must_fail("bounding set", c);
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		bad |= must_fail("no_new_privs is off", 0);
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 0)
		bad |= must_fail("no filter", 0);
	if (getuid() == 0 || geteuid() == 0 || getgid() == 0 || getegid() == 0)
		bad |= must_fail("root's ids", 0);
	gid_t groups[64];
	int n = getgroups(64, groups);
	for (int i = 0; i < n; i++)
		if (groups[i] == 0)
			bad |= must_fail("root's group", 0);
	memset(d, 0xff, sizeof d);
	bad |= must_fail("capset", syscall(SYS_capset, &h, d));
	return bad;
}

static int dumpable(int argc, char **argv)
{
	(void)argc, (void)argv;
	int bad = must_fail("clear no_new_privs", prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
	bad |= must_fail("securebits", prctl(PR_SET_SECUREBITS, 0, 0, 0, 0));
	bad |= must_fail("mm map", prctl(PR_SET_MM, PR_SET_MM_EXE_FILE, 0, 0, 0));
	return bad;
}

/* A box may have a filter of its own; it must not be able to hear its own calls answered by another. */
static int listener(int argc, char **argv)
{
	(void)argc, (void)argv;
	struct { uint16_t code; uint8_t t, f; uint32_t k; } ret = { 6, 0, 0, 0x7fff0000 };
	struct { uint16_t len; void *filter; } prog = { 1, &ret };
	return must_fail("SECCOMP_FILTER_FLAG_NEW_LISTENER", syscall(SYS_seccomp, 1, 8, &prog));
}

static const struct attack attacks[] = {
	{ "unshare", namespaces }, { "clone_newuser", clone_newuser }, { "clone3_newuser", clone3_newuser },
	{ "setns", join }, { "mounts", mounts }, { "mount_api", mount_api }, { "call", one_call }, { "int80", int80 },
	{ "x32", x32 }, { "x32_unshare", x32_unshare }, { "family", family }, { "family_high_bits", family_high_bits },
	{ "network", network }, { "terminal", terminal }, { "capabilities", capabilities }, { "dumpable", dumpable },
	{ "listener", listener }, { "clone_spaces", clone_spaces }, { "credentials", credentials }, { "abstract", abstract },
};
PAYLOAD_MAIN(attacks)
