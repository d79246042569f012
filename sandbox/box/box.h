/* The story of a run: one program, one box, and what is true about it afterwards. */
#ifndef SANDBOX_BOX_BOX_H
#define SANDBOX_BOX_BOX_H

#include <signal.h>

#include "probes/base/paths.h"
#include "probes/host.h"
#include "sandbox/box/plan.h"
#include "sandbox/kernel/netns.h"
#include "sandbox/policy/cleanup.h"
#include "sandbox/policy/evidence.h"
#include "sandbox/policy/verdict.h"

#define PHASES(X)                                                                     \
	X(PLAN, "plan") X(CLAIM, "claim") X(LAUNCH, "launch") X(RUN, "run") X(GATHER, "gather") X(CLEANUP, "cleanup")

enum phase {
#define X(id, word) PHASE_##id,
	PHASES(X)
#undef X
	PHASE_COUNT
};

struct outcome {
	struct plan plan;	  /* limits, configured, optional, missing, envelope, box name */
	struct evidence evidence; /* captured streams are in the arena */
	struct verdict verdict;
	struct cleanup cleanup;
	struct err error;	  /* why the verdict is IE; code 0 otherwise */
	bool started;		  /* the exec note came: the program ran */
	bool compiler;		  /* this was the compile step */
	uint64_t phase_ns[PHASE_COUNT];
};

/* What a run needs to know beside the spec; all borrowed. */
struct box_context {
	const struct paths *paths;
	const struct host *host;
	const sigset_t *cancel; /* signals that end the run, blocked by the caller; NULL: none */
	/* The caller's descriptors for a program that is not captured; -1: nothing. */
	int in_fd, out_fd, err_fd;
	unsigned slots; /* boxes at once; 0: the whole pool */
	struct netns **netns; /* one in the making for the first walk, used up; NULL: made when it is time */
};

/* A program as source: a file for the workspace, then one walk or two over it. */
struct box_code {
	const struct spec *compile; /* NULL: nothing to compile */
	const struct spec *run;
	const char *file, *text;
};

/*
 * Plans, claims, launches, supervises, judges, cleans up. Always fills *ret (its memory is in the arena), also when
 * nothing could be started: then the verdict is IE and ret->error says why. Returns 0 when a program ran,
 * else -errno of ret->error: -EINVAL for a wish that can never be granted, -ENOTSUP for a host that cannot.
 */
int box_run(const struct spec *spec, const struct box_context *context, struct arena *a, struct outcome *ret)
	MUST_CHECK;

/*
 * The same for source code. The compiler's walk, if there is one, has limits of its own and is judged by
 * verdict_of_compiler; unless it ends well, nothing is run and *ret is its outcome. *compile is valid when
 * compile->plan.box is set. Both walks share the workspace and the uid; the cgroups are new.
 */
int box_execute(const struct box_code *code, const struct box_context *context, struct arena *a,
		struct outcome *compile, struct outcome *ret) MUST_CHECK;

/* The outcome of a wish that did not even get here. */
void box_refuse(const struct err *why, struct outcome *ret);

const char *phase_word(enum phase p);

#endif
