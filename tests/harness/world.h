/*
 * A world of its own for one test: a root of its own under /tmp, cgroups of its own under
 * rustbox-root.<hash>, a uid pool of its own, and, when asked, a mount namespace of its own. At the end the
 * kernel is asked, not the product, whether anything is left of it.
 *
 * With WORLD_PREPARED in the environment it is a prepared host (`rustbox prepare`), and always has a mount namespace of its
 * own: the same tests then show that a run begun in the nest is as isolated (tests/system/test_prepare.sh).
 */
#ifndef TESTS_HARNESS_WORLD_H
#define TESTS_HARNESS_WORLD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "probes/base/paths.h"

enum { WORLD_SHARED = 0, WORLD_MOUNTS = 1 }; /* WORLD_MOUNTS: the caller enters a private mount namespace */

struct world {
	char root[64];
	char build[PATH_ROOM]; /* where the programs are: found from /proc/self/exe */
	struct paths paths;
	bool prepared;
	int pool; /* the claim on its uids, see claim_pool(); 0: none */
};

/* To be called first in main(): the rest of the program goes on in a PID and mount namespace of its own, with a /proc of its
 * own. Recovery, which looks at every process there is, then looks at a dozen and not at all of the host's; and whatever the
 * test leaves behind ends with it, also when it is killed. */
void world_alone(void);
/* Why tests of the real kernel cannot run here ("needs root"), or NULL. */
const char *world_lacking(void);
/* Makes the root and becomes the reaper of everything below; fails the test when it cannot. */
void world_open(struct world *w, unsigned flags);
/* The same with a root of the caller's choice, which must not exist yet. */
void world_open_at(struct world *w, const char *root, unsigned flags);
/* What is left in the kernel's own files, one thing a line; "" when nothing. The caller frees. */
char *world_left(const struct world *w);
/* Waits up to `seconds` until nothing is left; true when clean. */
bool world_clean_within(const struct world *w, double seconds);
/* Removes the root and everything in it, whatever that is; false when it could not. */
bool world_remove(struct world *w);
/* world_remove() after world_left(); false, with the list on stderr, when something was left. */
bool world_done(struct world *w);
/* Kills what the world's cgroups and uid pool still hold, and removes its cgroups and mounts: for undo only. */
void world_sweep(const struct world *w);

/* A world for each test of a group: WORLD_TEST(f) is its row, f's first line is `struct world *w = world_need(state)`,
 * which skips where world_lacking() says why. */
int world_each(void **state);
int world_each_end(void **state);
struct world *world_need(void **state);
#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, world_each, world_each_end)

bool world_mounted(const char *path); /* in this process's own mount table */
/* umount(2), asked again while it is busy: whoever looks at a path holds its mount for that moment. */
bool world_unmount(const char *path);

struct ran {
	int code;   /* exit status, or -1 when killed */
	int signal; /* 0, or what killed it */
	bool late;  /* the deadline came first; everything in its session was killed */
	double seconds;
	char *out, *err; /* NUL-terminated; ran_done() frees */
	size_t out_len, err_len;
};

/* Runs argv with RUSTBOX_ROOT set. A first word starting with "rustbox" or "payloads/" is taken from the build.
 * `input` may be NULL. Returns when the program ends, even when an orphan keeps its output open. */
void world_run(const struct world *w, struct ran *ret, double seconds, const char *input, const char *const *argv);
#define world_call(w, ret, seconds, ...) world_run(w, ret, seconds, NULL, (const char *const[]){ __VA_ARGS__, NULL })
void ran_done(struct ran *r);
/* The last line of standard output as JSON; NULL when it is none. The caller's reference. */
json_t *ran_json(const struct ran *r);

/* "cleanup.outcome": the value at a dotted path as text ("" when absent); for assertions. */
const char *json_at(const json_t *j, const char *dotted, char *buf, size_t cap);

/* Calls `each` with every directory where a hierarchy of cgroups is mounted, and its name. */
void world_hierarchies(void (*each)(const char *mount_point, const char *name, void *arg), void *arg);
double world_now(void);
/* A bound for waiting for what must come: `seconds` as a quiet host needs them, stretched by how busy or slow this one is,
 * and a minute at least. 0 stays 0. */
double world_patience(double seconds);

#endif
