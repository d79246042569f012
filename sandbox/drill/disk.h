/*
 * A drill's own disk: a loop device on an image in the drill's world, marked with the drill's root in the same system
 * call that attaches it. A frozen file system on it outlives every process and mount of the drill: the freeze itself
 * holds it. So it is found by its mark, from outside and at any time later, and mounting it again thaws it.
 */
#ifndef SANDBOX_DRILL_DISK_H
#define SANDBOX_DRILL_DISK_H

#include "probes/base/err.h"

/* Attaches <root>/drill/image; `node` is made there. -> a descriptor, to be kept until it is mounted: the device
 * detaches itself when the last mount and descriptor are gone (LO_FLAGS_AUTOCLEAR). */
int disk_attach(const char *root, char *node, unsigned cap) MUST_CHECK;
/* Thaws what is mounted from disks of `root`, wherever it is. 0 when no such disk is attached any more, -EBUSY when
 * one still is: its users have yet to end. */
int disk_release(const char *root, struct err *e) MUST_CHECK;

#endif
