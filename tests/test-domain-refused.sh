# SPDX-License-Identifier: LGPL-2.1-or-later
# test-domain-refused.sh: disks whose bitmaps cannot be changed now, and what is
# said of them.

. "$abs_top_srcdir/tests/functions.sh"

driver ()
{
  "$abs_top_builddir/tests/driver-tool" "$@"
}

refused ()
{
  local text=$1
  shift
  expect_status 1 driver "$@"
  expect_text err "$text"
}

qemu-img create -q -f qcow2 a.qcow2 1M
driver "$dir/a.qcow2" check
before=$(md5sum <a.qcow2)

# What is no qcow2 image of version 3.
truncate -s 1M r.raw
refused "disk vda: $dir/r.raw: a raw image has no place for bitmaps; convert" \
        --raw "$dir/r.raw" check
qemu-img create -q -f qcow2 -o compat=0.10 v2.qcow2 1M
refused "upgrade it: qemu-img amend -f qcow2 -o compat=1.1 $dir/v2.qcow2" \
        "$dir/v2.qcow2" check
refused 'Cannot store dirty bitmaps in qcow2 v2 files' "$dir/v2.qcow2" add b0
qemu-img amend -f qcow2 -o compat=1.1 v2.qcow2
driver "$dir/v2.qcow2" check
driver "$dir/v2.qcow2" add b0
refused "$dir/r.raw: " "$dir/r.raw" check
refused 'No such file or directory' "$dir/nosuch" check
refused 'neither a regular file nor a block device' "$dir" check
mkfifo pipe
refused 'neither a regular file nor a block device' "$dir/pipe" check

# Marked as corrupt, in incompatible feature bit 1.
cp a.qcow2 corrupt.qcow2
printf '\2' | dd of=corrupt.qcow2 bs=1 seek=79 conv=notrunc status=none
refused 'it is marked as corrupt' "$dir/corrupt.qcow2" check

# Bitmaps that were not saved are in nobody's way; damaged ones are.
cp a.qcow2 in-use.qcow2
qemu-img bitmap --add in-use.qcow2 b0
qemu-io -c 'write 0 64k' -c abort in-use.qcow2 >/dev/null 2>&1 || :
driver "$dir/in-use.qcow2" check
driver "$dir/in-use.qcow2" bitmaps | grep -qx '0 b0 65536 enabled in-use unusable' \
  || fail 'the bitmap is not in use'
refused 'Bitmap already exists: b0' "$dir/in-use.qcow2" add b0
driver "$dir/in-use.qcow2" add b1
refused 'bitmap b0 cannot be merged: it is marked as in use' \
        "$dir/in-use.qcow2" merge b0 b1
refused 'bitmap b0 cannot be merged: it is marked as in use' \
        "$dir/in-use.qcow2" merge b1 b0
driver "$dir/in-use.qcow2" remove b0
[ "$(driver "$dir/in-use.qcow2" bitmaps)" = '0 b1 65536 enabled' ] \
  || fail 'bitmaps after the removal'
cp a.qcow2 bad.qcow2
qemu-img bitmap --add bad.qcow2 b0
at=$(grep -obaUP '\x01\x10\x00\x02\x00\x00\x00\x00b0' bad.qcow2 | cut -d: -f1)
printf '\40' | dd of=bad.qcow2 bs=1 seek=$((at + 1)) conv=notrunc status=none
refused 'bitmap b0 is damaged, so none can be changed' "$dir/bad.qcow2" check
refused 'disk vda: ' "$dir/bad.qcow2" add b1

# Somebody has it open.
start_qemu_nbd w.sock -f qcow2 a.qcow2
refused 'is being written by another process' "$dir/a.qcow2" check
refused 'is being written by another process' "$dir/a.qcow2" bitmaps
refused '(errno 16)' "$dir/a.qcow2" add b0
stop_server "$qemu_nbd_pid"
start_qemu_nbd r.sock -r -f qcow2 a.qcow2
refused 'another process reads it and lets nobody write' "$dir/a.qcow2" check
driver "$dir/a.qcow2" bitmaps
refused 'lock' "$dir/a.qcow2" add b0
stop_server "$qemu_nbd_pid"
qemu-img create -q -f qcow2 -b a.qcow2 -F qcow2 over.qcow2
start_qemu_nbd o.sock -f qcow2 over.qcow2
refused 'another process reads it' "$dir/over.qcow2" check "$dir/a.qcow2"
stop_server "$qemu_nbd_pid"
driver "$dir/over.qcow2" check "$dir/a.qcow2"
[ "$before" = "$(md5sum <a.qcow2)" ] || fail 'looking has changed the image'

# Between two looks.
qemu-img bitmap --add a.qcow2 b0
qemu-io -f qcow2 -c 'write 0 1' a.qcow2 >/dev/null
[ "$(driver "$dir/a.qcow2" race b0 true)" = '65536 of 1048576' ] \
  || fail 'the changes'
refused 'its bitmaps have been changed by another process' "$dir/a.qcow2" \
        race b0 "qemu-img bitmap --disable $dir/a.qcow2 b0"

# A read-only file system; and a mode, which is nothing to root.
if [ "$(id -u)" -eq 0 ]; then
  mkdir mnt
  if mount -t tmpfs tmpfs mnt 2>/dev/null; then
    cleanup_fn umount "$dir/mnt"
    cp a.qcow2 mnt
    mount -o remount,ro mnt
    refused 'cannot be written, so its bitmaps cannot be changed: Read-only file system' \
            "$dir/mnt/a.qcow2" check
    # A full one: qemu-img would lose the bitmap that is there.
    mount -o remount,rw,size=2M mnt
    head -c 10M /dev/zero 2>/dev/null >mnt/fill || :
    refused 'bytes left, and to write its bitmaps anew up to' \
            "$dir/mnt/a.qcow2" check
    refused '(errno 28)' "$dir/mnt/a.qcow2" check
    refused 'disk vda: ' "$dir/mnt/a.qcow2" add b1
    rm mnt/fill
    driver "$dir/mnt/a.qcow2" check
    driver "$dir/mnt/a.qcow2" bitmaps >got
    ! grep -q b1 got || fail 'b1 was added after all'
  fi
else
  cp a.qcow2 mode.qcow2
  chmod a-w mode.qcow2
  refused 'Permission denied' "$dir/mode.qcow2" check
fi
