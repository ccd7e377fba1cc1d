#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Many requests sent at once, whose answers may go out together: each is
# answered, whole, and none is held back while the server waits.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/serve-functions.sh"

make_disks
qemu-img convert -f qcow2 -O raw a.qcow2 truth.raw
cat >pipelined.pl <<'END'
use strict;
use warnings;
require $ENV{CLIENT};
our (%CMD, $checks);
open (my $file, '<:raw', $ENV{TRUTH}) or die;
my $truth = do { local $/; <$file> };
my %size = (vda => length $truth);

# make STYLE, TYPE, COOKIE, OFFSET, LENGTH
sub make
{
  my ($style, $type, @rest) = @_;
  return $style eq 'extended' ? extended_request ($type, 0, @rest)
                              : request ($type, 0, @rest);
}

# collect SOCKET, {COOKIE => [OFFSET, LENGTH]}: all their answers, in any order.
# An empty range stands for a refusal, or for an answer without data.
sub collect
{
  my ($socket, $asked) = @_;
  my (%left, %got) = map { $_ => $asked->{$_}[1] } keys %$asked;
  my $nr = keys %left;
  while ($nr > 0) {
    my $answer = answer ($socket);
    check (defined $answer, 'an answer');
    my $range = $asked->{$answer->{cookie}};
    check (defined $range && !$got{$answer->{cookie}}, 'one that was due');
    my ($offset, $length) = @$range;
    if ($length == 0) {
    }
    elsif ($answer->{simple}) {
      is ($answer->{error}, 0, 'error of a read');
      check (take ($socket, $length) eq substr ($truth, $offset, $length),
             "simple: $length bytes at $offset");
    }
    else {
      if ($answer->{type} == 0) { # NONE, the end
        check ($answer->{done} && $answer->{data} eq '', 'an empty chunk');
      }
      else {
        my ($at, $rest) = unpack ('Q> a*', $answer->{data});
        $rest = "\0" x unpack ('N', $rest) if $answer->{type} == 2;
        check ($answer->{type} == 1 || $answer->{type} == 2,
               'chunk of a read');
        check ($rest eq substr ($truth, $at, length $rest),
               'bytes of a chunk at ' . $at);
        $left{$answer->{cookie}} -= length $rest;
      }
      next unless $answer->{done};
      is ($left{$answer->{cookie}}, 0, 'bytes of a whole answer');
    }
    $got{$answer->{cookie}} = 1;
    $nr--;
  }
}

# reads STYLE, COUNT, LENGTH...: so many requests, one text and what they ask.
my $seed = 1;
sub reads
{
  my ($style, $count, @lengths) = @_;
  my ($text, %asked) = ('');
  for my $cookie (1 .. $count) {
    my $length = $lengths[$cookie % @lengths];
    $seed = ($seed * 1103515245 + 12345) % 2147483648;
    my $offset = $seed % ($size{vda} - $length);
    $text .= make ($style, $CMD{READ}, $cookie, $offset, $length);
    $asked{$cookie} = [$offset, $length];
  }
  return ($text, \%asked);
}

for my $style (qw(simple structured extended)) {
  my ($socket) = go ($style, 'vda');

  # Short ones, which are held until there is no room, long ones behind what is
  # held, and such that another thread does between them.
  for ([1000, 512], [300, 4096], [40, 32768, 1, 20000],
       [80, 65536, 512, 262144, 32769, 4096, 4096],
       [60, 4096, 4096, 100000, 512, 2000000]) {
    my ($text, $asked) = reads ($style, @$_);
    check (give ($socket, $text), "$style: requests @$_");
    collect ($socket, $asked);
  }

  # One alone.
  for (1 .. 3) {
    my ($text, $asked) = reads ($style, 1, 4096);
    give ($socket, $text);
    collect ($socket, $asked);
  }

  # Half a request behind whole ones, of the header or of the payload.
  my ($text, $asked) = reads ($style, 3, 4096);
  my $tail = make ($style, $CMD{READ}, 4, 0, 512);
  give ($socket, $text . substr ($tail, 0, 5));
  collect ($socket, $asked);
  give ($socket, substr ($tail, 5));
  collect ($socket, { 4 => [0, 512] });
  $tail = $style eq 'extended'
    ? extended_request ($CMD{WRITE}, 32, 4, 0, 1000) : make ($style, 1, 4, 0, 1000);
  give ($socket, $text . $tail . 'x' x 10);
  collect ($socket, $asked);
  give ($socket, 'x' x 990);
  collect ($socket, { 4 => [0, 0] });

  # Answers of other kinds between those.
  ($text, $asked) = reads ($style, 20, 4096);
  give ($socket, make ($style, $CMD{FLUSH}, 100, 0, 0) . $text
                 . make ($style, $CMD{TRIM}, 101, 0, 512)
                 . make ($style, 99, 102, 0, 512));
  collect ($socket, { %$asked, map { $_ => [0, 0] } 100 .. 102 });

  # What comes before a goodbye, or before the end of a client that makes no
  # sense, is answered.
  for my $end (make ($style, $CMD{DISC}, 0, 0, 0), 'x' x 32) {
    ($text, $asked) = reads ($style, 100, 4096);
    give ($socket, $text . $end);
    collect ($socket, $asked);
    expect_close ($socket, "$style: the end");
    ($socket) = go ($style, 'vda');
  }
  close $socket;
}

# Maps between reads.
{
  my ($socket, undef, undef, $contexts)
    = go ('structured', 'vda', 'base:allocation');
  my ($text, $asked) = reads ('structured', 3, 4096);
  give ($socket, $text . make ('structured', $CMD{STATUS}, 50, 0, $size{vda}));
  collect ($socket, $asked);
  my ($statuses) = statuses ($socket, 50, $size{vda});
  check ($statuses->{$contexts->{'base:allocation'}}, 'a map');
  leave ($socket);
}

# At the server's end what was taken is answered, and nothing in part.
my ($socket) = go ('structured', 'vda');
my ($text, $asked) = reads ('structured', 2000, 4096);
give ($socket, $text . substr ($text, 0, 5));
check (defined answer ($socket), 'the first answer');
kill 'TERM', $ENV{SERVER};
my $nr = 1;
while (my $magic = take ($socket, 4)) {
  is (unpack ('N', $magic), 0x668e33ef, 'magic');
  my (undef, undef, undef, $length) = unpack ('n n Q> N', take ($socket, 16));
  check (defined take ($socket, $length), 'a whole answer');
  $nr++;
}
print "$nr of 2000 answers before the end, $checks checks\n";
END
export CLIENT=$abs_top_srcdir/tests/serve-client.pl
# pipelined TRUTH ARGS...: a server with these arguments, whose disk is TRUTH.
pipelined ()
{
  local truth=$1
  shift
  start_serve s "$@"
  TRUTH=$truth SOCKET=$dir/s SERVER=$serve_pid HOST=127.0.0.1 \
    PORT=$(port_of s.out) perl pipelined.pl
  wait "$serve_pid" || { cat s.log >&2; fail "status $? after SIGTERM"; }
}
pipelined truth.raw vda=a.qcow2
pipelined truth.raw vda=raw:truth.raw
# All of it data, which a unix socket gets from the file and TCP by a buffer.
head -c 16M /dev/urandom >full.raw
pipelined full.raw vda=raw:full.raw
pipelined full.raw --listen tcp:127.0.0.1:0 --insecure vda=raw:full.raw

# Over TCP answers that are under way when the server ends arrive, also where the
# client, which knows nothing of that, goes on to send requests.
cat >end.pl <<'END'
use strict;
use warnings;
use Socket;
require $ENV{CLIENT};
our %CMD;
my ($count, $length) = (30, 32768);
my ($socket) = go ('simple', 'vda');
setsockopt ($socket, SOL_SOCKET, SO_RCVBUF, pack ('i', 65536)) or die;

# What the server has sent and the client's kernel has not taken.
sub under_way
{
  my $place = sprintf ('0100007F:%04X', $ENV{PORT});
  open (my $file, '<', '/proc/net/tcp') or die;
  my ($bytes) = map { /: $place \S+ 01 ([0-9A-F]{8}):/ ? hex $1 : () } <$file>;
  return $bytes;
}
give ($socket, join ('', map { request ($CMD{READ}, 0, $_, 0, $length) }
                     1 .. $count));
my ($before, $now, $nr_same) = (0, 0, 0);
for (1 .. 100) { # until nothing has moved for a second
  select (undef, undef, undef, 0.2);
  ($before, $now) = ($now, under_way () // 0);
  $nr_same = $now > 0 && $now == $before ? $nr_same + 1 : 0;
  last if $nr_same == 5;
}
check ($now > 0, 'answers under way');
kill 'TERM', $ENV{SERVER};
select (undef, undef, undef, 0.1);
give ($socket, request ($CMD{READ}, 0, $count + 1, 0, $length));
select (undef, undef, undef, 0.1);
for (1 .. $count) {
  is (answer ($socket)->{error}, 0, "answer $_");
  check (defined take ($socket, $length), "the whole of answer $_");
}
END
start_serve s --listen tcp:127.0.0.1:0 --insecure vda=raw:full.raw
SOCKET=$dir/s SERVER=$serve_pid HOST=127.0.0.1 \
  PORT=$(port_of s.out) perl end.pl
wait "$serve_pid" || { cat s.log >&2; fail "status $? after SIGTERM"; }

# What is in memory is read by who received the request, whatever its length and
# the style of the answer.
if [ "$(stat -f -c %T /dev/shm)" = tmpfs ]; then
  memory=$(mktemp -d /dev/shm/pullback-test.XXXXXX)
  cleanup_fn rm -rf "$memory"
  cp full.raw "$memory/"
  cat >threads.pl <<'END'
use strict;
use warnings;
require $ENV{CLIENT};
our %CMD;
for my $style (qw(simple structured extended)) {
  my ($socket) = go ($style, 'vda');
  for my $length (512, 65536, 262144) {
    give ($socket, join ('', map {
      $style eq 'extended'
        ? extended_request ($CMD{READ}, 0, $_, $_ * $length, $length)
        : request ($CMD{READ}, 0, $_, $_ * $length, $length) } 1 .. 40));
    my $left = 40;
    while ($left > 0) {
      my $answer = answer ($socket);
      take ($socket, $length) if $answer->{simple};
      $left-- if $answer->{simple} || $answer->{done};
    }
    my @threads = glob ("/proc/$ENV{SERVER}/task/*");
    is (scalar @threads, 2, "$style, $length bytes: threads");
  }
  leave ($socket, $style eq 'extended');
  select (undef, undef, undef, 0.05)
    while (() = glob ("/proc/$ENV{SERVER}/task/*")) > 1;
}
END
  start_serve s "vda=raw:$memory/full.raw"
  SOCKET=$dir/s SERVER=$serve_pid perl threads.pl
  end_serve s
fi
