#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The example units: systemd understands them, and the server does all that it
# can do under the system calls that they leave it.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/serve-functions.sh"
. "$abs_top_srcdir/tests/tls-functions.sh"

requires systemd-analyze --version
requires nbdkit --version
requires nbdinfo --version
units=$abs_top_srcdir/docs/examples/systemd

# It finds what is misspelt, and programs that are not there.
sed 's,/usr/bin/backup-serve,/bin/sh,' "$units/backup-serve@.service" \
  >backup-serve@x.service
cp "$units/backup-serve@.socket" backup-serve@x.socket
systemd-analyze verify --man=no "./backup-serve@x.service" \
  "./backup-serve@x.socket" >out 2>&1 || { cat out >&2; fail 'the units'; }
[ ! -s out ] || { cat out >&2; fail 'the units'; }

# names_of WORD...: the system calls of each, a name or a set of systemd's, in
# which sets are named in turn.
names_of ()
{
  local word
  for word; do
    case $word in
      @*)
        # shellcheck disable=SC2046 # words
        names_of $(systemd-analyze syscall-filter "$word" |
          sed -e 1d -e 's/^ *//' -e '/^#/d')
        ;;
      *) echo "$word" ;;
    esac
  done
}
filter=$(sed -n 's/^SystemCallFilter=//p' "$units/backup-serve@.service")
[ -n "$filter" ] || fail 'the service has no filter'
# shellcheck disable=SC2086 # words
names_of $filter | sort -u >allowed
[ "$(wc -l <allowed)" -gt 200 ] || fail 'the list of system calls is short'
# A call that is missing is an error, which most programs have a way around.
grep -qx 'SystemCallErrorNumber=EPERM' "$units/backup-serve@.service" ||
  fail 'what is refused is deadly'

# From here on backup-serve is what the service would run, but that a call which
# is missing kills it.
use_plain_nbdkit
real=$(command -v backup-serve)
mkdir filtered
cat >filtered/backup-serve <<END
#!/bin/sh
exec '$abs_top_builddir/tests/syscall-filter' '$dir/allowed' '$real' "\$@"
END
chmod +x filtered/backup-serve
PATH=$dir/filtered:$PATH
# The search for leaks traces the process, which no service may do.
export ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0"
filters ()
{
  sed -n 's/^Seccomp_filters:	//p' "/proc/$1/status"
}

psktool -u alice -p psk >/dev/null 2>&1
make_disks
own=$(filters self)
start_serve s -v --log "$dir/log" --listen tcp:127.0.0.1:0 --tls on \
  --tls-psk psk vda=a.qcow2 vdb=raw:c.raw
# The service's, and the one that the server itself adds.
has_filters ()
{
  [ "$(filters "$serve_pid")" -eq $((own + 2)) ]
}
wait_for 'filters of the server' has_filters
nbdcopy "$(nbd_uri s vda)" copy.raw
qemu-img compare -q -f qcow2 -F raw a.qcow2 copy.raw || fail 'data'
dirty_map "$(nbd_uri s vda)" later >map
grep -q ' 1$' map || fail 'a map'
port=$(port_of s.out)
nbdcopy "nbds://alice@127.0.0.1:$port/vdb?tls-psk-file=$dir/psk" c.copy
cmp c.raw c.copy || fail 'data by TLS'
mv log log.1
kill -HUP "$serve_pid"
wait_for 'the new log' test -e log
nbdinfo --size "nbds://alice@127.0.0.1:$port/vdb?tls-psk-file=$dir/psk" >out
end_serve s

start_serve s --nbdkit -- "$PULLBACK_PLUGIN" disk=vda=a.qcow2
dirty_map "$(nbd_uri s vda)" later | cmp - map || fail 'a map of nbdkit'
nbdcopy "$(nbd_uri s vda)" copy.raw
end_serve s
qemu-img compare -q -f qcow2 -F raw a.qcow2 copy.raw || fail 'data of nbdkit'
