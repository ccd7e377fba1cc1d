#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The bash completion of each program knows the options that --help has, no
# others, and their values; that of backup-checkpoint also knows its commands,
# and the checkpoints of the domain on the line.

. "$abs_top_srcdir/tests/functions.sh"

library=/usr/share/bash-completion/bash_completion
requires test -f "$library"

cat >complete.sh <<'END'
# complete.sh LIBRARY FILE PROGRAM WORD...: what FILE offers for the last WORD.
# Words are split as readline does it, also at "=" and ":".
. "$1"
compopt () { :; } # only allowed while readline is completing
. "$2"
shift 2
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_TYPE=9 COMP_KEY=9 COMP_LINE=
for word; do
  case $word:$COMP_LINE in
    [=:]:* | *:*[=:]) COMP_LINE+=$word ;;
    *) COMP_LINE+=${COMP_LINE:+ }$word ;;
  esac
done
COMP_POINT=${#COMP_LINE}
COMPREPLY=()
function=$(complete -p "$1" | sed 's/.*-F \([^ ]*\).*/\1/')
"$function"
printf '%s\n' "${COMPREPLY[@]}"
END

# completions WORD...: of the program $program
completions ()
{
  bash --norc complete.sh "$library" \
    "$abs_top_srcdir/docs/bash-completion/$program" "$program" "$@"
}

# expect_completions 'EXPECTED...' WORD...
expect_completions ()
{
  local want=$1 got
  shift
  got=$(completions "$@" | sort | xargs)
  [ "$got" = "$want" ] || fail "completing '$*' gave '$got', not '$want'"
}

# All that starts with "--", against the long options in --help.
for program in backup-pull backup-serve; do
  "$program" --help | grep -oE -- '--[a-z][-a-z]+' | sort -u >options.help
  completions -- | grep -v '=$' | sort -u >options.completed
  diff options.help options.completed ||
    fail "$program: --help and completion differ"
done

touch full.qcow2 notes.txt
mkdir backups

program=backup-pull
expect_completions 'auto bar none' --progress ''
expect_completions 'bar' --progress = b
expect_completions 'zlib zstd' --compress = z
expect_completions 'zlib zstd' --compress =
expect_completions '--compress --compress=' --compr
expect_completions 'backups full.qcow2' --backing ''
expect_completions 'full.qcow2' --backing = f
expect_completions '' --bitmap ''
expect_completions '128k 1M' --cluster-size 1
expect_completions 'nbd+unix:/// nbd:// nbds+unix:/// nbds://' nbd
expect_completions 'nbd+unix:///' --json nbd+
expect_completions 'backups full.qcow2' nbd : //localhost ''
expect_completions 'backups full.qcow2' -q nbd : //localhost/vda ''
# shellcheck disable=SC2016 # the variable is not expanded yet
expect_completions 'backups full.qcow2' --bitmap cp1 -C 2 '"$uri"' ''
expect_completions 'nbd+unix:/// nbd:// nbds+unix:/// nbds://' --bitmap cp1 ''
expect_completions '' nbd : //localhost new.qcow2 ''

program=backup-serve
expect_completions 'tcp: unix:' --listen ''
expect_completions 'unix:' --listen u
expect_completions '' --listen unix : /run
expect_completions 'disks: xml:' -c ''
expect_completions 'off on require' --tls ''
expect_completions 'backups' --tls-certificates ''
expect_completions 'stderr syslog' --log s
expect_completions 'full.qcow2' --log f
expect_completions 'backups' --pid-file b
expect_completions '' --run ''
expect_completions '--max-connections' -v --max

# The same for backup-checkpoint, whose commands have options of their own.
program=backup-checkpoint
unset PULLBACK_CONNECT PULLBACK_STATE
backup-checkpoint --help | sed -n '/^Options/,$p' |
  grep -oE '^ +(-., )?--[a-z][-a-z]+' | grep -oE -- '--.*' | sort -u >globals
completions -- | sort -u >options.completed
diff globals options.completed || fail "--help and completion differ"

backup-checkpoint --help |
  sed -n '/^Commands:/,/^$/s/^  \([a-z][-a-z]*\).*/\1/p' | sort >commands
[ "$(wc -l <commands)" -ge 12 ] || fail "found few commands: $(cat commands)"
completions '' | sort | diff commands - ||
  fail "--help (<) and completion (>) have other commands"
while read -r command; do
  backup-checkpoint "$command" --help |
    sed -n 's/^  *\(--[a-z][-a-z]*\).*/\1/p' | sort -u - globals >options.help
  completions "$command" -- | sort -u >options.completed
  diff options.help options.completed ||
    fail "$command: --help (<) and completion (>) differ"
done <commands

expect_completions 'delete doctor dumpxml' d
expect_completions 'disks: xml:' -c ''
expect_completions 'xml:' --connect x
expect_completions 'backups' --state ''
expect_completions '128k 16k 1M' create --granularity 1
expect_completions '' info ''

qemu-img create -q -f qcow2 vda.qcow2 1M
uri=disks:vda=$dir/vda.qcow2
for name in monday tuesday -x; do
  backup-checkpoint -q -c "$uri" --state state create-as -- "$name"
done
export PULLBACK_CONNECT=$uri PULLBACK_STATE=state
expect_completions '-x monday tuesday' info ''
expect_completions 'monday' delete --children m
expect_completions 'tuesday' list --from t
expect_completions 'tuesday' list --from = t
expect_completions '' parent monday ''
expect_completions 'full.qcow2' record monday fu
touch monday.xml
expect_completions 'backups monday.xml state' create ''
unset PULLBACK_CONNECT PULLBACK_STATE
expect_completions '-x monday tuesday' -c disks : vda = "$dir/vda.qcow2" \
  --state state info ''
expect_completions 'monday' --state = state --connect = disks : vda = \
  "$dir/vda.qcow2" info mo
expect_completions 'full.qcow2' -c disks : vda = f
expect_completions 'monday.xml' -c xml : mon
