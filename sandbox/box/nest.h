/*
 * The host prepared: a mount namespace with an empty root (a nest, kernel/rootfs.h), kept alive by a bind of its nsfs
 * file, so that runs begin with a copy of that instead of a copy of the host's mount table. It is furniture: made and
 * removed by `rustbox prepare`, never by a run and never by recovery, and gone with a reboot.
 *
 *   /run/rustbox/nest         an unbindable tmpfs: a namespace's file can be bound only where no peer would get it as well
 *   /run/rustbox/nest/ns      the nsfs file
 *   /run/rustbox/nest/record  which namespace that must be; written last, removed first
 *
 * A nest is used only when it is the recorded one and still empty, and only by runs of which nothing may fail (strict);
 * any other run copies the host's table, to the same end.
 */
#ifndef SANDBOX_BOX_NEST_H
#define SANDBOX_BOX_NEST_H

#include "probes/base/paths.h"

/* A descriptor of the namespace; -ENOENT when the host is not prepared, another -errno for a nest that must not be used. */
int nest_open(const struct paths *p, struct err *e) MUST_CHECK;
/* Makes one, after removing what an interrupted attempt left. */
int nest_make(const struct paths *p, struct err *e) MUST_CHECK;
/* -EBUSY after 2 s: a run holds it that long only when it is stopped or traced. Nothing there is success. */
int nest_remove(const struct paths *p, struct err *e) MUST_CHECK;

#endif
