/* Processes: bombs, daemons, the deaf and the stopped, signals outward, exit codes that lie. */
#include "payload.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>

static void rest(void)
{
	for (;;)
		pause();
}

/* Forks sleepers until refused, then says how many: the pids limit, not luck, must have ended it. */
static int bomb_report(int count)
{
	say("forked %d, then errno %d\n", count, errno);
	return errno == EAGAIN ? 7 : 1;
}

static int fork_bomb(int argc, char **argv)
{
	(void)argc, (void)argv;
	for (int i = 0; i < 5000; i++) {
		pid_t p = fork();
		if (p < 0)
			return bomb_report(i);
		if (p == 0)
			rest();
	}
	say("REACHED 5000 processes\n");
	return REACHED;
}

/* Every child forks as well, for ever. */
static int fork_storm(int argc, char **argv)
{
	(void)argc, (void)argv;
	for (;;)
		(void)!fork();
	return 0;
}

static int vfork_bomb(int argc, char **argv)
{
	(void)argc, (void)argv;
	for (int i = 0; i < 5000; i++) {
		pid_t p = (pid_t)syscall(SYS_clone, CLONE_VM | SIGCHLD, malloc(16384) + 16000, 0, 0, 0);
		if (p < 0)
			return bomb_report(i);
		if (p == 0)
			for (;;)
				syscall(SYS_pause);
	}
	say("REACHED 5000 processes\n");
	return REACHED;
}

static void *thread_rest(void *arg)
{
	(void)arg;
	rest();
	return NULL;
}

static int thread_bomb(int argc, char **argv)
{
	(void)argc, (void)argv;
	pthread_attr_t small;
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 16384);
	for (int i = 0; i < 5000; i++) {
		pthread_t t;
		int error = pthread_create(&t, &small, thread_rest, NULL);
		if (error) {
			errno = error;
			return bomb_report(i);
		}
	}
	say("REACHED 5000 threads\n");
	return REACHED;
}

/* A chain: each child forks its successor and dies, always one pid ahead of a killer that goes by pid. */
static int chain(int argc, char **argv)
{
	(void)argc, (void)argv;
	for (;;) {
		pid_t p = fork();
		if (p != 0)
			_exit(0);
	}
}

static int daemonize(bool deaf)
{
	if (fork() == 0) {
		setsid();
		if (fork() == 0) {
			for (int s = 1; deaf && s < 65; s++)
				signal(s, SIG_IGN);
			for (int fd = 0; fd < 64; fd++)
				close(fd);
			rest();
		}
		_exit(0);
	}
	wait(NULL);
	return 0;
}

static int orphan(int argc, char **argv)
{
	(void)argc, (void)argv;
	return daemonize(false);
}

static int orphan_deaf(int argc, char **argv)
{
	(void)argc, (void)argv;
	return daemonize(true);
}

/* The orphan keeps our stdout open: the verdict must not wait for it. */
static int orphan_stdout(int argc, char **argv)
{
	(void)argc, (void)argv;
	if (fork() == 0) {
		setsid();
		rest();
	}
	return 0;
}

static int deaf_sleep(int argc, char **argv)
{
	(void)argc, (void)argv;
	for (int s = 1; s < 65; s++)
		signal(s, SIG_IGN);
	for (;;)
		sleep(1000);
	return 0;
}

static int stop_self(int argc, char **argv)
{
	(void)argc, (void)argv;
	raise(SIGSTOP);
	rest();
	return 0;
}

static int stopped_children(int argc, char **argv)
{
	(void)argc, (void)argv;
	for (int i = 0; i < 4; i++) {
		pid_t p = fork();
		if (p == 0)
			rest();
		kill(p, SIGSTOP);
	}
	return 0;
}

/* A child that waits in vfork for ever: uninterruptible, in state D for those who look. */
static int vfork_parent(int argc, char **argv)
{
	(void)argc, (void)argv;
	if (fork() == 0) {
		if (vfork() == 0)
			for (;;)
				syscall(SYS_pause);
		_exit(0);
	}
	usleep(20000);
	return 0;
}

static int zombies(int argc, char **argv)
{
	(void)argc, (void)argv;
	for (int i = 0; i < 5; i++)
		if (fork() == 0)
			_exit(0);
	usleep(20000);
	return 0;
}

static int spin(int argc, char **argv)
{
	(void)argc, (void)argv;
	for (volatile uint64_t i = 0;; i++)
		;
	return 0;
}

static void *thread_spin(void *arg)
{
	(void)arg;
	spin(0, NULL);
	return NULL;
}

static int spin_threads(int argc, char **argv)
{
	(void)argc, (void)argv;
	for (int i = 0; i < 3; i++) {
		pthread_t t;
		pthread_create(&t, NULL, thread_spin, NULL);
	}
	return spin(0, NULL);
}

/* The CPU time of children counts: neither reaping them nor leaving them may hide it. */
static int spin_children(int argc, char **argv)
{
	bool reap = argc > 1 && !strcmp(argv[1], "reaped");
	for (;;) {
		pid_t p = fork();
		if (p == 0) {
			struct rusage u;
			do {
				for (volatile int i = 0; i < 1000000; i++)
					;
				getrusage(RUSAGE_SELF, &u);
			} while (u.ru_utime.tv_usec + u.ru_utime.tv_sec * 1000000 < 100000);
			_exit(0);
		}
		if (p > 0 && reap)
			waitpid(p, NULL, 0);
		else if (p > 0)
			usleep(60000);
		else
			usleep(1000);
	}
}

/* The kernel's SIGXCPU at the soft limit is caught and ignored. */
static int spin_deaf(int argc, char **argv)
{
	(void)argc, (void)argv;
	signal(SIGXCPU, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	return spin(0, NULL);
}

static int raise_limit(int argc, char **argv)
{
	(void)argc, (void)argv;
	struct rlimit r = { RLIM_INFINITY, RLIM_INFINITY };
	int bad = must_fail("RLIMIT_CPU", setrlimit(RLIMIT_CPU, &r));
	bad |= must_fail("RLIMIT_NOFILE", setrlimit(RLIMIT_NOFILE, &r));
	bad |= must_fail("RLIMIT_FSIZE", setrlimit(RLIMIT_FSIZE, &r));
	return bad;
}

/* A crash with a core limit of 0 would start the host's core handler as root: the limit must be 1 and stay so (core(5)). */
static int core_handler(int argc, char **argv)
{
	(void)argc, (void)argv;
	struct rlimit none = { 0, 0 }, now = { 9, 9 };
	int bad = must_fail("RLIMIT_CORE 0", setrlimit(RLIMIT_CORE, &none));
	bad |= must_fail("setrlimit 0", syscall(SYS_setrlimit, RLIMIT_CORE, &none));
	bad |= must_fail("prlimit64 0, high bits", syscall(SYS_prlimit64, 0, 1L << 32 | RLIMIT_CORE, &none, NULL));
	void *low = mmap((void *)(1L << 32), 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (low != MAP_FAILED) /* zeroes, and a pointer whose low half is none */
		bad |= must_fail("prlimit64 0, low half NULL", syscall(SYS_prlimit64, 0, RLIMIT_CORE, low, NULL));
	if (getrlimit(RLIMIT_CORE, &now) == 0)
		say("core %lu %lu\n", (unsigned long)now.rlim_cur, (unsigned long)now.rlim_max);
	abort();
	return bad;
}

/* Timers and watches are the kernel's memory: each kind ends at a limit of this box's own uid. */
static int timers(int argc, char **argv)
{
	(void)argc, (void)argv;
	long n = 0;
	for (timer_t id; n < 1000000 && syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, &id) == 0;)
		n++;
	if (n == 1000000)
		say("REACHED a million timers\n");
	say("refused after %ld timers: %d\n", n, errno);
	return 0;
}

static int descriptors_of(int (*make)(void))
{
	int n = 0;
	while (n < 100000 && make() >= 0)
		n++;
	return n;
}

static int new_inotify(void)
{
	return inotify_init1(IN_CLOEXEC);
}

static int new_event(void)
{
	return eventfd(0, 0);
}

static int new_timer(void)
{
	return timerfd_create(CLOCK_MONOTONIC, 0);
}

static int kernel_objects(int argc, char **argv)
{
	(void)argc, (void)argv;
	int (*const make[])(void) = { new_inotify, new_event, new_timer };
	for (size_t i = 0; i < sizeof make / sizeof make[0]; i++) {
		int n = descriptors_of(make[i]);
		if (n == 100000)
			say("REACHED a hundred thousand descriptors\n");
		say("refused after %d: %d\n", n, errno);
		close_range(3, ~0u, 0);
	}
	return 0;
}

/* Watches cost memory outside of any file; a new directory each, until the kernel or the workspace says no. */
static int watches(int argc, char **argv)
{
	(void)argc, (void)argv;
	int fd = inotify_init1(IN_CLOEXEC), n = 0;
	char name[32];
	for (; n < 1000000; n++) {
		snprintf(name, sizeof name, "d%d", n);
		if (mkdir(name, 0700) < 0 || inotify_add_watch(fd, name, IN_ALL_EVENTS) < 0)
			break;
	}
	say("refused after %d watches: %d\n", n, errno);
	return n == 1000000 ? REACHED : 0;
}

/* A program made of memory gets no more than one made of a file: same filter, same identity, no gain. */
static int memory_program(int argc, char **argv)
{
	char *then[] = { argv[0], (char[]){ "memory_program" }, (char[]){ "inside" }, NULL };
	if (argc > 1) {
		say("inside\n");
		struct rlimit r = { RLIM_INFINITY, RLIM_INFINITY };
		int bad = must_fail("RLIMIT_CPU", setrlimit(RLIMIT_CPU, &r));
		return bad | must_fail("unshare", unshare(CLONE_NEWUSER));
	}
	char buf[65536];
	int from = open("/proc/self/exe", O_RDONLY), to = memfd_create("program", MFD_CLOEXEC);
	for (ssize_t n; (n = read(from, buf, sizeof buf)) > 0;)
		if (write(to, buf, (size_t)n) != n)
			return 1;
	execveat(to, "", then, environ, AT_EMPTY_PATH);
	say("refused execveat: %d\n", errno);
	return 0;
}

/* Arguments are copied by the kernel into the new program's stack: charged, and bounded by the stack limit. */
static int huge_arguments(int argc, char **argv)
{
	enum { EACH = 128 << 10, MANY = 4096 };
	char *word = malloc(EACH), **list = calloc(MANY + 1, sizeof *list);
	if (argc > 1)
		return 0;
	memset(word, 'a', EACH - 1);
	word[EACH - 1] = '\0';
	list[0] = argv[0];
	for (int i = 1; i < MANY; i++)
		list[i] = word;
	return must_fail("half a gigabyte of arguments", execv("/proc/self/exe", list));
}

static int wall_sleep(int argc, char **argv)
{
	(void)argc, (void)argv;
	for (;;)
		sleep(1000);
	return 0;
}

static int exit_code(int argc, char **argv)
{
	_exit(argc > 1 ? atoi(argv[1]) : 1);
}

static int raise_signal(int argc, char **argv)
{
	int s = argc > 1 ? atoi(argv[1]) : SIGABRT;
	signal(s, SIG_DFL);
	kill(getpid(), s);
	usleep(100000);
	_exit(98);
}

static int crash_segv(int argc, char **argv)
{
	(void)argc, (void)argv;
	*(volatile int *)(uintptr_t)8 = 1;
	return 0;
}

static int crash_fpe(int argc, char **argv)
{
	(void)argv;
	volatile int zero = argc - argc;
	volatile int many = 1000; /* 1 / x needs no division, says gcc */
	return many / zero;
}

static int stack_overflow_at(volatile char *above)
{
	volatile char frame[65536];
	frame[0] = above ? above[0] : 1;
	return frame[0] ? stack_overflow_at(frame) + frame[0] : 0;
}

static int stack_overflow(int argc, char **argv)
{
	(void)argc, (void)argv;
	return stack_overflow_at(NULL);
}

/* kill(-1) may only find our own: a bystander outside is checked by the test. */
static int kill_all(int argc, char **argv)
{
	(void)argc, (void)argv;
	signal(SIGTERM, SIG_IGN);
	long r = kill(-1, SIGTERM);
	say("kill -1: %ld errno %d\n", r, errno);
	for (int pid = 2; pid < 40000; pid++)
		if (pid != getpid() && kill(pid, SIGKILL) == 0)
			say("REACHED pid %d\n", pid);
	return 0;
}

static int kill_init(int argc, char **argv)
{
	(void)argc, (void)argv;
	long r = kill(1, SIGKILL);
	say("kill 1: %ld errno %d\n", r, errno);
	usleep(50000);
	say("still here\n");
	return r == 0 ? REACHED : 0;
}

static int kill_parent_group(int argc, char **argv)
{
	(void)argc, (void)argv;
	say("ppid %d pgrp %d sid %d\n", getppid(), getpgrp(), getsid(0));
	signal(SIGKILL, SIG_DFL);
	if (getppid() > 1)
		return must_fail("the parent", kill(getppid(), SIGKILL));
	return 0;
}

static int trace_init(int argc, char **argv)
{
	(void)argc, (void)argv;
	int bad = must_fail("PTRACE_ATTACH 1", ptrace(PTRACE_ATTACH, 1, NULL, NULL));
	bad |= must_fail("PTRACE_SEIZE 1", ptrace(PTRACE_SEIZE, 1, NULL, NULL));
	return bad;
}

static int read_init_memory(int argc, char **argv)
{
	(void)argc, (void)argv;
	int bad = must_not_open("/proc/1/mem", O_RDWR);
	bad |= must_not_open("/proc/1/environ", O_RDONLY);
	bad |= must_not_open("/proc/1/maps", O_RDONLY);
	char exe[512];
	bad |= must_fail("/proc/1/exe", readlink("/proc/1/exe", exe, sizeof exe));
	bad |= must_not_open("/proc/1/root/etc/shadow", O_RDONLY);
	bad |= must_not_open("/proc/1/fd/0", O_RDONLY);
	bad |= must_fail("/proc/1/cwd", chdir("/proc/1/cwd"));
	return bad;
}

static int vm_read_init(int argc, char **argv)
{
	(void)argc, (void)argv;
	char buf[16];
	uintptr_t local[2] = { (uintptr_t)buf, sizeof buf }, remote[2] = { 0x400000, sizeof buf };
	int bad = must_fail("process_vm_readv 1", syscall(SYS_process_vm_readv, 1, local, 1, remote, 1, 0));
	int fd = (int)syscall(434 /* pidfd_open */, 1, 0);
	if (fd >= 0)
		bad |= must_fail("pidfd_getfd 1", syscall(438, fd, 0, 0));
	return bad;
}

/* How many processes of others can be seen: none but init and ourselves. */
static int look_around(int argc, char **argv)
{
	(void)argc, (void)argv;
	DIR *d = opendir("/proc");
	int seen = 0;
	for (struct dirent *e; d && (e = readdir(d));)
		if (e->d_name[0] >= '0' && e->d_name[0] <= '9' && atoi(e->d_name) != getpid())
			seen++;
	say("others %d, i am %d\n", seen, getpid());
	if (seen > 1 || getpid() > 10) {
		say("REACHED the host's process list\n");
		return REACHED;
	}
	return 0;
}

static int priority(int argc, char **argv)
{
	(void)argc, (void)argv;
	int bad = must_fail("nice -20", setpriority(PRIO_PROCESS, 0, -20));
	struct sched_param p = { .sched_priority = 50 };
	bad |= must_fail("SCHED_FIFO", sched_setscheduler(0, SCHED_FIFO, &p));
	bad |= must_fail("SCHED_RR", sched_setscheduler(0, SCHED_RR, &p));
	/* struct sched_attr: size, policy, flags, nice, priority, runtime, deadline, period */
	struct { uint32_t size, policy; uint64_t flags; int32_t nice; uint32_t priority; uint64_t time[3]; } deadline = {
		.size = 48, .policy = 6, .time = { 10000000, 20000000, 20000000 } };
	bad |= must_fail("SCHED_DEADLINE", syscall(SYS_sched_setattr, 0, &deadline, 0));
	return bad;
}

/* A child that is init's and not ours, and ends well: its end must not be taken for ours. */
static int clone_parent(int argc, char **argv)
{
	(void)argc, (void)argv;
	pid_t p = (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
	if (p == 0)
		_exit(0);
	say("sibling %d\n", p);
	while (p > 0 && kill(p, 0) == 0) /* until init has reaped it */
		usleep(1000);
	return 3;
}

static int signal_init(int argc, char **argv)
{
	(void)argc, (void)argv;
	int fd = (int)syscall(434 /* pidfd_open */, 1, 0);
	int bad = fd < 0 ? 0 : must_fail("pidfd of init", syscall(424 /* pidfd_send_signal */, fd, SIGKILL, NULL, 0));
	siginfo_t info = { .si_code = SI_QUEUE, .si_signo = SIGCHLD };
	bad |= must_fail("a forged SIGCHLD", syscall(SYS_rt_sigqueueinfo, 1, SIGCHLD, &info));
	return bad;
}

static int undying(int argc, char **argv)
{
	(void)argc, (void)argv;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	prctl(PR_SET_PDEATHSIG, 0);
	return daemonize(true);
}

/* Signals to itself, 100,000 of them. */
static int signal_storm(int argc, char **argv)
{
	(void)argc, (void)argv;
	signal(SIGUSR1, SIG_IGN);
	for (int i = 0; i < 100000; i++)
		kill(getpid(), SIGUSR1);
	return 0;
}

static int hello(int argc, char **argv)
{
	(void)argc, (void)argv;
	say("hello\n");
	return 0;
}

static const struct attack attacks[] = {
	{ "hello", hello }, { "fork_bomb", fork_bomb }, { "fork_storm", fork_storm }, { "vfork_bomb", vfork_bomb },
	{ "thread_bomb", thread_bomb }, { "chain", chain }, { "orphan", orphan }, { "orphan_deaf", orphan_deaf },
	{ "orphan_stdout", orphan_stdout }, { "deaf_sleep", deaf_sleep }, { "stop_self", stop_self },
	{ "stopped_children", stopped_children }, { "vfork_parent", vfork_parent }, { "zombies", zombies },
	{ "spin", spin }, { "spin_threads", spin_threads }, { "spin_children", spin_children }, { "spin_deaf", spin_deaf },
	{ "core_handler", core_handler }, { "timers", timers }, { "kernel_objects", kernel_objects }, { "watches", watches },
	{ "memory_program", memory_program }, { "huge_arguments", huge_arguments },
	{ "raise_limit", raise_limit }, { "wall_sleep", wall_sleep }, { "exit", exit_code }, { "raise", raise_signal },
	{ "segv", crash_segv }, { "fpe", crash_fpe }, { "stack_overflow", stack_overflow }, { "kill_all", kill_all },
	{ "kill_init", kill_init }, { "kill_parent", kill_parent_group }, { "trace_init", trace_init },
	{ "read_init", read_init_memory }, { "vm_read_init", vm_read_init }, { "look_around", look_around },
	{ "priority", priority }, { "clone_parent", clone_parent }, { "signal_init", signal_init }, { "undying", undying }, { "signal_storm", signal_storm },
};
PAYLOAD_MAIN(attacks)
