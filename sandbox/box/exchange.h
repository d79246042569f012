/*
 * Files into and out of a box that lives, and whose programs are hostile: they may have left symbolic links, FIFOs,
 * sockets, hard links, a hundred thousand levels of directories and names of any bytes. Nothing of it is followed.
 *
 * Every path inside is resolved beneath a descriptor of the box's own root, without symbolic links and without
 * leaving its mount; what is opened is looked at by its descriptor, never by its name again; only regular files are
 * read; a file that is put in is written under a name nobody has and renamed over what was there, so that a link or
 * FIFO of that name is replaced, not written to. The box is held (living.h) the while: no program runs in it.
 */
#ifndef SANDBOX_BOX_EXCHANGE_H
#define SANDBOX_BOX_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "sandbox/box/living.h"

struct exchange {
	struct claim claim;
	int root_fd;
	uid_t uid;
};

#define EXCHANGE_NONE ((struct exchange){ .claim = CLAIM_NONE, .root_fd = -1 })

int exchange_open(const struct paths *paths, const char *box, struct exchange *ret, struct err *e) MUST_CHECK;
void exchange_close(struct exchange *x);
#define autoexchange __attribute__((cleanup(exchange_close)))

/* The path below the root: "/box/a", "a" and "./a" are "a"; "/box" and "" are ".". -EINVAL: outside of /box, with
 * "..", or longer than the kernel takes. */
int exchange_path(const char *inside, struct arena *a, const char **ret, struct err *e) MUST_CHECK;

/* Copies what from_fd gives, at most `most` bytes, to the path inside; its owner is the box's uid. Whole or not at
 * all. The directory must be there. */
int exchange_put(const struct exchange *x, int from_fd, const char *inside, bool executable, uint64_t most, struct err *e)
	MUST_CHECK;

/* A regular file inside of at most `most` bytes, open for reading: -ELOOP a symbolic link is in the path, -EINVAL it
 * is no regular file, -EFBIG. *names: how many the file has in the box. */
int exchange_get(const struct exchange *x, const char *inside, uint64_t most, unsigned *names, struct err *e) MUST_CHECK;
/* From here to there, to the end, at most `most` bytes: a file may grow while it is read. */
int exchange_copy(int from_fd, int to_fd, uint64_t most, struct err *e) MUST_CHECK;

/* Deeper directories and more entries than these are not listed; `incomplete` says so. */
enum { EXCHANGE_DEPTH = 128, EXCHANGE_ENTRIES = 100000 };

struct exchange_entry {
	const char *path; /* below what was listed; any bytes */
	char type;	  /* '-' file, 'd' directory, 'l' link, 'p' FIFO, 's' socket, 'c' and 'b' devices, '?' */
	unsigned mode, names;
	uint64_t size;
};
/* Calls `each` with every entry below `inside`, a directory's before those in it; a file is listed itself. */
int exchange_list(const struct exchange *x, const char *inside, void (*each)(void *arg, const struct exchange_entry *),
		  void *arg, bool *incomplete, struct err *e) MUST_CHECK;

#endif
