# SPDX-License-Identifier: LGPL-2.1-or-later
# test-domain-block-device.sh: bitmaps of a qcow2 image in a block device.

. "$abs_top_srcdir/tests/functions.sh"

driver ()
{
  "$abs_top_builddir/tests/driver-tool" "$@"
}

requires losetup --version
truncate -s 16M file
requires losetup -f
device=$(losetup -f --show file 2>/dev/null) || requires false
cleanup_fn losetup -d "$device"
qemu-img create -q -f qcow2 "$device" 8M
driver "$device" check
driver "$device" add b0
qemu-io -f qcow2 -c 'write 1M 1M' "$device" >/dev/null
driver "$device" merge b0 b1
driver "$device" remove b0
[ "$(driver "$device" bitmaps)" = '0 b1 65536 enabled' ] || fail 'bitmaps'
driver "$device" since b1 >got
printf '%s\n' '0 1048576 0' '1048576 1048576 1' '2097152 6291456 0' \
  | diff - got || fail 'changes'
qemu-img check -q -f qcow2 "$device" || fail 'the image is not sound'
