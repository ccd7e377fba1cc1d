#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The keys of a TLS session change while many reads are in flight: because the
# client wants it, and because gnutls does after 2^24 records.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/serve-functions.sh"
. "$abs_top_srcdir/tests/tls-functions.sh"

tools=$abs_top_builddir/tests
psktool -u alice -p psk >/dev/null 2>&1
key=$(sed -n 's/^alice://p' psk)
"$tools/serve-load" make disk.raw $((16 << 20))

# rekey MODE SECONDS: a client must read on until the end.
rekey ()
{
  "$tools/tls-rekey" s disk.raw alice "$key" "$1" "$2" >"out.$1" 2>&1 || {
    cat "out.$1" s.log >&2
    fail "keys change: $1"
  }
}

start_serve s --tls-psk psk vda=raw:disk.raw
rekey tls12 1
# Side by side, so that the server's threads are interrupted anywhere.
pids=()
for mode in ask tell; do
  rekey "$mode" 4 &
  pids+=($!)
done
for pid in "${pids[@]}"; do
  wait "$pid" || fail 'a client'
done
# Some of them, however slow the machine is.
for mode in ask tell; do
  changes=$(sed -n 's/.*reads, \([0-9]*\) changes.*/\1/p' "out.$mode")
  [ "$changes" -ge 4 ] || fail "$mode: $(cat "out.$mode")"
done
end_serve s
! grep -q disconnected s.log || { cat s.log >&2; fail 'a client was cut off'; }

# The program itself, since libtool's script before it is no server.
mkdir bin
cat >bin/backup-serve <<END
#!/bin/sh
LD_PRELOAD="\$SANITIZE_PRELOAD $tools/.libs/tls-rekey-limit.so"
export LD_PRELOAD
exec "$abs_top_builddir/server/.libs/backup-serve" "\$@"
END
chmod +x bin/backup-serve
PATH=$dir/bin:$PATH
start_serve s --tls-psk psk vda=raw:disk.raw
for _ in 1 2 3; do
  rekey limit 1
done
end_serve s
! grep -q disconnected s.log || { cat s.log >&2; fail 'a client was cut off'; }
