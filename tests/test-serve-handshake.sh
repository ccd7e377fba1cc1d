#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The handshake of backup-serve, option by option, against the specification.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/serve-functions.sh"

make_disks
start_serve s vda=a.qcow2 vdb=raw:c.raw
SOCKET=$dir/s perl "$abs_top_srcdir/tests/serve-handshake.pl"

# The server is none the worse for it.
[ "$(nbdinfo --size "$(nbd_uri s vda)")" = $((64 << 20)) ] || fail 'size'
end_serve s

# What a client asks for is in the log as text, whatever bytes it has.
expect_log s.log "there is no export 'vdz'"
grep -q "there is no export 'vda?'" s.log ||
  grep -qF "there is no export 'vda'" s.log || fail 'a name with NUL'
! grep -q '[^[:print:]]' s.log || fail 'the log has control characters'
