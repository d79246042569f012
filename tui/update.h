/* The parts of update(), one file each; nobody else calls these. */
#ifndef TUI_UPDATE_H
#define TUI_UPDATE_H

#include "tui/model.h"
#include "tui/plan.h"

/* update_feed.c: the host's news. Returns what the world may be asked for in turn. */
struct effect feed_take(struct model *m, const struct msg *msg);
void world_settle(struct model *m);
void world_tick(struct model *m);
void world_diff(struct model *m);
void world_count(struct model *m);

/* drill.c: the training mode opens the procedure, and what there is to know of a step when it becomes the next */
void drill_teach(struct model *m);

/* update_sight.c */
void sight_pressure(struct model *m, const json_t *pressure);
void sight_metrics(struct model *m, const struct msg *msg);
void sight_conflict(struct model *m, size_t left);
unsigned disk_used(const struct disk_sight *d); /* percent */
unsigned disk_inodes_used(const struct disk_sight *d);
uint64_t disk_full_in(const struct disk_sight *d, uint64_t wall); /* seconds, 0: cannot be told, or not today */

/* update_list.c */
size_t list_first(const struct list *l, size_t rows); /* the first row shown when so many fit */
void list_click(struct model *m, int row);	       /* a mouse click on this row of the screen */
void list_news(struct model *m, int by); /* to the next or previous row that changed since the cursor was on it */
void list_build(struct model *m);
void list_move(struct model *m, long by);
void list_go(struct model *m, const char *id); /* the cursor to this row, when it is shown */
void list_tab(struct model *m, enum tab tab);
void list_filter(struct model *m, const char *typed);
void list_mark(struct model *m);
void list_unmark(struct model *m);

struct effect baseline_capture(struct model *m); /* update_baseline.c */

/* update_walk.c */
struct effect step_act(struct model *m);   /* x */
void step_checks(struct model *m);	   /* after news: steps tick themselves */
void step_outcome(struct model *m, struct job *job, int status);
void step_mark(struct model *m, size_t step, enum step_mark mark, const char *note);

/* update_job.c */
struct effect job_start(struct model *m, enum job_kind kind, const char *const *argv, int step, unsigned timeout_ms);
void job_leave(struct model *m); /* another procedure opens: what still runs ends as no step of it */
struct effect job_line(struct model *m, const struct msg *msg);
struct effect job_exit(struct model *m, const struct msg *msg);
struct effect holders_ask(struct model *m, const struct resource *of);

/* update_dialog.c */
void dialog_open(struct model *m, enum dialog_kind kind);
void dialog_close(struct model *m);
struct effect dialog_key(struct model *m, uint32_t key);
struct effect dialog_commit(struct model *m); /* update_commit.c */
const char *commit_refusal(const struct model *m);
const char *commit_refusal_alone(const struct model *m); /* as if one person were enough */

/* failure.c: what stands in the way, and the ways on. */
bool retry_is_on(const struct model *m);
void retry_notice(struct model *m, const struct resource *r, bool gone); /* news of a row: does it concern the failed? */
void way_take(struct model *m);
bool way_back(struct model *m); /* from a detour to the step that failed */
size_t failed_step(const struct model *m);

/* record.c: what goes into the journal, in this order, before the effect of this update() is done. */
void record_add(struct model *m, const char *event, json_t *more); /* `more` is taken; NULL: nothing to add */
void incident_run(struct model *m, const char *const *argv, const struct plan *p, const char *reason, const char *phrase);
void record_outcome(struct model *m, const struct job *job, int status, bool timed_out);
const char *records_joined(struct model *m); /* NULL when there are none */
/* The first deliberate act makes an incident of what is seen. */
void incident_begin(struct model *m);
void incident_appeared(struct model *m, const struct resource *r);
void incident_vanished(struct model *m, const struct resource *r);
void incident_world(struct model *m); /* after a settle */
json_t *kinds_json(const struct model *m); /* leftovers by kind */

/* escalate.c */
void criteria_note(struct model *m); /* newly met ones go into the journal */

/* update_resume.c */
struct effect resume_key(struct model *m, uint32_t key);
struct effect resume_ask(struct model *m);
void resume_found(struct model *m, const struct resume *r); /* NULL: there is none */

/* soak.c */
void soak_begin(struct model *m, int step, const char *how_long);
void soak_tick(struct model *m);
void failure_seen(struct model *m, const char *what, const char *name); /* a cleanup failed, or a leftover came */
size_t recurrences(const struct model *m); /* failures of the last hour that this console saw or read of */
const char *soak_text(const struct model *m, char *out, size_t cap);

/* update_arm.c */
struct effect key_arm(struct model *m);
void arm_ask(struct model *m, const char *reason, bool take);
void disarm(struct model *m, const char *why);
struct effect arm_take(struct model *m, const struct msg *msg); /* MSG_ARMED, MSG_PEER, MSG_TAKEN */
const char *arm_text(struct model *m); /* what effect.hold says, or NULL */
void arm_expires(struct model *m);

/* update_key.c */
struct effect main_key(struct model *m, uint32_t key);
struct effect escalate(struct model *m);
struct effect command_run(struct model *m, const char *words); /* the palette's */

#endif
