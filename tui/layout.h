/* Where everything stands, as a pure function of the screen's size. */
#ifndef TUI_LAYOUT_H
#define TUI_LAYOUT_H

#include <stdbool.h>

enum shape {
	SHAPE_LINE,   /* under 30x6: one line */
	SHAPE_SMALL,  /* under 60x18: look, do not commit */
	SHAPE_NORMAL, /* the detail below the list */
	SHAPE_WIDE    /* from 120 columns and 30 rows: the detail beside the list */
};

struct area {
	int row, col, rows, cols; /* rows 0: not shown */
};

struct layout {
	enum shape shape;
	int tabs, header, keys; /* rows */
	struct area list;	/* below the header row */
	struct area why;	/* its rule is the row before, except beside the list */
	struct area steps, step_why; /* step_why: beside the steps, only when wide */
	struct area log;
	int escalate;		/* row of the escalation rule, -1: in the head only */
};

struct layout layout_for(int rows, int cols, bool stepping);
bool layout_can_commit(int rows, int cols);
/* Rows of text a dialog shows at once when `fields` rows below are taken by what is typed. */
int layout_dialog_rows(int rows, int fields);

#endif
