# SPDX-License-Identifier: LGPL-2.1-or-later
# test-pull-tls.sh: nbds means encrypted and verified, or not at all.

. "$abs_top_srcdir/tests/functions.sh"

requires certtool --version
requires psktool --help

qemu-img create -q -f qcow2 disk.qcow2 4M
qemu-io -c 'write -P 0x11 1M 1M' disk.qcow2 >/dev/null
qemu-img bitmap --add disk.qcow2 b0

# A certificate authority, a server of its own, and a stranger's authority.
# make_ca FOLDER
make_ca ()
{
  mkdir -p "$1"
  certtool --generate-privkey --ecc --outfile "$1/ca-key.pem" 2>/dev/null
  printf 'cn = "test authority"\nca\ncert_signing_key\n' >"$1/ca.info"
  certtool --generate-self-signed --load-privkey "$1/ca-key.pem" \
    --template "$1/ca.info" --outfile "$1/ca-cert.pem" 2>/dev/null
}
make_ca pki
make_ca stranger
certtool --generate-privkey --ecc --outfile pki/server-key.pem 2>/dev/null
cat >pki/server.info <<'S'
cn = "localhost"
dns_name = "localhost"
ip_address = "127.0.0.1"
tls_www_server
signing_key
S
certtool --generate-certificate --load-ca-certificate pki/ca-cert.pem \
  --load-ca-privkey pki/ca-key.pem --load-privkey pki/server-key.pem \
  --template pki/server.info --outfile pki/server-cert.pem 2>/dev/null
mkdir client wrong
cp pki/ca-cert.pem client
cp stranger/ca-cert.pem wrong
psktool -u alice -p keys.psk >/dev/null 2>&1
psktool -u alice -p wrong.psk >/dev/null 2>&1

# start_tcp OPTIONS...: nbdkit with our plugin, where $tcp says.
start_tcp ()
{
  nbdkit_options=("$@")
  start_nbdkit_tcp "$PULLBACK_PLUGIN" disk=vda=disk.qcow2
  tcp="localhost:$tcp_port/vda"
}

equal ()
{
  qemu-img compare -q disk.qcow2 "$1" || fail "$1 is not the disk"
}

# Certificates, over TCP: verified.
start_tcp --tls=require --tls-certificates="$dir/pki"
backup-pull -q "nbds://$tcp?tls-certificates=$dir/client" x509.qcow2
equal x509.qcow2
backup-pull -q --bitmap b0 --backing x509.qcow2 \
  "nbds://$tcp?tls-certificates=$dir/client" x509-inc.qcow2
equal x509-inc.qcow2
expect_status 1 backup-pull "nbds://$tcp?tls-certificates=$dir/wrong" no.qcow2
expect_text err "gnutls"
# Without an authority nobody would be verified: a folder that is missing or
# empty, none at all, or a name that is misspelt.
mkdir empty
for folder in nosuch empty; do
  expect_status 1 backup-pull \
    "nbds://$tcp?tls-certificates=$dir/$folder" no.qcow2
  expect_text err "$dir/$folder/ca-cert.pem: No such file or directory"
  expect_text err "the server cannot be verified"
done
if [ ! -e /etc/pki/libnbd ]; then
  HOME=$dir expect_status 1 backup-pull "nbds://$tcp" no.qcow2
  expect_text err "the server cannot be verified"
fi
expect_status 2 backup-pull "nbds://$tcp?tls-certs=$dir/client" no.qcow2
expect_text err "no parameter 'tls-certs'"
expect_status 1 backup-pull "nbd://$tcp" no.qcow2
expect_text err "TLS"
kill_and_wait "$nbdkit_pid"

# A server without TLS: nbds does not fall back to plain text.
start_tcp --tls=off
expect_status 1 backup-pull "nbds://$tcp?tls-certificates=$dir/client" no.qcow2
expect_text err "TLS"
backup-pull -q "nbd://$tcp" plain.qcow2
equal plain.qcow2
kill_and_wait "$nbdkit_pid"

# A pre-shared key, over a unix socket.
socket=$dir/psk.sock
nbdkit_options=(--tls=require --tls-psk="$dir/keys.psk")
serve "$socket" disk=vda=disk.qcow2
psk="nbds+unix://alice@/vda?socket=$socket"
backup-pull -q "$psk&tls-psk-file=$dir/keys.psk" psk.qcow2
equal psk.qcow2
backup-pull -q --bitmap b0 --backing psk.qcow2 \
  "$psk&tls-psk-file=$dir/keys.psk" psk-inc.qcow2
equal psk-inc.qcow2
expect_status 1 backup-pull "$psk&tls-psk-file=$dir/wrong.psk" no.qcow2
expect_text err "gnutls"
expect_status 1 backup-pull "$psk&tls-psk-file=$dir/nosuch.psk" no.qcow2
expect_text err "$dir/nosuch.psk: No such file or directory"
expect_status 1 backup-pull "nbd+unix:///vda?socket=$socket" no.qcow2
expect_text err "TLS"
[ ! -e no.qcow2 ] && [ ! -e no.qcow2.partial ] || fail "an output was made"
