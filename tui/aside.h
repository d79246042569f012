/*
 * Another program on our terminal, as an editor would be: the console steps aside, waits for its end and for a line, so
 * that what it said last can be read, and comes back. A drill runs so: its console is a program of its own, in namespaces of
 * its own, so that this one never shows the drill's world as the host's.
 */
#ifndef TUI_ASIDE_H
#define TUI_ASIDE_H

#include <stddef.h>

/* argv[0] is a program of ours. `said`: how it ended, in words. To be called when the terminal is as the shell left it. */
void aside_run(const char *const *argv, char *said, size_t cap);

#endif
