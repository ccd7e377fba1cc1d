#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# demo.sh [FOLDER]: the main job once, on a small disk made for it.
#
# From a build tree: ./run bash docs/examples/demo.sh; or ./bootstrap demo.
# Each command is shown as it is run, so that the same can be typed for a disk
# of your own.  What it makes is kept where FOLDER (a new one) is given.

set -euo pipefail

if [ $# -gt 1 ] || [[ ${1:-} == -* ]]; then
  echo "Usage: demo.sh [FOLDER]" >&2
  exit 2
elif [ $# -eq 1 ]; then
  mkdir -- "$1"
  cd -- "$1"
else
  folder=$(mktemp -d "${TMPDIR:-/tmp}/pullback-demo.XXXXXX")
  trap 'cd /; rm -rf "$folder"' EXIT
  cd "$folder"
fi

# The plugin's path in a build tree (./run sets it); once it is installed,
# nbdkit finds it by its name.
PLUGIN=${PULLBACK_PLUGIN:-pullback}

say ()
{
  printf '\n# %s\n' "$@"
}

# run COMMAND: show it, and do it.  A command is one string, and so is shown
# as it would be typed.
run ()
{
  printf '$ %s\n' "$1"
  eval "$1"
}

say "A 1 GiB disk with something on it, as a virtual machine that is shut
# down leaves it.  PLUGIN is $PLUGIN"
run 'qemu-img create -q -f qcow2 disk.qcow2 1G'
run 'qemu-io -c "write -P 0x11 0 64M" -c "write -P 0x22 300M 32M" \
    -c "write -P 0x33 1000M 8M" disk.qcow2'

say "The machine is its one disk here, and the folder for its checkpoints."
run 'export PULLBACK_CONNECT=disks:vda=disk.qcow2 PULLBACK_STATE=state'

say "From here on QEMU records what changes: a checkpoint called cp1."
run 'backup-checkpoint create-as cp1'

say "Serve the disk, and pull it whole.  nbdkit runs as long as the command."
run 'nbdkit -U - "$PLUGIN" domain="$PULLBACK_CONNECT" state="$PULLBACK_STATE" \
    --run '\''backup-pull "$uri" full.qcow2'\'''

say "The disk changes: new data, zeroes over old data, a discard."
run 'qemu-io -d unmap -c "write -P 0x44 10M 5M" -c "write -z 302M 4M" \
    -c "discard 1004M 4M" -c "write -P 0x55 600M 1M" disk.qcow2'

say "A second checkpoint: where the backup after the next one starts."
run 'backup-checkpoint create-as cp2'
run 'backup-checkpoint list --parent'

say "The server offers the disk, and what has changed since each of them."
run 'nbdkit -U - "$PLUGIN" domain="$PULLBACK_CONNECT" state="$PULLBACK_STATE" \
    --run '\''nbdinfo --list "$uri" | grep -E "^export|description"'\'''

say "Pull only what has changed since cp1."
run 'nbdkit -U - "$PLUGIN" domain="$PULLBACK_CONNECT" state="$PULLBACK_STATE" \
    --run '\''backup-pull --since cp1 --backing full.qcow2 \
           "$uri" inc1.qcow2'\'''

say "No backup will ask for what changed since cp1 again."
run 'backup-checkpoint delete cp1'

say "The disk changes again, and so once more, since cp2."
run 'qemu-io -c "write -P 0x66 12M 1M" -c "write -P 0x77 1023M 1M" disk.qcow2'
run 'backup-checkpoint create-as cp3'
run 'nbdkit -U - "$PLUGIN" domain="$PULLBACK_CONNECT" state="$PULLBACK_STATE" \
    --run '\''backup-pull --since cp2 --backing inc1.qcow2 \
           "$uri" inc2.qcow2'\'''

say "A backup is a chain of ordinary qcow2 files."
run 'qemu-img info --backing-chain inc2.qcow2'
run 'ls -s --block-size=K disk.qcow2 full.qcow2 inc1.qcow2 inc2.qcow2'

say "QEMU reads the disk and the chain, and compares each byte."
run 'qemu-img compare disk.qcow2 inc2.qcow2'

printf '\n%s\n' "The chain full <- inc1 <- inc2 equals the disk, byte for byte."
