/*
 * What update() may ask of the world: at most one thing per message. A command is an argument vector
 * the operator could paste, never a shell line; its output comes back as MSG_LINE and MSG_EXIT under
 * the same job number. Everything pointed to belongs to the model and stands until the next update().
 */
#ifndef TUI_EFFECT_H
#define TUI_EFFECT_H

#include <stdbool.h>
#include <stdint.h>

enum effect_kind {
	EFFECT_NONE,
	EFFECT_RUN,	 /* argv, job, timeout_ms, keep: start it; argv[0] is "rustbox", "rustbox-probe" or "rustbox-tui" */
	EFFECT_STOP,	 /* job: SIGINT now, so that it stops at its next item */
	EFFECT_RECORD,	 /* only `record` */
	EFFECT_BASELINE, /* read the stored baseline again: answered by MSG_BASELINE */
	EFFECT_COPY,	 /* text: to the operator's clipboard (OSC 52) and a file; MSG_NOTICE says where */
	EFFECT_BELL,
	EFFECT_REPAINT,
	EFFECT_SUSPEND,
	EFFECT_ASIDE,	 /* argv: on the terminal itself, while the console waits */
	EFFECT_MOUSE,	 /* on: report wheel and clicks or stop to */
	EFFECT_WRITE,	 /* text, path: into a new file */
	EFFECT_CONFIRM,	 /* text: to the console that is armed and asks for a second person */
	EFFECT_HANDOVER, /* text: to the other consoles; the journal is let go of */
	EFFECT_WAITING,	 /* is there an incident to take up? answered by MSG_WAITING */
	EFFECT_QUIT	 /* code: the exit status */
};

struct effect {
	enum effect_kind kind;
	uint32_t job;
	const char *const *argv; /* NULL-terminated */
	unsigned timeout_ms;	 /* 0: none */
	bool keep;		 /* what it says and how it ends is to outlive this console */
	const char *text, *path;
	bool on;
	int code;
	/* When not NULL: first of all, the journal goes on in that of this earlier incident. */
	const char *adopt;
	/* When not NULL: JSON objects for the incident journal, one a line, to be on disk before anything else
	 * of this effect happens. Answered by MSG_RECORDED. */
	const char *record;
	/* Every effect says it anew: not NULL while this console is armed or wants to be, one JSON object that
	 * tells others who it is and what runs. `take`: from another console that is armed. */
	const char *hold;
	bool take;
};

#endif
