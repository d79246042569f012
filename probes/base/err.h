/*
 * The error value: what failed, why, and what to do, in one fixed-size value.
 *
 * It owns no heap and is smaller than PIPE_BUF, so a child can hand it to its parent in one atomic
 * write(2) and nothing leaks when a function gives up half way. Functions that can fail return 0 or
 * a negative errno and take a `struct err *` last; outputs are untouched on failure.
 */
#ifndef PROBES_BASE_ERR_H
#define PROBES_BASE_ERR_H

#include <errno.h>

#define MUST_CHECK __attribute__((warn_unused_result))

struct err {
	int code; /* a positive errno value; 0 means no error */
	char text[240];
};

/* Fills `e` (may be NULL) with "text: strerror(code)" and returns -code. Text names the remedy. */
int err_set(struct err *e, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same without the strerror part: for errors that are not the kernel's. */
int err_say(struct err *e, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts the caller's context before the text; returns -e->code. */
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#ifdef __clang_analyzer__
/* A static analyser sees one file at a time and must be told that these never return 0. */
#define err_set(e, code, ...) ((void)err_set(e, code, __VA_ARGS__), -1)
#define err_say(e, code, ...) ((void)err_say(e, code, __VA_ARGS__), -1)
#define err_wrap(e, ...) ((void)err_wrap(e, __VA_ARGS__), -1)
#endif

/* "EBUSY" for EBUSY; "errno 999" style text is never needed: unknown values give "E?". */
const char *err_name(int code);

#endif
