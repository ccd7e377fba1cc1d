#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The command line of backup-checkpoint: what is wrong with it is told in one
# message, with exit status 2, and nothing is opened or written.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/checkpoint-functions.sh"

# wrong TEXT ARGS...: with a hint where the help is.
wrong ()
{
  replay G "$usage" 2 "$@"
  expect_text err "Try 'backup-checkpoint "
  [ "$(wc -l <err)" -eq 2 ] || { cat err >&2; fail "more than a message"; }
}

new_domain
uri=$PULLBACK_CONNECT
unset PULLBACK_CONNECT PULLBACK_STATE

wrong 'a command is needed'
wrong "unknown command: 'checkpoint-list'" checkpoint-list
wrong "unknown command: ''" ''
wrong "unrecognized option '--nosuch'" --nosuch
wrong "unrecognized option '--nosuch'" list --nosuch
wrong "unrecognized option '--tree'" info --tree a
wrong "option '--state' requires an argument" list --state
wrong "option '--tree' doesn't allow an argument" list --tree=yes
wrong "unexpected data 'x'" list x
wrong "unexpected data 'b'" delete a b
wrong "unexpected data 'x'" forget x
wrong "unexpected data 'c'" record a b c
for command in info parent dumpxml edit delete record; do
  wrong "command '$command' requires CHECKPOINT" $command
done
for args in list create 'create-as a' 'info a' 'parent a' current 'dumpxml a' \
  'edit a' 'delete a' 'record a b' doctor forget; do
  # shellcheck disable=SC2086 # a command and its operand
  wrong 'no domain is named: give --connect URI, or set PULLBACK_CONNECT' $args
done
PULLBACK_CONNECT='' wrong 'no domain is named' list

# A domain that cannot be opened is a failure, and no wrong command line.
replay G 'differs: no name is a URI here' 1 nosuch -c nosuch list
replay G 'differs: virsh has no --state' 1 'say which folder it is' \
  -c "$uri" list
replay G 'differs: virsh has no xml:' 1 nosuch.xml -c xml:nosuch.xml list
replay G 'differs: virsh has no --state' 1 vda.qcow2 \
  -c "$uri" --state vda.qcow2 list
[ ! -e state ] || fail "a state folder was made"

# Options before and after the command, and from the environment.
replay G 'differs: virsh has no --state' 0 'Domain checkpoint a created' \
  -c "$uri" --state state create-as a
replay G 'differs: virsh takes -c before the command' 0 a \
  list --name --connect="$uri" --state=state
PULLBACK_CONNECT=$uri PULLBACK_STATE=state \
  replay G 'differs: virsh has LIBVIRT_DEFAULT_URI' 0 a list --name
PULLBACK_CONNECT=nosuch PULLBACK_STATE=nosuch \
  replay G 'as libvirt' 0 a -c "$uri" list --state state --name
mkdir -p xdg/pullback
cat >web1.xml <<END
<domain type='kvm'><name>web1</name><devices>
  <disk type='file'><driver type='qcow2'/><source file='$dir/vda.qcow2'/>
    <target dev='vda'/></disk></devices></domain>
END
if [ "$(id -u)" -ne 0 ]; then
  XDG_STATE_HOME=$dir/xdg replay G 'differs: virsh has no --state' 0 \
    'Domain checkpoint x created' -c xml:web1.xml create-as x
  [ -f xdg/pullback/web1/checkpoints/x.xml ] || fail "the state is elsewhere"
fi

# --quiet mutes what was done, and not what is asked for.
export PULLBACK_CONNECT=$uri PULLBACK_STATE=$dir/state
replay G 'as libvirt' 0 '' -q create-as b
replay G 'as libvirt' 0 '' create-as c --quiet
replay G 'as libvirt' 0 'a
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
replay G 'differs: the name of a data file is not trusted' 1 vdc.qcow2 \
  create-as a
replay G 'differs: the name of a data file is not trusted' 0 \
  'Domain checkpoint a created' --data-file create-as a

# Two at once: the one that reads waits for nobody, and changes take turns.
export PULLBACK_CONNECT=$uri PULLBACK_STATE=$dir/state
exec {lock}<state/lock
flock -x "$lock"
replay G 'differs: it does not wait' 1 state create-as d
flock -s "$lock"
replay_names G 'as libvirt' 'a b c'
replay G 'differs: it does not wait' 1 state create-as d
exec {lock}<&-
replay_names G 'as libvirt' 'a b c'
