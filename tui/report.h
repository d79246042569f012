/*
 * The post-incident report, made of the journal (and of the events file for what the console did not do), so
 * that it can be written offline, days later. What nobody wrote down is null, and shown as TODO: never guessed.
 */
#ifndef TUI_REPORT_H
#define TUI_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "probes/base/err.h"
#include "probes/base/paths.h"

/* NULL with the error when there is no such journal. The caller's reference. */
json_t *report_make(const struct paths *paths, const char *id, struct err *e);
void report_markdown(const json_t *report, FILE *out);

/* Its parts. `resources` as in the report; the window in wall clock seconds. Terminal recordings (*.cast) beside the journal. */
json_t *report_impact(const struct paths *paths, json_t *resources, long long from, long long to);
json_t *report_recordings(const struct paths *paths, const char *id);
/* rustbox-tui report|bundle|verify-journal|attach ID | incidents: the exit status; -1: argv[0] is none of these. */
int incident_command(int argc, char **argv, const char *root);

#endif
