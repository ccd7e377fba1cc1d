# SPDX-License-Identifier: LGPL-2.1-or-later
# test-domain-qemu-img-kill.sh: qemu-img finishes what it was started for, also
# where we are killed or interrupted meanwhile, and has our lock until then.

. "$abs_top_srcdir/tests/functions.sh"

real=$(command -v qemu-img)
mkdir bin
cat >bin/qemu-img <<EOF
#!/bin/bash
touch $dir/started
while [ ! -e $dir/go ]; do sleep 0.02; done
$real "\$@"
touch $dir/ended
EOF
chmod +x bin/qemu-img

qemu-img create -q -f qcow2 a.qcow2 1M
qemu-img bitmap --add a.qcow2 old
qemu-io -f qcow2 -c 'write 0 64k' a.qcow2 >/dev/null

n=0
for signal in KILL INT HUP; do
  rm -f started go ended
  # In a process group of its own, as a terminal's interrupt reaches it; which
  # is ignored by what a shell runs in the background, unless told otherwise.
  PATH=$dir/bin:$PATH setsid env --default-signal "$abs_top_builddir/tests/driver-tool" \
    --lock "$dir/lock" "$dir/a.qcow2" add "b$n" &
  pid=$!
  wait_for 'qemu-img to start' test -e started
  kill -s "$signal" -- "-$pid"
  wait "$pid" 2>/dev/null && fail "the driver has survived $signal"
  if flock -n lock true; then
    fail "the lock is free while qemu-img runs, after $signal"
  fi
  touch go
  wait_for 'qemu-img to end' test -e ended
  wait_for 'the lock' flock -n lock true
  "$abs_top_builddir/tests/driver-tool" "$dir/a.qcow2" bitmaps >got
  grep -qx "0 b$n 65536 enabled" got || { cat got; fail "bitmap after $signal"; }
  grep -qx '0 old 65536 enabled' got || { cat got; fail "the old one, $signal"; }
  n=$((n + 1))
done
