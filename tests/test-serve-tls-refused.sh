#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Clients whom TLS of backup-serve refuses: the alert that tells them why, and
# what the log says.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/serve-functions.sh"
. "$abs_top_srcdir/tests/tls-functions.sh"

make_pki
psktool -u alice -p psk >/dev/null 2>&1
key=$(sed -n 's/^alice://p' psk)
truncate -s 1M a.raw

make_certificate ca client revoked gone
printf '%s\n' 'crl_next_update = 9999' 'crl_number = 1' >crl.info
certtool --generate-crl --load-ca-privkey ca-key.pem \
  --load-ca-certificate ca-cert.pem --load-certificate revoked/client-cert.pem \
  --template crl.info --outfile ca-crl.pem 2>/dev/null

# One that has no subject name but an alternative one.
mkdir nameless
cp client/client-key.pem nameless/
printf '%s\n' 'dns_name = backup1.example.org' tls_www_client signing_key \
  >nameless/client.info
certtool --generate-certificate --load-ca-certificate ca-cert.pem \
  --load-ca-privkey ca-key.pem --load-privkey nameless/client-key.pem \
  --template nameless/client.info --outfile nameless/client-cert.pem \
  2>/dev/null

export SOCKET=$dir/s BRIDGE=$abs_top_builddir/tests/tls-bridge

# try TLS-ARGS...: "served" or "refused", with the alert in the file err.
try ()
{
  TLS=$* perl "$abs_top_srcdir/tests/serve-tls-refused.pl" 2>err
}
x509 ()
{
  try x509 "$1/client-cert.pem" "$1/client-key.pem"
}

# served and refused ALERT LOG: what the next commands give.
served ()
{
  local result
  result=$("$@")
  [ "$result" = served ] || { cat err s.log >&2; fail "not served: $*"; }
}
refused ()
{
  local alert=$1 log=$2 result
  shift 2
  : >s.log # the server appends
  result=$("$@")
  [ "$result" = refused ] || fail "served: $*"
  expect_text err "alert: $alert"
  expect_log s.log "$log"
}

versions='NORMAL:-VERS-ALL:+ECDHE-PSK:+DHE-PSK:'
start_certificates ()
{
  start_serve s --tls-certificates server --tls-verify-peer --log s.log "$@" \
    vda=raw:a.raw
}

start_certificates
served x509 revoked # nobody has said so yet
end_serve s
cp ca-crl.pem server/
start_certificates
for version in 1.3 1.2; do
  export PRIORITY=$versions+VERS-TLS$version
  served x509 client
  refused 'Certificate was revoked' 'certificate CN=gone is refused' \
    x509 revoked
  refused 'Certificate is bad' 'certificate has no subject name' x509 nameless
  refused 'CA is unknown' 'certificate CN=backup1,O=Example is refused' \
    x509 foreign
  refused 'Certificate is expired' 'certificate CN=late is refused' \
    x509 expired
  refused 'Certificate is not supported' 'is refused: ' x509 misused
done
# A list that was there once, and is no more, lets nobody in again.
rm server/ca-crl.pem
kill -HUP "$serve_pid"
expect_log s.log 'stay as they were: server/ca-crl.pem: No such file'
refused 'Certificate was revoked' 'certificate CN=gone is refused' x509 revoked
cp ca-crl.pem server/
PRIORITY=$versions+VERS-TLS1.3
refused 'Certificate is required' 'handshake: Certificate is required' try x509
PRIORITY=$versions+VERS-TLS1.2
refused 'Handshake failed' 'handshake: No certificate was found' try x509
for version in 1.0 1.1; do
  PRIORITY=$versions+VERS-TLS$version
  refused 'Error in protocol version' 'TLS: handshake: ' x509 client
done
unset PRIORITY
end_serve s

start_serve s --tls-psk psk --log s.log vda=raw:a.raw
for version in 1.3 1.2; do
  export PRIORITY=$versions+VERS-TLS$version
  served try psk alice "$key"
  refused '' 'TLS: handshake: ' try psk alice "${key//[0-7]/8}"
  refused '' 'TLS: handshake: ' try psk bob "$key"
  refused 'Handshake failed' 'TLS: handshake: ' try x509
done
unset PRIORITY
end_serve s

# Over TCP, where a client that has sent more could lose an alert to a reset.
start_certificates --listen tcp:localhost:0
port=$(sed -n 's,^nbd://[^/]*:\([0-9]*\)/$,\1,p' s.out | head -n 1)
export HOST=localhost PORT=$port
for _ in 1 2 3 4 5; do
  refused 'Certificate was revoked' 'certificate CN=gone is refused' \
    x509 revoked
done
served x509 client
unset HOST PORT
end_serve s
