# SPDX-License-Identifier: LGPL-2.1-or-later
# test-plugin-tls.sh: the plugin behind nbdkit's TLS, with a pre-shared key and
# with certificates, over a unix socket and over TCP.

. "$abs_top_srcdir/tests/functions.sh"

requires certtool --version
requires psktool --version

qemu-img create -q -f qcow2 a.qcow2 1M
qemu-img bitmap --add a.qcow2 b0
qemu-io -c 'write -P 1 0 64k' a.qcow2 >/dev/null

psktool -u alice -p psk >/dev/null 2>&1
nbdkit_options=(--tls=require "--tls-psk=$dir/psk")
serve s a.qcow2
uri="nbds+unix://alice@/a/b0?socket=$dir/s&tls-psk-file=$dir/psk"
nbdinfo --json "$uri" >info.json
expect_text info.json '"TLS": true'
expect_text info.json 'pullback dirty map of a'
dirty_map "$uri" >map
printf '%s\n' '0 65536 1' '65536 983040 0' | cmp - map || fail 'map over TLS'
nbdcopy "$uri" null:
expect_status 1 nbdinfo --size "$(nbd_uri s a)"
psktool -u alice -p wrong >/dev/null 2>&1
expect_status 1 nbdinfo --size \
  "nbds+unix://alice@/a?socket=$dir/s&tls-psk-file=$dir/wrong"
stop_server "$nbdkit_pid"

# A certificate authority, and a certificate for this host's own name.
mkdir pki
printf '%s\n' 'cn = test CA' ca cert_signing_key >ca.info
printf '%s\n' 'cn = localhost' 'dns_name = localhost' tls_www_server \
              encryption_key signing_key >server.info
certtool --generate-privkey --ecc --outfile ca-key.pem 2>/dev/null
certtool --generate-self-signed --load-privkey ca-key.pem --template ca.info \
         --outfile pki/ca-cert.pem 2>/dev/null
certtool --generate-privkey --ecc --outfile pki/server-key.pem 2>/dev/null
certtool --generate-certificate --load-ca-certificate pki/ca-cert.pem \
         --load-ca-privkey ca-key.pem --load-privkey pki/server-key.pem \
         --template server.info --outfile pki/server-cert.pem 2>/dev/null

nbdkit_options=(--tls=require "--tls-certificates=$dir/pki")
start_nbdkit_tcp "$PULLBACK_PLUGIN" a.qcow2
mkdir client
cp pki/ca-cert.pem client/
uri="nbds://localhost:$tcp_port/a/b0?tls-certificates=$dir/client"
dirty_map "$uri" >map
printf '%s\n' '0 65536 1' '65536 983040 0' | cmp - map || fail 'map over TLS'

# A client that trusts another authority does not talk to this server.
mkdir other
certtool --generate-privkey --ecc --outfile other-key.pem 2>/dev/null
certtool --generate-self-signed --load-privkey other-key.pem \
         --template ca.info --outfile other/ca-cert.pem 2>/dev/null
expect_status 1 nbdinfo --size \
  "nbds://localhost:$tcp_port/a?tls-certificates=$dir/other"
