# SPDX-License-Identifier: LGPL-2.1-or-later
# test-fault-enospc.sh: the output's file system is full, when data are
# written, or when only the last tables are missing.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/fault-functions.sh"

mkdir small
requires mount -t tmpfs -o size=8M none "$dir/small"
cleanup_fn umount "$dir/small"

fault_disk 4
uri="nbd+unix:///?socket=$dir/disk.sock"
serve "$dir/disk.sock" disk.qcow2

# expect_full_disk ARGS...
expect_full_disk ()
{
  expect_status 1 backup-pull "${level_options[@]}" "$@" "$uri" \
    small/out.qcow2
  expect_text err "small/out.qcow2.partial: "
  expect_text err "No space left on device"
  expect_unfinished small/out.qcow2
  rm small/out.qcow2.partial
}

for level in full increment; do
  set_level $level
  for options in "" "--cluster-size=4k" "--compress"; do
    # What the file takes when there is room for it.
    mount -o remount,size=64M "$dir/small"
    expect_rerun "$uri" small/out.qcow2 "${level_options[@]}" $options
    needed=$(du --block-size=1 small/out.qcow2 | cut -f 1)
    rm small/out.qcow2
    # Some pages less, and much less.
    for missing in 4096 8192 $((16 * 4096)) $((needed / 2)); do
      mount -o remount,size=$((needed - missing)) "$dir/small"
      # The size of compressed data depends on what shares a cluster, and that
      # on the order in which data come.
      [ "$options" != --compress ] || ((missing > 8192)) || continue
      expect_full_disk $options
    done
  done
done

# An old output is not lost for a new one that finds no room; and the leftover
# is replaced when there is.
set_level full
mount -o remount,size=64M "$dir/small"
qemu-img create -q -f qcow2 small/out.qcow2 1M
cp small/out.qcow2 old.qcow2
mount -o remount,size=2M "$dir/small"
expect_status 1 backup-pull --force "$uri" small/out.qcow2
expect_text err "No space left on device"
cmp small/out.qcow2 old.qcow2 || fail "the old output is lost"
expect_status 1 qemu-img info small/out.qcow2.partial
expect_text err "unfinished backup output"
mount -o remount,size=64M "$dir/small"
expect_rerun "$uri" small/out.qcow2 --force
