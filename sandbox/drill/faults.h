/* What each drill plants; rows of drills.c. */
#ifndef SANDBOX_DRILL_FAULTS_H
#define SANDBOX_DRILL_FAULTS_H

#include "sandbox/drill/plant.h"

int fault_nested_busy(struct ground *g, struct err *e) MUST_CHECK;
int fault_pivoted_holder(struct ground *g, struct err *e) MUST_CHECK;
int fault_bind_trap(struct ground *g, struct err *e) MUST_CHECK;
int fault_nested_cgroup(struct ground *g, struct err *e) MUST_CHECK;
int fault_d_state(struct ground *g, struct err *e) MUST_CHECK;
int fault_zombies(struct ground *g, struct err *e) MUST_CHECK;
int fault_disk_full(struct ground *g, struct err *e) MUST_CHECK;
int fault_false_clean(struct ground *g, struct err *e) MUST_CHECK;
int fault_wrong_target(struct ground *g, struct err *e) MUST_CHECK;
int fault_orphan(struct ground *g, struct err *e) MUST_CHECK;
int fault_storm(struct ground *g, struct err *e) MUST_CHECK;
/* D5's outside help: what the storage team does when it is called. 0 also when nothing is frozen. */
int fault_thaw(const struct ground *g, struct err *e) MUST_CHECK;
/* D6's: who looks after PID 1 has it read the ends of its children again. Returns when those that are its own are read. */
int fault_reap(const struct ground *g, struct err *e) MUST_CHECK;

/* faults_hard.c shares this with faults.c. */
int fault_sleep(struct ground *g, struct err *e, const char *name, plant_body *body, void *arg) MUST_CHECK;

#endif
