/* What lab.c and lab_faults.c share beside lab.h. */
#ifndef TESTS_HARNESS_LAB_PARTS_H
#define TESTS_HARNESS_LAB_PARTS_H

#include "tests/harness/lab.h"

bool lab_no(struct lab *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
struct trace *lab_trace(struct lab *l, enum trace_kind kind, const char *name);
bool lab_mounted(struct lab *l, const char *path); /* a trace of what is mounted there now */
bool lab_holder(struct lab *l, bool inside, void (*body)(struct lab *, void *), void *arg); /* process and trace */
bool lab_reaches(pid_t pid, char state); /* waits until /proc calls it that */
bool lab_canary_at(struct lab *l, const char *path);
bool lab_canary_process(struct lab *l, pid_t pid, const char *name);
bool lab_canary_mount(struct lab *l, const char *path);
bool lab_loop_attach(struct lab *l, const char *image); /* sets l->loop */
void lab_loop_detach(const char *device);
void lab_clear_flags(const struct lab *l); /* immutable and append-only, below the world's root */

#endif
