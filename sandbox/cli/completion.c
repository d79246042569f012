/* `rustbox completion bash`: the completion script, written from the tables. */
#include <stdio.h>
#include <string.h>

#include "sandbox/cli/commands.h"
#include "sandbox/cli/options.h"

static void put_words(void)
{
	(void)printf("_rustbox_commands=\"");
	for (unsigned i = 0; i < command_count; i++)
		(void)printf("%s%s", i ? " " : "", commands[i].name);
	(void)printf("\"\n_rustbox_run=\"");
	for (int i = 0; i < LIMIT_COUNT; i++)
		(void)printf("--%s ", limit_rows[i].flag);
	for (int i = 0; i < OPTION_COUNT; i++)
		(void)printf("%s--%s", i ? " " : "", run_option_rows[i].name);
	(void)printf("\"\n");
}

int cmd_completion(const struct invocation *in)
{
	if (in->argc != 2 || strcmp(in->argv[1], "bash") != 0) {
		complain("usage: rustbox completion bash");
		return EXIT_USAGE;
	}
	(void)printf("# bash completion of rustbox, written by `rustbox completion bash`\n");
	put_words();
	(void)printf("_rustbox() {\n"
		     "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
		     "  COMPREPLY=()\n"
		     "  if [ \"$COMP_CWORD\" = 1 ]; then\n"
		     "    COMPREPLY=($(compgen -W \"$_rustbox_commands --root --help --version\" -- \"$word\"))\n"
		     "  elif [ \"$before\" = --profile ]; then\n"
		     "    COMPREPLY=($(compgen -W \"judge agent\" -- \"$word\"))\n"
		     "  elif [ \"${COMP_WORDS[1]}\" = explain ]; then\n"
		     "    COMPREPLY=($(compgen -W \"stages limits syscalls verdicts verdict metrics events\" -- \"$word\"))\n"
		     "  elif [ \"${COMP_WORDS[1]}\" = run ] && [[ $word == -* ]]; then\n"
		     "    COMPREPLY=($(compgen -W \"$_rustbox_run\" -- \"$word\"))\n"
		     "  else\n"
		     "    COMPREPLY=($(compgen -f -- \"$word\"))\n"
		     "  fi\n"
		     "}\n"
		     "complete -o filenames -F _rustbox rustbox\n");
	return finish(EXIT_GOOD);
}
