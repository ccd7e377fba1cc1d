# SPDX-License-Identifier: LGPL-2.1-or-later
# serve-tls-wire.pl: is all of a session that record-proxy.pl wrote down TLS?
#
#   serve-tls-wire.pl FOLDER/N
#
# Before STARTTLS there may only be the greetings and options that were refused;
# from its answer on, each byte of both sides must belong to a record of TLS.
# Run by test-serve-tls-wire.sh.

use strict;
use warnings;
no warnings 'portable'; # 64-bit numbers

my ($session) = @ARGV;

sub content
{
  my ($file) = @_;
  open (my $stream, '<:raw', $file) or die "$file: $!\n";
  local $/;
  my $bytes = <$stream>;
  return defined $bytes ? $bytes : '';
}

# Up to its option STARTTLS, and what is behind that.
sub client_rest
{
  my $bytes = content ("$session.client");
  my $at = 4;
  while (1) {
    my ($magic, $option, $length)
      = unpack ('a8 N N', substr ($bytes, $at, 16));
    die "$session: no option at $at\n" unless $magic eq 'IHAVEOPT';
    $at += 16 + $length;
    return substr ($bytes, $at) if $option == 5;
  }
}

sub server_rest
{
  my $bytes = content ("$session.server");
  die "$session: greeting\n" unless substr ($bytes, 0, 8) eq 'NBDMAGIC';
  my $at = 18;
  while (1) {
    my ($magic, $option, $type, $length)
      = unpack ('Q> N N N', substr ($bytes, $at, 20));
    die "$session: no reply at $at\n" unless $magic == 0x3e889045565a9;
    $at += 20 + $length;
    return substr ($bytes, $at) if $option == 5 && $type == 1;
    die "$session: option $option was answered without TLS\n"
      unless $type == 0x80000005; # NBD_REP_ERR_TLS_REQD
  }
}

# Returns how many records of data there are.
sub check_records
{
  my ($side, $bytes) = @_;
  my ($at, $data) = (0, 0);
  while ($at < length $bytes) {
    my ($type, $version, $length) = unpack ('C n n', substr ($bytes, $at, 5));
    die "$session: $side: byte $at of TLS is not a record's first\n"
      if $type < 20 || $type > 23 || $version < 0x0301 || $version > 0x0303
         || $length == 0 || $length > 16384 + 256;
    $data++ if $type == 23;
    $at += 5 + $length;
  }
  die "$session: $side: the last record is cut\n" unless $at == length $bytes;
  die "$session: $side: no data\n" unless $data;
  # The disk consists of this byte, and this is what it is called.
  die "$session: $side: the disk's bytes in plain\n"
    if $bytes =~ /\x5a{16}/ || $bytes =~ /secret-export/;
  return $data;
}

my $client = check_records ('client', client_rest ());
my $server = check_records ('server', server_rest ());
print "$client records of the client, $server of the server\n";
