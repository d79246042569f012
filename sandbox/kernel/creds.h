/*
 * Privileges, dropped and read back: what the kernel says afterwards counts, not that the calls succeeded.
 * A partial drop cannot be undone, so any error here must end the process. Heapless; used after clone.
 */
#ifndef SANDBOX_KERNEL_CREDS_H
#define SANDBOX_KERNEL_CREDS_H

#include <sys/types.h>

#include "probes/base/err.h"

/* Without root: a user namespace in which our own uid and gid are 0 and nothing else exists, and a mount namespace that
 * belongs to it. From there on the rest of a box can be made. */
int creds_user_namespace(struct err *e) MUST_CHECK;
/* For the ids below, 0 is that one uid: groups cannot be changed there (setgroups is denied), and are not asked for.
 *
 * Bounding set (needs CAP_SETPCAP, so before the ids), ambient set, locked securebits, no supplementary groups,
 * then all three gids and uids. -EPERM when the kernel's answer differs. */
int creds_become(uid_t uid, gid_t gid) MUST_CHECK;
/* Empties the capability sets and sets no_new_privs; reads all of it back. */
int creds_renounce(void) MUST_CHECK;
/* Between clone and exec the process is the launcher's binary, and so is /proc/self/exe: as the program itself, or as
 * the interpreter a script names, it would run and be open to the box. After this only files of the new root can
 * be executed (Landlock). A kernel without Landlock is no error: file permissions protect the binary there. */
int creds_hide_launcher(void) MUST_CHECK;
/* For a process that never execs: ids, empty sets, no_new_privs; the bounding set does not matter to it. */
int creds_retire(uid_t uid, gid_t gid) MUST_CHECK;

#endif
