/* What the commands of rustbox-ops share. Each command is a page of its own. */
#ifndef SANDBOX_OPS_OPS_H
#define SANDBOX_OPS_OPS_H

#include <jansson.h>
#include <stdbool.h>

#include "sandbox/box/recover.h"
#include "sandbox/cli/commands.h"

int ops_health(const struct invocation *in);
int ops_reclaim(const struct invocation *in);
int ops_status(const struct invocation *in);
int ops_metrics(const struct invocation *in);
int ops_serve(const struct invocation *in);
int ops_init(const struct invocation *in);
int ops_cleanup(const struct invocation *in);
int ops_capture(const struct invocation *in);
int ops_drill(const struct invocation *in);
int ops_prepare(const struct invocation *in);

/* One object on one line of stdout, flushed: a reader sees it when it is true. */
void ops_line(const json_t *j);
/* Text on a terminal, JSON elsewhere; --json and --text decide. */
bool ops_wants_json(bool json, bool text);
/* Set by SIGINT and SIGTERM after ops_catch_signals(): finish the item at hand, then stop. */
void ops_catch_signals(void);
bool ops_stopped(void *unused);

/* The walk as it goes: JSON lines, or text lines with a progress line on a terminal. */
struct progress {
	const struct scope *scope;
	bool json, quiet;
	bool open;	       /* a progress line stands on the terminal */
	uint64_t shown_ns;
};
void progress_end(struct progress *p);
/* Who holds a busy mount, into its `because`. */
void progress_holders(void *progress, struct reclaim_item *item);
struct reclaim_how progress_how(struct progress *p);

/* One acts at a time: takes the right to, or says who has it and waits for it, a minute at most. */
int ops_take_turn(const struct paths *p, struct recovery_lock *ret, struct err *e) MUST_CHECK;

/* "who did what by hand": operator_action. */
void ops_note_action(const struct paths *p, const char *what, const char *detail, const char *outcome);

#endif
