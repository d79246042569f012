/* An incident whose console is gone: what its journal says about where it was. */
#ifndef TUI_RESUME_H
#define TUI_RESUME_H

#include <jansson.h>

#include "probes/base/paths.h"
#include "tui/walk.h"

struct handed { /* the last handover that nobody has taken up, as its journal has it; by "": none */
	char by[40], to[60], at[24], armed[200], said[160], step[240], open[300];
};

struct resume {
	char id[64], who[40], book[64];
	json_t *run; /* the words of a command without an outcome, a reference; NULL when there is none */
	int run_step; /* of the procedure, or -1 */
	bool runs;    /* its keeper lives */
	unsigned procedure; /* 0: none was open */
	size_t at;	    /* the step that was last marked */
	struct step_state of[STEPS_MAX];
	char last[24];	    /* when it last wrote */
	struct handed handed;
	bool acted;
};

/* The newest journal that no living console holds and that was not closed; false when there is none. */
bool resume_find(const struct paths *paths, struct resume *ret);

#endif
