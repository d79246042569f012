/*
 * The injector: runs a program under ptrace(2), counts the system calls of the whole family of processes with
 * one counter, and at call N kills the caller, kills them all, or makes the call fail once. Nothing is linked
 * into the product and nothing can be missed: it sees raw, vforked and statically linked calls alike.
 *
 * A process is let go at the exec of something that is not one of our programs: the payload runs untraced.
 */
#ifndef TESTS_HARNESS_INJECT_H
#define TESTS_HARNESS_INJECT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/harness/world.h"

enum inject_act { INJECT_NOTHING, INJECT_KILL_SELF, INJECT_KILL_ALL, INJECT_ERRNO };

struct inject_plan {
	enum inject_act act;
	unsigned at;	 /* 1.. : which call of the family */
	const uint32_t *only; /* `at` counts only calls of this number; NULL: all */
	bool acting;	 /* `at` counts only calls that are not idle (inject_is_idle) */
	int error;	 /* for INJECT_ERRNO: a positive errno */
	double seconds;	 /* the deadline of the whole run; 0: 20 s */
};

struct inject_call {
	pid_t pid;
	uint32_t nr;
	uint64_t args[3];
	uint64_t place; /* where in the code it was made: equal for equal paths to it, within one run */
	int64_t result;
	bool main; /* made by the first process */
};

enum { INJECT_ROOM = 32768 };

struct injected {
	unsigned calls, acting;	  /* made in all; of them not idle */
	unsigned let_go;	  /* processes released at their exec */
	bool fired, late;	  /* the plan's call came; the deadline came */
	int wstatus;		  /* of the first process */
	double died;		  /* world_now() when the first process ended */
	char out[65536];	  /* its standard output */
	struct inject_call v[INJECT_ROOM];
};

/* Standard output and error go to a file and into `out`. Returns a mapping to be freed by inject_free(). */
struct injected *inject_run(const struct world *w, const struct inject_plan *plan, const char *const *argv);
void inject_free(struct injected *r);
#define inject_call_argv(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* True when call i of the log cannot have changed anything outside the caller's memory and descriptors: a crash after it
 * leaves the same world as a crash before it. */
bool inject_is_idle(const struct injected *r, unsigned i);
const char *inject_name(uint32_t nr); /* "openat", or "call 999" in a static buffer */
/* Errors that this call can plausibly give, ended by 0; NULL when there is none worth a point. */
const int *inject_errors(uint32_t nr);

#endif
