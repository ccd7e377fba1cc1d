# SPDX-License-Identifier: LGPL-2.1-or-later
# serve-handshake.pl: each option of the handshake, right, wrong and hostile, as
# a client by hand.  Run by test-serve-handshake.sh, whose disks these are.

use strict;
use warnings;
use FindBin;
require "$FindBin::Bin/serve-client.pl";
our (%OPT, %REP, %CMD, $checks);

my $size = 64 << 20;
my $flags = 1 | 2 | 4 | 256 | 1024; # FLAGS RO FLUSH MULTI_CONN CACHE
my @all = ('base:allocation', 'qemu:allocation-depth',
           map { "qemu:dirty-bitmap:$_" } qw(b0 clean fine later));
my $description
  = "disk vda, disabled dirty maps: 'b0' 'fine' 'later' 'clean'";

# The greeting.
{
  my $socket = dial ();
  greet ($socket, 4);
  expect_close ($socket, 'unknown client flags');

  $socket = dial ();
  greet ($socket, 0);
  option ($socket, $OPT{LIST});
  expect_close ($socket, 'LIST without fixed newstyle');

  $socket = dial ();
  take ($socket, 18);
  give ($socket, "\0");
  close $socket; # half the flags

  $socket = dial ();
  close $socket; # nothing at all
}

# EXPORT_NAME: with zeroes and without, and what cannot be refused otherwise.
for my $client_flags (0, 1, 2, 3) {
  my $socket = dial ();
  greet ($socket, $client_flags);
  option ($socket, $OPT{EXPORT_NAME}, 'vda');
  my ($got, $got_flags) = unpack ('Q> n', take ($socket, 10));
  is ($got, $size, 'EXPORT_NAME: size');
  is ($got_flags, $flags, 'EXPORT_NAME: flags');
  is (take ($socket, 124), "\0" x 124, 'EXPORT_NAME: zeroes')
    unless $client_flags & 2;
  give ($socket, request ($CMD{READ}, 0, 7, 0, 512));
  my $answer = answer ($socket);
  check ($answer->{simple} && $answer->{error} == 0, 'a simple reply');
  is (take ($socket, 512), "\1" x 512, 'EXPORT_NAME: data');
  leave ($socket);
}
for my $name ('vdz', '', 'vda/b0', "vda\0", 'x' x 5000) {
  my $socket = start ();
  option ($socket, $OPT{EXPORT_NAME}, $name);
  expect_close ($socket, "EXPORT_NAME '" . substr ($name, 0, 9) . "'");
}

# ABORT is answered, then the server closes.
{
  my $socket = start ();
  ask ($socket, $OPT{ABORT}, '', $REP{ACK}, 'ABORT');
  expect_close ($socket, 'after ABORT');
}

# One connection for all that goes on.
my $socket = start ();

# LIST.
{
  my @list = ask ($socket, $OPT{LIST}, '', $REP{ACK}, 'LIST');
  is (join (' ', map { my $l = unpack ('N', $_->[1]);
                       substr ($_->[1], 4, $l) } @list),
      'vda vdb', 'LIST: names');
  is ($list[0][1], name ('vda') . $description, 'LIST: description');
  ask ($socket, $OPT{LIST}, 'x', $REP{INVALID}, 'LIST with data');
}

# Unknown options, and STARTTLS where there is no TLS.
ask ($socket, $OPT{STARTTLS}, '', $REP{POLICY}, 'STARTTLS');
ask ($socket, $_, '', $REP{UNSUP}, "option $_") for (0, 4, 12, 0xffffffff);
ask ($socket, 99, 'x' x 100000, $REP{UNSUP}, 'an unknown option with data');
ask ($socket, 99, 'x' x 300000, $REP{TOO_BIG}, 'an option with too much data');

# INFO: what is asked for, and EXPORT always.
{
  my @infos = ask ($socket, $OPT{INFO}, info_data ('vda'), $REP{ACK}, 'INFO');
  is (scalar @infos, 1, 'INFO: one information');
  is ($infos[0][1], pack ('n Q> n', 0, $size, $flags), 'INFO: export');
  @infos = ask ($socket, $OPT{INFO}, info_data ('vda', 0, 1, 2, 3, 77),
                $REP{ACK}, 'INFO of all');
  my %infos = map { unpack ('n a*', $_->[1]) } @infos;
  is (join (' ', sort keys %infos), '0 1 2 3', 'INFO: kinds');
  is ($infos{1}, 'vda', 'INFO: name');
  is ($infos{2}, $description, 'INFO: description');
  is ($infos{3}, pack ('N N N', 1, 65536, 32 << 20), 'INFO: block size');
  @infos = ask ($socket, $OPT{INFO}, info_data ('vda', (2, 0, 3, 1) x 5000),
                $REP{ACK}, 'INFO of all, often');
  is (scalar @infos, 4, 'INFO: each kind once');

  for (['vdz', 'UNKNOWN'], ['', 'UNKNOWN'], ['vd', 'UNKNOWN'],
       ["vda\0", 'UNKNOWN'], ['x' x 4096, 'UNKNOWN'], ['x' x 4097, 'INVALID']) {
    ask ($socket, $OPT{INFO}, info_data ($_->[0]), $REP{$_->[1]},
         'INFO ' . substr ($_->[0], 0, 9));
  }
  my $good = info_data ('vda', 3);
  ask ($socket, $OPT{INFO}, $_, $REP{INVALID}, 'INFO malformed')
    for ('', "\0\0\0", pack ('N', 0xffffffff), pack ('N', 4) . 'vda',
         name ('vda'), name ('vda') . "\0", name ('vda') . pack ('n n', 2, 3),
         "${good}x", substr ($good, 0, -1));
  ask ($socket, $OPT{GO}, info_data ('vdz'), $REP{UNKNOWN}, 'GO vdz');
}

# Metadata contexts.
{
  my @list = sort { $a cmp $b }
    keys %{{ contexts ($socket, $OPT{LIST_META}, 'vda') }};
  is ("@list", "@all", 'LIST_META without structured replies');
  ask ($socket, $OPT{SET_META}, meta_data ('vda', 'base:allocation'),
       $REP{INVALID}, 'SET_META without structured replies');
  ask ($socket, $OPT{STRUCTURED_REPLY}, 'x', $REP{INVALID},
       'STRUCTURED_REPLY with data');
  ask ($socket, $OPT{STRUCTURED_REPLY}, '', $REP{ACK}, 'STRUCTURED_REPLY');
  ask ($socket, $OPT{STRUCTURED_REPLY}, '', $REP{INVALID},
       'STRUCTURED_REPLY twice');

  for (['base:', 1], ['base:allocation', 1], ['qemu:', 5],
       ['qemu:dirty-bitmap:', 4], ['qemu:dirty-bitmap:b0', 1],
       ['qemu:allocation-depth', 1], ['base', 0], ['', 0], [':', 0],
       ['qemu:dirty-bitmap', 0], ['qemu:dirty-bitmap:b', 0],
       ['base:allocation ', 0], ['x-other:thing', 0], ["base:allocation\0", 0],
       ['x' x 4096, 0]) {
    my ($query, $count) = @$_;
    my %contexts = contexts ($socket, $OPT{LIST_META}, 'vda', $query);
    is (scalar keys %contexts, $count, 'LIST_META ' . substr ($query, 0, 20));
    # A wildcard, or none, selects nothing.
    $count = 0 if $query =~ /:$/;
    %contexts = contexts ($socket, $OPT{SET_META}, 'vda', $query);
    is (scalar keys %contexts, $count, 'SET_META ' . substr ($query, 0, 20));
  }
  my %contexts = contexts ($socket, $OPT{SET_META}, 'vda');
  is (scalar keys %contexts, 0, 'SET_META without a query');
  %contexts = contexts ($socket, $OPT{SET_META}, 'vda', @all, @all, 'no:such');
  is (join (' ', sort keys %contexts), "@all", 'SET_META of all, twice each');
  my %ids = reverse %contexts;
  is (scalar keys %ids, scalar @all, 'SET_META: each has its own number');
  %contexts = contexts ($socket, $OPT{LIST_META}, 'vdb');
  is (join (' ', sort keys %contexts), 'base:allocation qemu:allocation-depth',
      'LIST_META of a raw disk');

  for my $option (@OPT{qw(LIST_META SET_META)}) {
    my $good = meta_data ('vda', 'base:allocation', 'qemu:');
    ask ($socket, $option, meta_data ('vdz'), $REP{UNKNOWN}, 'META of vdz');
    ask ($socket, $option, $_, $REP{INVALID}, 'META malformed')
      for ('', name ('vda'), name ('vda') . "\0\0\0",
           name ('vda') . pack ('N', 1), pack ('N', 0xffffffff) . 'vda',
           name ('vda') . pack ('N N', 1, 0xffffffff),
           name ('vda') . pack ('N', 2) . name ('base:'), "${good}x",
           substr ($good, 0, -1), meta_data ('vda', 'x' x 4097),
           meta_data ('x' x 4097));
    ask ($socket, $option, name ('vda') . pack ('N', $_), $REP{TOO_BIG},
         "META with $_ queries") for (1025, 0xffffffff);
  }
}

# Extended headers take precedence over structured replies.
ask ($socket, $OPT{EXTENDED_HEADERS}, 'x', $REP{INVALID},
     'EXTENDED_HEADERS with data');
ask ($socket, $OPT{EXTENDED_HEADERS}, '', $REP{ACK}, 'EXTENDED_HEADERS');
ask ($socket, $OPT{EXTENDED_HEADERS}, '', $REP{INVALID},
     'EXTENDED_HEADERS twice');
ask ($socket, $OPT{STRUCTURED_REPLY}, '', $REP{EXT_HEADER_REQD},
     'STRUCTURED_REPLY after EXTENDED_HEADERS');
{
  my @infos = ask ($socket, $OPT{INFO}, info_data ('vda'), $REP{ACK}, 'INFO');
  is (unpack ('x10 n', $infos[0][1]), $flags | 128,
      'flags without contexts: no payload of block status');
  contexts ($socket, $OPT{SET_META}, 'vda', 'base:allocation');
  @infos = ask ($socket, $OPT{INFO}, info_data ('vda'), $REP{ACK}, 'INFO');
  is (unpack ('x10 n', $infos[0][1]), $flags | 128 | 4096, 'flags with contexts');
}
option ($socket, $OPT{EXPORT_NAME}, 'vda');
expect_close ($socket, 'EXPORT_NAME after EXTENDED_HEADERS');

# Contexts count for the export that they were selected for, the last time.
sub status_error
{
  my ($set, $go, @more) = @_;
  my $socket = start ();
  ask ($socket, $OPT{STRUCTURED_REPLY}, '', $REP{ACK}, 'STRUCTURED_REPLY');
  contexts ($socket, $OPT{SET_META}, $set, 'base:allocation');
  for my $more (@more) {
    option ($socket, @$more);
    for (;;) {
      my ($type) = reply ($socket, $more->[0]);
      last if $type == 1 || $type & 0x80000000;
    }
  }
  ask ($socket, $OPT{GO}, info_data ($go), $REP{ACK}, 'GO');
  give ($socket, request ($CMD{STATUS}, 0, 5, 0, 65536));
  my $answer = answer ($socket);
  leave ($socket);
  return $answer->{simple} || $answer->{type} == 5
    ? 0 : unpack ('N', $answer->{data});
}
is (status_error ('vda', 'vda'), 0, 'contexts for the export');
is (status_error ('vda', 'vdb'), 22, 'contexts for another export');
is (status_error ('vda', 'vda', [$OPT{SET_META}, meta_data ('vda')]), 22,
    'contexts replaced by none');
is (status_error ('vda', 'vda', [$OPT{SET_META}, meta_data ('vdz')]), 22,
    'contexts lost by a SET_META that failed');
is (status_error ('vda', 'vda', [$OPT{SET_META}, 'x']), 22,
    'contexts lost by a SET_META that is malformed');
is (status_error ('vda', 'vda', [$OPT{LIST_META}, meta_data ('vdb')]), 0,
    'contexts kept over LIST_META');
is (status_error ('vda', 'vda', [$OPT{INFO}, info_data ('vdb')]), 0,
    'contexts kept over INFO');

# Hostile: bad magic, options after GO, half an option, too many options.
$socket = start ();
give ($socket, 'IHAVEOPX' . pack ('N N', $OPT{LIST}, 0));
expect_close ($socket, 'an option with bad magic');

$socket = start ();
give ($socket, "\x16\x03\x01" . "x" x 200);
expect_close ($socket, 'a TLS hello without STARTTLS');

$socket = start ();
give ($socket, 'IHAVEOPT' . pack ('N N', $OPT{GO}, 1000) . 'abc');
shutdown ($socket, 1);
expect_close ($socket, 'half an option');

($socket) = go ('structured', 'vda');
option ($socket, $OPT{INFO}, info_data ('vda', 0, 1, 2)); # as long as a request
expect_close ($socket, 'an option after GO');

$socket = start ();
my $one = 'IHAVEOPT' . pack ('N N', 99, 0);
give ($socket, $one x 2000);
for (1 .. 1024) {
  my ($type) = reply ($socket, 99);
  check ($type == $REP{UNSUP}, 'one of many options');
}
expect_close ($socket, 'too many options');

print "$checks checks\n";
