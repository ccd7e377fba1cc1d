#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The walk that README.md shows, command by command: two disks, three
# checkpoints, one in the middle deleted, an increment since each of them, and
# every chain equal to the disk as it was when it was pulled.

. "$abs_top_srcdir/tests/functions.sh"

requires qemu-img --version
requires nbdkit --version
use_plain_nbdkit

# The section "Checkpoints" as a script.  Commands are the lines "    $ ...",
# with those below that are indented further; other lines of a block are what
# the command before them prints.
perl -e '
  my ($in, @steps, $step);
  while (<STDIN>) {
    if (/^## (.*)/) { $in = $1 eq "Checkpoints"; next }
    next unless $in;
    if (/^    \$ (.*)/) { push @steps, $step = { command => "$1\n", output => "" } }
    elsif ($step && $step->{output} eq "" && /^      (.*)/) { $step->{command} .= "$1\n" }
    elsif ($step && /^    (.*)/) { $step->{output} .= "$1\n" }
    elsif (/machine runs/) { push @steps, { command => "machine_runs\n", output => "" }; $step = undef }
    elsif (/\S/) { $step = undef }
  }
  for (@steps) {
    s/\x27/\x27\\\x27\x27/g for $_->{command}, $_->{output};
    print "step \x27$_->{command}\x27 \x27$_->{output}\x27\n";
  }' <"$abs_top_srcdir/README.md" >walk

qemu-img create -q -f qcow2 vm.qcow2 32M
qemu-img create -q -f qcow2 data.qcow2 16M

# What the machine does, a little else each time: writes over what is old,
# zeroes, and discards.
runs=0
machine_runs ()
{
  runs=$((runs + 1))
  qemu-io -f qcow2 -c "write -P 1$runs $((runs * 3))M 1234k" \
    -c "write -P 2$runs 64k 300k" -c "write -z $((runs * 3 - 1))M 128k" \
    -c "write -P 3$runs 31M 1M" vm.qcow2 >/dev/null
  qemu-io -f qcow2 -c "write -P 4$runs $((runs * 512))k 512" \
    -c "discard 1M $((runs * 64))k" data.qcow2 >/dev/null
}

# check_backups: each new one is equal to the disk that it was pulled from.
check_backups ()
{
  local backup disk
  for backup in vd[ab]-*.qcow2; do
    if [ ! -e "$backup" ] || [ -e "$backup.checked" ]; then
      continue
    fi
    case $backup in
      vda-*) disk=vm.qcow2 ;;
      vdb-*) disk=data.qcow2 ;;
    esac
    qemu-img compare "$disk" "$backup" >compared ||
      fail "$backup is not $disk: $(cat compared)"
    : >"$backup.checked"
  done
}

# step COMMAND OUTPUT
commands=0
step ()
{
  commands=$((commands + 1))
  eval "$1" >said </dev/null || fail "failed: $1"
  sed -i 's/ *$//' said
  if [ -n "$2" ]; then
    diff <(printf '%s' "$2" | grep .) <(grep . said) >&2 ||
      fail "README.md has another output: $1"
  fi
  check_backups
}

# A walk that is not found would be one that is equal.
[ "$(wc -l <walk)" -ge 20 ] || fail 'README.md has no walk'
machine_runs
. ./walk
[ "$runs" -eq 4 ] || fail "the machine has run $runs times"
checked=$(printf '%s\n' vd*.checked | wc -l)
[ "$checked" -eq 10 ] || fail "$checked backups were compared"

# An increment has no more than what has changed, in clusters of 64k.
data_of ()
{
  qemu-img map --output=json "$1" |
    jq '[.[] | select(.depth == 0 and (.data or .zero)) | .length] | add'
}
for pair in tue:mon wed:tue thu:wed; do
  [ "$(data_of "vda-${pair%:*}.qcow2")" -lt 4000000 ] ||
    fail "vda-${pair%:*} is too large"
done

# What has been deleted is no more to be had, and what is left is.
expect_status 1 nbdkit -U - -e vda "$PULLBACK_PLUGIN" \
  domain="$PULLBACK_CONNECT" state="$PULLBACK_STATE" \
  --run 'backup-pull --since tue --backing vda-wed.qcow2 "$uri" no.qcow2'
expect_text err tue
[ ! -e no.qcow2 ] || fail 'an increment since nothing'
expect_status 0 backup-checkpoint list --name
[ "$(cat out)" = $'mon\nwed' ] || fail "checkpoints: $(cat out)"
expect_status 0 backup-checkpoint doctor
echo "$commands commands of README.md, $checked backups are equal"
