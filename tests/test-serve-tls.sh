#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# TLS of backup-serve: each mode with each kind of client, over TCP and unix
# sockets; no byte is served in plain where TLS is required.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/serve-functions.sh"
. "$abs_top_srcdir/tests/tls-functions.sh"

requires nbdinfo --version

make_pki
psktool -u alice -p psk >/dev/null 2>&1
psktool -u alice -p wrong.psk >/dev/null 2>&1
psktool -u bob -p bob.psk >/dev/null 2>&1
qemu-img create -q -f qcow2 a.qcow2 8M
qemu-io -c 'write -P 1 0 8M' a.qcow2 >/dev/null
qemu-img bitmap --add a.qcow2 b0
qemu-io -c 'write -P 1 1M 64k' a.qcow2 >/dev/null

# start_tcp ARGS...: as start_serve, with the port in $port.
start_tcp ()
{
  start_serve s --listen tcp:localhost:0 "$@" vda=a.qcow2
  port=$(sed -n -E 's,^nbds?://[^/]*:([0-9]*)/$,\1,p' s.out | head -n 1)
}

# uri_of CLIENT: of export vda, as that client connects to it.
uri_of ()
{
  case $1 in
    plain) echo "nbd://localhost:$port/vda" ;;
    plain-unix) nbd_uri s vda ;;
    client-unix)
      echo "nbds+unix:///vda?socket=$dir/s&tls-certificates=$dir/client" ;;
    none-unix)
      echo "nbds+unix:///vda?socket=$dir/s&tls-certificates=$dir/none" ;;
    psk) echo "nbds://alice@localhost:$port/vda?tls-psk-file=$dir/psk" ;;
    psk-unix) echo "nbds+unix://alice@/vda?socket=$dir/s&tls-psk-file=$dir/psk" ;;
    known-psk) # when the server's own file has changed
      echo "nbds://alice@localhost:$port/vda?tls-psk-file=$dir/old.psk" ;;
    wrong-psk)
      echo "nbds://alice@localhost:$port/vda?tls-psk-file=$dir/wrong.psk" ;;
    unknown-psk)
      echo "nbds://bob@localhost:$port/vda?tls-psk-file=$dir/bob.psk" ;;
    *) echo "nbds://localhost:$port/vda?tls-certificates=$dir/$1" ;;
  esac
}

# served and unserved CLIENT...: those that get the disk, and those that do not.
served ()
{
  local client
  for client; do
    [ "$(nbdinfo --size "$(uri_of "$client")")" = 8388608 ] ||
      fail "$* is not served to $client"
  done
}
is_unserved ()
{
  ! nbdinfo --size "$(uri_of "$1")" >out 2>err
}
unserved ()
{
  local client
  for client; do
    is_unserved "$client" || fail "$client is served"
  done
}

x509=(--tls-certificates server)
verify=("${x509[@]}" --tls-verify-peer)
psk=(--tls-psk psk)

# Without TLS.
start_tcp --insecure
served plain plain-unix
unserved psk psk-unix client
end_serve s

# Certificates: the server's only, then the clients' too.
start_tcp "${x509[@]}" --insecure
served client none foreign expired misused
unserved plain plain-unix psk distrust
end_serve s
expect_status 1 backup-serve "${x509[@]}" --listen tcp:localhost:0 vda=a.qcow2
expect_text err 'does not tell who a client is'
start_tcp "${verify[@]}"
served client client-unix
unserved plain plain-unix psk none none-unix foreign expired misused distrust
end_serve s
expect_log s.log 'needs TLS first'
expect_log s.log 'certificate CN=late is refused'
expect_log s.log 'certificate CN=backup1,O=Example is refused'
start_tcp --tls on "${verify[@]}"
served client plain-unix # the user of the server, over a unix socket
unserved plain none foreign expired misused distrust
end_serve s
start_tcp --tls on --insecure "${verify[@]}"
served client plain plain-unix
unserved none foreign expired misused
end_serve s
start_tcp --tls off --insecure "${verify[@]}"
served plain plain-unix
unserved client psk
end_serve s

# Pre-shared keys, and both at once.
start_tcp "${psk[@]}"
served psk psk-unix
unserved plain plain-unix wrong-psk unknown-psk client none
end_serve s
start_tcp --tls on "${psk[@]}"
served psk psk-unix plain-unix
unserved plain wrong-psk unknown-psk
end_serve s
start_tcp "${psk[@]}" "${verify[@]}" -v
served psk psk-unix client
unserved plain wrong-psk unknown-psk none foreign expired misused
grep -Eq 'is known as .* psk alice$' s.log || fail 'the name of a user'
grep -Eq 'is known as .* certificate .*CN=backup1' s.log || fail 'a DN'

# What is served is right, by our client and by QEMU's.
backup-pull -q "$(uri_of client)" full.qcow2
qemu-img compare -q a.qcow2 full.qcow2 || fail 'a backup by TLS'
dirty_map "$(uri_of psk)" b0 >map
printf '%s\n' '0 1048576 0' '1048576 65536 1' '1114112 7274496 0' |
  diff - map || fail 'a map by TLS'
qemu-img compare -q --object \
  "tls-creds-x509,id=t,endpoint=client,dir=$dir/client" --image-opts \
  driver=qcow2,file.filename=a.qcow2 \
  "driver=nbd,host=localhost,port=$port,export=vda,tls-creds=t" ||
  fail 'QEMU by certificates'

# The addresses that are printed are such that TLS is used, where it must be.
grep -qx "nbds+unix:///?socket=$dir/s" s.out || fail 'the address by unix'
grep -q '^nbds://' s.out || fail 'the address by TCP'
! grep -q '^nbd[:+]' s.out || fail 'an address without TLS'

# New files count from SIGHUP on, wrong ones never.
cp psk old.psk
cat bob.psk >>psk
unserved unknown-psk
served psk
kill -HUP "$serve_pid"
wait_for 'bob to be known' nbdinfo --size "$(uri_of unknown-psk)"
served psk
cp psk both.psk
cp bob.psk psk
served known-psk unknown-psk
kill -HUP "$serve_pid"
wait_for 'alice to be forgotten' is_unserved known-psk
served unknown-psk
# As if it was still being written.
head -c 100 both.psk >psk
kill -HUP "$serve_pid"
wait_for 'the log' grep -q 'stay as they were: psk: line 2: the key' s.log
served unknown-psk
unserved known-psk
rm psk
kill -HUP "$serve_pid"
wait_for 'the log' grep -q 'stay as they were: psk: No such file' s.log
served unknown-psk
cp both.psk psk
kill -HUP "$serve_pid"
wait_for 'alice to be known again' nbdinfo --size "$(uri_of known-psk)"
# Without a key nobody has one.
: >psk
kill -HUP "$serve_pid"
wait_for 'the log' grep -q 'psk: there is no key in it' s.log
wait_for 'alice to be forgotten' is_unserved known-psk
cp both.psk psk
kill -HUP "$serve_pid"
wait_for 'alice to be known again' nbdinfo --size "$(uri_of known-psk)"
cp server/server-key.pem kept.pem
echo rubbish >server/server-key.pem
kill -HUP "$serve_pid"
wait_for 'the log' grep -q 'stay as they were: server.server-cert.pem' s.log
served client psk unknown-psk
# A renewed certificate, by another authority so that it can be told apart.
unserved distrust
make_certificate other server renewed localhost 'dns_name = localhost'
cp renewed/server-*.pem server/
served client
unserved distrust
kill -HUP "$serve_pid"
wait_for 'the new certificate' nbdinfo --size "$(uri_of distrust)"
unserved client
end_serve s

# Files of keys as psktool writes them, or could have been written by hand.
key=$(sed -n 's/^alice://p' old.psk)
printf '%s\r\n\n#783a79:%s \n%s:%s' "$(cat old.psk)" "$key" \
  "u v" "$key" >psk
qemu-img convert -O raw a.qcow2 a.raw
start_serve s --tls-psk psk vda=raw:a.raw
for user in alice x:y; do
  "$abs_top_builddir/tests/tls-rekey" s a.raw "$user" "$key" tls12 0 >out
  "$abs_top_builddir/tests/tls-rekey" s a.raw "$user" "$key" tell 0 >out
done
"$abs_top_builddir/tests/tls-rekey" s a.raw 'u v' "$key" tell 0 >out
for user in x u '' '#783a79' "$(head -c 200 /dev/zero | tr '\0' a)"; do
  ! "$abs_top_builddir/tests/tls-rekey" s a.raw "$user" "$key" tell 0 \
    >out 2>&1 || fail "user '$user' is served"
done
end_serve s
# wrong_keys TEXT FILE: the server does not start with it, and says why.
wrong_keys ()
{
  printf '%b' "$2" >bad.psk
  expect_status 1 backup-serve --tls-psk bad.psk vda=a.qcow2
  expect_text err "bad.psk: $1"
  ! grep -q 00112233 err || fail 'a key is told'
}
wrong_keys 'line 1: it is not USER:KEY' 'alice\n'
wrong_keys 'line 2: it is not USER:KEY' 'alice:0011\n00112233\n'
wrong_keys 'line 1: the key is missing' 'alice:\n'
wrong_keys 'line 1: the key is not hexadecimal' 'alice:00112233x\n'
wrong_keys 'line 1: the key is not hexadecimal' 'alice:001122334\n'
wrong_keys 'line 1: the key is not hexadecimal' 'alice:bob:00112233\n'
wrong_keys 'line 1: the key is longer than 512 bytes' \
  "alice:$(head -c 1026 /dev/zero | tr '\0' 0)"
wrong_keys "line 1: the user's name is missing" ':00112233'
wrong_keys "line 1: the user's name behind '#' is missing" '#:00112233'
wrong_keys "line 1: the user's name behind '#' is not hexadecimal" '# x:00'
wrong_keys "line 1: the user's name has a byte 0" '#6100:00112233'
wrong_keys "line 1: the user's name has a byte 0" 'a\0b:00112233'
wrong_keys "line 1: the user's name is longer than 128 bytes" \
  "$(head -c 129 /dev/zero | tr '\0' a):00112233"
wrong_keys 'line 3: the user is in line 1 already' \
  'alice:00112233\nbob:00\n#616c696365:11\n'
head -c 2M /dev/zero >bad.psk
expect_status 1 backup-serve --tls-psk bad.psk vda=a.qcow2
expect_text err 'bad.psk: more than 1048576 bytes'
expect_status 1 backup-serve --tls-psk . vda=a.qcow2
expect_text err '.: Is a directory'
cp old.psk psk
# addresses UNIX TCP ARGS...: the schemes of the URIs that are printed, which are
# those that clients can come by.
addresses ()
{
  start_tcp --tls on "${@:3}"
  grep -qx "$1:///?socket=$dir/s" s.out || { cat s.out >&2; fail "$*: unix"; }
  grep -q "^$2://" s.out || { cat s.out >&2; fail "$*: TCP"; }
  [ "$(grep -c "^$1://" s.out)" = 1 ] || fail "$*: others"
  end_serve s
}
addresses nbd+unix nbds "${psk[@]}"
addresses nbd+unix nbd "${psk[@]}" --insecure
addresses nbd+unix nbd "${x509[@]}" --insecure
echo 'allow psk alice user 0 export * read' >rules
addresses nbds+unix nbds "${psk[@]}" --access rules
echo 'allow user 0 export * read' >>rules
addresses nbd+unix nbds "${psk[@]}" --access rules
echo 'allow address 127.0.0.0/8 export * read' >>rules
addresses nbd+unix nbd "${psk[@]}" --access rules
# All addresses of one kind is none to connect to: one of this host's is told.
if [ -e /proc/net/if_inet6 ]; then
  expect_status 0 backup-serve --insecure --listen 'tcp:[::]:0' vda=a.qcow2 \
    --run 'nbdinfo --size "$uri" && echo "$uri"'
  expect_text out 'nbd://[::1]:'
fi
# shellcheck disable=SC2016 # the variable is the command's
expect_status 0 backup-serve "${x509[@]}" --insecure vda=a.qcow2 \
  --run 'nbdinfo --size "$uri&tls-certificates=none"'
expect_text out 8388608

# By hand.
for mode in on require; do
  start_serve s --tls "$mode" --tls-psk psk vda=a.qcow2
  SOCKET=$dir/s KEY=$(sed -n 's/^alice://p' old.psk) MODE=$mode \
    BRIDGE=$abs_top_builddir/tests/tls-bridge \
    perl "$abs_top_srcdir/tests/serve-tls.pl" 2>bridge.log ||
    { cat bridge.log s.log >&2; fail "TLS $mode by hand"; }
  end_serve s
done
# AES-GCM also where the key is pre-shared.
grep -q 'AES-128-GCM\|AES-256-GCM' bridge.log || { cat bridge.log >&2; fail cipher; }
! grep -q CHACHA bridge.log || fail 'CHACHA20'

# Usage.
for args in '--tls on' '--tls require' '--tls maybe' '--tls-verify-peer' \
  '--tls-verify-peer --tls-psk psk'; do
  # shellcheck disable=SC2086 # several words
  expect_status 2 backup-serve $args vda=a.qcow2
done
# An authority without a certificate would let nobody in.
mkdir no-authority
cp server/*.pem no-authority/
for text in '' 'no certificate'; do
  printf '%s' "$text" >no-authority/ca-cert.pem
  expect_status 1 backup-serve --tls-certificates no-authority vda=a.qcow2
  expect_text err 'no-authority/ca-cert.pem: '
done
expect_status 1 backup-serve --tls-psk nothing vda=a.qcow2
expect_text err 'nothing: No such file'
expect_status 1 backup-serve --tls-certificates none vda=a.qcow2
expect_text err 'none/server-cert.pem: No such file'
