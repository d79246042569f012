/* What a drill and the console in it agree on; neither may include the other. */
#ifndef PROBES_DRILL_H
#define PROBES_DRILL_H

enum { DRILL_AGAIN = 75 }; /* the console's exit status: the same drill once more, with a new seed */

#endif
