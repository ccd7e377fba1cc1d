# SPDX-License-Identifier: LGPL-2.1-or-later
# serve-tls.pl: TLS as a client by hand: what is answered before it, what is left
# of the time before it, and what must not pass for it.  Run by
# test-serve-tls.sh with TLS by the key $KEY of user alice, and MODE "on" or
# "require".

use strict;
use warnings;
use FindBin;
require "$FindBin::Bin/serve-client.pl";
our (%OPT, %REP, %CMD, $checks);

my $require = $ENV{MODE} eq 'require';

sub starttls
{
  my ($socket) = @_;
  ask ($socket, $OPT{STARTTLS}, '', $REP{ACK}, 'STARTTLS');
  return with_tls ($socket, 'psk', 'alice', $ENV{KEY});
}

# Before TLS.
my $socket = start ();
ask ($socket, $OPT{STARTTLS}, 'x', $REP{INVALID}, 'STARTTLS with data');
if ($require) {
  ask ($socket, $_->[0], $_->[1], $REP{TLS_REQD}, "option $_->[0] without TLS")
    for [$OPT{LIST}, ''], [$OPT{INFO}, info_data ('vda')],
        [$OPT{GO}, info_data ('vda')], [$OPT{GO}, info_data ('vdz')],
        [$OPT{STRUCTURED_REPLY}, ''], [$OPT{EXTENDED_HEADERS}, ''],
        [$OPT{LIST_META}, meta_data ('vda')],
        [$OPT{SET_META}, meta_data ('vda')], [99, 'rubbish'];
  my $other = start ();
  option ($other, $OPT{EXPORT_NAME}, 'vda');
  expect_close ($other, 'EXPORT_NAME without TLS');
  $other = start ();
  ask ($other, $OPT{ABORT}, '', $REP{ACK}, 'ABORT without TLS');
  expect_close ($other, 'after ABORT');
}
else {
  # What was negotiated before TLS is forgotten.
  ask ($socket, $OPT{STRUCTURED_REPLY}, '', $REP{ACK}, 'STRUCTURED_REPLY');
  contexts ($socket, $OPT{SET_META}, 'vda', 'base:allocation');
  ask ($socket, $OPT{EXTENDED_HEADERS}, '', $REP{ACK}, 'EXTENDED_HEADERS');
}

# With it.
$socket = starttls ($socket);
ask ($socket, $OPT{STARTTLS}, '', $REP{INVALID}, 'STARTTLS twice');
ask ($socket, $OPT{SET_META}, meta_data ('vda', 'base:allocation'),
     $REP{INVALID}, 'SET_META needs structured replies again');
ask ($socket, $OPT{STRUCTURED_REPLY}, '', $REP{ACK},
     'STRUCTURED_REPLY, not agreed on yet');
my @replies = ask ($socket, $OPT{GO}, info_data ('vda'), $REP{ACK}, 'GO');
give ($socket, request ($CMD{STATUS}, 0, 1, 0, 512));
is (error_of ($socket, 1, 'status'), 22, 'no context is selected');
for my $length (1, 100, 16384, 100000, 5000000) {
  give ($socket, request ($CMD{READ}, 0, 2, 1000, $length));
  my ($bytes) = read_chunks ($socket, 2, 1000, $length);
  check ($bytes eq "\1" x $length, "$length bytes by TLS");
  give ($socket, request ($CMD{READ}, 4, 2, 1000, $length));
  ($bytes) = read_chunks ($socket, 2, 1000, $length);
  check ($bytes eq "\1" x $length, "$length bytes by TLS in one piece");
}
leave ($socket);

# What is sent in plain behind STARTTLS is never taken for the client's.
$socket = start ();
option ($socket, $OPT{STARTTLS});
give ($socket, 'IHAVEOPT' . pack ('N N', $OPT{LIST}, 0));
my $answer = take ($socket, 20);
if (defined $answer) { # it came after STARTTLS was answered
  is (unpack ('x12 N', $answer), $REP{ACK}, 'STARTTLS');
  my $rest = '';
  while (defined (my $byte = take ($socket, 1))) {
    $rest .= $byte;
  }
  check ($rest !~ /vda/, 'no list of exports in plain');
}

# In one packet it is seen before the answer.
$socket = start ();
give ($socket, 'IHAVEOPT' . pack ('N N', $OPT{STARTTLS}, 0) . 'IHAVEOPT'
               . pack ('N N', $OPT{LIST}, 0));
expect_close ($socket, 'an option in one packet with STARTTLS');

# No TLS after STARTTLS.
for my $rubbish ("\0" x 100, 'IHAVEOPT' . pack ('N N', $OPT{LIST}, 0) . 'x' x 99,
                 "\x16\x03\x01\xff\xff" . 'x' x 1000) {
  $socket = start ();
  ask ($socket, $OPT{STARTTLS}, '', $REP{ACK}, 'STARTTLS');
  give ($socket, $rubbish);
  shutdown ($socket, 1);
  my $got = '';
  while (defined (my $byte = take ($socket, 1))) {
    $got .= $byte;
  }
  check ($got !~ /vda|NBD/, 'nothing in plain after STARTTLS');
}

# A wrong key, and a user whom nobody knows.
for (['alice', '00' x 32], ['mallory', $ENV{KEY}]) {
  $socket = start ();
  ask ($socket, $OPT{STARTTLS}, '', $REP{ACK}, 'STARTTLS');
  $socket = with_tls ($socket, 'psk', @$_);
  give ($socket, 'IHAVEOPT' . pack ('N N', $OPT{LIST}, 0));
  expect_close ($socket, "the wrong key for $_->[0]");
}

print "$checks checks\n";
