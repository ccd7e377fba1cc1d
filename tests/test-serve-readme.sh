#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The commands of the README's section about a named client, as they are there
# but for the machine's name and port, do what it says.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/serve-functions.sh"
. "$abs_top_srcdir/tests/tls-functions.sh"

requires nbdinfo --version
use_plain_nbdkit

sed -n '/^## Over the network, to a named client/,/^## Checkpoints/p' \
  "$abs_top_srcdir/README.md" >section
[ -s section ] || fail 'the section is not there'

# commands MACHINE: what is typed there, a command a line.
commands ()
{
  sed -e ':a' -e '/\\$/N; s/\\\n *//; ta' section | sed -n "s/^    $1\\\$ //p" |
    sed -e "s,//disk-host/,//localhost:$port/,; s/disk-host/localhost/g" \
      -e "s/10809/$port/g"
}

make_authority ca
make_certificate ca server disk-host/pki localhost 'dns_name = localhost'
make_certificate ca client backup1/pki backup1
mkdir -p elsewhere/pki
cp ca-cert.pem elsewhere/pki/
sed -n 's/^    \(allow .*\)/\1/p' section >disk-host/rules

cd disk-host
qemu-img create -q -f qcow2 vm.qcow2 8M
qemu-io -c 'write -P 1 0 4M' vm.qcow2 >/dev/null
qemu-img convert -O qcow2 vm.qcow2 ../backup1/full.qcow2
qemu-img bitmap --add vm.qcow2 cp1
qemu-io -c 'write -P 2 1M 64k' vm.qcow2 >/dev/null
qemu-img bitmap --add vm.qcow2 cp2
port=$(free_port) || fail 'no port is free'
[ "$(cd "$dir" && commands disk-host | wc -l)" -eq 1 ] || fail 'one server'
cd "$dir"
serve_command=$(commands disk-host)
(cd disk-host && eval "exec $serve_command") >serve.out 2>serve.log &
pid=$!
cleanup_fn kill_and_wait "$pid"
wait_for 'the server' test -s serve.out

[ "$(commands backup1 | wc -l)" -eq 3 ] || fail "commands: $(commands backup1)"
commands backup1 >list
cd backup1
while read -r command; do
  echo "$command"
  eval "$command" </dev/null
done <../list >../backup1.out
cd "$dir"
expect_text backup1.out qemu:dirty-bitmap:cp2
grep -qE '^0x110000 +0x6f0000' backup1.out || fail 'the map'
qemu-img compare -q disk-host/vm.qcow2 backup1/inc1.qcow2 || fail 'the increment'

[ "$(commands elsewhere | wc -l)" -eq 1 ] || fail 'one command elsewhere'
refused=$(commands elsewhere)
cd elsewhere
expect_status 1 eval "$refused"
cd "$dir"
expect_log serve.log 'Certificate is required'
kill_and_wait "$pid"

# What else can be served like that: other servers' disks.
sed -e ':a' -e '/\\$/N; s/\\\n *//; ta' section | sed -n 's/^    \$ //p' |
  sed -e "s,/run/web1/backup.sock,$dir/behind," -e 's/10809/0/' \
    -e "s,rate pullback ,rate $PULLBACK_PLUGIN ," \
    -e 's/^backup-serve/& --run "touch started"/' >list
[ "$(grep -c '^backup-serve ' list)" -eq "$(wc -l <list)" ] &&
  [ -s list ] || fail "commands: $(cat list)"
start_serve behind vda=disk-host/vm.qcow2
cd disk-host
while read -r command; do
  rm -f started
  eval "$command" </dev/null
  [ -e started ] || fail "not served: $command"
done <../list
