/*
 * The fault lab: plants real leftovers in a world, each beside canaries that must survive, proves that they
 * are there, proves that they are gone, and can undo all of it. Used by the recovery tests, by `lab` (for
 * people, screenshots and drills) and by nothing in the product.
 *
 * What a fault plants is written down as traces (a mount by unique id, a cgroup by path, a process by pidfd,
 * a path by inode, a device by number); "gone" is asked of the kernel trace by trace.
 */
#ifndef TESTS_HARNESS_LAB_H
#define TESTS_HARNESS_LAB_H

#include <stdint.h>

#include "tests/harness/world.h"

enum trace_kind { TRACE_MOUNT, TRACE_CGROUP, TRACE_PROCESS, TRACE_PATH, TRACE_GHOST };

struct trace {
	enum trace_kind kind;
	char name[PATH_ROOM * 2];
	uint64_t id; /* unique mount id, inode, or device of a ghost */
	int fd;	     /* pidfd */
	pid_t pid;
};

/* What recovery must leave alone: a file with all its attributes, a process, or a mount. */
struct canary {
	enum trace_kind kind;
	char name[PATH_ROOM * 2];
	uint64_t inode, hash, mount_id;
	unsigned uid, mode, nlink;
	int64_t mtime_ns;
	pid_t pid;
	int fd;
};

enum { LAB_TRACES = 256, LAB_CANARIES = 32 };

struct lab {
	const struct world *world;
	char box[65];
	struct trace trace[LAB_TRACES];
	unsigned ntraces;
	struct canary canary[LAB_CANARIES];
	unsigned ncanaries;
	int keepers[64]; /* write ends: closing one ends its keeper and what it holds */
	pid_t keeper_pids[64];
	unsigned nkeepers;
	char loop[64];	 /* a loop device to detach */
	char frozen[PATH_ROOM]; /* a file system to thaw */
	char why[240];	 /* why it could not be planted */
};

enum planted { PLANTED, PLANT_IMPOSSIBLE /* this machine cannot; lab->why says what it lacks */, PLANT_FAILED };

struct fault {
	const char *name;
	const char *what;  /* one line for people */
	bool lazy_only;	   /* goes only with a lazy unmount or an outside event: plain recovery must say so, not hang */
	bool foreign;	   /* plants only things that are not rustbox's: recovery must find nothing */
	enum planted (*plant)(struct lab *l);
};
extern const struct fault lab_faults[];
extern const unsigned lab_fault_count;
const struct fault *lab_fault(const char *name);

void lab_open(struct lab *l, const struct world *w, const char *box);
enum planted lab_plant(struct lab *l, const struct fault *f);
bool lab_present(const struct lab *l, char *missing, size_t cap); /* every trace is there */
bool lab_gone(const struct lab *l, char *left, size_t cap);	   /* no trace is there */
bool lab_unharmed(const struct lab *l, char *harm, size_t cap);   /* every canary is what it was */
/* Ends what is in the way by itself (a freeze, a lazy parent): an outside event, as an engineer's. */
void lab_relent(struct lab *l);
void lab_undo(struct lab *l);

/* The parts faults are made of; each returns false with l->why. */
bool lab_dir(struct lab *l, char out[PATH_ROOM * 2], const char *below);	 /* mkdir -p in the box's temp directory */
bool lab_tmpfs(struct lab *l, const char *path, const char *source);
bool lab_bind(struct lab *l, const char *from, const char *path);
bool lab_cgroup(struct lab *l, const char *below, char out[PATH_ROOM * 2]); /* in every hierarchy; out: pids or v2 */
bool lab_file(struct lab *l, const char *path, const char *content);
bool lab_canary_file(struct lab *l, const char *path, const char *content);
/* Runs `body` in a process whose parent reaps it at once; it is in the box's cgroup when `inside`. The body runs until
 * it is killed; it must call lab_ready() when it holds what it shall hold. */
pid_t lab_process(struct lab *l, bool inside, void (*body)(struct lab *l, void *arg), void *arg);
void lab_ready(void);
bool lab_ledger(struct lab *l, const char *text); /* text NULL: a true record of every trace so far */

#endif
