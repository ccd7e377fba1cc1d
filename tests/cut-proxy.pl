#!/usr/bin/env perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# cut-proxy.pl: a server whose connections end, or stand still, at a byte.
#
#   cut-proxy.pl cut|stall BYTES LISTEN-SOCKET SERVER-SOCKET
#
# Passes on what clients of LISTEN-SOCKET and the server say to each other,
# until the server has sent BYTES on all connections together.  Then it closes
# all of them and takes no more (cut), or passes nothing on any more (stall).

use strict;
use warnings;
use IO::Select;
use IO::Socket::UNIX;

my ($mode, $left, $listen_path, $server_path) = @ARGV;
# Whoever sees the socket can connect to it.
my $listener = IO::Socket::UNIX->new (Local => "$listen_path.new", Listen => 16)
  or die "$listen_path: $!\n";
rename ("$listen_path.new", $listen_path) or die "$listen_path: $!\n";
my $select = IO::Select->new ($listener);
my %peer;        # the other end of each connection
my %from_server; # is this end the server's?
$SIG{PIPE} = 'IGNORE';

sub close_both
{
  my ($socket) = @_;
  my $other = delete $peer{$socket} or return;
  delete $peer{$other};
  $select->remove ($socket, $other);
  close $socket;
  close $other;
}

sub accept_client
{
  my $client = $listener->accept or return;
  my $server = IO::Socket::UNIX->new (Peer => $server_path)
    or die "$server_path: $!\n";
  ($peer{$client}, $peer{$server}) = ($server, $client);
  $from_server{$server} = 1;
  $select->add ($client, $server);
}

sub end
{
  exit 0 if $mode eq 'cut';
  sleep 1 while 1;
}

sub pass_on
{
  my ($socket) = @_;
  my $other = $peer{$socket} or return;
  my $length = 65536;
  $length = $left if $from_server{$socket} && $left < $length;
  my $n = sysread ($socket, my $bytes, $length);
  return close_both ($socket) unless $n;
  for (my $done = 0; $done < $n;) {
    my $r = syswrite $other, $bytes, $n - $done, $done;
    return close_both ($socket) unless defined $r;
    $done += $r;
  }
  return unless $from_server{$socket};
  $left -= $n;
  end () if $left == 0;
}

end () if $left == 0;
while (1) {
  for my $socket ($select->can_read) {
    $socket == $listener ? accept_client () : pass_on ($socket);
  }
}
