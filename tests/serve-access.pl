# SPDX-License-Identifier: LGPL-2.1-or-later
# serve-access.pl: what one client is granted, by every way to get it.
#
#   serve-access.pl EXPORT=RIGHTS[:MAP,MAP...]...
#
# RIGHTS are letters of "lrm" for list, read and map, or "-" for an export that
# is there, but not for this client.  Run by test-serve-access.sh; how to connect
# is in the environment (serve-client.pl).

use strict;
use warnings;
use FindBin;
require "$FindBin::Bin/serve-client.pl";
our (%OPT, %REP, %CMD, $DF, $PAYLOAD, $checks);

my @base = qw(base:allocation qemu:allocation-depth);
my @names = map { "qemu:dirty-bitmap:$_" } qw(b0 cp1 cp2);

# The type of the last reply.
sub outcome
{
  my ($socket, $option, $data) = @_;
  option ($socket, $option, $data);
  for (;;) {
    my ($type) = reply ($socket, $option);
    return $type if $type == 1 || $type & 0x80000000;
  }
}

# With extended headers, whose block status can choose contexts by number: only
# among those that were granted.
sub extended
{
  my ($name, $rights) = @_;
  my ($socket, $size, undef, $ids) = go ('extended', $name, @base, @names);
  my %granted = map { $_ => 1 } values %$ids;
  for my $id (0 .. @base + @names) {
    give ($socket, extended_request ($CMD{STATUS}, $PAYLOAD, 10 + $id, 0, 12)
                   . pack ('Q> N', $size, $id));
    if ($granted{$id}) {
      my ($statuses) = statuses ($socket, 10 + $id, $size);
      is (join (' ', keys %$statuses), $id, "status of context $id");
    }
    else {
      is (error_of ($socket, 10 + $id, 'STATUS'), 22, "hidden context $id");
    }
  }
  for my $flags (0, $DF) {
    give ($socket, extended_request ($CMD{READ}, $flags, 30, 0, 512));
    if ($rights =~ /r/) {
      read_chunks ($socket, 30, 0, 512);
    }
    else {
      is (error_of ($socket, 30, 'READ'), 1, "extended READ of $name");
    }
  }
  give ($socket, extended_request ($CMD{CACHE}, 0, 31, 0, 512));
  is (error_of ($socket, 31, 'CACHE'), $rights =~ /r/ ? 0 : 1,
      "extended CACHE of $name");
  leave ($socket, 1);
}

# What the description of an export tells of its disabled maps, cp1 and cp2: only
# of those that were granted.
sub description
{
  my ($name, @contexts) = @_;
  my @disabled = map { /^qemu:dirty-bitmap:(cp\d)$/ ? " '$1'" : () } @contexts;
  return "disk $name" . (@disabled ? ', disabled dirty maps:' : '')
    . join ('', @disabled);
}

my (%rights, %maps);
for (@ARGV) {
  my ($name, $rights, $maps) = /^(\w+)=([-lrm]+):?(.*)$/ or die "wrong: $_\n";
  $rights{$name} = $rights;
  $maps{$name} = [sort (@base, map { "qemu:dirty-bitmap:$_" }
                               split (/,/, $maps))];
}

my $socket = start ();
ask ($socket, $OPT{STRUCTURED_REPLY}, '', $REP{ACK}, 'STRUCTURED_REPLY');
my %listed = map { unpack ('N/a a*', $_->[1]) }
  ask ($socket, $OPT{LIST}, '', $REP{ACK}, 'LIST');
is ($listed{$_}, description ($_, @{$maps{$_}}), "LIST: description of $_")
  for keys %listed;
is (join (' ', sort keys %listed),
    join (' ', sort grep { $rights{$_} =~ /l/ } keys %rights), 'LIST');

my @open = grep { $rights{$_} =~ /[rm]/ } keys %rights;
is (outcome ($socket, $OPT{INFO}, info_data ('')),
    @open == 1 ? $REP{ACK} : $REP{UNKNOWN}, 'INFO of the empty name');

for my $name (sort keys %rights) {
  my $rights = $rights{$name};
  my $see = $rights =~ /[lrm]/ ? $REP{ACK} : $REP{UNKNOWN};
  is (outcome ($socket, $OPT{INFO}, info_data ($name)), $see, "INFO of $name");
  is (outcome ($socket, $OPT{LIST_META}, meta_data ($name)), $see,
      "LIST_META of $name");
  is (outcome ($socket, $OPT{SET_META}, meta_data ($name, @base, @names)), $see,
      "SET_META of $name");
  if ($see == $REP{ACK}) {
    my %infos = map { unpack ('n a*', $_->[1]) }
      ask ($socket, $OPT{INFO}, info_data ($name, 2), $REP{ACK}, 'INFO');
    is ($infos{2}, description ($name, @{$maps{$name}}),
        "INFO: description of $name");
    for my $option (@OPT{qw(LIST_META SET_META)}) {
      my %contexts = contexts ($socket, $option, $name, @base, @names);
      is (join (' ', sort keys %contexts), "@{$maps{$name}}",
          "contexts of $name");
    }
    my %all = contexts ($socket, $OPT{LIST_META}, $name, 'qemu:', 'base:');
    is (join (' ', sort keys %all), "@{$maps{$name}}",
        "contexts of $name by wildcards");
  }

  my $export_name = start ();
  option ($export_name, $OPT{EXPORT_NAME}, $name);
  my $reply = take ($export_name, 10);
  is (defined $reply ? 1 : 0, $rights =~ /[rm]/ ? 1 : 0,
      "EXPORT_NAME of $name");
  close $export_name;

  if ($rights !~ /[rm]/) {
    is (outcome ($socket, $OPT{GO}, info_data ($name)),
        $rights =~ /l/ ? $REP{POLICY} : $REP{UNKNOWN}, "GO of $name");
    next;
  }
  my ($served, $size, undef, $contexts)
    = go ('structured', $name, @base, @names);
  give ($served, request ($CMD{STATUS}, 0, 1, 0, $size));
  my ($statuses) = statuses ($served, 1, $size);
  is (scalar keys %$statuses, scalar @{$maps{$name}},
      "block status of $name: contexts");
  # Their numbers do not tell of any that are hidden.
  is (join (' ', sort values %$contexts), join (' ', 0 .. $#{$maps{$name}}),
      "numbers of the contexts of $name");
  give ($served, request ($CMD{CACHE}, 0, 2, 0, 512));
  is (error_of ($served, 2, 'CACHE'), $rights =~ /r/ ? 0 : 1, "CACHE of $name");
  give ($served, request ($CMD{READ}, 0, 3, 0, 512));
  if ($rights =~ /r/) {
    my ($bytes) = read_chunks ($served, 3, 0, 512);
    is (length $bytes, 512, "READ of $name");
  }
  else {
    is (error_of ($served, 3, 'READ'), 1, "READ of $name");
  }
  # DF asks for the same bytes, and a payload for the same contexts.
  give ($served, request ($CMD{READ}, $DF, 4, 0, 512));
  if ($rights =~ /r/) {
    is (length ((read_chunks ($served, 4, 0, 512))[0]), 512,
        "READ with DF of $name");
  }
  else {
    is (error_of ($served, 4, 'READ'), 1, "READ with DF of $name");
  }
  leave ($served);
  extended ($name, $rights);

  # Contexts are for the name that they were selected by: the empty one is
  # another, also where it stands for the same export.
  next unless @open == 1;
  for (['', $name], [$name, ''], ['', ''], [$name, $name]) {
    my ($selected, $opened) = @$_;
    my $socket = start ();
    ask ($socket, $OPT{STRUCTURED_REPLY}, '', $REP{ACK}, 'STRUCTURED_REPLY');
    my %contexts = contexts ($socket, $OPT{SET_META}, $selected, @base, @names);
    is (join (' ', sort keys %contexts), "@{$maps{$name}}",
        "contexts of '$selected'");
    ask ($socket, $OPT{GO}, info_data ($opened), $REP{ACK}, "GO '$opened'");
    give ($socket, request ($CMD{STATUS}, 0, 5, 0, $size));
    if ($selected eq $opened) {
      my ($statuses) = statuses ($socket, 5, $size);
      is (scalar keys %$statuses, scalar keys %contexts, "'$opened': contexts");
    }
    else {
      is (error_of ($socket, 5, 'STATUS'), 22,
          "SET_META of '$selected', GO of '$opened'");
    }
    give ($socket, request ($CMD{READ}, $DF, 6, 0, 512));
    if ($rights =~ /r/) {
      read_chunks ($socket, 6, 0, 512);
    }
    else {
      is (error_of ($socket, 6, 'READ'), 1, "READ of '$opened'");
    }
    leave ($socket);
  }
}
print "$checks checks\n";
