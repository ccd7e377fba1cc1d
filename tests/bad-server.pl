#!/usr/bin/env perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# bad-server.pl: an NBD server that does one thing that servers should not do.
#
#   bad-server.pl FAULT SOCKET
#
# It has an export of 1 MiB of the byte 1, "vda", with the contexts
# base:allocation and qemu:dirty-bitmap:b, whose first half is dirty.  FAULT:
#
#   none            nothing is wrong
#   long-list       exports without end
#   long-contexts   contexts without end
#   silent          no answer to GO
#   map-nothing     a block status chunk without extents
#   map-empty       extents without length
#   map-foreign     the status of a context that was not selected
#   read-short      only half of the data, and no error
#   read-elsewhere  data of another offset
#   read-hangup     a hang-up in the middle of a read

use strict;
use warnings;
no warnings 'portable'; # 64-bit numbers
use IO::Socket::UNIX;

my ($fault, $path) = @ARGV;
my $size = 1 << 20;
my @contexts = ('base:allocation', 'qemu:dirty-bitmap:b');
$SIG{PIPE} = 'IGNORE';
$SIG{CHLD} = 'IGNORE';
# Whoever sees the socket can connect to it.
my $listener = IO::Socket::UNIX->new (Local => "$path.new", Listen => 16)
  or die "$path: $!\n";
rename ("$path.new", $path) or die "$path: $!\n";
while (my $client = $listener->accept) {
  my $pid = fork;
  die "fork: $!\n" unless defined $pid;
  next if $pid;
  serve ($client);
  exit 0;
}

sub take
{
  my ($client, $count) = @_;
  my $data = '';
  while (length $data < $count) {
    sysread ($client, $data, $count - length $data, length $data) or exit 0;
  }
  return $data;
}

sub give
{
  my ($client, $data) = @_;
  while (length $data) {
    my $n = syswrite ($client, $data) or exit 0;
    substr ($data, 0, $n, '');
  }
}

sub reply
{
  my ($client, $option, $type, $data) = @_;
  give ($client, pack ('Q> N N N', 0x3e889045565a9, $option, $type,
                       length $data) . $data);
}

sub chunk
{
  my ($client, $cookie, $type, $is_last, $data) = @_;
  give ($client, pack ('N n n a8 N', 0x668e33ef, $is_last, $type, $cookie,
                       length $data) . $data);
}

sub negotiate
{
  my ($client) = @_;
  my @selected;

  give ($client, "NBDMAGICIHAVEOPT" . pack ('n', 3));
  take ($client, 4);
  for (;;) {
    my (undef, $option, $length) = unpack ('a8 N N', take ($client, 16));
    my $data = take ($client, $length);
    if ($option == 8) { # STRUCTURED_REPLY
      reply ($client, $option, 1, '');
    }
    elsif ($option == 3) { # LIST
      my $n = $fault eq 'long-list' ? 1_000_000 : 1;
      for (my $i = 0; $i < $n; $i++) {
        my $name = $i ? "vda$i" : 'vda';
        reply ($client, $option, 2, pack ('N/a*', $name));
      }
      reply ($client, $option, 1, '');
    }
    elsif ($option == 9 || $option == 10) { # LIST and SET_META_CONTEXT
      my (undef, @queries) = unpack ('N/a* N/(N/a*)', $data);
      my @found = grep {
        my $name = $_;
        $option == 9 ? grep { index ($name, $_) == 0 } @queries
                     : grep { $name eq $_ } @queries
      } @contexts;
      push @found, map { "qemu:dirty-bitmap:b$_" } 1 .. 1_000_000
        if $option == 9 && $fault eq 'long-contexts';
      @selected = @found if $option == 10;
      for my $name (@found) {
        my $id = $name eq $contexts[0] ? 1 : 2;
        reply ($client, $option, 4, pack ('N a*', $id, $name));
      }
      reply ($client, $option, 1, '');
    }
    elsif ($option == 6 || $option == 7) { # INFO and GO
      if ($option == 7 && $fault eq 'silent') {
        take ($client, 1); # until the client leaves
      }
      reply ($client, $option, 3, pack ('n Q> n', 0, $size, 1 | 2));
      reply ($client, $option, 1, '');
      return @selected if $option == 7;
    }
    elsif ($option == 2) { # ABORT
      reply ($client, $option, 1, '');
      exit 0;
    }
    else {
      reply ($client, $option, 0x80000001, '');
    }
  }
}

sub read_data
{
  my ($client, $cookie, $offset, $length) = @_;
  if ($fault eq 'read-short') {
    chunk ($client, $cookie, 1, 1,
           pack ('Q>', $offset) . "\1" x ($length / 2));
  }
  elsif ($fault eq 'read-elsewhere') {
    chunk ($client, $cookie, 1, 1,
           pack ('Q>', $offset + $length) . "\1" x $length);
  }
  elsif ($fault eq 'read-hangup') {
    give ($client, pack ('N n n a8 N', 0x668e33ef, 1, 1, $cookie,
                         $length + 8) . pack ('Q>', $offset) . "\1" x 512);
    exit 0;
  }
  else {
    chunk ($client, $cookie, 1, 1, pack ('Q>', $offset) . "\1" x $length);
  }
}

sub status
{
  my ($client, $cookie, $offset, $length, @selected) = @_;
  my $half = $size / 2;

  for my $i (0 .. $#selected) {
    my $is_base = $selected[$i] eq $contexts[0];
    my $id = $is_base ? 1 : 2;
    my $data;
    if ($is_base) {
      $data = pack ('N N', $length, 0);
    }
    elsif ($offset < $half) {
      $data = pack ('N N', $half - $offset < $length ? $half - $offset
                                                     : $length, 1);
    }
    else {
      $data = pack ('N N', $length, 0);
    }
    $data = '' if $fault eq 'map-nothing';
    $data = pack ('N N', 0, 1) x 3 if $fault eq 'map-empty';
    $id = 77 if $fault eq 'map-foreign';
    chunk ($client, $cookie, 5, $i == $#selected, pack ('N', $id) . $data);
  }
}

sub serve
{
  my ($client) = @_;
  my @selected = negotiate ($client);

  for (;;) {
    my (undef, undef, $type, $cookie, $offset, $length)
      = unpack ('N n n a8 Q> N', take ($client, 28));
    if ($type == 0) {
      read_data ($client, $cookie, $offset, $length);
    }
    elsif ($type == 7) {
      status ($client, $cookie, $offset, $length, @selected);
    }
    else {
      exit 0;
    }
  }
}
