/*
 * Makes system calls by number, each in a process of its own, and says what became of it. argv[1] is a list of
 * "number:argument:value": that argument has the value, all others are -1, which no call can do harm with.
 */
#include <sys/prctl.h>
#include <sys/time.h>

#include "payload.h"

struct answer {
	bool returned;
	long result;
	int error;
};

static void try(volatile struct answer *a, long nr, int which, long value)
{
	long arg[6] = { -1, -1, -1, -1, -1, -1 };
	arg[which] = value;
	(void)setitimer(ITIMER_REAL, &(struct itimerval){ .it_value.tv_usec = 200000 }, NULL); /* for those that wait */
	errno = 0;
	long r = syscall(nr, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
	a->error = errno;
	a->result = r;
	a->returned = true;
	_exit(0);
}

int main(int argc, char **argv)
{
	struct answer *a = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char *save = NULL;
	if (argc < 2 || a == MAP_FAILED)
		return 1;
	say("alive calls\n");
	for (char *word = strtok_r(argv[1], ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		long nr, value;
		int which, status;
		if (sscanf(word, "%ld:%d:%ld", &nr, &which, &value) != 3)
			return 1;
		*a = (struct answer){ 0 };
		pid_t pid = fork();
		if (pid == 0)
			try(a, nr, which, value);
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			return 1;
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
			say("%s killed\n", word);
		else if (a->returned && a->result == -1)
			say("%s errno %d\n", word, a->error);
		else
			say("%s made\n", word);
	}
	return 0;
}
