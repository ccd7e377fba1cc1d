# SPDX-License-Identifier: LGPL-2.1-or-later
# serve-client.pl: an NBD client made by hand, which can also say what no other
# client would.  Required by the serve-*.pl tests.
#
# The rules are those of the NBD protocol's specification; numbers are written
# as they are there.

use strict;
use warnings;
no warnings 'portable'; # 64-bit numbers
use Carp qw(confess);
use IO::Socket::IP;
use IO::Socket::UNIX;
use POSIX ();
use Socket qw(AF_UNIX PF_UNSPEC SOCK_STREAM);

our %OPT = (EXPORT_NAME => 1, ABORT => 2, LIST => 3, STARTTLS => 5, INFO => 6,
            GO => 7, STRUCTURED_REPLY => 8, LIST_META => 9, SET_META => 10,
            EXTENDED_HEADERS => 11);
our %REP = (ACK => 1, SERVER => 2, INFO => 3, META => 4,
            UNSUP => 0x80000001, POLICY => 0x80000002, INVALID => 0x80000003,
            TLS_REQD => 0x80000005, UNKNOWN => 0x80000006,
            TOO_BIG => 0x80000009, EXT_HEADER_REQD => 0x8000000a);
our %CMD = (READ => 0, WRITE => 1, DISC => 2, FLUSH => 3, TRIM => 4, CACHE => 5,
            ZEROES => 6, STATUS => 7, RESIZE => 8);
our ($FUA, $DF, $REQ_ONE, $PAYLOAD) = (1, 4, 8, 32);

our $checks = 0;

# check CONDITION, WHAT: or the test has failed.
sub check
{
  my ($condition, $what) = @_;
  $checks++;
  return if $condition;
  my ($file, $line) = (caller (0))[1, 2];
  for (my $i = 1; my @frame = caller ($i); $i++) {
    ($file, $line) = @frame[1, 2];
  }
  die "$file:$line: check failed: $what\n";
}

sub is
{
  my ($got, $want, $what) = @_;
  check (defined $got && $got eq $want,
         "$what: got " . (defined $got ? $got : 'nothing') . ", not $want");
}

# A connection to the unix socket $SOCKET, or to $HOST and $PORT, with nothing
# said yet.  Reads that take 60 s have failed.
sub dial
{
  my $socket = $ENV{PORT}
    ? IO::Socket::IP->new (PeerHost => $ENV{HOST}, PeerPort => $ENV{PORT})
    : IO::Socket::UNIX->new (Type => SOCK_STREAM, Peer => $ENV{SOCKET});
  die "cannot connect: $!\n" unless $socket;
  setsockopt ($socket, Socket::SOL_SOCKET (), Socket::SO_RCVTIMEO (),
              pack ('q q', 60, 0));
  return $socket;
}

sub give
{
  my ($socket, $bytes) = @_;
  local $SIG{PIPE} = 'IGNORE';
  while (length $bytes) {
    my $n = syswrite ($socket, $bytes);
    return 0 unless $n;
    substr ($bytes, 0, $n) = '';
  }
  return 1;
}

# take SOCKET, COUNT: exactly so many bytes, or undef where the server has
# closed.
sub take
{
  my ($socket, $count) = @_;
  my $bytes = '';
  while (length $bytes < $count) {
    my $n = sysread ($socket, $bytes, $count - length $bytes, length $bytes);
    if (!defined $n) {
      return undef if $!{ECONNRESET};
      confess "the server does not answer: $!";
    }
    return undef if $n == 0;
  }
  return $bytes;
}

# The server must close without another word.
sub expect_close
{
  my ($socket, $what) = @_;
  my $bytes = take ($socket, 1);
  check (!defined $bytes, "$what: the server should have closed");
  close $socket;
}

# greet SOCKET, FLAGS
sub greet
{
  my ($socket, $flags) = @_;
  my $greeting = take ($socket, 18);
  is (unpack ('H*', $greeting), '4e42444d4147494349484156454f50540003',
      'greeting');
  give ($socket, pack ('N', $flags));
}

# A connection with the greetings behind it, and with TLS where $TLS is set.
sub start
{
  my $socket = dial ();
  greet ($socket, 3);
  return $socket unless $ENV{TLS};
  ask ($socket, $OPT{STARTTLS}, '', $REP{ACK}, 'STARTTLS');
  return with_tls ($socket, split (' ', $ENV{TLS}));
}

# with_tls SOCKET, ARGS...: talk through TLS on it from now on, as tls-bridge
# does it with these arguments.
sub with_tls
{
  my ($socket, @args) = @_;
  socketpair (my $ours, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die;
  my $pid = fork ();
  if (!$pid) {
    # First out of the way of the numbers that they shall have.
    POSIX::dup2 (fileno ($socket), 20);
    POSIX::dup2 (fileno ($theirs), 21);
    POSIX::dup2 (20, 3);
    POSIX::dup2 (21, 4);
    POSIX::close ($_) for 5 .. 30;
    exec { $ENV{BRIDGE} } 'tls-bridge', @args or POSIX::_exit (127);
  }
  close $theirs;
  close $socket;
  setsockopt ($ours, Socket::SOL_SOCKET (), Socket::SO_RCVTIMEO (),
              pack ('q q', 60, 0));
  return $ours;
}

sub option
{
  my ($socket, $option, $data) = @_;
  $data = '' unless defined $data;
  give ($socket, 'IHAVEOPT' . pack ('N N', $option, length $data) . $data);
}

# (TYPE, DATA) of the next reply to OPTION.
sub reply
{
  my ($socket, $option) = @_;
  my $header = take ($socket, 20);
  check (defined $header, "no reply to option $option");
  my ($magic, $to, $type, $length) = unpack ('Q> N N N', $header);
  is ($magic, 0x3e889045565a9, 'magic of an option reply');
  is ($to, $option, 'option of a reply');
  return ($type, $length ? take ($socket, $length) : '');
}

# All replies to OPTION up to the last, whose type must be WANT; the others are
# returned, each as [TYPE, DATA].
sub ask
{
  my ($socket, $option, $data, $want, $what) = @_;
  my @replies;
  option ($socket, $option, $data);
  for (;;) {
    my ($type, $text) = reply ($socket, $option);
    if ($type == 1 || $type & 0x80000000) {
      check ($type == $want, sprintf ('%s: got %x (%s), not %x', $what, $type,
                                      $text, $want));
      return @replies;
    }
    push @replies, [$type, $text];
  }
}

sub name
{
  my ($name) = @_;
  return pack ('N', length $name) . $name;
}

# The data of INFO and GO.
sub info_data
{
  my ($export, @infos) = @_;
  return name ($export) . pack ('n n*', scalar @infos, @infos);
}

# The data of LIST_META and SET_META.
sub meta_data
{
  my ($export, @queries) = @_;
  return name ($export) . pack ('N', scalar @queries)
    . join ('', map { name ($_) } @queries);
}

# (ID => NAME) of the contexts that a query has given.
sub contexts
{
  my ($socket, $option, $export, @queries) = @_;
  my %contexts;
  for my $reply (ask ($socket, $option, meta_data ($export, @queries),
                      $REP{ACK}, "contexts @queries")) {
    is ($reply->[0], $REP{META}, 'type of a context');
    my ($id, $name) = unpack ('N a*', $reply->[1]);
    $contexts{$name} = $id;
  }
  return %contexts;
}

# go EXPORT, CONTEXTS...: a connection in transmission with structured replies.
# Returns (SOCKET, SIZE, FLAGS, {NAME => ID}).
sub go
{
  my ($style, $export, @contexts) = @_;
  my $socket = start ();
  my %contexts;
  ask ($socket, $OPT{STRUCTURED_REPLY}, '', $REP{ACK}, 'structured')
    if $style eq 'structured';
  ask ($socket, $OPT{EXTENDED_HEADERS}, '', $REP{ACK}, 'extended')
    if $style eq 'extended';
  %contexts = contexts ($socket, $OPT{SET_META}, $export, @contexts)
    if @contexts;
  my @replies = ask ($socket, $OPT{GO}, info_data ($export), $REP{ACK}, 'GO');
  my ($type, $size, $flags) = unpack ('n Q> n', $replies[0][1]);
  is ($type, 0, 'GO tells of the export');
  return ($socket, $size, $flags, \%contexts);
}

sub request
{
  my ($type, $flags, $cookie, $offset, $length) = @_;
  return pack ('N n n Q> Q> N', 0x25609513, $flags, $type, $cookie, $offset,
               $length);
}

sub extended_request
{
  my ($type, $flags, $cookie, $offset, $length) = @_;
  return pack ('N n n Q> Q> Q>', 0x21e41c71, $flags, $type, $cookie, $offset,
               $length);
}

# The next reply, of any style, as {cookie, error} for a simple one, without its
# data, or {cookie, done, type, data, offset}.
sub answer
{
  my ($socket) = @_;
  my $magic = take ($socket, 4);
  return undef unless defined $magic;
  $magic = unpack ('N', $magic);
  if ($magic == 0x67446698) {
    my ($error, $cookie) = unpack ('N Q>', take ($socket, 12));
    return { simple => 1, error => $error, cookie => $cookie };
  }
  if ($magic == 0x668e33ef) {
    my ($flags, $type, $cookie, $length)
      = unpack ('n n Q> N', take ($socket, 16));
    return { done => $flags & 1, type => $type, cookie => $cookie,
             data => $length ? take ($socket, $length) : '' };
  }
  is (sprintf ('%08x', $magic), '6e8a278c', 'magic of a reply');
  my ($flags, $type, $cookie, $offset, $length)
    = unpack ('n n Q> Q> Q>', take ($socket, 28));
  return { done => $flags & 1, type => $type, cookie => $cookie,
           request_offset => $offset,
           data => $length ? take ($socket, $length) : '' };
}

# The error number of the answer to COOKIE, which must be one; 0 for success
# without data.
sub error_of
{
  my ($socket, $cookie, $what) = @_;
  my $answer = answer ($socket);
  check (defined $answer, "$what: the server has closed");
  is ($answer->{cookie}, $cookie, "$what: cookie");
  return $answer->{error} if $answer->{simple};
  check ($answer->{done}, "$what: one chunk");
  return 0 if $answer->{type} == 0;
  is ($answer->{type} & 0x8000, 0x8000, "$what: chunk of an error");
  my ($error, $length) = unpack ('N n', $answer->{data});
  check (length ($answer->{data}) >= 6 + $length, "$what: text of an error");
  return $error;
}

# What a structured or extended read gives, put together, with the number of
# chunks.
sub read_chunks
{
  my ($socket, $cookie, $offset, $length) = @_;
  my $bytes = "\xff" x $length;
  my ($covered, $chunks, $done) = (0, 0, 0);
  while (!$done) {
    my $answer = answer ($socket);
    check (defined $answer, 'read: the server has closed');
    is ($answer->{cookie}, $cookie, 'read: cookie');
    is ($answer->{request_offset}, $offset, 'read: offset of an extended reply')
      if defined $answer->{request_offset};
    if ($answer->{type} == 0) { # NONE
      check ($answer->{done} && $answer->{data} eq '', 'read: an empty chunk');
      last;
    }
    my ($at, $rest) = unpack ('Q> a*', $answer->{data});
    $rest = "\0" x unpack ('N', $rest) if $answer->{type} == 2;
    check ($answer->{type} == 1 || $answer->{type} == 2,
           "read: chunk type $answer->{type}");
    check ($at >= $offset && $at + length ($rest) <= $offset + $length,
           'read: a chunk inside the request');
    substr ($bytes, $at - $offset, length $rest) = $rest;
    $covered += length $rest;
    $chunks++;
    $done = $answer->{done};
  }
  is ($covered, $length, 'read: bytes in all chunks');
  return ($bytes, $chunks);
}

# {ID => [[LENGTH, FLAGS]...]} of a block status answer; all contexts must cover
# the same length, which is returned too.
sub statuses
{
  my ($socket, $cookie, $length) = @_;
  my (%statuses, $done, $common);
  while (!$done) {
    my $answer = answer ($socket);
    check (defined $answer, 'status: the server has closed');
    is ($answer->{cookie}, $cookie, 'status: cookie');
    my ($id, @list, $sum);
    if ($answer->{type} == 5) {
      ($id, my @numbers) = unpack ('N N*', $answer->{data});
      push @list, [splice (@numbers, 0, 2)] while @numbers;
    }
    else {
      is ($answer->{type}, 6, 'status: chunk type');
      ($id, my $count, my @numbers) = unpack ('N N Q>*', $answer->{data});
      push @list, [splice (@numbers, 0, 2)] while @numbers;
      is ($count, scalar @list, 'status: descriptor count');
    }
    check (!$statuses{$id}, "status: context $id once");
    check (@list > 0, 'status: at least one descriptor');
    $sum += $_->[0] for @list;
    check (!(grep { $_->[0] == 0 } @list), 'status: no empty descriptor');
    check ($sum <= $length, 'status: not beyond the request');
    $common = $sum unless defined $common;
    is ($sum, $common, 'status: one length for all contexts');
    $statuses{$id} = \@list;
    $done = $answer->{done};
  }
  return (\%statuses, $common);
}

# Say goodbye; the server must close without a word.
sub leave
{
  my ($socket, $extended) = @_;
  give ($socket, $extended ? extended_request (2, 0, 0, 0, 0)
                           : request (2, 0, 0, 0, 0));
  expect_close ($socket, 'after DISC');
}

1;
