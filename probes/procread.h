/* What /proc says of one process, and who the caller is. Names and arguments are for showing only. */
#ifndef PROBES_PROCREAD_H
#define PROBES_PROCREAD_H

#include <stdbool.h>

#include "probes/places.h"
#include "probes/resource.h"

struct procstat {
	pid_t pid, ppid, session;
	int tty; /* device number of the controlling terminal, 0 when none */
	char state;
	uint64_t start_ticks, rss; /* rss in bytes */
	char comm[64];
};

/* The text of /proc/PID/stat. The name may hold spaces, newlines and parentheses: it ends at the last ')'. */
int procstat_parse(const char *text, struct procstat *ret) MUST_CHECK;
/* Whether it started before `boot_ns`, nanoseconds since boot. */
bool procstat_is_older(const struct procstat *st, uint64_t boot_ns);
/* `pid` is a directory name below proc. */
int procstat_read(int proc, const char *pid, struct procstat *ret) MUST_CHECK;

/* The text of /proc/PID/cgroup (`dir` is /proc/PID), for the two below; the caller frees. NULL: unreadable. */
char *process_cgroups(int dir);
/* Everything that is shown of a process. Unreadable parts stay empty. */
void process_describe(int dir, const struct procstat *st, uid_t uid, const char *cgroups, struct arena *a,
		      struct process_facts *ret);
/* The same where the cgroup's path and the pid namespace are known already. */
void process_describe_member(int dir, const struct procstat *st, uid_t uid, const char *cgroup, uint64_t pid_ns,
			     struct arena *a, struct process_facts *ret);
/* The box whose cgroup the process is in, by its own account; NULL when in none.
 * *ret_known is false when the account cannot be read or is relative to another cgroup namespace. */
const char *process_cgroup_box(const char *cgroups, const struct places *places, struct arena *a, bool *ret_known);
/* Wall clock seconds of a start time. */
uint64_t process_born(uint64_t start_ticks);

enum { CALLER_DEPTH = 64 };

struct caller {
	pid_t line[CALLER_DEPTH]; /* this process and its ancestors */
	size_t n;
	pid_t session;
	int tty;
	uint64_t mnt_ns, pid_ns;
};

void caller_read(int proc, struct caller *ret);
/* This process, an ancestor, or something on the caller's terminal. */
bool caller_is(const struct caller *c, const struct procstat *st);

/* The executables of the running installation, by device and inode. */
enum { OUR_PROGRAMS_MAX = 12 };
struct our_programs {
	struct {
		unsigned major, minor;
		uint64_t inode;
	} v[OUR_PROGRAMS_MAX];
	size_t n;
};

void our_programs_read(struct our_programs *ret);
bool our_programs_run_by(const struct our_programs *ours, int dir);

#endif
