#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The example programs tell what QEMU reports: extents, with change from
# qemu-nbd's dirty-bitmap context and zeroes from qemu-img map, and how much has
# changed since a checkpoint.

. "$abs_top_srcdir/tests/functions.sh"

requires qemu-img --version
requires nbdinfo --version
requires jq --version

size=$((16 << 20))
granule=65536

qemu-img create -q -f qcow2 disk.qcow2 "$size"
qemu-io -c "write -P 1 1M 3M" -c "write -P 2 8M 1M" disk.qcow2 >/dev/null
qemu-img bitmap --add -g "$granule" disk.qcow2 b0
qemu-io -d unmap -c "write -P 3 2M 512k" -c "write -z 3M 256k" \
  -c "discard 8M 128k" -c "write -P 4 12M 64k" \
  -c "write -P 5 $((size - granule)) $granule" disk.qcow2 >/dev/null

# One line a granule, from lines of "start length flag".
by_granule ()
{
  awk -v granule="$granule" -v size="$size" '
    { for (at = $1; at < $1 + $2; at += granule) flag[at / granule] = $3 }
    END { for (i = 0; i < size / granule; i++) print flag[i] }'
}

start_qemu_nbd b0.sock -r -f qcow2 -B b0 disk.qcow2
nbdinfo --json --map=qemu:dirty-bitmap:b0 "nbd+unix:///?socket=b0.sock" |
  jq -r '.[] | "\(.offset) \(.length) \(.type == 1)"' | by_granule >dirty
stop_server "$qemu_nbd_pid"
qemu-img map -f qcow2 --output=json disk.qcow2 |
  jq -r '.[] | "\(.start) \(.length) \(.zero)"' | by_granule >zero
paste -d ' ' dirty zero >expected
for kind in 'true true' 'true false' 'false true' 'false false'; do
  grep -qxF "$kind" expected || fail "the disk has nothing that is $kind"
done

"$abs_top_builddir/docs/examples/dirty-extents" disk.qcow2 b0 >extents
jq -r '"\(.start) \(.length) \(.dirty) \(.zero)"' extents >fields
awk -v granule="$granule" '
  $1 != at { print "gap before " $1; exit 1 }
  { for (; at < $1 + $2; at += granule) print $3, $4 }' fields >got
diff expected got || fail "the example (>) and QEMU (<) differ"

# Its errors are the library's.
expect_status 1 "$abs_top_builddir/docs/examples/dirty-extents" disk.qcow2 none
expect_text err "b0"

# The checkpoints of a domain, made of a bitmap of QEMU's own here.
changed_since=$abs_top_builddir/docs/examples/changed-since
expect_status 0 "$changed_since" disks:vda=disk.qcow2 state
[ ! -s out ] || fail "there are changes since checkpoints that there are not"
mkdir -p state/checkpoints
cat >state/checkpoints/b0.xml <<'END'
<domaincheckpoint>
  <name>b0</name>
  <creationTime>1</creationTime>
  <disks>
    <disk name='vda' checkpoint='bitmap' bitmap='b0'/>
  </disks>
</domaincheckpoint>
END
expect_status 0 "$changed_since" disks:vda=disk.qcow2 state
echo "b0 vda $(($(grep -c true dirty) * granule))" | diff - out ||
  fail "the example (>) and QEMU (<) differ"
qemu-img bitmap --disable disk.qcow2 b0
expect_status 0 "$changed_since" disks:vda=disk.qcow2 state
echo "b0 vda unknown" | diff - out || fail "a disabled bitmap was believed"
expect_status 1 "$changed_since" disks:vda=none.qcow2 state
expect_text err "none.qcow2"
