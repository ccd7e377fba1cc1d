# SPDX-License-Identifier: LGPL-2.1-or-later
# test-plugin-maps.sh: what the exports say and hold is what qemu-nbd says and
# holds: data, zeroes and dirty maps; and stock clients make true increments
# from a map's export.

. "$abs_top_srcdir/tests/functions.sh"

# same_as_qemu IMAGE FORMAT BITMAP...
same_as_qemu ()
{
  local image=$1 format=$2 bitmap options=()
  shift 2
  for bitmap; do
    options+=(-B "$bitmap")
  done
  start_qemu_nbd q -r -e 4 -f "$format" "${options[@]}" "$image"
  serve s "disk=vda=$format:$image"
  zero_map "$(nbd_uri q)" >want
  zero_map "$(nbd_uri s vda)" >got
  cmp want got || { diff want got >&2; fail "map of $image"; }
  qemu-img compare -f raw -F raw "$(nbd_uri q)" "$(nbd_uri s vda)" >out \
    || fail "content of $image"
  for bitmap; do
    dirty_map "$(nbd_uri q)" "$bitmap" >want
    dirty_map "$(nbd_uri s "vda/$bitmap")" >got
    [ -s want ] || fail "no map of $bitmap"
    cmp want got || { diff want got >&2; fail "map of $bitmap"; }
    nbdcopy "$(nbd_uri s "vda/$bitmap")" null:
  done
  kill_and_wait "$qemu_nbd_pid"
  stop_server "$nbdkit_pid"
}

qemu-img create -q -f qcow2 base.qcow2 48M
qemu-io -c 'write -P 1 0 4M' -c 'write -z 2M 1M' -c 'write -P 2 40M 8M' \
        base.qcow2 >/dev/null
qemu-img create -q -f qcow2 -b base.qcow2 -F qcow2 a.qcow2 64M
qemu-img bitmap --add a.qcow2 b0
qemu-img bitmap --add -g 4k a.qcow2 fine
qemu-io -c 'write -P 3 1M 192k' -c 'write -z 8M 1M' -c 'write -P 4 63M 1M' \
        -c 'write -c -P 5 20M 128k' -c 'discard 40M 1M' \
        -c 'write -P 6 47M 4k' a.qcow2 >/dev/null
qemu-img bitmap --add -g 1M a.qcow2 later
qemu-io -c 'write -P 7 30016k 64k' a.qcow2 >/dev/null
qemu-img bitmap --add a.qcow2 clean

# QEMU exports only bitmaps that do not record.
for bitmap in b0 fine later clean; do
  qemu-img bitmap --disable a.qcow2 "$bitmap"
done
same_as_qemu a.qcow2 qcow2 b0 fine later clean

truncate -s 16M c.raw
qemu-io -f raw -c 'write -P 8 1M 1M' -c 'write -P 9 9M 64k' c.raw >/dev/null
same_as_qemu c.raw raw

# In an answer clean is a hole and never zero.
serve s disk=vda=a.qcow2
nbdinfo --map "$(nbd_uri s vda/b0)" | awk '{ print $3 }' | sort -u >types
printf '%s\n' 0 1 | cmp - types || fail 'a dirty map has other types than 0, 1'

# A full backup, changes, an increment: all by stock clients.
qemu-img convert -f raw -O qcow2 "$(nbd_uri s vda)" full.qcow2
stop_server "$nbdkit_pid"
qemu-img bitmap --add a.qcow2 monday
qemu-io -c 'write -P 10 5M 100k' -c 'write -z 1M 192k' -c 'discard 63M 512k' \
        a.qcow2 >/dev/null
serve s disk=vda=a.qcow2
qemu-img convert -f raw -O qcow2 -B full.qcow2 -F qcow2 \
  "$(nbd_uri s vda/monday)" inc.qcow2
stop_server "$nbdkit_pid"
qemu-img compare a.qcow2 inc.qcow2 >out || { cat out >&2; fail 'increment'; }
qemu-img check -q inc.qcow2 || fail 'the increment does not pass qemu-img check'
size=$(stat -c %s inc.qcow2)
[ "$size" -lt 2000000 ] || fail "an increment of $size bytes holds too much"
