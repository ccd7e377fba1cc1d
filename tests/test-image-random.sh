# SPDX-License-Identifier: LGPL-2.1-or-later
# Random chains of random images read and map as QEMU has them.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/image-functions.sh"

SEED=${SEED:-$(date +%s)}
echo "SEED=$SEED"
RANDOM=$SEED

pick ()
{
  eval "picked=\${$((RANDOM % $# + 1))}"
}

# A range of whole sectors in a disk of $1 bytes: $at and $count.
range ()
{
  local sectors=$(($1 / 512)) longest
  pick 1 8 128 700
  longest=$picked
  at=$(((RANDOM * 32768 + RANDOM) % sectors))
  count=$((RANDOM % longest + 1))
  [ $((at + count)) -le $sectors ] || count=$((sectors - at))
  at=$((at * 512)) count=$((count * 512))
}

# change IMAGE SIZE FORMAT: a handful of writes of every sort.
change ()
{
  local i commands=()
  for i in $(seq $((RANDOM % 12 + 1))); do
    range $2
    case $((RANDOM % 6)) in
      0) commands+=(-c "write -z $at $count") ;;
      1) commands+=(-c "write -z -u $at $count") ;;
      2) commands+=(-c "discard $at $count") ;;
      *) commands+=(-c "write -P $((RANDOM % 255 + 1)) $at $count") ;;
    esac
  done
  qemu-io -t unsafe -f $3 -d unmap "${commands[@]}" "$1" >/dev/null
}

for round in $(seq 6); do
  rm -f ./*.qcow2 base.raw
  below= size=$(((RANDOM * 32768 + RANDOM) % 12000 * 512 + 512))
  if [ $((RANDOM % 3)) -eq 0 ]; then
    qemu-img create -q -f raw base.raw $size
    change base.raw $size raw
    below=base.raw below_format=raw
  fi
  for layer in $(seq $((RANDOM % 4 + 1))); do
    pick 9 12 14 16 16 18 21
    options=cluster_size=$((1 << picked))
    pick 0.10 1.1 1.1
    if [ "$picked" = 1.1 ] && [ "${options#*=}" -ge 16384 ]; then
      pick on off
      options+=,extended_l2=$picked
    elif [ "$picked" = 0.10 ]; then
      options+=,compat=0.10
    fi
    # Now and then the disk grows or shrinks.
    [ $((RANDOM % 3)) -ne 0 ] || size=$((size / 1024 * (RANDOM % 1024 + 512) / 512 * 512 + 512))
    image=layer$layer.qcow2
    if [ -n "$below" ]; then
      qemu-img create -q -f qcow2 -o $options -b $below -F $below_format \
        $image $size
    else
      qemu-img create -q -f qcow2 -o $options $image $size
    fi
    change $image $size qcow2
    if [ $((RANDOM % 3)) -eq 0 ]; then
      # Compressed anew, alone or over its backing file.
      case $options in
        *compat=0.10*) compression= ;;
        *) pick zlib zstd; compression=,compression_type=$picked ;;
      esac
      qemu-img convert -t unsafe -f qcow2 -O qcow2 -c -o $options$compression \
        ${below:+-B $below -F $below_format} $image compressed.qcow2
      mv compressed.qcow2 $image
      change $image $size qcow2
    fi
    same_as_qemu $image
    below=$image below_format=qcow2
  done
done
