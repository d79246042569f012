/* The parts of update(), one file each; nobody else calls these. */
#ifndef TUI_UPDATE_H
#define TUI_UPDATE_H

#include "tui/model.h"

/* update_feed.c: the host's news. Returns what the world may be asked for in turn. */
struct effect feed_take(struct model *m, const struct msg *msg);
void world_settle(struct model *m);
void world_tick(struct model *m);

/* update_list.c */
void list_build(struct model *m);
void list_move(struct model *m, long by);
void list_go(struct model *m, const char *id); /* the cursor to this row, when it is shown */
void list_tab(struct model *m, enum tab tab);
void list_filter(struct model *m, const char *typed);
void list_mark(struct model *m);
void list_unmark(struct model *m);
const struct row *list_row(const struct model *m); /* under the cursor; NULL when the list is empty */

/* plan.c: what a step or a choice in the list would do. In the dialog's arena. */
void plan_for_step(struct model *m, int step);
void plan_for_choice(struct model *m);
void plan_for_retry(struct model *m);
size_t plan_now(const struct model *m, const struct plan *p, size_t *gone, size_t *fresh);
void plan_phrase(const struct model *m, const struct plan *p, char *out, size_t cap);
/* The literal command, with what is still there filled in; NULL-terminated, in `a`. */
const char **plan_argv(const struct model *m, const struct plan *p, const char *reason, struct arena *a);

/* update_walk.c */
struct effect step_act(struct model *m);   /* x */
void step_checks(struct model *m);	   /* after news: steps tick themselves */
void step_outcome(struct model *m, struct job *job, int status);

/* update_job.c */
struct effect job_start(struct model *m, enum job_kind kind, const char *const *argv, int step, unsigned timeout_ms,
			const char *record);
struct effect job_line(struct model *m, const struct msg *msg);
struct effect job_exit(struct model *m, const struct msg *msg);
struct effect holders_ask(struct model *m, const struct resource *of);

/* update_dialog.c */
void dialog_open(struct model *m, enum dialog_kind kind);
void dialog_close(struct model *m);
struct effect dialog_key(struct model *m, uint32_t key);
struct effect dialog_commit(struct model *m); /* update_commit.c */
const char *commit_refusal(const struct model *m);
/* The journal's line for a command about to run, one JSON object; stands until the next update(). */
const char *act_record(struct model *m, const char *const *argv, const char *reason);

/* update_key.c */
struct effect main_key(struct model *m, uint32_t key);
struct effect command_run(struct model *m, const char *words); /* the palette's */

#endif
