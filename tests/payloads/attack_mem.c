/* Memory by every door: each must be charged to the box and end it, or be refused. */
#include "payload.h"

#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { MIB = 1 << 20, GOAL = 1024 }; /* MiB, far above any limit the tests set */

static int full(int mib)
{
	say("REACHED %d MiB\n", mib);
	return REACHED;
}

static int refused(int mib)
{
	say("refused after %d MiB: %d\n", mib, errno);
	return 5;
}

static int heap(int argc, char **argv)
{
	(void)argc, (void)argv;
	for (int i = 0; i < GOAL; i++) {
		char *p = malloc(MIB);
		if (!p)
			return refused(i);
		memset(p, i | 1, MIB);
	}
	return full(GOAL);
}

static int map_with(int flags)
{
	for (int i = 0; i < GOAL; i++) {
		char *p = mmap(NULL, MIB, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			return refused(i);
		memset(p, i | 1, MIB);
	}
	return full(GOAL);
}

static int map_private(int argc, char **argv)
{
	(void)argc, (void)argv;
	return map_with(MAP_PRIVATE);
}

static int map_shared(int argc, char **argv)
{
	(void)argc, (void)argv;
	return map_with(MAP_SHARED);
}

static int map_populate(int argc, char **argv)
{
	(void)argc, (void)argv;
	void *p = mmap(NULL, (size_t)GOAL * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (p == MAP_FAILED)
		return refused(0);
	for (size_t i = 0; i < (size_t)GOAL * MIB; i += 4096)
		((volatile char *)p)[i] = 1;
	return full(GOAL);
}

/* The children's memory counts with the parent's. */
static int children(int argc, char **argv)
{
	(void)argc, (void)argv;
	for (int c = 0; c < 6; c++)
		if (fork() == 0) {
			char *p = mmap(NULL, 32 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			memset(p, 1, 32 * MIB);
			pause();
			_exit(0);
		}
	int status, dead = 0;
	while (wait(&status) > 0)
		dead++;
	return full(192 + dead);
}

static int write_fd(int fd, int goal)
{
	static char block[MIB];
	memset(block, 1, sizeof block);
	for (int i = 0; i < goal; i++) {
		ssize_t n = write(fd, block, sizeof block);
		if (n < (ssize_t)sizeof block)
			return refused(i);
	}
	return full(goal);
}

static int memfd(int argc, char **argv)
{
	(void)argc, (void)argv;
	int fd = (int)syscall(SYS_memfd_create, "bomb", 0);
	return fd < 0 ? refused(0) : write_fd(fd, GOAL);
}

static int sysv_shm(int argc, char **argv)
{
	(void)argc, (void)argv;
	for (int i = 0; i < GOAL / 16; i++) {
		long id = syscall(SYS_shmget, 0, 16 * MIB, 0600 | 01000);
		if (id < 0)
			return refused(i * 16);
		char *p = (char *)syscall(SYS_shmat, id, 0, 0);
		if ((intptr_t)p < 0 && (intptr_t)p > -4096)
			return refused(i * 16);
		memset(p, 1, 16 * MIB);
	}
	return full(GOAL);
}

static int tmp_file(int argc, char **argv)
{
	const char *dir = argc > 1 ? argv[1] : "/tmp";
	static char block[MIB];
	memset(block, 1, sizeof block);
	for (int i = 0; i < GOAL; i++) { /* many files: the file-size limit is another test */
		char name[256];
		snprintf(name, sizeof name, "%s/bomb%d", dir, i);
		int fd = open(name, O_WRONLY | O_CREAT, 0600);
		if (fd < 0 || write(fd, block, sizeof block) < (ssize_t)sizeof block)
			return refused(i);
		close(fd);
	}
	return full(GOAL);
}

static int pipes(int argc, char **argv)
{
	(void)argc, (void)argv;
	static char block[65536];
	long total = 0;
	for (int i = 0; i < 20000; i++) {
		int p[2];
		if (pipe(p) < 0)
			return refused((int)(total / MIB));
		fcntl(p[1], F_SETFL, O_NONBLOCK);
		fcntl(p[1], F_SETPIPE_SZ, MIB);
		for (ssize_t n; (n = write(p[1], block, sizeof block)) > 0;)
			total += n;
	}
	return full((int)(total / MIB));
}

static int sockets(int argc, char **argv)
{
	(void)argc, (void)argv;
	static char block[65536];
	long total = 0;
	for (int i = 0; i < 20000; i++) {
		int p[2], big = 64 * MIB;
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, p) < 0)
			return refused((int)(total / MIB));
		setsockopt(p[1], SOL_SOCKET, SO_SNDBUF, &big, sizeof big);
		for (ssize_t n; (n = send(p[1], block, sizeof block, MSG_DONTWAIT)) > 0;)
			total += n;
	}
	return full((int)(total / MIB));
}

static int lock(int argc, char **argv)
{
	(void)argc, (void)argv;
	if (mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
		say("refused mlockall: %d\n", errno);
	return map_with(MAP_PRIVATE);
}

/* Page tables only: one byte in each 2 MiB. */
static int page_tables(int argc, char **argv)
{
	(void)argc, (void)argv;
	size_t span = (size_t)1 << 40;
	char *p = mmap(NULL, span, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return refused(0);
	for (size_t i = 0; i < span; i += 2 * MIB)
		p[i] = 1;
	return full(GOAL);
}

static const struct attack attacks[] = {
	{ "heap", heap }, { "map_private", map_private }, { "map_shared", map_shared }, { "map_populate", map_populate },
	{ "children", children }, { "memfd", memfd }, { "sysv_shm", sysv_shm }, { "tmp_file", tmp_file },
	{ "pipes", pipes }, { "sockets", sockets }, { "mlock", lock }, { "page_tables", page_tables },
};
PAYLOAD_MAIN(attacks)
