# SPDX-License-Identifier: LGPL-2.1-or-later
# While we read an image QEMU may read it too, but not write; and where QEMU
# writes, we do not read.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/image-functions.sh"

qemu-img create -q -f raw base.raw 1M
qemu-img create -q -f qcow2 -b base.raw -F raw a.qcow2
qemu-img create -q -f raw disk.raw 1M

# hold ARGS...: keep an image open with our reader until release.
hold ()
{
  mkfifo hold.in
  "$image_tool" "$@" hold <hold.in >hold.out &
  holder=$!
  exec 9>hold.in
  wait_for "image-tool to open $*" grep -q open hold.out
}

release ()
{
  exec 9>&-
  wait "$holder"
  rm hold.in hold.out
}

# Our readers keep QEMU's writers out of every file of the chain.
hold a.qcow2
qemu-img info a.qcow2 >/dev/null || fail "qemu-img info is kept out"
qemu-img convert -O raw a.qcow2 out.raw || fail "qemu-img convert is kept out"
"$image_tool" a.qcow2 info >/dev/null || fail "a second reader is kept out"
expect_status 1 qemu-io -f qcow2 -c 'write 0 64k' a.qcow2
expect_text err 'Failed to get "write" lock'
expect_status 1 qemu-io -f raw -c 'write 0 64k' base.raw
expect_text err 'Failed to get "write" lock'
expect_status 1 qemu-img resize -f raw base.raw 2M
release
qemu-io -f qcow2 -c 'write 0 64k' a.qcow2 >/dev/null \
  || fail "a lock outlives its reader"

# With --allow-writer a raw image stays open to writers.
hold --raw --allow-writer disk.raw
qemu-io -f raw -c 'write -P 7 0 64k' disk.raw >/dev/null \
  || fail "--allow-writer keeps writers out"
release

# A writer keeps our readers out.
start_qemu_nbd w.sock -f qcow2 a.qcow2
expect_error 'a.qcow2: is being written by another process' a.qcow2 info
qemu-img create -q -f qcow2 -b a.qcow2 -F qcow2 over.qcow2 1M
expect_error 'over.qcow2: backing file: a.qcow2: is being written' \
  over.qcow2 info
stop_server "$qemu_nbd_pid"
"$image_tool" over.qcow2 info >/dev/null || fail "the writer has gone"

start_qemu_nbd r.sock -f raw disk.raw
expect_error 'disk.raw: is being written' --raw disk.raw info
"$image_tool" --raw --allow-writer disk.raw dump >/dev/null \
  || fail "--allow-writer has no effect"
expect_error 'a qcow2 image can'\''t be read while something writes to it' \
  --allow-writer a.qcow2 info
stop_server "$qemu_nbd_pid"

# A read-only user does not.
start_qemu_nbd o.sock -r -f qcow2 a.qcow2
same_bytes a.qcow2
stop_server "$qemu_nbd_pid"
