/* The part of a plan that says what the new root is made of. */
#ifndef SANDBOX_BOX_PLAN_ROOT_H
#define SANDBOX_BOX_PLAN_ROOT_H

#include "sandbox/box/spec.h"

/* The rows, in the order in which they are walked; *ret is in the arena. */
void plan_root(const struct spec *spec, struct arena *a, struct mount_row **ret, size_t *n);
/* tmpfs options for the workspace's limits: "size=...,nr_inodes=...,mode=MODE". */
const char *plan_tmpfs_data(const struct limits *limits, const char *mode, struct arena *a);

#endif
