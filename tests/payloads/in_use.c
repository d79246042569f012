/* Uses up one thing, or ends in one way; tests/system/test_limits.c says which verdict is true. */
#include <sched.h>
#include <sys/resource.h>
#include <time.h>

#include "payload.h"

static int arg(int argc, char **argv)
{
	return argc > 1 ? atoi(argv[1]) : 0;
}

static int memory(int argc, char **argv)
{
	for (int i = 0; i < arg(argc, argv); i++) {
		char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			return 1;
		memset(p, i + 1, 1 << 20);
	}
	return 0;
}

static int child_memory(int argc, char **argv)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(memory(argc, argv));
	int status;
	return waitpid(pid, &status, 0) == pid ? (sleep(600), 0) : 1;
}

static int spin(int argc, char **argv)
{
	(void)argc, (void)argv;
	for (volatile unsigned long i = 1; i; i++)
		;
	return 0;
}

/* Stands still until somebody outside continues it. */
static int spin_when_told(int argc, char **argv)
{
	return raise(SIGSTOP) == 0 ? spin(argc, argv) : 1;
}

/* Uses so many milliseconds of processor time, then ends well. */
static int burn(int argc, char **argv)
{
	while (clock() < arg(argc, argv) * (CLOCKS_PER_SEC / 1000))
		;
	return 0;
}

/* Works for so many milliseconds by the clock, whatever it gets done. */
static int work(int argc, char **argv)
{
	struct timespec now, start;
	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		for (volatile int i = 0; i < 100000; i++)
			;
		(void)clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 < arg(argc, argv));
	return 0;
}

/* Works from one time to another, milliseconds of CLOCK_MONOTONIC; fails when it comes late. */
static int share(int argc, char **argv)
{
	long long at = argc > 1 ? atoll(argv[1]) : 0, until = argc > 2 ? atoll(argv[2]) : 0;
	struct timespec now, from = { .tv_sec = at / 1000, .tv_nsec = at % 1000 * 1000000 };
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec * 1000 + now.tv_nsec / 1000000 >= at)
		return 1;
	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &from, NULL);
	do {
		for (volatile int i = 0; i < 10000; i++)
			;
		(void)clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec * 1000 + now.tv_nsec / 1000000 < until);
	return 0;
}

static int affinity(int argc, char **argv)
{
	cpu_set_t set;
	(void)argc, (void)argv;
	if (sched_getaffinity(0, sizeof set, &set) < 0)
		return 1;
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &set))
			say("cpu %d\n", i);
	CPU_ZERO(&set);
	CPU_SET(argc > 1 ? atoi(argv[1]) : 0, &set);
	say("taking another: %s\n", sched_setaffinity(0, sizeof set, &set) < 0 ? "refused" : "REACHED");
	return 0;
}

static int dig(int mib)
{
	volatile char block[1 << 20];
	memset((char *)(uintptr_t)block, mib, sizeof block);
	return mib > 1 ? dig(mib - 1) + block[mib] : block[0];
}

static int stack(int argc, char **argv)
{
	say("depth %d\n", dig(arg(argc, argv)) != 0);
	return 0;
}

static int core(int argc, char **argv)
{
	struct rlimit l;
	(void)argc, (void)argv;
	if (getrlimit(RLIMIT_CORE, &l) < 0)
		return 1;
	pid_t pid = fork();
	if (pid == 0)
		abort();
	int status;
	struct stat st;
	char name[32];
	(void)snprintf(name, sizeof name, "core.%d", (int)pid);
	if (waitpid(pid, &status, 0) != pid)
		return 1;
	say("limit %llu dumped %d file %d\n", (unsigned long long)l.rlim_cur, WCOREDUMP(status) != 0,
	    stat("core", &st) == 0 || stat(name, &st) == 0);
	return 0;
}

static int rest(int argc, char **argv)
{
	struct timespec t = { .tv_sec = arg(argc, argv) / 1000, .tv_nsec = arg(argc, argv) % 1000 * 1000000L };
	return nanosleep(&t, NULL) < 0;
}

/* Says how many children there could be at once, and fails when one was refused. */
static int children(int argc, char **argv)
{
	int n = 0;
	for (; n < arg(argc, argv); n++) {
		pid_t pid = fork();
		if (pid == 0) {
			(void)pause();
			_exit(0);
		}
		if (pid < 0)
			break;
	}
	say("children %d\n", n);
	return n < arg(argc, argv);
}

static int file(int argc, char **argv)
{
	static char block[65536];
	int fd = open("f", O_CREAT | O_WRONLY | O_TRUNC, 0600);
	for (int left = arg(argc, argv); left > 0; left -= (int)sizeof block)
		if (write(fd, block, sizeof block) < 0) {
			say("errno %d\n", errno);
			return 1;
		}
	return 0;
}

static int inodes(int argc, char **argv)
{
	char name[32];
	for (int i = 0; i < arg(argc, argv); i++) {
		(void)snprintf(name, sizeof name, "f%d", i);
		int fd = open(name, O_CREAT | O_WRONLY, 0600);
		if (fd < 0) {
			say("errno %d\n", errno);
			return 1;
		}
		(void)close(fd);
	}
	return 0;
}

static int files(int argc, char **argv)
{
	(void)argc, (void)argv;
	int n = 0;
	while (open("/dev/null", O_RDONLY) >= 0)
		n++;
	say("files %d\n", n + 3);
	return errno != EMFILE;
}

/* Holds every descriptor it can get for a while, then fails. */
static int hoard(int argc, char **argv)
{
	(void)files(argc, argv);
	(void)usleep(300000);
	return 3;
}

/* Signals that are queued and never taken: only real-time ones pile up. */
static int signal_storm(int argc, char **argv)
{
	(void)argc, (void)argv;
	sigset_t all;
	int n = 0;
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
	while (sigqueue(getpid(), SIGRTMIN + n % 8, (union sigval){ .sival_int = n }) == 0)
		n++;
	say("queued %d\n", n);
	(void)usleep(300000);
	return 3;
}

static int output(int argc, char **argv)
{
	static char line[1024];
	memset(line, 'x', sizeof line);
	for (int left = arg(argc, argv); left > 0; left -= (int)sizeof line)
		if (write(1, line, sizeof line) < 0)
			return 1;
	return 0;
}

static int leave(int argc, char **argv)
{
	return arg(argc, argv);
}

static int die(int argc, char **argv)
{
	return raise(arg(argc, argv));
}

static int echo(int argc, char **argv)
{
	(void)argc, (void)argv;
	char buf[4096];
	ssize_t n;
	while ((n = read(0, buf, sizeof buf)) > 0)
		if (write(1, buf, (size_t)n) != n)
			return 1;
	return n < 0;
}

int main(int argc, char **argv)
{
	static const struct attack table[] = {
		{ "memory", memory }, { "child_memory", child_memory }, { "spin", spin }, { "spin_when_told", spin_when_told }, { "sleep", rest },
		{ "children", children }, { "file", file }, { "inodes", inodes }, { "files", files },
		{ "output", output }, { "exit", leave }, { "signal", die }, { "echo", echo }, { "hoard", hoard },
		{ "signal_storm", signal_storm }, { "burn", burn }, { "work", work }, { "share", share }, { "affinity", affinity }, { "stack", stack },
		{ "core", core },
	};
	return payload_main(table, sizeof table / sizeof table[0], argc, argv);
}
