#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Access rules of backup-serve: each kind of rule, allowed and refused, by each
# way to an export; what a client may not see does not exist for it.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/serve-functions.sh"
. "$abs_top_srcdir/tests/tls-functions.sh"

make_pki
make_certificate ca client other-client backup2 'organization = Example'
psktool -u alice -p psk >/dev/null 2>&1
psktool -u bob -p psk >/dev/null 2>&1
qemu-img create -q -f qcow2 a.qcow2 1M
for bitmap in b0 cp1 cp2; do
  qemu-img bitmap --add a.qcow2 "$bitmap"
done
qemu-img create -q -f qcow2 -b a.qcow2 -F qcow2 b.qcow2
for bitmap in b0 cp1 cp2; do
  qemu-img bitmap --add b.qcow2 "$bitmap"
done
for bitmap in cp1 cp2; do
  qemu-img bitmap --disable a.qcow2 "$bitmap"
  qemu-img bitmap --disable b.qcow2 "$bitmap"
done
cp b.qcow2 c.qcow2
disks=(vda=a.qcow2 vdb=b.qcow2 secret=c.qcow2)

# granted EXPORT=RIGHTS...: for the client in the environment.
granted ()
{
  perl "$abs_top_srcdir/tests/serve-access.pl" "$@" 2>granted.err ||
    { cat granted.err s.log >&2; fail "granted to ${TLS:-$HOST}: $*"; }
}

# refused: the client in the environment gets nothing, not even a name.
refused ()
{
  if perl "$abs_top_srcdir/tests/serve-access.pl" vda=- vdb=- secret=- \
      >out 2>err; then
    fail "TLS='${TLS:-}' HOST='${HOST:-}' is not refused"
  fi
  # Cut off, or told that it needs TLS: nothing else.
  grep -qE 'greeting: got |tls-bridge: |got 80000005 ' err ||
    { cat err >&2; fail "TLS='${TLS:-}' HOST='${HOST:-}' fails otherwise"; }
}
# The server's commands for clients by hand.
export BRIDGE=$abs_top_builddir/tests/tls-bridge SOCKET=$dir/s
key_of ()
{
  echo "psk $1 $(sed -n "s/^$1://p" psk)"
}
certificate ()
{
  echo "x509 $dir/$1/client-cert.pem $dir/$1/client-key.pem"
}

# Rules about the user of a unix socket.
cat >rules <<END
# What the owner may do.
allow user $(id -u) export vd? list read map

allow user $(id -un) export secret map=cp*
allow user 12345 export secret list read map  # somebody else
END
start_serve s --access rules "${disks[@]}"
[ "$(stat -c %a s)" = 666 ] || fail "the socket has mode $(stat -c %a s)"
granted vda=lrm:b0,cp1,cp2 vdb=lrm:b0,cp1,cp2 secret=m:cp1,cp2
end_serve s
echo "allow user $(id -u) export vdb list" >rules
start_serve s --access rules "${disks[@]}"
granted vda=- vdb=l secret=-
expect_log s.log "no rule lets it see export 'vda'"
expect_log s.log "export 'vdb' may only be listed"
end_serve s
echo "allow user $(id -u) export vdb read" >rules
start_serve s --access rules "${disks[@]}"
granted vda=- vdb=r secret=-
# Rules are read again by SIGHUP, for who connects then; wrong ones never count.
echo "allow user $(id -u) export vda map=b0 map=cp1 list" >rules
kill -HUP "$serve_pid"
wait_for 'the new rules' nbdinfo --size "$(nbd_uri s vda)"
granted vda=lm:b0,cp1 vdb=- secret=-
echo 'allow user 0 export' >rules
kill -HUP "$serve_pid"
wait_for 'the log' grep -q 'stay as they were: rules: line 1' s.log
granted vda=lm:b0,cp1 vdb=- secret=-
end_serve s
# Without a rule nobody is allowed anything, which may be a mistake.
echo '# allow user 0 export * read' >rules
start_serve s --access rules "${disks[@]}"
expect_log s.log 'rules: there is no rule in it, so nobody is allowed anything'
refused
end_serve s
echo 'allow user 12345 export * list read map' >rules
start_serve s --access rules "${disks[@]}"
refused
expect_log s.log 'no rule is about this client'
end_serve s
# Another user than the server's, where there is one to be.
if [ "$(id -u)" -eq 0 ] && setpriv --reuid=12345 --clear-groups true; then
  start_serve s --access rules "${disks[@]}"
  chmod 711 "$dir"
  setpriv --reuid=12345 --clear-groups nbdinfo --size "$(nbd_uri s secret)" \
    >out || fail 'another user, by a rule'
  refused # root, who has none
  expect_status 1 setpriv --reuid=nobody --clear-groups nbdinfo --size \
    "$(nbd_uri s secret)"
  expect_log s.log "client unix uid $(id -u nobody) pid"
  end_serve s
  start_serve s "${disks[@]}"
  chmod 666 s
  expect_status 1 setpriv --reuid=12345 --clear-groups nbdinfo --size \
    "$(nbd_uri s vda)"
  expect_log s.log 'only user 0, who runs the server, and root may connect'
  end_serve s
fi

# start_tcp ARGS...: as start_serve, with the port in $PORT.
start_tcp ()
{
  start_serve s --listen tcp:127.0.0.1:0 "$@" "${disks[@]}"
  PORT=$(sed -n -E 's,^nbds?://127.0.0.1:([0-9]*)/$,\1,p' s.out)
  HOST=127.0.0.1
  export PORT HOST
}

# Users of keys, and certificates.
cat >rules <<'END'
allow psk alice export vda list read map
allow psk ali* export vdb read
allow certificate "CN=backup1,O=Example" export vd* list read map=cp?
allow certificate "*CN=backup1*" address 127.0.0.0/8 export secret list
allow certificate "*CN=backup1*" address 10.0.0.0/8 export secret read
END
start_tcp --access rules --tls-psk psk --tls-certificates server \
  --tls-verify-peer
TLS=$(key_of alice) granted vda=lrm:b0,cp1,cp2 vdb=r secret=-
TLS=$(key_of bob) refused
expect_log s.log 'psk bob): disconnected: no rule is about this client'
TLS=$(certificate client) granted vda=lrm:cp1,cp2 vdb=lrm:cp1,cp2 secret=l
TLS=$(certificate other-client) refused
TLS=$(certificate foreign) refused
TLS=$(certificate expired) refused
TLS=x509 refused
refused # without TLS
end_serve s

# Addresses, of each kind.
cat >rules <<'END'
allow address 127.0.0.1 export vda list read
allow address 126.0.0.0/7 export vdb list
allow address 128.0.0.0/1 export secret list
allow address ::1 export secret list
allow address 127.0.0.2 export secret list
END
start_tcp --access rules
granted vda=lr vdb=l secret=-
end_serve s
echo 'allow address 127.0.0.2/31 export * list read map' >rules
start_tcp --access rules
refused
end_serve s
echo 'allow address 0.0.0.0/0 export * read' >rules
start_tcp --access rules
granted vda=r vdb=r secret=r
end_serve s
if perl -MIO::Socket::IP -e \
  'exit !IO::Socket::IP->new (Listen => 1, LocalHost => "::1")'; then
  echo 'allow address ::/127 export vda list read' >rules
  start_serve s --listen 'tcp:[::1]:0' --access rules "${disks[@]}"
  PORT=$(sed -n 's,^nbd://\[::1\]:\([0-9]*\)/$,\1,p' s.out) HOST=::1
  granted vda=lr vdb=- secret=-
  end_serve s

  # IPv4 by way of an IPv6 socket, as systemd hands them over, is IPv4.
  printf '%s\n' 'allow address 127.0.0.1 export vda list read' \
    'allow address ::1 export vdb list read' \
    'allow address ::/1 export secret list' >rules
  SOCKET=$dir/a DUAL_STACK=1 perl "$abs_top_srcdir/tests/serve-activate.pl" \
    backup-serve --access rules "${disks[@]}" >a.out 2>s.log &
  pid=$!
  cleanup_fn kill_and_wait "$pid"
  wait_for 'the service to be ready' grep -q READY=1 a.out
  PORT=$(port_of a.out)
  HOST=127.0.0.1 granted vda=lr vdb=- secret=-
  HOST=::1 granted vda=- vdb=lr secret=l
  kill "$pid"
  wait "$pid" || fail 'the service did not end in order'
fi
unset PORT HOST

# Files that say nothing clear are refused, with the place.
wrong_rule ()
{
  printf '# one\n%b\n' "$2" >rules
  expect_status 1 backup-serve --access rules vda=a.qcow2
  expect_text err "rules: line 2: $1"
}
wrong_rule "'deny': a rule starts with" 'deny user 0 export vda read'
wrong_rule 'it does not say who' 'allow export vda read'
wrong_rule "'group' is none of" 'allow group staff export vda read'
wrong_rule "there is no user 'no-such-user'" \
  'allow user no-such-user export vda read'
wrong_rule "there is no user '-1'" 'allow user -1 export vda read'
wrong_rule "'localhost' is no address" 'allow address localhost export vda read'
wrong_rule "'33' is not the number" 'allow address 10.0.0.0/33 export vda read'
wrong_rule "'' is not the number" 'allow address 10.0.0.0/ export vda read'
wrong_rule "the word 'export' is missing" 'allow user 0'
wrong_rule "something is missing after 'user'" 'allow user'
wrong_rule 'the name of an export is missing' 'allow user 0 export'
wrong_rule 'it does not say what' 'allow user 0 export vda'
wrong_rule "'write' is none of" 'allow user 0 export vda write'
wrong_rule 'a double quote is missing' 'allow psk "alice export vda read'
wrong_rule 'more than 64 words' "allow user 0 export vda $(printf 'read %.0s' {1..64})"
wrong_rule 'a NUL byte' 'allow user 0 export vda read\0'
# A wrong name may be that of a disk.
head -c 1048577 /dev/zero | tr '\0' '#' >rules
expect_status 1 backup-serve --access rules vda=a.qcow2
expect_text err 'rules: more than 1048576 bytes'
expect_status 1 backup-serve --access . vda=a.qcow2
expect_text err '.: Is a directory'
expect_status 1 backup-serve --access nothing vda=a.qcow2
expect_text err 'nothing: No such file'
echo 'allow psk alice export * read' >rules
expect_status 1 backup-serve --access rules vda=a.qcow2
expect_text err 'a rule is about pre-shared keys, but --tls-psk is not in use'
expect_status 1 backup-serve --access rules --tls-certificates server \
  --tls-verify-peer vda=a.qcow2
expect_text err 'a rule is about pre-shared keys, but --tls-psk is not in use'
echo 'allow certificate CN=* export * read' >rules
expect_status 1 backup-serve --access rules --tls-certificates server \
  --tls-psk psk vda=a.qcow2
expect_text err \
  'a rule is about certificates, but --tls-verify-peer is not in use'
expect_status 2 backup-serve --access rules --insecure vda=a.qcow2
