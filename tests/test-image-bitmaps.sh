# SPDX-License-Identifier: LGPL-2.1-or-later
# QEMU's persistent dirty bitmaps: which there are, which can be trusted, and
# the same bits as QEMU serves.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/image-functions.sh"

# same_bits IMAGE BITMAP: against the map that qemu-nbd serves.
same_bits ()
{
  start_qemu_nbd b.sock -r -f qcow2 -B "$2" "$1"
  nbdinfo --map="qemu:dirty-bitmap:$2" --json "nbd+unix:///?socket=b.sock" \
    >want.json
  stop_server "$qemu_nbd_pid"
  jq -r '[.[] | {start: .offset, length, s: .type, d: 0}] |'"$_merge_map" \
    want.json >want.map
  "$image_tool" "$1" bitmap "$2" >got.json
  jq -r '[.[] | {start, length, s: (if .dirty then 1 else 0 end), d: 0}]
    |'"$_merge_map" got.json >got.map
  diff want.map got.map || fail "bitmap $2 of $1 is not as QEMU has it"
  grep -q ' 1 0$' got.map || fail "bitmap $2 of $1 has no dirty granule"
}

bitmap_info ()
{
  "$image_tool" "$1" bitmaps | jq -r ".[] | select(.name == \"$2\") | $3"
}

for cluster_size in 512 65536; do
  qemu-img create -q -f qcow2 -o cluster_size=$cluster_size a.qcow2 50000k
  test "$("$image_tool" a.qcow2 bitmaps)" = '[]' || fail "bitmaps in a new image"
  expect_error 'no bitmap called b0 (it has none)' a.qcow2 bitmap b0
  qemu-img bitmap --add -g 512 a.qcow2 fine
  qemu-img bitmap --add -g 64k a.qcow2 b0
  qemu-img bitmap --add -g 2G a.qcow2 coarse
  qemu-img bitmap --add --disable a.qcow2 'off "quoted"'
  qemu-io -f qcow2 -c 'write -P 1 1000k 300k' -c 'write -P 2 7M 512' \
    -c 'write -z 40M 1M' -c 'write -P 3 49999k 1k' a.qcow2 >/dev/null
  for name in fine b0 coarse; do
    same_bits a.qcow2 $name
  done
  test "$(bitmap_info a.qcow2 fine .granularity)" = 512 || fail granularity
  test "$(bitmap_info a.qcow2 b0 .enabled)" = true || fail enabled
  test "$(bitmap_info a.qcow2 b0 .usable)" = true || fail usable
  test "$(bitmap_info a.qcow2 'off \"quoted\"' .enabled)" = false || fail disabled
  "$image_tool" a.qcow2 bitmap 'off "quoted"' | jq -e '[.[].dirty] == [false]' \
    >/dev/null || fail "a disabled bitmap has recorded"
  expect_error 'there is no bitmap called b (there are: fine, b0, coarse, off' \
    a.qcow2 bitmap b
done

# On the images of a chain, each has its own.
qemu-img create -q -f qcow2 -b a.qcow2 -F qcow2 over.qcow2
qemu-img bitmap --add over.qcow2 b0
qemu-io -f qcow2 -c 'write -P 1 20M 1M' over.qcow2 >/dev/null
same_bits over.qcow2 b0
expect_error 'no bitmap called fine' over.qcow2 bitmap fine
"$image_tool" over.qcow2 layers >layers.json
jq -e '[.[] | [.path, .damage, ([.bitmaps[].name] | join(","))]] == [
  ["over.qcow2", null, "b0"],
  ["a.qcow2", null, "fine,b0,coarse,off \"quoted\""]]' layers.json >/dev/null \
  || { cat layers.json; fail "the layers' bitmaps"; }
"$image_tool" a.qcow2 bitmap fine >want.json
"$image_tool" over.qcow2 layer-bitmap 1 fine | cmp want.json - \
  || fail "a bitmap of a backing file"
expect_error 'no bitmap called nosuch' over.qcow2 layer-bitmap 1 nosuch

# Raw layers have none, and a damaged directory below leaves the rest readable.
truncate -s 50000k r.raw
qemu-img create -q -f qcow2 -b r.raw -F raw torn.qcow2
qemu-img bitmap --add torn.qcow2 b0
qemu-img create -q -f qcow2 -b torn.qcow2 -F qcow2 top.qcow2
qemu-img bitmap --add top.qcow2 b0
for ((at = 112; ; at += 8 + (length + 7) / 8 * 8)); do
  read -r type length < <(od -An -tu4 --endian=big -j "$at" -N 8 torn.qcow2)
  [ "$type" -ne $((0x23852875)) ] || break
done
# Of the two bitmaps that it is now said to have there is one.
printf '\2' | dd of=torn.qcow2 bs=1 seek=$((at + 8 + 3)) conv=notrunc status=none
"$image_tool" top.qcow2 layers >layers.json
jq -e '[.[] | [(.bitmaps | length), .damage != null]]
  == [[1, false], [1, true], [0, false]]' layers.json >/dev/null \
  || { cat layers.json; fail "damage in a layer"; }
jq -e '.[1].bitmaps[0] | .name == "b0" and .usable == false' layers.json \
  >/dev/null || fail "a bitmap of a damaged directory is usable"
"$image_tool" top.qcow2 bitmap b0 >/dev/null
expect_error 'bitmap directory is damaged' top.qcow2 layer-bitmap 1 b0
"$image_tool" top.qcow2 dump | cmp - r.raw || fail "damage below"

# With an external data file, and with extended L2 entries.
qemu-img create -q -f qcow2 -o data_file=d.raw,data_file_raw=on,extended_l2=on \
  d.qcow2 8M
qemu-img bitmap --add d.qcow2 b0
qemu-io -f qcow2 -c 'write 1M 1M' d.qcow2 >/dev/null
test "$("$image_tool" --data-file d.qcow2 bitmap b0 | jq -c '[.[].dirty]')" \
  = '[false,true,false]' || fail "a bitmap of an image with a data file"

# Many, so that the directory takes several clusters.
qemu-img create -q -f qcow2 -o cluster_size=512 many.qcow2 1M
for i in $(seq 40); do
  printf 'bitmap --add many.qcow2 a-rather-long-name-of-a-checkpoint-%d\n' "$i"
done | xargs -L1 qemu-img
test "$("$image_tool" many.qcow2 bitmaps | jq '[.[] | select(.usable)] | length')" \
  = 40 || fail "40 bitmaps"

# A writer that was killed did not save its bitmaps.
cp a.qcow2 killed.qcow2
start_qemu_nbd k.sock -f qcow2 killed.qcow2
qemu-io -f raw -c 'write 5M 64k' -c flush "nbd+unix:///?socket=k.sock" >/dev/null
kill -KILL "$qemu_nbd_pid"
wait "$qemu_nbd_pid" || :
test "$(bitmap_info killed.qcow2 b0 '."in-use"')" = true || fail in-use
test "$(bitmap_info killed.qcow2 b0 .usable)" = false || fail "in use, but usable"
expect_error 'bitmap b0: it is marked as in use: its last writer did not save it; take a full backup' \
  killed.qcow2 bitmap b0
same_as_qemu killed.qcow2

# Whoever does not know bitmaps clears autoclear bit 0 (byte 95).
cp a.qcow2 stale.qcow2
printf '\0' | dd of=stale.qcow2 bs=1 seek=95 conv=notrunc status=none
test "$(bitmap_info stale.qcow2 b0 .usable)" = false || fail "stale, but usable"
expect_error 'bitmap b0: it is stale' stale.qcow2 bitmap b0
same_as_qemu stale.qcow2

expect_error 'there is no bitmap called b0 (it has none)' --raw d.raw bitmap b0
