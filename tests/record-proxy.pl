#!/usr/bin/env perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# record-proxy.pl: writes down all that clients and a server say.
#
#   record-proxy.pl LISTEN-SOCKET SERVER-SOCKET FOLDER [SECONDS]
#
# Passes on what clients of LISTEN-SOCKET and the server say to each other.  For
# connection N, FOLDER/N.client and FOLDER/N.server are what each side has sent.
# With SECONDS, a client's bytes are passed on one by one, with that time between
# them.

use strict;
use warnings;
use IO::Select;
use IO::Socket::UNIX;
use Time::HiRes qw(sleep);

my ($listen_path, $server_path, $folder, $pause) = @ARGV;
# Whoever sees the socket can connect to it.
my $listener = IO::Socket::UNIX->new (Local => "$listen_path.new", Listen => 16)
  or die "$listen_path: $!\n";
rename ("$listen_path.new", $listen_path) or die "$listen_path: $!\n";
$SIG{PIPE} = 'IGNORE';
$SIG{CHLD} = 'IGNORE';

sub write_all
{
  my ($file, $bytes) = @_;
  while (length $bytes) {
    my $n = syswrite ($file, $bytes) or return 0;
    substr ($bytes, 0, $n) = '';
  }
  return 1;
}

# Bytes of the client, one by one.
sub drip
{
  my ($server, $bytes) = @_;
  for my $byte (split (//, $bytes)) {
    write_all ($server, $byte) or return 0;
    sleep ($pause) if $pause;
  }
  return 1;
}

sub serve
{
  my ($client, $number) = @_;
  my $server = IO::Socket::UNIX->new (Peer => $server_path)
    or die "$server_path: $!\n";
  open (my $of_client, '>:raw', "$folder/$number.client") or die;
  open (my $of_server, '>:raw', "$folder/$number.server") or die;
  my $select = IO::Select->new ($client, $server);
  while (1) {
    for my $from ($select->can_read) {
      my $is_client = $from == $client;
      sysread ($from, my $bytes, 65536) or return;
      write_all ($is_client ? $of_client : $of_server, $bytes) or die;
      if ($is_client) {
        (defined $pause ? drip ($server, $bytes)
                        : write_all ($server, $bytes)) or return;
      }
      else {
        write_all ($client, $bytes) or return;
      }
    }
  }
}

for (my $number = 0; my $client = $listener->accept; $number++) {
  my $pid = fork ();
  if ($pid == 0) {
    close $listener;
    serve ($client, $number);
    exit 0;
  }
  close $client;
}
