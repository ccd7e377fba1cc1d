#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The file system of an image is full: QEMU would lose all of its bitmaps, so
# none is changed; and with however little room, none is lost.

. "$abs_top_srcdir/tests/functions.sh"

mkdir small
requires mount -t tmpfs -o size=64M none "$dir/small"
cleanup_fn umount "$dir/small"
requires qemu-io --version

export PULLBACK_CONNECT="disks:vda=$dir/small/vda.qcow2" PULLBACK_STATE=state
qemu-img create -q -f qcow2 small/vda.qcow2 40G
backup-checkpoint -q create-as a
backup-checkpoint -q create-as b
# Both bits of the bitmaps' two clusters.
qemu-io -f qcow2 -c 'write 0 64k' -c 'write 39G 64k' small/vda.qcow2 >/dev/null

# size_of CHECKPOINT
size_of ()
{
  backup-checkpoint dumpxml --no-domain --size "$1" |
    sed -n "s/.* size='\([0-9]*\)'.*/\1/p"
}

# leave KIB: so much is left on the file system of the image.
leave ()
{
  local used
  used=$(df -k --output=used small | tail -1)
  mount -o remount,size=$((used + $1))k "$dir/small"
}

# sound: the bitmaps are, and the image.
sound ()
{
  [ "$(size_of a)" = 131072 ] || fail "$1: a is lost"
  expect_status 0 backup-checkpoint doctor
  qemu-img check -q small/vda.qcow2
}

leave 0
expect_status 1 backup-checkpoint create-as c
expect_text err 'all bitmaps of the image would be lost; make room first'
sound 'create without room'
expect_status 1 backup-checkpoint delete b
expect_text err 'make room first'
sound 'delete without room'
[ "$(size_of b)" = 131072 ] || fail 'b is lost'

done=0
for ((kib = 64; kib <= 2048; kib += 160)); do
  leave $kib
  if backup-checkpoint -q create-as "c$kib" 2>/dev/null; then
    done=$((done + 1))
    leave 8192
    backup-checkpoint -q delete "c$kib"
  fi
  sound "create with $kib KiB"
done
[ "$done" -gt 0 ] || fail '2 MiB are enough for three bitmaps of 256 KiB'
