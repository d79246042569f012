/* The part of a plan that says what the new root is made of. */
#ifndef SANDBOX_BOX_PLAN_ROOT_H
#define SANDBOX_BOX_PLAN_ROOT_H

#include "sandbox/box/plan.h"

/* Fills mounts, nmounts and workspace_data. */
void plan_root(const struct spec *spec, struct arena *a, struct plan *ret);
/* tmpfs options for the workspace's limits: "size=...,nr_inodes=...,mode=MODE". */
const char *plan_tmpfs_data(const struct limits *limits, const char *mode, struct arena *a);

#endif
