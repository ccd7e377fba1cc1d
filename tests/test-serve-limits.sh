#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# backup-serve's limits: clients that are slow, silent or too many; how it
# starts, what it prints, and how it ends.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/serve-functions.sh"

qemu-img create -q -f qcow2 a.qcow2 4M
qemu-io -c 'write -P 1 0 4M' a.qcow2 >/dev/null
truncate -s 1M b.raw

# Wrong usage.
wrong ()
{
  local text=$1
  shift
  expect_status 2 backup-serve "$@"
  expect_text err "$text"
}
wrong 'nothing to serve'
wrong 'is not NAME=' a.qcow2
wrong "'0' is not a number from 1" --max-connections 0 vda=a.qcow2
wrong "'x' is not a number from 1" --handshake-timeout x vda=a.qcow2
wrong 'unrecognized option' --nothing vda=a.qcow2

# What cannot be served.
refused ()
{
  local text=$1
  shift
  expect_status 1 backup-serve "$@"
  expect_text err "$text"
}
refused 'none.qcow2' vda=none.qcow2
refused 'two disks of this name' vda=a.qcow2 vda=raw:b.raw
refused 'neither unix:PATH nor' --listen /tmp/x vda=a.qcow2
refused 'is not tcp:HOST' --listen tcp:::1:10809 vda=a.qcow2
refused 'is not tcp:HOST' --listen 'tcp:[::1' vda=a.qcow2
refused 'the path of a unix socket' --listen unix: vda=a.qcow2
refused 'there is no port 99999' --insecure --listen tcp:127.0.0.1:99999 vda=a.qcow2
refused 'there is no port -1' --insecure --listen tcp:127.0.0.1:-1 vda=a.qcow2
refused 'say --insecure' --listen tcp:localhost:0 vda=a.qcow2
refused 'no/such/folder' --pid-file no/such/folder/pid vda=a.qcow2
refused 'no/such/folder' --log no/such/folder/log vda=a.qcow2
[ -z "$(ls -d no 2>/dev/null)" ] || fail 'a folder was made'

# --run: the command's exit status, and an address of its own for each kind.
# shellcheck disable=SC2016 # the variables are the command's
{
expect_status 0 backup-serve vda=a.qcow2 \
  --run '[ "$(nbdinfo --size "$uri")" = 4194304 ] && test -S "$unixsocket" &&
         echo "$unixsocket"'
socket=$(cat out)
[ ! -e "$socket" ] && [ ! -e "$(dirname "$socket")" ] ||
  fail 'the private folder is left behind'
expect_status 7 backup-serve vda=a.qcow2 --run 'exit 7'
expect_status 143 backup-serve vda=a.qcow2 --run 'kill -TERM $$'
expect_status 0 backup-serve --listen tcp:localhost:0 --insecure vda=a.qcow2 \
  --run '[ "$(nbdinfo --size "nbd://localhost:$port/vda")" = 4194304 ] &&
         nbdcopy "$uri" tcp.raw'
}
qemu-img compare -q -f raw -F qcow2 tcp.raw a.qcow2 || fail 'data over TCP'

# The socket is only for its owner; a second server cannot take it; one that was
# left behind is replaced.
start_serve s vda=a.qcow2
[ "$(stat -c %a s)" = 600 ] || fail "the socket has mode $(stat -c %a s)"
[ "$(cat s.out)" = "nbd+unix:///?socket=$dir/s" ] || fail 'what it prints'
[ "$(cat s.pid)" = "$serve_pid" ] || fail 'the process id'
refused 'Address already in use' --listen "unix:$dir/s" vdb=raw:b.raw
[ "$(nbdinfo --size "$(nbd_uri s vda)")" = 4194304 ] || fail 'still served'
kill -KILL "$serve_pid"
wait "$serve_pid" 2>/dev/null || :
[ -S s ] || fail 'no socket was left behind'
start_serve s vda=a.qcow2
nbdinfo --size "$(nbd_uri s vda)" >out
touch file
refused 'File exists' --listen "unix:$dir/file" vdb=raw:b.raw
[ -f file ] || fail 'a file was removed for a socket'
end_serve s
[ ! -e s.pid ] || fail 'the pid file is left behind'

# What it gives up: capabilities, new privileges, system calls.
start_serve s vda=a.qcow2
wait_for seccomp grep -qx 'Seccomp:	2' "/proc/$serve_pid/status"
grep -qx 'NoNewPrivs:	1' "/proc/$serve_pid/status" || fail 'no_new_privs'
grep -qx 'CapEff:	0*' "/proc/$serve_pid/status" || fail 'capabilities'
for task in "/proc/$serve_pid/task"/*; do
  grep -qx 'Seccomp:	2' "$task/status" || fail "seccomp of $task"
done
end_serve s
# The command of --run keeps what it had.
expect_status 0 backup-serve vda=a.qcow2 \
  --run 'grep -E "^(Seccomp|NoNewPrivs|CapEff):" /proc/self/status'
grep -E '^(Seccomp|NoNewPrivs|CapEff):' /proc/self/status | diff - out ||
  fail 'the command has lost something'

# So it does its limit of open files, which the server raises for itself.
files=$(ulimit -Sn)
ulimit -Sn 200
expect_status 0 backup-serve vda=a.qcow2 --run 'ulimit -Sn'
ulimit -Sn "$files"
echo 200 | cmp - out || fail "open files of the command: $(cat out)"

# A socket that somebody else has put in the place of ours is not removed.
start_serve s vda=a.qcow2
rm s
perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new (Local => "s", Listen => 1)'
kill "$serve_pid"
wait "$serve_pid" || fail 'the first server'
[ -S s ] || fail 'the socket of its successor is gone'

# Accepting never waits, for a client that has gone again, say: the sockets that
# it listens on do not block.
flags_of ()
{
  sed -n 's/^flags:	//p' "/proc/$serve_pid/fdinfo/$1"
}
start_serve s --listen tcp:127.0.0.1:0 --insecure vda=a.qcow2
inodes=$(awk -v path="$dir/s" '$8 == path && $4 == "00010000" { print $7 }' \
  /proc/net/unix)
port=$(port_of s.out)
inodes+=" $(awk -v port="$(printf ':%04X' "$port")" \
  'index ($2, port) && $4 == "0A" { print $10 }' /proc/net/tcp)"
[ "$(wc -w <<<"$inodes")" -eq 2 ] || fail "sockets: $inodes"
for inode in $inodes; do # each is one word
  fd=$(find "/proc/$serve_pid/fd" -lname "socket:\[$inode\]" -printf '%f')
  (($(flags_of "$fd") & 04000)) || fail "a listening socket blocks: $fd"
done
end_serve s

# Nor is one refused whose place is still that of one who was cut for another.
start_serve s --max-connections 18 --listen tcp:127.0.0.1:0 --insecure \
  --handshake-timeout 60 vda=a.qcow2
cat >cut.pl <<'END'
require $ENV{CLIENT};
my ($served) = go ('simple', 'vda');
my @silent = map { stranger () } 1 .. 16;
sub stranger
{
  return IO::Socket::IP->new (PeerHost => '127.0.0.1', PeerPort => $ENV{TCP});
}
for (1 .. 30) {
  push @silent, stranger ();
  my ($other) = go ('simple', 'vda');
  leave ($other);
}
leave ($served);
END
export CLIENT=$abs_top_srcdir/tests/serve-client.pl SOCKET=$dir/s
TCP=$(port_of s.out) perl cut.pl
end_serve s

# No more clients than allowed, and the next when one has left; several
# connections are not promised where there can be one only.
start_serve s --max-connections 2 vda=a.qcow2
cat >hold.pl <<'END'
require $ENV{CLIENT};
my @held = map { (go ('simple', 'vda'))[0] } 1 .. 2;
my $third = dial ();
expect_close ($third, 'one client too many');
leave ($_) for @held;
for (1 .. 100) { # until the server has noticed
  my $again = dial ();
  last if take ($again, 1);
  select (undef, undef, undef, 0.05);
  die "still too many\n" if $_ == 100;
}
END
export CLIENT=$abs_top_srcdir/tests/serve-client.pl SOCKET=$dir/s
perl hold.pl
expect_log s.log 'refused: there are 2 connections already'
wait_for 'two connections' nbdinfo --can multi-conn "$(nbd_uri s vda)"
end_serve s
start_serve s --max-connections 1 vda=a.qcow2
expect_status 2 nbdinfo --can multi-conn "$(nbd_uri s vda)"
end_serve s

# Those who only connect take no place from those who say what they want, however
# many they are, and wherever they come from.
start_serve s --max-connections 4 --handshake-timeout 60 vda=a.qcow2
cat >crowd.pl <<'END'
require $ENV{CLIENT};
my @served = map { (go ('simple', 'vda'))[0] } 1 .. 3;
my @silent = map { dial () } 1 .. 3;
push @served, (go ('simple', 'vda'))[0];
my $fifth = dial ();
expect_close ($fifth, 'one client too many');
take ($_, 18), expect_close ($_, 'a silent client') for @silent;
leave ($_) for @served;
END
perl crowd.pl
expect_log s.log 'cut in its handshake, for another client'
expect_log s.log 'refused: there are 4 connections already'
end_serve s
start_serve s --listen tcp:127.0.0.1:0 --insecure --handshake-timeout 60 \
  vda=a.qcow2
port=$(port_of s.out)
cat >strangers.pl <<'END'
use Time::HiRes qw(sleep);
require $ENV{CLIENT};
our %OPT;
our %REP;
sub stranger
{
  return IO::Socket::IP->new (PeerHost => '127.0.0.1', PeerPort => $ENV{PORT},
                              LocalHost => $_[0]);
}
my @silent;
for my $i (1 .. 40) {
  push @silent, map { stranger ("127.0.0.$_") } 2 .. 6;
}
my ($served) = go ('simple', 'vda'); # all places were taken
# One that is slow is not cut by those from one other address.
my $slow = start ();
for (1 .. 10) {
  push @silent, map { stranger ('127.0.0.2') } 1 .. 50;
  ask ($slow, $OPT{LIST}, '', $REP{ACK}, 'LIST');
  sleep 0.05;
}
ask ($slow, $OPT{GO}, info_data ('vda'), $REP{ACK}, 'GO');
leave ($slow);
leave ($served);
END
PORT=$port HOST=127.0.0.1 perl strangers.pl
# A client whose machine is gone is found out: a timer (02) of at most a minute.
cat >alive.pl <<'END'
require $ENV{CLIENT};
my ($served) = go ('simple', 'vda');
my $own = sprintf (':%04X', $ENV{PORT});
my ($kind, $ticks);
for (1 .. 100) { # until what was sent last is acknowledged
  open (my $table, '<', '/proc/net/tcp') or die;
  my @timers = grep { $_->[1] =~ /$own$/ && $_->[3] eq '01' }
    map { [split] } <$table>; # established, and the server's end
  # While others connect the table may leave something out, or have it twice.
  ($kind, $ticks) = split (/:/, $timers[0][5]) if @timers == 1;
  last if defined $kind && $kind eq '02';
  select (undef, undef, undef, 0.05);
}
is ($kind, '02', 'kind of timer');
check (hex ($ticks) <= 6100, "timer: $ticks");
leave ($served);
END
PORT=$port HOST=127.0.0.1 perl alive.pl
[ "$(nbdinfo --size "nbd://127.0.0.1:$port/vda")" = 4194304 ] || fail 'served'
end_serve s

# A client that says nothing, and one that says a byte now and then, have their
# time and no more; one that is served can be silent as long as it likes.
start_serve s --handshake-timeout 3 vda=a.qcow2
cat >slow.pl <<'END'
use Time::HiRes qw(time sleep);
require $ENV{CLIENT};
our (%OPT, %CMD);
my ($served) = go ('simple', 'vda');
my $silent = dial ();
take ($silent, 18);
my $started = time;
my $slow = start ();
my $text = 'IHAVEOPT' . pack ('N N', $OPT{GO}, 9) . info_data ('vda');
while (length $text && time - $started < 30) {
  last unless give ($slow, substr ($text, 0, 1, ''));
  sleep 0.2;
}
my $took = time - $started;
check ($took > 2.8 && $took < 15, "a slow handshake took $took s");
expect_close ($slow, 'a slow handshake');
expect_close ($silent, 'no handshake');
give ($served, request ($CMD{READ}, 0, 1, 0, 512));
is (answer ($served)->{error}, 0, 'a client that was silent');
is (take ($served, 512), "\1" x 512, 'its data');
leave ($served);
END
perl slow.pl
expect_log s.log 'the client was too slow'
end_serve s

# A client that does not read its answers holds up nobody else, nor the end of
# the server for longer than it says.
start_serve s vda=a.qcow2
cat >stuck.pl <<'END'
require $ENV{CLIENT};
our %CMD;
my ($stuck) = go ('simple', 'vda');
give ($stuck, request ($CMD{READ}, 0, $_, 0, 4 << 20)) for 1 .. 100;
my ($other) = go ('structured', 'vda');
for (1 .. 50) {
  give ($other, request ($CMD{READ}, 0, $_, 0, 65536));
  read_chunks ($other, $_, 0, 65536);
}
leave ($other);
$| = 1;
print "served\n";
sleep 60;
END
perl stuck.pl >stuck.out &
stuck=$!
cleanup_fn kill_and_wait "$stuck"
wait_for 'the other client' grep -q served stuck.out
SECONDS=0
kill "$serve_pid"
wait "$serve_pid" || fail "status $? of a server with a stuck client"
[ "$SECONDS" -ge 4 ] && [ "$SECONDS" -le 30 ] ||
  fail "the server took $SECONDS s to end"
expect_log s.log '1 connections have not ended in time'
kill_and_wait "$stuck"

# On SIGTERM what was asked is answered, then the server is gone.
start_serve s vda=a.qcow2
cat >drain.pl <<'END'
require $ENV{CLIENT};
our %CMD;
my ($socket) = go ('structured', 'vda');
my ($idle) = go ('structured', 'vda');
my $young = start ();
give ($socket, request ($CMD{READ}, 0, 1, 0, 4 << 20));
my $first = answer ($socket); # so the request was taken
kill 'TERM', $ENV{SERVER};
my $bytes = length ($first->{data}) - 8;
until ($first->{done}) {
  $first = answer ($socket);
  check (defined $first, 'the answer is complete');
  $bytes += length ($first->{data}) - 8 if $first->{type} == 1;
}
is ($bytes, 4 << 20, 'bytes of the answer');
expect_close ($_, 'the server has ended') for $socket, $idle, $young;
END
SERVER=$serve_pid perl drain.pl
wait "$serve_pid" || fail "status $? after SIGTERM"
! grep 'have not ended in time' s.log || fail 'it waited for clients'

# SIGHUP opens the log anew; -v tells of clients.
start_serve s -v --log "$dir/log" vda=a.qcow2
nbdinfo --size "$(nbd_uri s vda)" >out
wait_for 'the first client to leave' grep -q 'has left' log
mv log log.1
kill -HUP "$serve_pid"
wait_for 'the new log' test -e log
nbdinfo --size "$(nbd_uri s vda)" >out
wait_for 'the second client' grep -q "is served 'vda'" log
grep -q '^20[0-9-]*T[0-9:]*Z backup-serve: client 1 (unix uid [0-9]* pid' log.1 ||
  fail 'lines of the log'
[ ! -s s.log ] || fail 'something on standard error'
end_serve s
