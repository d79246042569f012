# bash completion for rustbox, rustbox-probe and rustbox-tui: the words come from the programs' own help, which
# comes from the same tables as the programs, so there is nothing here to keep up to date.
_rustbox()
{
	local current=${COMP_WORDS[COMP_CWORD]} program=${COMP_WORDS[0]} command= word help
	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		case $word in
		--) return ;; # a program of the user's follows
		-*) ;;
		*) command=$word; break ;;
		esac
	done
	help=$("$program" ${command:+"$command"} --help 2>/dev/null)
	if [[ $current == -* ]]; then
		COMPREPLY=($(compgen -W "$(grep -oE -- '--[a-z0-9-]+' <<<"$help" | sort -u)" -- "$current"))
	elif [[ -z $command ]]; then
		COMPREPLY=($(compgen -W "$(sed -nE 's/^  ?(rustbox )?([a-z][a-z-]+) .*/\2/p' <<<"$help" | sort -u)" -- "$current"))
	else
		COMPREPLY=($(compgen -f -- "$current"))
	fi
}
complete -o filenames -F _rustbox rustbox rustbox-probe rustbox-tui
