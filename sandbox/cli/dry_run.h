/* `rustbox run --dry-run`: what would be enforced, without starting anything. */
#ifndef SANDBOX_CLI_DRY_RUN_H
#define SANDBOX_CLI_DRY_RUN_H

#include "probes/host.h"
#include "sandbox/cli/options.h"

/* EXIT_GOOD when the run would start, EXIT_IE when it would be refused. */
int dry_run(const struct run_options *opt, const struct host *host, struct arena *a);

#endif
