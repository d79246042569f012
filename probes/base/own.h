/*
 * Ownership at the declaration: a local declared with one of these is released when it goes out of
 * scope, on every path. Hand the value over with take_fd / take_ptr.
 */
#ifndef PROBES_BASE_OWN_H
#define PROBES_BASE_OWN_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void own_close(int *fd)
{
	if (*fd >= 0) {
		int saved = errno;
		(void)close(*fd);
		errno = saved;
	}
}

static inline void own_free(void *p)
{
	free(*(void **)p);
}

static inline void own_fclose(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}

static inline void own_closedir(DIR **d)
{
	if (*d)
		(void)closedir(*d);
}

#define autofd	 __attribute__((cleanup(own_close)))
#define autofree __attribute__((cleanup(own_free)))
#define autofile __attribute__((cleanup(own_fclose)))
#define autodir	 __attribute__((cleanup(own_closedir)))

static inline int take_fd(int *fd)
{
	int taken = *fd;
	*fd = -1;
	return taken;
}

/* Works on any object pointer; the result converts to the caller's type. */
static inline void *take_ptr(void *p)
{
	void *taken = *(void **)p;
	*(void **)p = NULL;
	return taken;
}

#endif
