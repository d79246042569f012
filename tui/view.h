/* The model on a canvas. Pure: the same model and size give the same cells, from 1x1 upwards. */
#ifndef TUI_VIEW_H
#define TUI_VIEW_H

#include "tui/canvas.h"
#include "tui/model.h"

void view(const struct model *m, struct canvas *c);

#endif
