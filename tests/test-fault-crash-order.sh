# SPDX-License-Identifier: LGPL-2.1-or-later
# test-fault-crash-order.sh: the order in which an output is written and
# synced, so that a power cut at any moment leaves the disk or no backup.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/fault-functions.sh"

requires strace -o /dev/null true
seed=${SEED:-$$}
echo "SEED=$seed"
PATH="$abs_top_builddir/client/.libs:$PATH" # strace the program itself

qemu-img create -q -f qcow2 disk.qcow2 2M
head -c 256k /dev/urandom >data
qemu-io -f qcow2 -c 'write -s data 0 256k' disk.qcow2 >/dev/null
qemu-img convert -f qcow2 -O qcow2 disk.qcow2 full.qcow2
qemu-img bitmap --add -g 512 disk.qcow2 b0
qemu-io -f qcow2 -c 'write -s data 100k 96k' -c 'write -z 0 32k' disk.qcow2 \
  >/dev/null
uri="nbd+unix:///?socket=$dir/disk.sock"
serve "$dir/disk.sock" disk.qcow2

# trace NAME ARGS...: backup-pull under strace, which no leak checker survives.
trace ()
{
  local name=$1
  shift
  ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" strace -f -xx -s 10000000 \
    -o "$name" -e \
    trace=openat,close,pwrite64,pwritev,write,ftruncate,fallocate,fsync,fdatasync,renameat,renameat2,rename \
    backup-pull -q "${level_options[@]}" "${@:2}" "$uri" "$1"
}

for level in full increment; do
  set_level $level
  for options in "" "--cluster-size=4k" "--compress=zlib"; do
    rm -rf out.qcow2 states
    trace record out.qcow2 $options
    expect_right out.qcow2
    mkdir states
    perl "$abs_top_srcdir/tests/crash-order.pl" record out.qcow2 20 states \
      "$seed"
    right=0 refused=0
    for state in states/*/; do
      # A backing file is where the output's name says that it is.
      mv "$state"/out.qcow2* "$dir"
      if [ -e out.qcow2.partial ] &&
        ! qemu-img info -f qcow2 out.qcow2.partial >info.log 2>&1; then
        grep -qE 'unfinished|Unsupported|not in qcow2 format' info.log ||
          fail "$state: refused for another reason: $(cat info.log)"
        refused=$((refused + 1))
      else
        expect_right out.qcow2*
        right=$((right + 1))
      fi
      rm -f out.qcow2*
    done
    echo "$level $options: $right right, $refused refused"
    ((right > 0 && refused > 0)) || fail "no crash was in the last steps"
  done
done

# Replacing an old output takes the same steps.
set_level full
cp full.qcow2 out.qcow2
trace record out.qcow2 --force
mkdir forced
perl "$abs_top_srcdir/tests/crash-order.pl" record out.qcow2 1 forced "$seed"
expect_right out.qcow2
