/* What is known about kinds of terminals without asking one. Pure. */
#ifndef TUI_TERMINFO_H
#define TUI_TERMINFO_H

#include <stddef.h>

/* The n-th terminal type to try for a $TERM: itself, one it is known to be like, then ever plainer ones;
 * NULL when there are no more. A terminal that is unset or "dumb" has none. */
const char *terminal_candidate(const char *name, size_t n);

/* OSC 52, which puts text on the operator's clipboard even over ssh; wrapped so that a multiplexer ('t'mux
 * or 's'creen, else 0) passes it on. NULL when the text is longer than terminals take. The caller frees. */
char *terminal_copy_sequence(const char *text, char multiplexer);

#endif
