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

# A file that is cut under the server: an end of the connection, and never
# other bytes than the disk's.  (It is locked, but locks are advisory.)
truncate -s 1M truth.raw
expect_status 1 nbdcopy "$(nbd_uri s)" copy.raw
end_serve s
grep -Eq 'cut|end of (the )?file' s.log || { cat s.log >&2; fail 'no cause'; }
