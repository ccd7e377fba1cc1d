# SPDX-License-Identifier: LGPL-2.1-or-later
# An image that was cut: QEMU reads what is missing as zeroes; we either read
# exactly what the whole image has, or fail.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/image-functions.sh"

SEED=${SEED:-$(date +%s)}
echo "SEED=$SEED"
RANDOM=$SEED

make_image ()
{
  qemu-img create -q -f qcow2 -o cluster_size=$1 plain.qcow2 6M
  qemu-img bitmap --add plain.qcow2 b0
  qemu-io -f qcow2 -c 'write -P 1 0 700k' -c 'write -z 200k 100k' \
    -c 'write -P 2 3M 900k' -c 'write -P 3 5M 1M' plain.qcow2 >/dev/null
  qemu-img convert -f qcow2 -O qcow2 -c -o cluster_size=$1 plain.qcow2 \
    zlib.qcow2
}

refused=0 read=0
# cut IMAGE SIZE: with only its first SIZE bytes.
cut ()
{
  cp "$1" cut.qcow2
  truncate -s "$2" cut.qcow2
  if "$image_tool" cut.qcow2 dump >got.raw 2>err; then
    cmp got.raw want.raw || fail "$1 cut to $2 bytes reads wrong (SEED=$SEED)"
    read=$((read + 1))
  else
    grep -q '^image-tool: cut.qcow2: ' err \
      || fail "$1 cut to $2 bytes: $(cat err)"
    refused=$((refused + 1))
  fi
  # A bitmap is either all there, or not there.
  if "$image_tool" cut.qcow2 bitmap b0 >got.json 2>err; then
    cmp got.json want.json || fail "$1 cut to $2 bytes: wrong bitmap"
  fi
}

for cluster_size in 512 65536; do
  make_image $cluster_size
  "$image_tool" plain.qcow2 bitmap b0 >want.json
  for image in plain zlib; do
    "$image_tool" $image.qcow2 dump >want.raw
    size=$(stat -c %s $image.qcow2)
    for i in 0 1 4 70 103 104 111 112 511 512 \
             $((size - cluster_size)); do
      cut $image.qcow2 $i
    done
    # The last cluster of a file may be incomplete, and a compressed one may
    # lack part of its last sector: so these cuts are on such boundaries.
    unit=$cluster_size
    [ $image = plain ] || unit=512
    for i in $(seq 30); do
      cut $image.qcow2 $(((RANDOM * 32768 + RANDOM) % size / unit * unit))
    done
  done
done
test $refused -gt 80 || fail "only $refused of $((refused + read)) refused"

# The last cluster may lack its end, which reads as zeroes.
qemu-img create -q -f qcow2 tail.qcow2 1M
qemu-io -f qcow2 -c 'write -P 7 0 64k' tail.qcow2 >/dev/null
truncate -s $(($(stat -c %s tail.qcow2) - 30000)) tail.qcow2
same_bytes tail.qcow2

# The table that is missing is named.
make_image 65536
truncate -s 65536 plain.qcow2
expect_error 'beyond the end of the file at 0x10000' plain.qcow2 info
