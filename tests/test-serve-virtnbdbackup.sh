#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# virtnbdbackup's own NBD client code, as Debian packages it, gets from
# backup-serve what it gets from qemu-nbd.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/serve-functions.sh"

python=/usr/bin/python3
requires "$python" -c 'import libvirtnbdbackup.extenthandler'

# extents SOCKET EXPORT CONTEXT
extents ()
{
  "$python" "$abs_top_srcdir/tests/serve-virtnbdbackup.py" "$dir/$1" "$2" "$3" \
    2>python.err || { cat python.err >&2; fail "the client on $1, $3"; }
}

# same IMAGE BITMAP: both contexts.
same ()
{
  local context
  start_qemu_nbd q -r -e 4 -f qcow2 -B "$2" "$1"
  start_serve s "vda=$1"
  for context in base:allocation "qemu:dirty-bitmap:$2"; do
    extents q '' "$context" >want &
    extents s vda "$context" >got
    wait $! || fail 'the client on qemu-nbd'
    [ -s want ] || fail "no extents of $context"
    cmp want got || { diff want got | head -20 >&2; fail "$context of $1"; }
  done
  kill_and_wait "$qemu_nbd_pid"
  stop_server "$(cat q.pid)"
  end_serve s
}

make_disks
same a.qcow2 b0

# A bitmap of 131,072 extents, as many as QEMU gives in one answer, on a disk
# whose allocation has two.
qemu-img create -q -f qcow2 many.qcow2 64M
qemu-io -c 'write -P 1 0 48M' many.qcow2 >/dev/null
qemu-img bitmap --add -g 512 many.qcow2 b0
for ((i = 0; i < 65536; i++)); do
  echo "write -q -P 2 $((i * 1024)) 512"
done | qemu-io -t unsafe many.qcow2 >/dev/null
qemu-img bitmap --disable many.qcow2 b0
same many.qcow2 b0
[ "$(wc -l <got)" -eq 131072 ] || fail "$(wc -l <got) extents"
