# SPDX-License-Identifier: LGPL-2.1-or-later
# make-serve-corpus.pl FOLDER: the seeds of fuzz-serve, which are what clients
# send.  Run by make-corpus.sh.

use strict;
use warnings;
no warnings 'portable'; # 64-bit numbers

my $folder = shift;

sub seed
{
  my ($name, $start, @parts) = @_;
  open (my $file, '>:raw', "$folder/$name") or die "$folder/$name: $!\n";
  print $file chr ($start), @parts;
  close $file or die "$folder/$name: $!\n";
}

sub option
{
  my ($option, $data) = @_;
  return 'IHAVEOPT' . pack ('N N/a', $option, $data // '');
}

sub request
{
  my ($flags, $type, $offset, $length) = @_;
  return pack ('N n n Q> Q> N', 0x25609513, $flags, $type, 7, $offset, $length);
}

sub extended
{
  my ($flags, $type, $offset, $length) = @_;
  return pack ('N n n Q> Q> Q>', 0x21e41c71, $flags, $type, 7, $offset,
               $length);
}

my $flags = pack ('N', 3);
my ($structured, $headers) = (option (8), option (11));
my $info = pack ('N/a n n*', 'vda', 4, 0 .. 3);
my $contexts = pack ('N/a N (N/a)*', 'vda', 3, 'base:allocation',
                     'qemu:dirty-bitmap:b0', 'qemu:dirty-bitmap:b1');
my $disc = request (0, 2, 0, 0);

seed ('export-name', 0, $flags, option (1, 'vda'), request (0, 0, 0, 512),
      $disc);
seed ('old-client', 0, pack ('N', 0), option (1, 'vda'), $disc);
seed ('list', 0, $flags, option (3), option (2));
seed ('info', 0, $flags, option (6, $info), option (99), option (7, $info),
      $disc);
seed ('starttls', 0, $flags, option (5), option (7, $info), $disc);
seed ('contexts', 0, $flags, $structured, option (9, pack ('N/a N', '', 0)),
      option (9, pack ('N/a N (N/a)*', 'vda', 2, 'base:', 'qemu:')),
      option (10, $contexts), option (7, $info), request (0, 7, 0, 65536),
      $disc);
seed ('extended', 0, $flags, $headers, option (10, $contexts),
      option (7, $info), extended (0, 7, 0, 65536), extended (0, 2, 0, 0));
seed ('other-export', 0, $flags, $structured, option (10, $contexts),
      option (7, pack ('N/a n', '', 0)), request (0, 7, 0, 65536), $disc);

for my $style (1, 2, 3) {
  my $make = $style == 3 ? \&extended : \&request;
  my $payload = $style == 3 ? 32 : 0;
  seed ("reads-$style", $style,
        map ({ $make->(0, 0, $_ * 512, 512 * $_) } 1 .. 20),
        $make->(4, 0, 1, 65535), $make->(0, 0, 65535, 1), $make->(0, 2, 0, 0));
  seed ("commands-$style", $style,
        map ({ $make->(0, $_, 0, 512) } 3, 5, 4, 6, 8, 9),
        $make->($payload, 1, 0, 4), 'abcd', $make->(0, 3, 0, 0));
  seed ("status-$style", $style, $make->(0, 7, 0, 65536),
        $make->(8, 7, 1000, 60000), $make->(8, 7, 65535, 1),
        $make->(0, 7, 65535, 2), $make->(0, 7, 0, 0));
}
seed ('status-payload', 3, extended (32, 7, 0, 16),
      pack ('Q> N N', 65536, 0, 2), extended (32, 7, 512, 12),
      pack ('Q> N', 512, 3), extended (32, 7, 0, 12), pack ('Q> N', 512, 99),
      extended (32, 7, 0, 9), 'x' x 9, extended (32, 0, 0, 3), 'xyz');

# Messages that end early.
seed ('cut-status-payload', 3, extended (32, 7, 0, 16), 'x');
seed ('cut-status-header', 3, extended (32, 7, 0, 16));
seed ('cut-odd-payload', 3, extended (32, 7, 0, 9));
seed ('cut-write', 1, request (0, 1, 0, 512));
seed ('cut-large-option', 0, $flags, 'IHAVEOPT', pack ('N N', 99, 1 << 20));
seed ('cut-option', 0, $flags, 'IHAVEOPT', pack ('N N', 99, 100));
