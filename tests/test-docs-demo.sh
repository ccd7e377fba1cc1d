#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The demo runs to its end, and what it leaves is what it says.

. "$abs_top_srcdir/tests/functions.sh"

requires qemu-img --version
requires nbdinfo --version
requires nbdkit --version

use_plain_nbdkit

bash "$abs_top_srcdir/docs/examples/demo.sh" made >said 2>&1 ||
  { cat said >&2; fail "the demo failed"; }
[ "$(tail -n 1 said)" = \
  "The chain full <- inc1 <- inc2 equals the disk, byte for byte." ] ||
  { cat said >&2; fail "the demo does not end as it should"; }

# With another tool's eyes, and that the increments are increments.
qemu-img compare made/disk.qcow2 made/inc2.qcow2
for file in full inc1 inc2; do
  qemu-img check -q "made/$file.qcow2"
done
bytes_of ()
{
  stat -c %s "made/$1.qcow2"
}
[ "$(bytes_of inc1)" -lt $((8 << 20)) ] || fail "inc1 has $(bytes_of inc1) bytes"
[ "$(bytes_of inc2)" -lt $((4 << 20)) ] || fail "inc2 has $(bytes_of inc2) bytes"
