/*
 * Which directory is meant: "MAJOR:MINOR:INODE", and ":BIRTH" in nanoseconds where its file system keeps one, because
 * inode numbers are used again, on small file systems at once. An identity without a birth knows less: it fits any.
 */
#ifndef PROBES_DIRID_H
#define PROBES_DIRID_H

#include <stdbool.h>
#include <stdint.h>

struct dirid {
	unsigned major, minor;
	uint64_t inode, birth; /* birth 0: not known */
};

int dirid_parse(const char *text, struct dirid *ret); /* 0 or -EINVAL */
bool dirid_same(const struct dirid *a, const struct dirid *b);
/* Whether the entry `name` below dirfd is this one now, by itself: no link is followed. "": dirfd itself. */
bool dirid_is(const struct dirid *id, int dirfd, const char *name);

#endif
