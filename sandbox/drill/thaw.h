/* A writer on a frozen file system cannot die, and its namespace with it: thaw before killing. */
#ifndef SANDBOX_DRILL_THAW_H
#define SANDBOX_DRILL_THAW_H

/* Every ext4 that this process has mounted below `root`; what is not frozen is left alone. */
void thaw_process(const char *pid, const char *root);
/* The same for every member of a cgroup and of those below it. */
void thaw_cgroup(int top_fd, const char *cgroup, const char *root);

#endif
