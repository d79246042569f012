/*
 * `rustbox-probe watch`: a snapshot that stays true. One process owns every event source (fanotify or
 * POLLPRI on mountinfo, inotify on cgroups and directories, pidfds, timers as the last rung) and
 * writes JSON lines to its stdout, so that a console never waits for the kernel. The lines:
 *
 *   {"op":"hello","schema":1,"host":H,"boot_id":B,"kernel":K,"pid":N}
 *   {"op":"source","name":"mounts","mode":"fanotify|pollpri|inotify|pidfd|poll","complete":true,"why":null}
 *                          one per kind at the start, and again whenever mode or completeness changes
 *   {"op":"add",...resource as in a snapshot...}         seen for the first time
 *   {"op":"change",...resource...}                       same kind and id, something else
 *   {"op":"gone","kind":K,"id":I}
 *   {"op":"health",...health object...}                  at the start and when the state file changes
 *   {"op":"pressure",...}                                at most every 2 s, only when it changed
 *   {"op":"resync","why":"overflow"}                     everything follows anew as add lines
 *   {"op":"sync","at":WALL_SECONDS,"ms":LOOK_MS,"as_of":{KIND:MONOTONIC_MS|null,...}}
 *                          ends each batch: what stands now is one state; as_of: when the newest look at each kind
 *                          began, null while something has happened to it that was not looked at yet. "None left"
 *                          is proven for a kind by an as_of later than the last act, and by nothing else
 *   {"op":"beat","at":WALL_SECONDS}                      every 5 s without a batch: alive, nothing new
 *
 * SIGURG asks for a look at everything now; a sync with new as_of for each kind follows, changed or not.
 * A line that is not one of these is an error to be shown, not skipped.
 */
#ifndef PROBES_WATCH_H
#define PROBES_WATCH_H

#include "probes/watch_delta.h"

/* Runs until stdout closes or a termination signal; returns 0 or -errno with the reason. */
int watch_run(const struct scope *scope, int out_fd, struct err *e) MUST_CHECK;

#endif
