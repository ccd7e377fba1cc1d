# SPDX-License-Identifier: LGPL-2.1-or-later
# test-pull-full.sh: full backups from all kinds of servers equal the disk.

. "$abs_top_srcdir/tests/functions.sh"

# pull_equals DISK FORMAT URI ARGS...: pull it, and compare.
pull_equals ()
{
  local disk=$1 format=$2 uri=$3
  shift 3
  rm -f out.qcow2
  backup-pull "$@" "$uri" out.qcow2 >report || fail "cannot pull: $*"
  qemu-img check -q out.qcow2 || fail "check: $*"
  qemu-img compare -q -f "$format" -F qcow2 "$disk" out.qcow2 ||
    fail "the backup is not the disk: $*"
  [ ! -e out.qcow2.partial ] || fail "a .partial is left: $*"
}

# A disk with data, zeroes that were written, holes, and an odd size.
size=$((40 * 1024 * 1024 + 512))
truncate -s "$size" disk.raw
qemu-io -f raw -c 'write -P 0x11 1M 3M' -c 'write -P 0 5M 1M' \
  -c 'write -P 0x22 10000k 17k' -c 'write -P 0x33 39M 1M' \
  -c "write -P 0x44 40M 512" disk.raw >/dev/null
dd if=/dev/urandom of=disk.raw bs=64k seek=200 count=40 conv=notrunc status=none
socket=$dir/disk.sock
uri="nbd+unix:///?socket=$socket"

# nbdkit: several connections.
start_nbdkit "$socket" file disk.raw
pull_equals disk.raw raw "$uri"
expect_text report "full backup"
for cluster_size in 512 4k 2M; do
  pull_equals disk.raw raw "$uri" --cluster-size "$cluster_size"
done
for compress in --compress --compress=zlib --compress=zlib:9 \
  --compress=zstd:1; do
  pull_equals disk.raw raw "$uri" "$compress"
done
pull_equals disk.raw raw "$uri" -C 1 -R 1 --request-size 4k
pull_equals disk.raw raw "$uri" -C 64 -R 1024 --request-size 32M
pull_equals disk.raw raw "$uri" --rate-limit 100M
stop_server "$nbdkit_pid"

# A server with limits on its requests, also where they are below a cluster.
nbdkit_options=(--filter=blocksize-policy)
start_nbdkit "$socket" file disk.raw blocksize-minimum=512 \
  blocksize-preferred=4096 blocksize-maximum=65536 \
  blocksize-error-policy=error
pull_equals disk.raw raw "$uri" -v 2>err
expect_text err "requests of 512 to 65536 bytes"
pull_equals disk.raw raw "$uri" --cluster-size 2M
pull_equals disk.raw raw "$uri" --cluster-size 512 --request-size 4k
stop_server "$nbdkit_pid"

# A server that tells nothing of what is allocated; no structured replies; one
# connection only; blocks that are larger than the clusters asked for.
nbdkit_options=(--filter=noextents)
start_nbdkit "$socket" file disk.raw
pull_equals disk.raw raw "$uri"
stop_server "$nbdkit_pid"
nbdkit_options=(--no-sr)
start_nbdkit "$socket" file disk.raw
pull_equals disk.raw raw "$uri"
stop_server "$nbdkit_pid"
nbdkit_options=(--filter=noparallel --filter=multi-conn)
start_nbdkit "$socket" file disk.raw serialize=connections \
  multi-conn-mode=disable
pull_equals disk.raw raw "$uri" -v 2>err
expect_text err "one connection only"
stop_server "$nbdkit_pid"
nbdkit_options=(--filter=blocksize-policy --filter=truncate)
start_nbdkit "$socket" file disk.raw round-up=16384 \
  blocksize-minimum=16384 blocksize-preferred=16384 \
  blocksize-maximum=1M blocksize-error-policy=error
pull_equals disk.raw raw "$uri" --cluster-size 4k
stop_server "$nbdkit_pid"
nbdkit_options=()

# qemu-nbd: one client at a time, and a qcow2 disk.
qemu-img convert -f raw -O qcow2 -o cluster_size=4k disk.raw disk.qcow2
start_qemu_nbd disk.sock -r -f qcow2 disk.qcow2
pull_equals disk.qcow2 qcow2 "$uri"
pull_equals disk.qcow2 qcow2 "$uri" --compress
kill_and_wait "$qemu_nbd_pid"
start_qemu_nbd disk.sock -r -e 8 -f qcow2 -x vda disk.qcow2
pull_equals disk.qcow2 qcow2 "nbd+unix:///vda?socket=$socket"
kill_and_wait "$qemu_nbd_pid"

# Disks of no size, and of one byte.
for size in 0 1 511 65536 65537; do
  nbdkit_options=()
  start_nbdkit "$socket" pattern "$size"
  rm -f out.qcow2
  backup-pull "$uri" out.qcow2 >report || fail "cannot pull $size bytes"
  qemu-img check -q out.qcow2
  nbdcopy "$uri" pattern.raw
  truncate -s "$(((size + 511) / 512 * 512))" pattern.raw
  qemu-img compare -q -f raw -F qcow2 pattern.raw out.qcow2 ||
    fail "a disk of $size bytes"
  rm -f pattern.raw
  stop_server "$nbdkit_pid"
done
