# SPDX-License-Identifier: LGPL-2.1-or-later
# serve-hostile.pl COUNT: so many connections that no honest client would make,
# those that get so far to the export $EXPORT, or else to the only one.  Run by
# test-serve-load.sh.

use strict;
use warnings;
use FindBin;
require "$FindBin::Bin/serve-client.pl";
our (%OPT, %REP, %CMD);

$SIG{PIPE} = 'IGNORE';
my $seed = $ENV{SEED} // time;
print "SEED=$seed\n";
srand ($seed);
my $export = $ENV{EXPORT} // '';

sub rubbish
{
  my ($most) = @_;
  return join ('', map { chr (int (rand (256))) } 1 .. int (rand ($most)));
}

# A connection in transmission, in some style.
sub served
{
  return go ((qw(simple structured extended))[int (rand (3))], $export);
}

my @ways = (
  sub { dial () },
  sub { my $s = dial (); give ($s, rubbish (200)); $s },
  sub { my $s = dial (); greet ($s, int (rand (2 ** 32))); $s },
  sub { my $s = start (); give ($s, rubbish (200)); $s },
  sub { my $s = start (); option ($s, int (rand (14)), rubbish (300)); $s },
  sub { my $s = start ();
        give ($s, 'IHAVEOPT' . pack ('N N', int (rand (12)), 0xffffffff)
                  . rubbish (1000)); $s },
  sub { my $s = start ();
        option ($s, $OPT{SET_META},
                pack ('N N N', 0, 1 + int (rand (1e6)), 0xffffffff)
                . rubbish (2000)); $s },
  # Every option of 1,024 without taking an answer.
  sub { my $s = start ();
        my $list = 'IHAVEOPT' . pack ('N N', $OPT{LIST}, 0);
        give ($s, $list x int (rand (50))); $s },
  sub { my ($s) = served (); give ($s, rubbish (300)); $s },
  # Reads whose answers nobody takes.
  sub { my ($s) = go ('simple', $export);
        give ($s, join ('', map { request ($CMD{READ}, 0, $_, 0, 1 << 20) }
                            1 .. 1 + int (rand (40)))); $s },
  # Half a request, half a payload, a payload that is too large.
  sub { my ($s) = go ('structured', $export);
        give ($s, substr (request ($CMD{READ}, 0, 1, 0, 512), 0,
                          int (rand (28)))); $s },
  sub { my ($s) = go ('structured', $export);
        give ($s, request ($CMD{WRITE}, 0, 1, 0, int (rand (2 ** 32)))
                  . rubbish (500)); $s },
  sub { my ($s) = go ('extended', $export, 'base:allocation');
        give ($s, extended_request ($CMD{STATUS}, 32, 1, 0, int (rand (40)))
                  . rubbish (60)); $s },
  # Requests of all kinds, one cookie for all.
  sub { my ($s) = go ('structured', $export, 'base:allocation');
        give ($s, join ('', map { request (int (rand (10)), int (rand (64)), 5,
                                           int (rand (2 ** 40)),
                                           int (rand (2 ** 20))) } 1 .. 50));
        $s });

# Some are closed at once, some are left to be closed by the server or by the
# rush of those that follow.
my @left;
my @nr_done = (0) x @ways;
for my $i (1 .. $ARGV[0]) {
  my $way = int (rand (@ways));
  my $socket = eval { $ways[$way]->() };
  next unless $socket;
  $nr_done[$way]++;
  if (rand () < 0.2) {
    push @left, $socket;
    close shift @left if @left > 20;
  }
  else {
    close $socket;
  }
}

# Each way has led somewhere, now and then.
for my $way (0 .. $#ways) {
  die "way $way has never got anywhere: $@\n" if $nr_done[$way] == 0;
}
