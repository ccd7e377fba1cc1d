#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Transmission, command by command and in each style of reply, against the
# specification.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/serve-functions.sh"

make_disks
qemu-img create -q -f qcow2 big.qcow2 6G
qemu-img convert -f qcow2 -O raw a.qcow2 truth.raw
start_serve s vda=a.qcow2 big=big.qcow2
SOCKET=$dir/s TRUTH=truth.raw perl "$abs_top_srcdir/tests/serve-transmission.pl"
end_serve s

# The same of a raw disk, where data goes from the file to the socket.
start_serve s vda=raw:truth.raw
cat >reads.pl <<'END'
use strict;
use warnings;
require $ENV{CLIENT};
our %CMD;
open (my $file, '<:raw', $ENV{TRUTH}) or die;
my $truth = do { local $/; <$file> };
for my $style (qw(simple structured extended)) {
  my ($socket) = go ($style, 'vda');
  for ([0, 1], [1, 16383], [3, 16384], [65535, 65538], [12345, 3000000],
       [length ($truth) - (32 << 20), 32 << 20]) {
    my ($offset, $length) = @$_;
    give ($socket, $style eq 'extended'
                     ? extended_request ($CMD{READ}, 0, 1, $offset, $length)
                     : request ($CMD{READ}, 0, 1, $offset, $length));
    my $got;
    if ($style eq 'simple') {
      is (answer ($socket)->{error}, 0, 'error');
      $got = take ($socket, $length);
    }
    else {
      ($got) = read_chunks ($socket, 1, $offset, $length);
    }
    check ($got eq substr ($truth, $offset, $length), "$style: $length bytes");
  }
  leave ($socket, $style eq 'extended');
}
END
SOCKET=$dir/s TRUTH=truth.raw CLIENT=$abs_top_srcdir/tests/serve-client.pl \
  perl reads.pl

# A file that is cut under the server is an error of what reads there, and of
# nothing else.  (It is locked, but locks are advisory.)
head -c 2M truth.raw >start.raw
truncate -s 1M truth.raw
cat >cut.pl <<'END'
use strict;
use warnings;
require $ENV{CLIENT};
our (%CMD, $DF);
open (my $file, '<:raw', 'start.raw') or die;
my $truth = do { local $/; <$file> };
my $mib = 1 << 20;
for my $style (qw(simple structured extended)) {
  my ($socket) = go ($style, 'vda');
  my $ask = sub {
    my ($flags, $cookie, $offset, $length) = @_;
    give ($socket, $style eq 'extended'
                     ? extended_request ($CMD{READ}, $flags, $cookie, $offset,
                                         $length)
                     : request ($CMD{READ}, $flags, $cookie, $offset, $length));
  };
  # All of it beyond the cut, from the file or (512 bytes) from the cache, and
  # what begins before it.
  for my $case ([0, 2 * $mib, 65536], [0, 2 * $mib, 512],
                [0, $mib - 65536, 131072],
                [$style eq 'simple' ? 0 : $DF, 2 * $mib, 65536]) {
    my ($flags, $offset, $length) = @$case;
    $ask->($flags, 7, $offset, $length);
    my ($good, $error) = (0, 0);
    for (;;) {
      my $answer = answer ($socket);
      check (defined $answer, "$style, $offset: the server has closed");
      is ($answer->{cookie}, 7, 'cookie');
      if ($answer->{simple}) {
        $error = $answer->{error};
        last;
      }
      if ($answer->{type} == 1) {
        $good += length ($answer->{data}) - 8;
        check (!$answer->{done}, "$style, $offset: no error comes");
      }
      elsif ($answer->{type} & 0x8000) {
        ($error, my $text) = unpack ('N n/a*', $answer->{data});
        if ($answer->{type} == 0x8002) {
          my $at = unpack ('Q>', substr ($answer->{data}, -8));
          check ($at == $mib, "$style, $offset: an error at $at");
        }
      }
      last if $answer->{done};
    }
    is ($error, 5, "$style, $offset, $length: error");
  }
  $ask->(0, 8, $mib - 65536, 65536);
  my $got;
  if ($style eq 'simple') {
    is (answer ($socket)->{error}, 0, 'the next request');
    $got = take ($socket, 65536);
  }
  else {
    ($got) = read_chunks ($socket, 8, $mib - 65536, 65536);
  }
  check ($got eq substr ($truth, $mib - 65536, 65536), "$style: what is left");
  leave ($socket, $style eq 'extended');
}
END
SOCKET=$dir/s CLIENT=$abs_top_srcdir/tests/serve-client.pl perl cut.pl
[ "$(grep -c 'disk vda: ' s.log)" -ge 10 ] || { cat s.log >&2; fail 'the log'; }
expect_status 1 nbdcopy "$(nbd_uri s)" copy.raw
end_serve s
grep -Eq 'cut|end of (the )?file' s.log || { cat s.log >&2; fail 'no cause'; }
