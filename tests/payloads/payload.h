/*
 * What every payload has in common: one program per theme, one function per attack, chosen by its first
 * argument. It says "alive" before it attacks, so that a sandbox that cannot start anything fails every test;
 * it says "REACHED what" when it got where it must not get, and "refused what: errno" when it did not.
 */
#ifndef TESTS_PAYLOADS_PAYLOAD_H
#define TESTS_PAYLOADS_PAYLOAD_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

struct attack {
	const char *name;
	int (*run)(int argc, char **argv);
};

enum { REACHED = 42 };

/* One write each: nothing is lost in a buffer when the kernel kills us. */
#define say(...) ((void)dprintf(1, __VA_ARGS__))

/* For calls that must fail: 0 when refused, REACHED when not. */
static inline int must_fail(const char *what, long result)
{
	if (result < 0) {
		say("refused %s: %d\n", what, errno);
		return 0;
	}
	say("REACHED %s (%ld)\n", what, result);
	return REACHED;
}

/* A file that must not open. */
static inline int must_not_open(const char *path, int flags)
{
	return must_fail(path, open(path, flags));
}

static inline int payload_main(const struct attack *table, size_t n, int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < n; i++)
		if (!strcmp(argv[1], table[i].name)) {
			say("alive %s\n", argv[1]);
			return table[i].run(argc - 1, argv + 1);
		}
	say("no such attack\n");
	return 99;
}

#define PAYLOAD_MAIN(table)                                                              \
	int main(int argc, char **argv)                                                  \
	{                                                                                \
		return payload_main(table, sizeof(table) / sizeof((table)[0]), argc, argv); \
	}

#endif
