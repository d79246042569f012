# To be sourced first, with the script's own arguments, by one whose outcome depends on which processes there are: it goes on in
# a PID and mount namespace of its own, as world_alone() does for programs.
[ -n "${IS_ALONE-}" ] || [ "$(id -u)" != 0 ] ||
  IS_ALONE=1 exec unshare --mount --pid --fork --mount-proc --kill-child bash "$0" "$@"
