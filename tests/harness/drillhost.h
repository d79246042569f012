/*
 * Is the host what it was, after a drill? What belongs to it is compared as a whole where nobody else can change it (the
 * caller's own mount table, the directories a drill may cover), else by the drills' own marks, place by place: other tests
 * run drills beside this one.
 */
#ifndef TESTS_HARNESS_DRILLHOST_H
#define TESTS_HARNESS_DRILLHOST_H

enum { PLACES = 64 };

/* In functions that are no test's own, too: says where, and ends the test. */
#define NEED(condition)                                                                 \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			fail();                                                         \
		}                                                                       \
	} while (0)

struct drillhost {
	char *mounts;
	char *base; /* names in the directories a drill may cover */
	char *cgroups; /* of places that nobody holds: a killed test may have left some */
};

struct drillhost drillhost_look(void);
/* Fails the test when something is not as before, or when a place that nobody holds has a cgroup it had not, a process or a disk.
 * Frees `before`. */
void drillhost_compare(struct drillhost *before);
/* The place of the drill whose mounts this process sees, or -1. */
int drillhost_place_of(const char *pid);
/* How many disks there are of this place. */
int drillhost_disks(int place);

#endif
