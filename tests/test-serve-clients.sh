#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Stock clients get from backup-serve what qemu-nbd gives of the same image,
# extent by extent, with all bitmaps at once.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/serve-functions.sh"

requires qemu-img --version
requires nbdinfo --version
requires jq --version

make_disks
bitmaps=(b0 fine later clean)
options=()
for bitmap in "${bitmaps[@]}"; do
  options+=(-B "$bitmap")
done
start_qemu_nbd q -r -A -e 4 -f qcow2 "${options[@]}" a.qcow2
start_qemu_nbd r -r -e 4 -f raw c.raw
# Past the end of a backing file that is shorter QEMU says that this file
# decides and we say that none does; so depth is compared where none is.
qemu-img create -q -f qcow2 -b base.qcow2 -F qcow2 middle.qcow2 48M
qemu-img create -q -f qcow2 -b middle.qcow2 -F qcow2 top.qcow2 48M
qemu-io -c 'write -P 1 1M 1M' -c 'write -z 30M 1M' middle.qcow2 >/dev/null
qemu-io -c 'write -P 2 1M 64k' -c 'write -P 3 20M 1M' top.qcow2 >/dev/null
start_qemu_nbd d -r -A -e 4 -f qcow2 top.qcow2
start_serve s vda=a.qcow2 vdb=raw:c.raw vdc=top.qcow2

for pair in q:vda r:vdb d:vdc; do
  theirs=$(nbd_uri "${pair%:*}") ours=$(nbd_uri s "${pair#*:}")
  same_map base:allocation "$theirs" "$ours"
  qemu-img compare -q -f raw -F raw "$theirs" "$ours" || fail "data of $ours"
done
same_map qemu:allocation-depth "$(nbd_uri d)" "$(nbd_uri s vdc)"
cut -d ' ' -f 3 want | sort -u | xargs >depths
echo 0 1 2 3 | cmp - depths || fail 'not all depths are there'
for bitmap in "${bitmaps[@]}"; do
  same_map "qemu:dirty-bitmap:$bitmap" "$(nbd_uri q)" "$(nbd_uri s vda)"
done

# A libnbd program that asks about several contexts at once, of odd ranges, for
# one extent, for one chunk.
seed=${SEED:-$RANDOM}
echo "SEED=$seed"
compare=(/usr/bin/python3 "$abs_top_srcdir/tests/compare-servers.py" "$seed" 400)
"${compare[@]}" "$(nbd_uri q)" "$(nbd_uri s vda)" base:allocation \
  qemu:dirty-bitmap:b0 qemu:dirty-bitmap:fine qemu:dirty-bitmap:later ||
  fail 'a libnbd program'
"${compare[@]}" "$(nbd_uri d)" "$(nbd_uri s vdc)" base:allocation \
  qemu:allocation-depth || fail 'a libnbd program, with depth'

# nbdinfo's lists name what there is.
nbdinfo --list --json "$(nbd_uri s)" >list.json
jq -r '.exports[]."export-name"' list.json | xargs >names
echo vda vdb vdc | cmp - names || fail 'names of exports'
jq -r '.exports[0].contexts[]' list.json | sort | xargs >contexts
echo base:allocation qemu:allocation-depth \
  qemu:dirty-bitmap:b0 qemu:dirty-bitmap:clean qemu:dirty-bitmap:fine \
  qemu:dirty-bitmap:later | cmp - contexts || fail 'contexts'
nbdinfo --can multi-conn "$(nbd_uri s vda)" || fail 'several connections'
nbdinfo --is read-only "$(nbd_uri s vda)" || fail 'read-only'

# qemu-img map, which asks for one extent at a time, with a bitmap in place of
# allocation.
qemu_map ()
{
  qemu-img map --output=json --image-opts \
    "driver=nbd,server.type=unix,server.path=$dir/$1,export=$2${3:+,$3}" |
    jq -c '.[] | [.start, .length, .data, .zero]'
}
for bitmap in "${bitmaps[@]}"; do
  qemu_map q '' "x-dirty-bitmap=qemu:dirty-bitmap:$bitmap" >want
  qemu_map s vda "x-dirty-bitmap=qemu:dirty-bitmap:$bitmap" >got
  diff want got || fail "qemu-img map of $bitmap"
done
for pair in q:vda r:vdb d:vdc; do
  qemu_map "${pair%:*}" '' >want
  qemu_map s "${pair#*:}" >got
  diff want got || fail "qemu-img map of ${pair#*:}"
done

# Copies, by tools that read in their own ways.
nbdcopy "$(nbd_uri s vda)" copy.raw
qemu-img compare -q -f qcow2 -F raw a.qcow2 copy.raw || fail 'nbdcopy'
qemu-img convert -f raw -O qcow2 -m 8 -W "$(nbd_uri s vda)" copy.qcow2
qemu-img compare -q a.qcow2 copy.qcow2 || fail 'qemu-img convert'
qemu-io -r -f raw -c 'read -P 3 1M 192k' -c 'read -P 0 2M 1M' \
  -c 'read -P 5 20M 128k' -c 'read -P 6 47M 4k' -c 'read -P 3 1049601 1' \
  "$(nbd_uri s vda)" >out
[ "$(grep -c '^read' out)" -eq 5 ] || { cat out >&2; fail 'qemu-io'; }
expect_status 1 qemu-io -f raw -c 'write 0 4k' "$(nbd_uri s vda)"

# As a file, where a file system in a program may be mounted.
if [ -w /dev/fuse ] && [ "$(id -u)" -eq 0 ] && command -v nbdfuse >/dev/null
then
  mkdir mnt
  nbdfuse mnt/disk "$(nbd_uri s vda)" &
  pid=$!
  cleanup_fn umount -q mnt
  wait_for 'the mount' test -f mnt/disk
  cmp mnt/disk copy.raw || fail 'nbdfuse'
  umount mnt
  wait "$pid" || fail 'nbdfuse did not end in order'
fi

# As a block device, where the kernel has them.
if [ -b /dev/nbd0 ] && [ "$(id -u)" -eq 0 ] && command -v nbd-client >/dev/null
then
  nbd-client -unix "$dir/s" /dev/nbd0 -N vda -readonly >/dev/null
  cleanup_fn nbd-client -d /dev/nbd0
  cmp /dev/nbd0 copy.raw || fail 'nbd-client'
  nbd-client -d /dev/nbd0
fi

# The whole job, over contexts: full, change, increment.
backup-pull -q "$(nbd_uri s vda)" full.qcow2
qemu-img compare -q a.qcow2 full.qcow2 || fail 'the full backup'
end_serve s
kill_and_wait "$qemu_nbd_pid"
stop_server "$(cat q.pid)"
qemu-img bitmap --add a.qcow2 monday
qemu-io -c 'write -P 10 5M 100k' -c 'write -z 1M 192k' -c 'discard 63M 512k' \
  a.qcow2 >/dev/null
start_serve s vda=a.qcow2
backup-pull --json --bitmap monday --backing full.qcow2 "$(nbd_uri s)" \
  inc.qcow2 >report.json
qemu-img compare -q a.qcow2 inc.qcow2 || fail 'the increment'
[ "$(stat -c %s inc.qcow2)" -lt 2000000 ] || fail 'the increment holds too much'
end_serve s
