# SPDX-License-Identifier: LGPL-2.1-or-later
# test-plugin-exports.sh: the names of exports, their descriptions, and what is
# said where a name is wrong or its dirty map cannot be trusted.

. "$abs_top_srcdir/tests/functions.sh"

exports ()
{
  nbdinfo --list --json "$(nbd_uri s)" >list.json
  sed -n 's/.*"export-name": "\(.*\)",/\1/p' list.json
}

# cannot_open EXPORT TEXT: a client gets nothing, the server's log says why.
cannot_open ()
{
  expect_status 1 nbdinfo --size "$(nbd_uri s "$1")"
  expect_text s.log "$2"
}

qemu-img create -q -f qcow2 a.qcow2 8M
qemu-img bitmap --add a.qcow2 b0
qemu-img bitmap --add -g 4k a.qcow2 'with space/and slash'
qemu-img create -q -f qcow2 b.qcow2 4M
qemu-img bitmap --add b.qcow2 b0
truncate -s 2M c.raw

# Kill QEMU while it has bitmaps open for writing: they stay marked in use.
qemu-img create -q -f qcow2 torn.qcow2 1M
qemu-img bitmap --add torn.qcow2 b0
qemu-io -c 'write 0 64k' -c 'abort' torn.qcow2 >/dev/null 2>&1 || :

# One disk: its name may be left out.
serve s a.qcow2
[ "$(exports)" = "$(printf '%s\n' a a/b0 'a/with space/and slash')" ] \
  || fail "exports: $(exports)"
for export in '' a a/b0 /b0 'a/with space/and slash'; do
  nbdinfo --size "$(nbd_uri s "${export// /%20}")" | grep -qx 8388608 \
    || fail "export '$export'"
done
expect_text list.json '"description": "disk a"'
expect_text list.json \
  '"description": "pullback dirty map of a: bitmap b0, granularity 65536"'
expect_text list.json 'bitmap with space/and slash, granularity 4096"'
[ "$(grep -c '"description": "pullback dirty map ' list.json)" -eq 2 ] \
  || fail 'another export than the maps is described as one'

# Each export is read-only, for several connections, and has block sizes.
nbdinfo --json "$(nbd_uri s a/b0)" >info.json
for line in '"is_read_only": true' '"can_multi_conn": true' \
            '"can_cache": true' '"block_size_minimum": 1' \
            '"block_size_preferred": 65536' '"block_size_maximum": 33554432'
do
  expect_text info.json "$line"
done
cannot_open b "export 'b': there is no such disk; there are: a"
cannot_open b/b0 "export 'b/b0': there is no such disk; there are: a"
cannot_open a/nosuch "export 'a/nosuch': "
expect_text s.log b0
cannot_open a/ "export 'a/': "
stop_server "$nbdkit_pid"

# The other cluster sizes' preferred block size; that of raw.
qemu-img create -q -f qcow2 -o cluster_size=512 small.qcow2 1M
qemu-img create -q -f qcow2 -o cluster_size=2M large.qcow2 1M
serve s disk=small=small.qcow2 disk=large=large.qcow2 disk=raw=raw:c.raw
for pair in small:4096 large:65536 raw:4096; do
  nbdinfo --json "$(nbd_uri s "${pair%:*}")" >info.json
  expect_text info.json "\"block_size_preferred\": ${pair#*:}"
done
stop_server "$nbdkit_pid"

# Several disks: each has its own maps, and no name may be left out.
nbdkit_options=(-v -D pullback.exports=1)
serve s disk=vda=a.qcow2 disk=vdb=b.qcow2 disk=vdc=raw:c.raw disk=t=torn.qcow2
[ "$(exports)" = "$(printf '%s\n' vda vda/b0 'vda/with space/and slash' \
                           vdb vdb/b0 vdc t)" ] || fail "exports: $(exports)"
nbdinfo --size "$(nbd_uri s vdb/b0)" | grep -qx 4194304 || fail 'size of vdb'
nbdinfo --size "$(nbd_uri s vdc)" | grep -qx 2097152 || fail 'size of vdc'
cannot_open '' 'there is no such disk; there are: vda, vdb, vdc, t'
cannot_open /b0 "export '/b0': there is no such disk"
cannot_open vd "export 'vd': there is no such disk"
cannot_open vdc/b0 "export 'vdc/b0': "
expect_text s.log "export 'vda/b0' is pullback dirty map of vda: bitmap b0"

# A bitmap that QEMU did not close is not listed, and needs a full backup.
cannot_open t/b0 "export 't/b0': "
grep "export 't/b0': " s.log | grep -q 'full backup' \
  || fail 'the log does not say that a full backup is needed'
expect_text s.log 'map b0 of t is not exported: '
