#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Increments since checkpoints, pulled over NBD, where libvirt's backup jobs have
# rules about checkpoints.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/behaviour-functions.sh"

requires nbdkit --version

# pulls DISK OUTPUT ARGS..., and pulls_not TEXT DISK ARGS...: from a server of
# the domain, for as long as that takes.
pull ()
{
  local disk=$1 output=$2
  shift 2
  run_nbdkit -U - -e "$disk" "$PULLBACK_PLUGIN" domain="$uri" state="$state" \
    --run "backup-pull -q $* \"\$uri\" $output" >out 2>err
}
pulls ()
{
  checked
  pull "$@" || { cat err >&2; wrong "cannot be pulled: $*"; }
}
pulls_not ()
{
  local text=$1
  shift
  checked
  if pull "$1" refused.qcow2 "${@:2}"; then wrong "was pulled: $*"; fi
  grep -qF -- "$text" err || { cat err >&2; wrong "does not say: $text"; }
  [ ! -e refused.qcow2 ] || wrong "there is an output: $*"
}

# map_is CHECKPOINT DISK LINES: "OFFSET LENGTH FLAG" of what has changed since.
map_is ()
{
  local got
  checked
  serve map.sock domain="$uri" state="$state"
  got=$(dirty_map "$(nbd_uri map.sock "$2/since:$1")")
  stop_server "$nbdkit_pid"
  [ "$got" = "$3" ] || wrong "the map of $2 since $1 is: $got"
}

equal ()
{
  checked
  qemu-img compare -q "$domain/$1.qcow2" "$2" || wrong "$2 is not $1"
}

new_domain vda vdb
writes vda 'write -P 1 0 4M'
creates c1
pulls vda full-vda.qcow2
pulls vdb full-vdb.qcow2

behaviour 'V D3' as-libvirt 'the map since a checkpoint has what was written, in whole granules'
writes vda 'write -P 2 1M 200k' 'write -P 3 5M 64k'
map_is c1 vda '0 1048576 0
1048576 262144 1
1310720 3932160 0
5242880 65536 1
5308416 3080192 0'
map_is c1 vdb '0 8388608 0'

behaviour 'V D3b' as-libvirt 'what is written after the next one is in both increments'
creates c2
writes vda 'write -P 4 5M 1k' 'write -z 0 64k'
creates c3
pulls vda c3-c2.qcow2 --since c2 --backing full-vda.qcow2
pulls vda c3-c1.qcow2 --since c1 --backing full-vda.qcow2
equal vda c3-c1.qcow2

behaviour 'V D5' as-libvirt 'each disk can be pulled since another one'
writes vdb 'write -P 5 7M 64k'
map_is c2 vdb '0 7340032 0
7340032 65536 1
7405568 983040 0'
pulls vdb vdb-c2.qcow2 --since c2 --backing full-vdb.qcow2
equal vdb vdb-c2.qcow2

behaviour 'V B0' as-libvirt 'a checkpoint that is not there is refused'
pulls_not nope vda --since nope --backing full-vda.qcow2

behaviour 'V C4' as-libvirt 'and so is one whose bitmap is missing on that disk, with the reason'
qemu-img bitmap --remove "$domain/vdb.qcow2" c2
pulls_not c2 vdb --since c2 --backing full-vdb.qcow2
pulls vda vda-c2.qcow2 --since c2 --backing c3-c1.qcow2
equal vda vda-c2.qcow2

behaviour 'V F5' as-libvirt 'across an overlay both layers count'
use_overlay vda
qemu-img bitmap --add "$domain/vda.qcow2" c3
writes vda 'write -P 6 3M 64k' 'discard 4M 64k'
map_is c3 vda '0 3145728 0
3145728 65536 1
3211264 983040 0
4194304 65536 1
4259840 4128768 0'
pulls vda overlay.qcow2 --since c3 --backing c3-c1.qcow2
equal vda overlay.qcow2

behaviour 'V F6' as-libvirt 'and where the overlay has no bitmap, nothing is known'
pulls_not c1 vda --since c1 --backing full-vda.qcow2

behaviour 'V L2' differs 'a checkpoint that leaves a disk out has no increment of it, whatever bitmaps it has'
accepts_xml "<name>c4</name><disks><disk name='vdb'/></disks>"
qemu-img bitmap --add "$domain/vda.qcow2" c4
pulls_not c4 vda --since c4 --backing overlay.qcow2
pulls vdb vdb-c4.qcow2 --since c4 --backing vdb-c2.qcow2
equal vdb vdb-c4.qcow2

behaviour 'V A6' as-libvirt 'a disk that the domain has not got is refused'
pulls_not vdz vdz

behaviour 'E.6 8' differs 'the union of a chain of bitmaps is pulled'
new_domain vda
pulls vda chain-full.qcow2
image="$domain/vda.qcow2"
for name in a:1M b:3M c:5M; do
  qemu-img bitmap --add "$image" "${name%:*}"
  writes vda "write -P 9 ${name#*:} 64k"
  [ "$name" = c:5M ] || qemu-img bitmap --disable "$image" "${name%:*}"
done
for name in a: b:a c:b; do
  accepts_xml "$(redefined_xml "${name%:*}" "${name#*:}")" --redefine
done
pulls vda chain.qcow2 --since a --backing chain-full.qcow2
equal vda chain.qcow2
accepts delete b
pulls vda merged.qcow2 --since a --backing chain-full.qcow2
equal vda merged.qcow2

behaviours_done
