# SPDX-License-Identifier: LGPL-2.1-or-later
# test-pull-signal.sh: a signal ends a pull at once, says so, and leaves a
# .partial that nobody takes for a backup and that the next run replaces.

. "$abs_top_srcdir/tests/functions.sh"

socket=$dir/disk.sock
uri="nbd+unix:///?socket=$socket"
start_nbdkit "$socket" pattern 64M

# Signals that come while it connects just end it; this is about later ones.
has_data ()
{
  [ "$(stat -c %s out.qcow2.partial)" -gt 500000 ]
}

for signal in INT TERM HUP; do
  rm -f out.qcow2 out.qcow2.partial # or has_data sees the one before
  # In a job of its own: a shell's background jobs ignore SIGINT.
  status=0
  set -m
  backup-pull --json --rate-limit 2M "$uri" out.qcow2 >out 2>err &
  pid=$!
  set +m
  wait_for "the pull to write" has_data
  kill -s "$signal" "$pid"
  wait "$pid" || status=$?
  [ "$status" -eq $((128 + $(kill -l "$signal"))) ] ||
    fail "SIG$signal: exit status $status: $(cat err)"
  expect_text err "ended by signal"
  expect_text err "out.qcow2.partial is left unfinished"
  [ "$(jq -r .status out)/$(jq '."exit-code"' out)" = "failed/$status" ] ||
    fail "$(cat out)"
  [ ! -e out.qcow2 ] || fail "SIG$signal made a backup"
  expect_status 1 qemu-img info out.qcow2.partial
  expect_text err "unfinished backup output"
done

backup-pull -q "$uri" out.qcow2
[ ! -e out.qcow2.partial ] || fail "the leftover is still there"
qemu-img check -q out.qcow2
nbdcopy "$uri" out.raw
qemu-img compare -q -f raw -F qcow2 out.raw out.qcow2
