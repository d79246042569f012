/*
 * Pid 1 of a box: reaps, reports the program's end, and ends the box when the supervisor is gone. It holds no
 * privilege, another uid than the program, and no descriptor but the ones below.
 */
#ifndef SANDBOX_BOX_INIT_H
#define SANDBOX_BOX_INIT_H

#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

enum { INIT_KEPT = 2 };

/* One atomic record on the status pipe. */
struct init_report {
	int32_t wstatus; /* raw, as wait4(2) gave it */
	struct rusage usage;
};

struct init {
	pid_t program;
	int lifeline_fd, status_fd;
	int kept[INIT_KEPT];
	const char *title;
	uid_t uid; /* to become */
};

/* Never returns. SIGCHLD must be blocked. */
_Noreturn void init_run(const struct init *init);

#endif
