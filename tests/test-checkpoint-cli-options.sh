#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The command line of backup-checkpoint: what is wrong with it is told in one
# message, with exit status 2, and nothing is opened or written.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/behaviour-functions.sh"
. "$abs_top_srcdir/tests/cli-functions.sh"

new_disks
uri=$PULLBACK_CONNECT
unset PULLBACK_CONNECT PULLBACK_STATE

behaviour 'G 50' differs 'no command, or one that is none'
misused 'a command is needed'
misused "unknown command: 'checkpoint-list'; did you mean 'list'?" \
  checkpoint-list --tree
misused "unknown command: 'checkpoint-create-as'; did you mean 'create-as'?" \
  checkpoint-create-as a
misused "unknown command: 'checkpoint-nosuch'" checkpoint-nosuch
misused "unknown command: ''" ''
behaviour 'G 51' differs 'an option that is none'
misused "unrecognized option '--nosuch'" --nosuch
misused "unrecognized option '--nosuch'" list --nosuch
misused "unrecognized option '--tree'" info --tree a
misused "option '--state' requires an argument" list --state
misused "option '--tree' doesn't allow an argument" list --tree=yes
misused "unexpected data 'x'" list x
misused "unexpected data 'b'" delete a b
misused "unexpected data 'x'" forget x
misused "unexpected data 'c'" record a b c
behaviour 'G 52' differs 'an operand is needed'
for command in info parent dumpxml edit delete record; do
  misused "command '$command' requires CHECKPOINT" $command
done
for args in list create 'create-as a' 'info a' 'parent a' current 'dumpxml a' \
  'edit a' 'delete a' 'record a b' doctor forget; do
  # shellcheck disable=SC2086 # a command and its operand
  misused 'no domain is named: give --connect URI' $args
done
PULLBACK_CONNECT='' misused 'no domain is named' list

# A domain that cannot be opened is a failure, and no wrong command line.
fails nosuch -c nosuch list
fails 'say which folder it is (--state DIR, or PULLBACK_STATE)' \
  -c "$uri" list
fails nosuch.xml -c xml:nosuch.xml list
fails vda.qcow2 \
  -c "$uri" --state vda.qcow2 list
[ ! -e state ] || fail "a state folder was made"

# Options before and after the command, and from the environment.
prints 'Domain checkpoint a created' \
  -c "$uri" --state state create-as a
prints a \
  list --name --connect="$uri" --state=state
PULLBACK_CONNECT=$uri PULLBACK_STATE=state \
  prints a list --name
PULLBACK_CONNECT=nosuch PULLBACK_STATE=nosuch \
  prints a -c "$uri" list --state state --name
mkdir -p xdg/pullback
cat >web1.xml <<END
<domain type='kvm'><name>web1</name><devices>
  <disk type='file'><driver type='qcow2'/><source file='$dir/vda.qcow2'/>
    <target dev='vda'/></disk></devices></domain>
END
if [ "$(id -u)" -ne 0 ]; then
  XDG_STATE_HOME=$dir/xdg prints 'Domain checkpoint x created' \
    -c xml:web1.xml create-as x
  [ -f xdg/pullback/web1/checkpoints/x.xml ] || fail "the state is elsewhere"
fi

# --quiet mutes what was done, and not what is asked for.
export PULLBACK_CONNECT=$uri PULLBACK_STATE=$dir/state
prints '' -q create-as b
prints '' create-as c --quiet
prints 'a
b
c' -q list --name

# A list that could not be written is no success.
if [ -w /dev/full ]; then
  status=0
  backup-checkpoint list >/dev/full 2>err || status=$?
  [ "$status" -eq 1 ] || fail "a full disk gives status $status"
  expect_text err 'standard output: No space left on device'
fi

# An external data file is followed only where that is asked for.
qemu-img create -q -f qcow2 -o data_file=data.raw,data_file_raw=on \
  vdc.qcow2 1M
export PULLBACK_CONNECT="disks:vdc=$dir/vdc.qcow2" PULLBACK_STATE=$dir/state2
fails vdc.qcow2 \
  create-as a
prints 'Domain checkpoint a created' --data-file create-as a

# Two at once: the one that reads waits for nobody, and changes take turns.
export PULLBACK_CONNECT=$uri PULLBACK_STATE=$dir/state
exec {lock}<state/lock
flock -x "$lock"
fails state create-as d
flock -s "$lock"
names_are 'a b c'
fails state create-as d
exec {lock}<&-
names_are 'a b c'

behaviours_done
