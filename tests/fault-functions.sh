# SPDX-License-Identifier: LGPL-2.1-or-later
# fault-functions.sh: a disk to be backed up, and what must hold after a fault.
# Sourced after functions.sh.
#
# Whatever happens to a pull, OUTPUT is complete and right or does not exist,
# and what is left in OUTPUT.partial is taken for a backup by nobody.

# fault_disk [MEGABYTES]: disk.qcow2 with that much data (8), a backup of it
# that QEMU has made (full.qcow2), the bitmap b0, and changes since.
fault_disk ()
{
  local megabytes=${1:-8} i commands=()
  qemu-img create -q -f qcow2 disk.qcow2 $((4 * megabytes))M
  head -c $((megabytes << 20)) /dev/urandom >data
  qemu-io -f qcow2 -c "write -s data 0 ${megabytes}M" disk.qcow2 >/dev/null
  qemu-img convert -f qcow2 -O qcow2 disk.qcow2 full.qcow2
  qemu-img bitmap --add disk.qcow2 b0
  for ((i = 0; i < megabytes; i++)); do
    commands+=(-c "write -s data $((i * 1024 + 64))k 192k"
               -c "write -P 0xa5 $((i * 3072 + 1100))k 256k"
               -c "write -z $((i * 1024 + 512))k 128k")
  done
  qemu-io -f qcow2 "${commands[@]}" disk.qcow2 >/dev/null
}

# set_level LEVEL: sets the array $level_options for LEVEL (full, increment).
set_level ()
{
  level_options=()
  if [ "$1" = increment ]; then
    level_options=(--bitmap b0 --backing full.qcow2)
  fi
}

# expect_right FILE: a finished backup of the disk.
expect_right ()
{
  qemu-img check -q -f qcow2 "$1" >check.log 2>&1 ||
    fail "$1: $(cat check.log)"
  qemu-img compare -q -f qcow2 -F qcow2 disk.qcow2 "$1" >check.log 2>&1 ||
    fail "$1 is not the disk: $(cat check.log)"
}

# expect_unfinished FILE: FILE does not exist, and QEMU refuses FILE.partial
# with our own words, or as no qcow2 where nothing has been written to it yet.
expect_unfinished ()
{
  [ ! -e "$1" ] || fail "$1 exists"
  [ -e "$1.partial" ] || return 0
  if qemu-img info -U "$1.partial" >info.log 2>&1; then
    [ ! -s "$1.partial" ] || fail "$1.partial: $(cat info.log)"
  else
    expect_text info.log "unfinished backup output"
  fi
}

# expect_killed FILE: the same of a run that may have been killed at its very
# last step, when FILE.partial is complete and right but has not got its name
# yet.  Such a one the next run would not replace.
expect_killed ()
{
  if [ ! -e "$1" ] && [ -s "$1.partial" ] &&
    qemu-img info -U "$1.partial" >info.log 2>&1; then
    expect_right "$1.partial"
    rm "$1.partial"
  fi
  expect_unfinished "$1"
}

# expect_rerun URI FILE ARGS...: a pull without faults replaces the leftover.
expect_rerun ()
{
  local uri=$1 file=$2
  shift 2
  backup-pull -q "$@" "$uri" "$file" >out 2>err ||
    fail "the next run: $(cat err)"
  [ ! -e "$file.partial" ] || fail "$file.partial is still there"
  expect_right "$file"
}
