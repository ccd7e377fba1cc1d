# SPDX-License-Identifier: LGPL-2.1-or-later
# serve-activate.pl COMMAND...: run it as systemd runs a service with two
# sockets, on the unix socket $SOCKET and on some TCP port of 127.0.0.1, or with
# $DUAL_STACK of all addresses, IPv4 and IPv6, and print what it notifies.

use strict;
use warnings;
use Fcntl qw(F_GETFD F_SETFD FD_CLOEXEC);
use IO::Socket::INET;
use IO::Socket::IP;
use IO::Socket::UNIX;
use POSIX ();
use Socket qw(MSG_DONTWAIT SOCK_DGRAM SOCK_STREAM SOL_SOCKET SO_RCVTIMEO);

$| = 1;
my $notify = IO::Socket::UNIX->new (Type => SOCK_DGRAM,
                                    Local => "$ENV{SOCKET}.notify") or die;
setsockopt ($notify, SOL_SOCKET, SO_RCVTIMEO, pack ('q q', 1, 0)) or die;
my $unix = IO::Socket::UNIX->new (Type => SOCK_STREAM, Listen => 10,
                                  Local => $ENV{SOCKET}) or die;
my $tcp = $ENV{DUAL_STACK}
  ? IO::Socket::IP->new (Listen => 10, LocalHost => '::', V6Only => 0)
  : IO::Socket::INET->new (Listen => 10, LocalAddr => '127.0.0.1');
die "no TCP socket: $@" unless $tcp;

my $pid = fork ();
if (!$pid) {
  POSIX::dup2 (fileno ($unix), 20);
  POSIX::dup2 (fileno ($tcp), 21);
  POSIX::dup2 (20, 3);
  POSIX::dup2 (21, 4);
  POSIX::close ($_) for 5 .. 30;
  $ENV{LISTEN_PID} = $$;
  $ENV{LISTEN_FDS} = $ENV{NR_FDS} // 2;
  $ENV{NOTIFY_SOCKET} = "$ENV{SOCKET}.notify";
  exec (@ARGV) or POSIX::_exit (127);
}
local $SIG{TERM} = sub { kill ('TERM', $pid) };

# Print one notification, if there is one: 1 if there was.
sub print_notice
{
  my ($flags) = @_;
  my $text;
  return 0 unless defined recv ($notify, $text, 100, $flags);
  print "$text\n";
  return 1;
}

do {
  print_notice (0); # waits for a second at most
} until (waitpid ($pid, POSIX::WNOHANG ()) == $pid);
my $status = $?;
# A process may have ended between its last word and our look at it.
1 while print_notice (MSG_DONTWAIT);
exit ($status & 127 ? 1 : $status >> 8);
