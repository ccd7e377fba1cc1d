# SPDX-License-Identifier: LGPL-2.1-or-later
# test-plugin-locks.sh: a running writer is refused, and none can start while
# the server runs, also when it is in the background.

. "$abs_top_srcdir/tests/functions.sh"

qemu-img create -q -f qcow2 base.qcow2 1M
qemu-img create -q -f qcow2 -b base.qcow2 -F qcow2 a.qcow2 1M
qemu-img bitmap --add a.qcow2 b0
truncate -s 1M c.raw

# can_write IMAGE FORMAT
can_write ()
{
  qemu-io -f "$2" -c 'write 0 4k' "$1" >/dev/null 2>&1
}

# A writer that runs: qemu-nbd stands for a virtual machine.
start_qemu_nbd q -f qcow2 a.qcow2
expect_status 1 run_nbdkit -f -U s "$PULLBACK_PLUGIN" disk=vda=a.qcow2
expect_text err "disk vda: $dir/a.qcow2: is being written by another process"
kill_and_wait "$qemu_nbd_pid"

# One that comes later.
serve s disk=vda=a.qcow2 disk=vdb=raw:c.raw
can_write a.qcow2 qcow2 && fail 'a writer could start on a.qcow2'
can_write base.qcow2 qcow2 && fail 'a writer could start on the backing file'
can_write c.raw raw && fail 'a writer could start on c.raw'
qemu-img info a.qcow2 >/dev/null || fail 'a reader is kept out too'
stop_server "$nbdkit_pid"
can_write a.qcow2 qcow2 || fail 'the lock outlives the server'

# nbdkit forks into the background; the locks stay.
rm -f s s.pid
run_nbdkit -U "$dir/s" -P "$dir/s.pid" "$PULLBACK_PLUGIN" disk=vda=a.qcow2
wait_for 'the server' test -s s.pid
cleanup_fn kill "$(cat s.pid)"
nbdinfo --size "$(nbd_uri s vda/b0)" >/dev/null
can_write a.qcow2 qcow2 && fail 'a writer could start beside a daemon'
kill "$(cat s.pid)"
wait_for 'the server to end' can_write a.qcow2 qcow2

# A raw image with a writer can be served if one insists.
start_qemu_nbd q -f raw c.raw
rm -f s
expect_status 1 run_nbdkit -f -U s "$PULLBACK_PLUGIN" c.raw format=raw
expect_text err "disk c: $dir/c.raw: is being written by another process"
serve s c.raw format=raw allow-writer=true
nbdinfo --size "$(nbd_uri s)" >/dev/null
