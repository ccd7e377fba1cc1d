#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What TLS of backup-serve is on the wire: ciphers, records and nothing else
# where it is required, and clients that send byte by byte.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/serve-functions.sh"
. "$abs_top_srcdir/tests/tls-functions.sh"

requires nbdinfo --version

make_pki
psktool -u alice -p psk >/dev/null 2>&1
key=$(sed -n 's/^alice://p' psk)
truncate -s 4M a.raw
qemu-io -f raw -c 'write -P 0x5a 0 4M' a.raw >/dev/null
export BRIDGE=$abs_top_builddir/tests/tls-bridge

# start_proxy FOLDER [SECONDS]: what clients of the socket p say to the server.
start_proxy ()
{
  rm -f p
  mkdir "$1"
  perl "$abs_top_srcdir/tests/record-proxy.pl" p s "$@" &
  proxy=$!
  cleanup_fn kill_and_wait "$proxy"
  wait_for 'the proxy' test -S p
}
end_proxy ()
{
  kill "$proxy"
  wait "$proxy" 2>/dev/null || :
}

psk_uri="nbds+unix://alice@/secret-export?socket=$dir/p&tls-psk-file=$dir/psk"
x509_uri="nbds+unix:///secret-export?socket=$dir/p&tls-certificates=$dir/client"
both=(--tls-psk psk --tls-certificates server --tls-verify-peer)

# The proxy would see what is plain.
start_serve s secret-export=raw:a.raw
start_proxy plain
nbdcopy "nbd+unix:///secret-export?socket=$dir/p" plain.raw
end_proxy
grep -q secret-export plain/*.client || fail 'no name was recorded'
grep -q ZZZZZZZZZZZZZZZZ plain/*.server || fail 'no data was recorded'
end_serve s

start_serve s "${both[@]}" -v secret-export=raw:a.raw
for kind in psk x509; do
  start_proxy "wire-$kind"
  uri=${kind}_uri
  nbdinfo --list "${!uri}" >out
  nbdinfo --map "${!uri}" >out
  nbdcopy --connections=2 "${!uri}" "$kind.raw"
  cmp a.raw "$kind.raw" || fail "data by $kind"
  # One that goes away without a goodbye, and one without TLS.
  ! nbdinfo "nbd+unix:///secret-export?socket=$dir/p" >out 2>&1 ||
    fail 'served without TLS'
  wait_for 'the clients to leave' \
    sh -c "[ \$(grep -c 'connected\$' s.log) = \$(grep -c 'has left' s.log) ]"
  end_proxy
  sessions=0
  for session in "wire-$kind"/*.client; do
    session=${session%.client}
    ! grep -q 'secret-export' "$session.server" || fail "$session: a name"
    # Without TLS there was nothing but the refusals of its options.
    if [ "$(wc -c <"$session.server")" -lt 500 ]; then
      continue
    fi
    perl "$abs_top_srcdir/tests/serve-tls-wire.pl" "$session" ||
      fail "$session is not all TLS"
    sessions=$((sessions + 1))
  done
  [ "$sessions" -ge 4 ] || fail "$sessions sessions by $kind"
done

# AES-GCM is chosen, whatever the client would like best.
cat >cipher.pl <<'END'
require $ENV{CLIENT};
our (%OPT, %REP);
my $socket = start ();
ask ($socket, $OPT{INFO}, info_data ('secret-export'), $REP{ACK}, 'INFO');
close $socket;
wait ();
END
export SOCKET=$dir/s CLIENT=$abs_top_srcdir/tests/serve-client.pl
for tls in "psk alice $key" "x509 client/client-cert.pem client/client-key.pem"
do
  for version in 1.3 1.2; do
    # Of TLS 1.2, gnutls has AES-GCM with DHE-PSK only.
    PRIORITY="NORMAL:-VERS-ALL:+VERS-TLS$version:-CIPHER-ALL"
    PRIORITY+=":+ECDHE-PSK:+DHE-PSK"
    PRIORITY+=":+CHACHA20-POLY1305:+AES-128-CCM:+AES-128-CBC:+AES-256-GCM"
    PRIORITY+=":+AES-128-GCM"
    TLS=$tls PRIORITY=$PRIORITY perl cipher.pl 2>err || { cat err >&2; fail "$tls"; }
    grep -q "(TLS$version).*(AES-[0-9]*-GCM)" err ||
      { cat err >&2; fail "TLS $version by $tls: the cipher"; }
  done
done

# Byte by byte, but in time.
start_proxy bytes 0
for uri in "$psk_uri" "$x509_uri"; do
  [ "$(nbdinfo --size "$uri")" = 4194304 ] || fail 'byte by byte'
done
end_proxy
end_serve s

# Byte by byte until there is no time left, and longer.
start_serve s "${both[@]}" --handshake-timeout 1 secret-export=raw:a.raw
start_proxy slow 0.05
for uri in "$psk_uri" "$x509_uri"; do
  SECONDS=0
  ! timeout 30 nbdinfo --size "$uri" >out 2>&1 || fail 'served after the timeout'
  [ "$SECONDS" -lt 15 ] || fail "a handshake took $SECONDS s"
done
wait_for 'the log of both' \
  bash -c "[ \$(grep -c 'the client was too slow' s.log) -eq 2 ]"
end_proxy
end_serve s
