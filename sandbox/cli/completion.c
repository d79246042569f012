/* `rustbox completion bash`: the completion script, written from the tables. */
#include <stdio.h>
#include <string.h>

#include "sandbox/cli/commands.h"
#include "sandbox/cli/options.h"

/* What the shell may offer, one variable a table. */
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
	(void)printf("\"\n_rustbox_profiles=\"");
	for (int i = 0; i < PROFILE_COUNT; i++)
		(void)printf("%s%s", i ? " " : "", profile_word((enum profile)i));
	(void)printf("\"\n_rustbox_languages=\"");
	for (size_t i = 0; i < language_row_count; i++)
		(void)printf("%s%s", i ? " " : "", language_rows[i].word);
	(void)printf("\"\n_rustbox_topics=\"");
	explain_topics();
	(void)printf("\"\n");
}

/* The options of a command that has no table here are in its own help; a box's name is its ledger's. */
static const char script[] =
	"_rustbox() {\n"
	"  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} offer=\n"
	"  COMPREPLY=()\n"
	"  if [ \"$COMP_CWORD\" = 1 ]; then\n"
	"    offer=\"$_rustbox_commands --root --help --version\"\n"
	"  elif [ \"$before\" = --profile ]; then\n"
	"    offer=$_rustbox_profiles\n"
	"  elif [ \"$before\" = --language ]; then\n"
	"    offer=$_rustbox_languages\n"
	"  elif [ \"$before\" = --box-id ]; then\n"
	"    offer=$(ls \"${RUSTBOX_ROOT-}/run/rustbox/ledger\" 2>/dev/null)\n"
	"  elif [ \"$command\" = explain ] && [ \"$COMP_CWORD\" = 2 ]; then\n"
	"    offer=$_rustbox_topics\n"
	"  elif [ \"$command\" = completion ]; then\n"
	"    offer=bash\n"
	"  elif [[ $word == -* ]]; then\n"
	"    case $command in\n"
	"    run|execute-code) offer=$_rustbox_run ;;\n"
	"    *) offer=$(\"${COMP_WORDS[0]}\" \"$command\" --help 2>&1 | grep -oE -- '--[a-z][a-z-]*' | sort -u) ;;\n"
	"    esac\n"
	"  else\n"
	"    COMPREPLY=($(compgen -f -- \"$word\"))\n"
	"    return\n"
	"  fi\n"
	"  COMPREPLY=($(compgen -W \"$offer\" -- \"$word\"))\n"
	"}\n"
	"complete -o filenames -F _rustbox rustbox\n";

int cmd_completion(const struct invocation *in)
{
	if (in->argc != 2 || strcmp(in->argv[1], "bash") != 0)
		return command_usage(in);
	(void)printf("# bash completion of rustbox, written by `rustbox completion bash`\n");
	put_words();
	(void)fputs(script, stdout);
	return finish(EXIT_GOOD);
}
