#!/usr/bin/env perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# state-crash.pl: what a power cut can leave of a state folder.
#
#   state-crash.pl TRACE INITIAL COUNT OUTPUT SEED
#
# TRACE is strace's record (-xx, strings whole) of a change of the folder
# "state", which was like INITIAL before.  For each moment of it COUNT folders
# OUTPUT/1, OUTPUT/2... are made, each with a folder "state" as a file system may
# have it after a power cut then, and a file "actions" with what had been done
# to images.  What was synced is there.  Of what came later, any part is: names
# made, replaced and removed in no order, and files of which nothing was
# written, or a part, or zeroes.

use strict;
use warnings;

my ($trace, $initial, $count, $output, $seed) = @ARGV;
srand $seed;

# Each event: what it is, and of which file (a number) or folder.
my (%handle, @events, $nr_files);

sub unhex
{
  my ($text) = @_;
  $text =~ s/\\x([0-9a-f]{2})/chr (hex ($1))/ge;
  return $text;
}

# The folder that the descriptor is of, or undef.
sub folder_of
{
  my ($fd) = @_;
  return $handle{$fd} ? $handle{$fd}{folder} : undef;
}

sub opened
{
  my ($args, $fd) = @_;
  my ($at, $path, $flags) = $args =~ /^([^,]*), "([^"]*)", ([^,]+)/
    or die $args;
  my $parent = $at eq 'AT_FDCWD' ? undef : folder_of ($at);
  $path = unhex ($path);
  delete $handle{$fd};
  if ($flags =~ /O_DIRECTORY/) {
    $handle{$fd} = { folder => 'state' } if $path =~ m{/state$};
    $handle{$fd} = { folder => 'checkpoints' }
      if $parent && $path eq 'checkpoints';
  }
  elsif ($parent && $flags =~ /O_EXCL/) {
    $handle{$fd} = { file => ++$nr_files };
    push @events, { what => 'name', folder => $parent, name => $path,
                    file => $nr_files };
  }
  elsif ($path eq 'log') {
    $handle{$fd} = { log => 1 };
  }
}

sub written
{
  my ($fd, $args, $length) = @_;
  my ($bytes) = $args =~ /"([^"]*)"/ or die $args;
  $bytes = substr (unhex ($bytes), 0, $length);
  push @events, { what => 'action', line => $bytes } if $handle{$fd}{log};
  push @events, { what => 'write', file => $handle{$fd}{file},
                  bytes => $bytes } if $handle{$fd}{file};
}

sub system_call
{
  my ($call, $args, $result) = @_;
  return if $result < 0;
  return opened ($args, $result) if $call eq 'openat';
  my ($fd) = $args =~ /^(\d+)/ or return;
  my @names = map { unhex ($_) } $args =~ /"([^"]*)"/g;
  my $folder = folder_of ($fd);
  if ($call eq 'close') {
    delete $handle{$fd};
  }
  elsif ($call eq 'write') {
    written ($fd, $args, $result) if $handle{$fd};
  }
  elsif ($call eq 'fsync') {
    push @events, { what => 'sync', %{$handle{$fd}} } if $handle{$fd};
  }
  elsif ($folder && $call =~ /^renameat/) {
    push @events, { what => 'rename', folder => $folder, name => $names[0],
                    to => $names[1] };
  }
  elsif ($folder && $call eq 'unlinkat') {
    push @events, { what => 'unlink', folder => $folder, name => $names[0] };
  }
}

sub read_trace
{
  open my $file, '<', $trace or die "$trace: $!\n";
  while (<$file>) {
    system_call ($1, $2, $3) if /^(\w+)\((.*)\)\s+= (-?\d+)/;
  }
}

# What is in the folders before: a name is a text.
sub read_initial
{
  my %folders = (state => {}, checkpoints => {});
  for my $path (glob "$initial/* $initial/checkpoints/*") {
    next unless -f $path;
    my ($folder, $name) = $path =~ m{([^/]*)/([^/]*)$};
    open my $file, '<:raw', $path or die "$path: $!\n";
    local $/;
    my $text = <$file>;
    $folders{$folder eq 'checkpoints' ? $folder : 'state'}{$name}
      = { text => $text };
  }
  return \%folders;
}

# What of a file is there after the first $end events.
sub text_of
{
  my ($number, $end) = @_;
  my ($synced, $text) = ('', '');
  for my $event (@events[0 .. $end - 1]) {
    next unless ($event->{file} // 0) == $number;
    $text .= $event->{bytes} if $event->{what} eq 'write';
    $synced = $text if $event->{what} eq 'sync';
  }
  return $text if $synced eq $text || rand () < 0.3;
  my $rest = length ($text) - length ($synced);
  return $synced . "\0" x $rest if rand () < 0.3;
  return $synced . substr ($text, length ($synced), int (rand ($rest)));
}

sub crash_state
{
  my ($end) = @_;
  my $folders = read_initial ();
  my %last_sync = (state => -1, checkpoints => -1);
  my $actions = '';
  for my $i (0 .. $end - 1) {
    my $event = $events[$i];
    $last_sync{$event->{folder}} = $i
      if $event->{what} eq 'sync' && $event->{folder};
    $actions .= $event->{line} if $event->{what} eq 'action';
  }
  for my $i (0 .. $end - 1) {
    my $event = $events[$i];
    my $names = $folders->{$event->{folder} // ''} or next;
    next if $i > $last_sync{$event->{folder}} && rand () < 0.5;
    if ($event->{what} eq 'name') {
      $names->{$event->{name}} = { file => $event->{file} };
    }
    elsif ($event->{what} eq 'rename') {
      delete $names->{$event->{name}};
      $names->{$event->{to}} = { file => $event->{moved} };
    }
    elsif ($event->{what} eq 'unlink') {
      delete $names->{$event->{name}};
    }
  }
  return ($folders, $actions);
}

# Which file each rename moves.
sub find_moved
{
  my %files;
  for my $event (@events) {
    next unless $event->{folder} && defined $event->{name};
    my $key = "$event->{folder}/$event->{name}";
    $files{$key} = $event->{file} if $event->{what} eq 'name';
    if ($event->{what} eq 'rename') {
      $event->{moved} = delete $files{$key} or die "$key: renamed from where?";
    }
  }
}

sub put
{
  my ($path, $text) = @_;
  open my $out, '>:raw', $path or die "$path: $!\n";
  print $out $text;
  close $out or die "$path: $!\n";
}

read_trace ();
find_moved ();
my $n = 0;
for my $end (0 .. @events) {
  for (1 .. $count) {
    my ($folders, $actions) = crash_state ($end);
    my $where = "$output/" . ++$n;
    mkdir $_ or die "$_: $!\n"
      for $where, "$where/state", "$where/state/checkpoints";
    for my $folder (keys %$folders) {
      my $path = "$where/state"
        . ($folder eq 'checkpoints' ? '/checkpoints' : '');
      for my $name (keys %{$folders->{$folder}}) {
        my $file = $folders->{$folder}{$name};
        put ("$path/$name", $file->{text} // text_of ($file->{file}, $end));
      }
    }
    put ("$where/actions", $actions);
  }
}
my @order = map {
  $_->{what} eq 'sync' ? 'sync ' . ($_->{folder} // 'file')
  : $_->{what} eq 'action' ? $_->{line} =~ s/\n//r
  : $_->{what} eq 'name' ? "make $_->{name}"
  : $_->{what} eq 'write' ? 'write'
  : "$_->{what} $_->{name}"
} @events;
print "order: ", join (', ', @order), "\n$n states\n";
