# SPDX-License-Identifier: LGPL-2.1-or-later
# Every kind of cluster in every size reads and maps as QEMU has it.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/image-functions.sh"

# A disk that does not end on a cluster, with data, zeroes of both sorts,
# discarded and partly written clusters.
fill ()
{
  qemu-io -f qcow2 -d unmap \
    -c 'write -P 1 0 1M' -c 'write -P 2 1500k 300' -c 'write -P 3 2M 2M' \
    -c 'write -z 2500k 200k' -c 'write -z -u 3M 300k' \
    -c 'discard 3500k 256k' -c 'write -P 4 3600k 8k' \
    -c 'write -P 5 8M 3M' -c 'write -z -u 9M 1M' -c 'write -P 6 9500k 1k' \
    -c 'write -P 7 11999k 1k' "$1" >/dev/null
}

for compat in 0.10 1.1; do
  for cluster_size in 512 4096 65536 2097152; do
    qemu-img create -q -f qcow2 -o compat=$compat,cluster_size=$cluster_size \
      a.qcow2 12000k
    fill a.qcow2
    same_as_qemu a.qcow2
    test "$("$image_tool" a.qcow2 info | jq '."cluster-size"')" \
      = "$cluster_size" || fail "wrong cluster size"
    test "$("$image_tool" a.qcow2 info | jq .size)" = $((12000 * 1024)) \
      || fail "wrong disk size"

    qemu-img convert -f qcow2 -O qcow2 -c \
      -o compat=$compat,cluster_size=$cluster_size a.qcow2 zlib.qcow2
    same_as_qemu zlib.qcow2
  done
done

for cluster_size in 4096 65536 2097152; do
  qemu-img convert -f qcow2 -O qcow2 -c \
    -o compression_type=zstd,cluster_size=$cluster_size a.qcow2 zstd.qcow2
  same_as_qemu zstd.qcow2
  # Compressed and plain clusters side by side.
  qemu-io -f qcow2 -c 'write -P 9 700k 100k' -c 'write -z -u 2M 256k' \
    zstd.qcow2 >/dev/null
  same_as_qemu zstd.qcow2
done

for cluster_size in 16384 65536 2097152; do
  qemu-img create -q -f qcow2 -o extended_l2=on,cluster_size=$cluster_size \
    ext.qcow2 12000k
  fill ext.qcow2
  same_as_qemu ext.qcow2
  # Subclusters over a backing file, one by one.
  qemu-img create -q -f qcow2 -o extended_l2=on,cluster_size=$cluster_size \
    -b a.qcow2 -F qcow2 over.qcow2
  for i in 1 3 4 9 30 33; do
    qemu-io -f qcow2 -c "write -P $i $((i * cluster_size / 32)) 512" \
      -c "write -z $(((i + 70) * cluster_size / 32)) 2k" over.qcow2 >/dev/null
  done
  same_as_qemu over.qcow2
done

# Preallocated, so that clusters exist that were never written.
for mode in metadata falloc full; do
  qemu-img create -q -f qcow2 -o preallocation=$mode pre.qcow2 1M
  same_bytes pre.qcow2
done

# A zero cluster that keeps its storage is no hole, and one that has none is.
qemu-img create -q -f qcow2 z.qcow2 1M
qemu-io -f qcow2 -c 'write -P 1 0 64k' -c 'write -z 0 64k' \
  -c 'write -z -u 128k 64k' z.qcow2 >/dev/null
test "$("$image_tool" z.qcow2 map | jq -c '[.[] | [.zero, .hole, .depth]]')" \
  = '[[true,false,1],[true,true,0],[true,true,1],[true,true,0]]' \
  || fail "holes"

# Internal snapshots are there, and do not matter.
qemu-img create -q -f qcow2 snap.qcow2 12000k
fill snap.qcow2
qemu-img snapshot -c one snap.qcow2
qemu-io -f qcow2 -c 'write -P 99 0 300k' snap.qcow2 >/dev/null
qemu-img snapshot -c two snap.qcow2
qemu-io -f qcow2 -c 'write -z 100k 300k' snap.qcow2 >/dev/null
same_as_qemu snap.qcow2

# Empty disks, and one of 1 PiB that must not take a lifetime.
qemu-img create -q -f qcow2 zero.qcow2 0
test "$("$image_tool" zero.qcow2 map)" = '[]' || fail "an empty disk has extents"
qemu-img create -q -f qcow2 huge.qcow2 1P
qemu-io -f qcow2 -c 'write 700T 1M' -c 'write 1000T 64k' huge.qcow2 >/dev/null
our_map huge.qcow2 >got.map # qemu-img map takes most of a minute
T=$((1 << 40))
diff - got.map <<EOF || fail "the map of a huge disk"
0 $((700 * T)) zero 0
$((700 * T)) 1048576 data 1
$((700 * T + 1048576)) $((300 * T - 1048576)) zero 0
$((1000 * T)) 65536 data 1
$((1000 * T + 65536)) $((24 * T - 65536)) zero 0
EOF

# Reads that lie beyond the disk.
expect_error 'are beyond its end at 0xbb8000' snap.qcow2 read 12287500 1000
