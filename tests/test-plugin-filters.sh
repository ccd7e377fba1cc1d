# SPDX-License-Identifier: LGPL-2.1-or-later
# test-plugin-filters.sh: the plugin under nbdkit's filters.

. "$abs_top_srcdir/tests/functions.sh"

qemu-img create -q -f qcow2 a.qcow2 16M
qemu-io -c 'write -P 1 1M 1M' -c 'write -P 2 10M 100k' a.qcow2 >/dev/null
qemu-img bitmap --add a.qcow2 b0
qemu-io -c 'write -P 3 4M 192k' -c 'write -z 1M 64k' a.qcow2 >/dev/null
qemu-img convert -O raw a.qcow2 want.raw

# with_filters FILTER...: both exports still hold the disk.
with_filters ()
{
  local filter export
  nbdkit_options=()
  for filter in $1; do
    nbdkit_options+=("--filter=$filter")
  done
  shift
  serve s a.qcow2 "$@"
  for export in a a/b0; do
    rm -f got.raw
    # The bytes alone, not what the allocation of a dirty map says.
    nbdcopy --no-extents "$(nbd_uri s "$export")" got.raw
    cmp want.raw got.raw || fail "content of $export with ${nbdkit_options[*]}"
  done
}

with_filters cow
qemu-io -f raw -c 'write -P 9 0 64k' "$(nbd_uri s a)" >/dev/null
stop_server "$nbdkit_pid"
with_filters cache
stop_server "$nbdkit_pid"
with_filters readahead
stop_server "$nbdkit_pid"
with_filters blocksize minblock=4k maxlen=64k
stop_server "$nbdkit_pid"
with_filters 'delay stats' rdelay=1ms statsfile=stats
dirty_map "$(nbd_uri s a/b0)" >map
grep -qx '4194304 196608 1' map || fail 'the map is lost under filters'
stop_server "$nbdkit_pid"
expect_text stats 'read:'

# A window of the disk: the map moves with it.
nbdkit_options=(--filter=offset)
serve s a.qcow2 offset=4M range=2M
dirty_map "$(nbd_uri s a/b0)" >map
printf '%s\n' '0 196608 1' '196608 1900544 0' | cmp - map \
  || fail 'the map under the offset filter'
stop_server "$nbdkit_pid"

# The filter gives every client one of the disks.
nbdkit_options=(--filter=exportname)
serve s disk=x=a.qcow2 disk=y=a.qcow2 default-export=y
nbdinfo --json "$(nbd_uri s)" >info.json
expect_text info.json '"export-name": "y"'
stop_server "$nbdkit_pid"

# Errors of the image reach the client as errors.
nbdkit_options=()
serve s a.qcow2
expect_status 1 qemu-io -r -f raw -c 'read 16M 512' "$(nbd_uri s a)"
nbdcopy "$(nbd_uri s a)" null: || fail 'the connection did not survive'
