# SPDX-License-Identifier: LGPL-2.1-or-later
# serve-transmission.pl: each command of transmission, right, wrong and hostile,
# in each style of reply, as a client by hand.  Run by
# test-serve-transmission.sh: vda has the bytes of the file $TRUTH, big has
# 6 GiB of nothing.

use strict;
use warnings;
no warnings 'portable'; # 64-bit numbers
use FindBin;
require "$FindBin::Bin/serve-client.pl";
our (%OPT, %REP, %CMD, $FUA, $DF, $REQ_ONE, $PAYLOAD, $checks);

my $truth = do {
  open (my $file, '<:raw', $ENV{TRUTH}) or die "$ENV{TRUTH}: $!\n";
  local $/;
  <$file>;
};
my $size = length $truth;
my $maximum = 32 << 20;
my ($EPERM, $EINVAL) = (1, 22);
my @all = ('base:allocation', 'qemu:allocation-depth',
           map { "qemu:dirty-bitmap:$_" } qw(b0 clean fine later));

# make STYLE, ...: a request in the style's form.
sub make
{
  my $style = shift;
  return $style eq 'extended' ? extended_request (@_) : request (@_);
}

sub read_in
{
  my ($style, $socket, $cookie, $offset, $length) = @_;
  return (read_chunks ($socket, $cookie, $offset, $length))[0]
    unless $style eq 'simple';
  my $answer = answer ($socket);
  is ($answer->{cookie}, $cookie, 'read: cookie');
  is ($answer->{error}, 0, 'read: error');
  return take ($socket, $length);
}

for my $style (qw(simple structured extended)) {
  my ($socket, $got, $flags) = go ($style, 'vda');
  my $cookie = 100;
  is ($got, $size, "$style: size");
  is ($flags & 0x0fff, 1 | 2 | 4 | 256 | 1024 | ($style eq 'simple' ? 0 : 128),
      "$style: flags");

  # Reads of all kinds of ranges: over data, zeroes, compressed clusters.
  for ([0, 1], [0, 512], [1, 65535], [511, 2], [1048575, 196610],
       [2097000, 1048900], [20971520, 131072], [20971000, 132000],
       [$size - 1, 1], [$size - 1048576, 1048576], [5, 5000000],
       [0, $maximum], [$size - $maximum, $maximum]) {
    my ($offset, $length) = @$_;
    give ($socket, make ($style, $CMD{READ}, 0, ++$cookie, $offset, $length));
    check (read_in ($style, $socket, $cookie, $offset, $length)
             eq substr ($truth, $offset, $length),
           "$style: read of $length bytes at $offset");
    next if $style eq 'simple';
    give ($socket, make ($style, $CMD{READ}, $DF, ++$cookie, $offset, $length));
    my ($bytes, $chunks) = read_chunks ($socket, $cookie, $offset, $length);
    check ($bytes eq substr ($truth, $offset, $length),
           "$style: unfragmented read of $length bytes at $offset");
    is ($chunks, 1, "$style: chunks of an unfragmented read");
  }

  # What is wrong is answered, and the connection goes on.
  my @wrong = (
    [$EINVAL, $CMD{READ}, 0, 0, 0],
    [$EINVAL, $CMD{READ}, 0, $size, 1],
    [$EINVAL, $CMD{READ}, 0, $size - 1, 2],
    [$EINVAL, $CMD{READ}, 0, 0xffffffffffffffff, 1],
    [$EINVAL, $CMD{READ}, 0, 0xffffffffffffffff, 0xffffffff],
    [$EINVAL, $CMD{READ}, 0, 0, $maximum + 1],
    [$EINVAL, $CMD{READ}, 0, 0, 0xffffffff],
    [$EINVAL, $CMD{READ}, $FUA, 0, 512],
    [$EINVAL, $CMD{READ}, $REQ_ONE, 0, 512],
    [$EINVAL, $CMD{READ}, 0x8000, 0, 512],
    [$EINVAL, $CMD{STATUS}, 0, 0, 512],
    [$EINVAL, $CMD{CACHE}, 0, 0, 0],
    [$EINVAL, $CMD{CACHE}, 0, $size - 1, 2],
    [$EINVAL, $CMD{CACHE}, $DF, 0, 512],
    [$EINVAL, $CMD{CACHE}, 0, 0, $maximum + 1],
    [$EINVAL, $CMD{CACHE}, 0, 0, $size],
    [$EINVAL, $CMD{FLUSH}, 0, 0, 512],
    [$EINVAL, $CMD{FLUSH}, 0, 512, 0],
    [$EINVAL, $CMD{FLUSH}, $FUA, 0, 0],
    [$EINVAL, 9, 0, 0, 512],
    [$EINVAL, 0xffff, 0xffdf, 0, 512],
    [$EPERM, $CMD{TRIM}, 0, 0, 512],
    [$EPERM, $CMD{ZEROES}, 0, 0, 512],
    [$EPERM, $CMD{ZEROES}, 2, $size, 0xffffffff],
    [$EPERM, $CMD{RESIZE}, 0, 0, 512],
    [0, $CMD{FLUSH}, 0, 0, 0],
    [0, $CMD{CACHE}, 0, 0, $maximum],
    [0, $CMD{CACHE}, 0, $size - $maximum, $maximum],
    [0, $CMD{CACHE}, 0, 20971000, 132000]);
  push @wrong, [$EINVAL, $CMD{READ}, $DF, 0, 512] if $style eq 'simple';
  for (@wrong) {
    my ($error, $type, $command_flags, $offset, $length) = @$_;
    give ($socket, make ($style, $type, $command_flags, ++$cookie, $offset,
                         $length));
    is (error_of ($socket, $cookie, "$style: command $type"), $error,
        "$style: command $type, flags $command_flags, $length at $offset");
  }

  # Payloads are swallowed, whatever is in them.
  my $payload_flag = $style eq 'extended' ? $PAYLOAD : 0;
  for my $length (1, 28, 512, 100000, $maximum) {
    my $payload = make ($style, $CMD{DISC}, 0, 0, 0, 0) x ($length / 28 + 1);
    give ($socket, make ($style, $CMD{WRITE}, $payload_flag, ++$cookie, 0,
                         $length) . substr ($payload, 0, $length));
    is (error_of ($socket, $cookie, "$style: write"), $EPERM,
        "$style: write of $length bytes");
  }
  if ($style eq 'extended') {
    for my $type (@CMD{qw(READ STATUS CACHE FLUSH)}, 77) {
      give ($socket, make ($style, $type, $PAYLOAD, ++$cookie, 0, 40)
                     . 'y' x 40);
      is (error_of ($socket, $cookie, "payload of $type"), $EINVAL,
          "a payload of command $type");
    }
    give ($socket, make ($style, $CMD{READ}, 0, ++$cookie, 0, 1 << 40));
    is (error_of ($socket, $cookie, 'a read of 1 TiB'), $EINVAL,
        'a read of 1 TiB');
  }

  # The same cookie in two requests: both are answered.
  give ($socket, make ($style, $CMD{FLUSH}, 0, 9, 0, 0) x 2);
  is (error_of ($socket, 9, "$style: cookie used twice"), 0,
      "$style: cookie used twice") for 1, 2;

  # 1,000 requests in a row, then a goodbye: all are answered first, in any
  # order.
  my (%wanted, $requests);
  srand (4);
  for my $i (1 .. 1000) {
    my $length = 1 + int (rand (6000));
    my $offset = int (rand ($size - $length));
    $wanted{$i} = [$offset, $length];
    $requests .= make ($style, $CMD{READ}, $style eq 'simple' ? 0 : $DF, $i,
                       $offset, $length);
  }
  give ($socket, $requests . make ($style, $CMD{DISC}, 0, 0, 0, 0) . 'rubbish');
  while (%wanted) {
    my $answer = answer ($socket);
    check (defined $answer, "$style: closed with requests unanswered");
    my $range = delete $wanted{$answer->{cookie}};
    check ($range, "$style: each request is answered once");
    my $bytes = $answer->{simple} ? take ($socket, $range->[1])
                                  : substr ($answer->{data}, 8);
    check ($bytes eq substr ($truth, $range->[0], $range->[1]),
           "$style: one of many reads");
  }
  expect_close ($socket, "$style: after DISC");

  # What no connection survives.
  ($socket) = go ($style, 'vda');
  give ($socket, "\0" x 32);
  expect_close ($socket, "$style: bad magic");
  ($socket) = go ($style, 'vda');
  give ($socket, $style eq 'extended' ? request (0, 0, 1, 0, 512) . "\0" x 4
                                      : extended_request (0, 0, 1, 0, 512));
  expect_close ($socket, "$style: magic of the other style");
  ($socket) = go ($style, 'vda');
  give ($socket, make ($style, $CMD{WRITE}, $payload_flag, 1, 0, $maximum + 1));
  expect_close ($socket, "$style: a payload that is too large");
  for my $part (1, 27) {
    ($socket) = go ($style, 'vda');
    give ($socket, substr (make ($style, $CMD{READ}, 0, 1, 0, 512), 0, $part));
    shutdown ($socket, 1);
    expect_close ($socket, "$style: $part bytes of a request");
  }
  ($socket) = go ($style, 'vda');
  give ($socket, make ($style, $CMD{WRITE}, $payload_flag, 1, 0, 512) . 'abc');
  shutdown ($socket, 1);
  expect_close ($socket, "$style: half a payload");
}

# walk SOCKET, STYLE, FLAGS, STEP, COUNT: what each of COUNT contexts says of the
# whole disk, as {ID => "LENGTH:FLAGS LENGTH:FLAGS..."}, equal neighbours merged.
sub walk
{
  my ($socket, $style, $flags, $step, $nr) = @_;
  my %maps;
  for (my $at = 0; $at < $size;) {
    my $length = $size - $at < $step ? $size - $at : $step;
    give ($socket, make ($style, $CMD{STATUS}, $flags, $at, $at, $length));
    my ($statuses, $covered) = statuses ($socket, $at, $length);
    is (scalar keys %$statuses, $nr, 'status: contexts in an answer');
    while (my ($id, $list) = each %$statuses) {
      is (scalar @$list, 1, 'status: REQ_ONE') if $flags & $REQ_ONE;
      for (@$list) {
        my $last = $maps{$id}[-1];
        if ($last && $last->[1] == $_->[1]) {
          $last->[0] += $_->[0];
        }
        else {
          push @{$maps{$id}}, [@$_];
        }
      }
    }
    $at += $covered;
  }
  return { map { my $id = $_;
                 $id => join (' ', map { "$_->[0]:$_->[1]" } @{$maps{$id}}) }
           keys %maps };
}

# However it is asked for, a map is the same.
my $reference;
for my $style (qw(structured extended)) {
  my ($socket, undef, undef, $contexts) = go ($style, 'vda', @all);
  for ([0, $size], [$REQ_ONE, $size], [0, 3 << 20], [$REQ_ONE, 1 << 20],
       [0, 777777], [$REQ_ONE, 1234567]) {
    my $maps = walk ($socket, $style, @$_, scalar @all);
    $reference = $maps unless $reference;
    for my $name (@all) {
      my $id = $contexts->{$name};
      check ($maps->{$id} eq $reference->{$id},
             "$style: $name in steps of $_->[1], flags $_->[0]");
    }
  }
  give ($socket, make ($style, $CMD{STATUS}, 0, 1, $size - 1, 1));
  my (undef, $covered) = statuses ($socket, 1, 1);
  is ($covered, 1, "$style: status of one byte");
  for ([0, 0], [$size, 1], [$size - 1, 2], [0, $size + 1]) {
    give ($socket, make ($style, $CMD{STATUS}, 0, 2, @$_));
    is (error_of ($socket, 2, "$style: wrong status"), $EINVAL,
        "$style: status of $_->[1] bytes at $_->[0]");
  }
  leave ($socket, $style eq 'extended');
}

# With extended headers a request can name the contexts that it is about.
{
  my ($socket, undef, $flags, $contexts) = go ('extended', 'vda', @all[0, 2]);
  check ($flags & 4096, 'block status takes a payload');
  my ($base, $b0) = map { $contexts->{$all[$_]} } 0, 2;
  my $ask = sub {
    my ($payload) = @_;
    give ($socket, extended_request ($CMD{STATUS}, $PAYLOAD, 3, 65536,
                                     length $payload) . $payload);
  };
  for ([$base], [$b0], [$base, $b0], [$b0, $base]) {
    $ask->(pack ('Q> N*', 1 << 20, @$_));
    my ($statuses, $covered) = statuses ($socket, 3, 1 << 20);
    is (join (' ', sort keys %$statuses), join (' ', sort @$_),
        'contexts of a payload');
    check ($covered > 0 && $covered <= 1 << 20, 'length of a payload');
  }
  for (pack ('Q>', 1 << 20), pack ('Q> n', 1 << 20, 0), '',
       pack ('Q> N', 1 << 20, 999), pack ('Q> N N', 1 << 20, $base, $base),
       pack ('Q> N', 0, $base), pack ('Q> N', $size, $base),
       pack ('Q> N', 0xffffffffffffffff, $base),
       pack ('Q> N N N', 1 << 20, $base, $b0, $base),
       pack ('Q> N N', 1 << 20, $base, 0xffffffff)) {
    $ask->($_);
    is (error_of ($socket, 3, 'wrong payload'), $EINVAL,
        'payload ' . unpack ('H*', $_));
  }
  leave ($socket, 1);
}

# Beyond 4 GiB: one extent where lengths have 64 bits, clipped where they have
# 32.
{
  my ($socket, $big, undef, $contexts)
    = go ('extended', 'big', 'base:allocation');
  my ($id) = values %$contexts;
  give ($socket, extended_request ($CMD{STATUS}, 0, 1, 0, $big));
  my ($statuses, $covered) = statuses ($socket, 1, $big);
  is ($covered, $big, 'status of all of a large disk');
  is (scalar @{$statuses->{$id}}, 1, 'one extent of a large disk');
  give ($socket, extended_request ($CMD{STATUS}, 0, 1, 1, $big));
  is (error_of ($socket, 1, 'beyond a large disk'), $EINVAL,
      'status beyond a large disk');
  leave ($socket, 1);

  ($socket, undef, undef, $contexts) = go ('structured', 'big',
                                           'base:allocation');
  give ($socket, request ($CMD{STATUS}, 0, 1, 512, 0xffffffff));
  (undef, $covered) = statuses ($socket, 1, 0xffffffff);
  is ($covered, 0xffffffff, 'status of 4 GiB - 1');
  leave ($socket);
}

print "$checks checks\n";
