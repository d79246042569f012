/*
 * Planting: what faults are made of. Planted processes are nobody's children (their maker ends at once), so that a
 * killed one is reaped by the drill's init and not left as a zombie; they have sessions of their own, so that no console
 * takes them for its own.
 */
#ifndef SANDBOX_DRILL_PLANT_H
#define SANDBOX_DRILL_PLANT_H

#include "sandbox/drill/ground.h"

int plant_path(struct ground *g, const char *box, const char *below, char out[THING_NAME], struct err *e) MUST_CHECK;
int plant_tmpfs(struct ground *g, const char *path, const char *box, const char *options, struct err *e) MUST_CHECK;
int plant_bind(struct ground *g, const char *from, const char *path, bool leftover, struct err *e) MUST_CHECK;
int plant_dir(const struct ground *g, const char *path, struct err *e) MUST_CHECK; /* mkdir -p below the root */
int plant_file(const char *path, const char *content, struct err *e) MUST_CHECK;
/* rustbox-<box>/<below> in each hierarchy in use; `below` may be "". */
int plant_cgroup(struct ground *g, const char *box, const char *below, struct err *e) MUST_CHECK;
/* The first hierarchy's directory of rustbox-<box>. */
int plant_cgroup_dir(const struct ground *g, const char *box, char out[THING_NAME], struct err *e) MUST_CHECK;
int plant_cgroup_knob(const struct ground *g, const char *box, const char *file, const char *value) MUST_CHECK;
int plant_ledger(struct ground *g, const char *box, struct err *e) MUST_CHECK; /* a dead owner's record of all planted so far */

/* Runs in the planted process; returns when it holds what it shall hold, then it sleeps until it is killed. */
typedef void plant_body(struct ground *g, void *arg);
void plant_ready(struct ground *g); /* for a body that does not return: it is about to hold what it shall */
/* `cgroup`: "rustbox-<box>/..." to be in, or NULL. -> the pid. */
pid_t plant_process(struct ground *g, const char *cgroup, const char *name, plant_body *body, void *arg, struct err *e)
	MUST_CHECK;
pid_t plant_leak(struct ground *g, const char *cgroup, const char *name, plant_body *body, void *arg, struct err *e)
	MUST_CHECK; /* the same, and it must be gone at the end */

#endif
