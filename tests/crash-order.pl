#!/usr/bin/env perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# crash-order.pl: what a power cut can leave of an output.
#
#   crash-order.pl TRACE NAME COUNT FOLDER SEED
#
# TRACE is strace's record (-f -xx, strings whole) of a program that writes
# NAME.partial and renames it to NAME.  First the order of its last steps is
# checked.  Then COUNT folders FOLDER/1, FOLDER/2... are made, each with what a
# file system may have after a power cut, at one of the last steps or at a random
# one: all that was synced, and of what was written later any part, down to
# sectors, in no order.

use strict;
use warnings;

my ($trace, $name, $count, $folder, $seed) = @ARGV;
srand $seed;
my (%handle, %unfinished, @events);

sub unhex
{
  my ($text) = @_;
  $text =~ s/\\x([0-9a-f]{2})/chr (hex ($1))/ge;
  return $text;
}

# One finished system call: remember it if it is about the output.
sub system_call
{
  my ($call, $args, $result) = @_;
  return if $result < 0;
  if ($call eq 'openat') {
    my ($path, $flags) = $args =~ /^[^,]*, "([^"]*)", (\S+)/ or die $args;
    $path = unhex ($path);
    $handle{$result} = $path eq "$name.partial" ? 'file'
                     : $flags =~ /O_DIRECTORY/ ? 'folder' : '';
    return;
  }
  if ($call =~ /^renameat/) {
    my @names = map { unhex ($_) } $args =~ /"([^"]*)"/g;
    push @events, { what => 'rename' }
      if $names[0] eq "$name.partial" && $names[1] eq $name;
    return;
  }
  my ($fd) = $args =~ /^(\d+)/ or return;
  my $kind = $handle{$fd} || '';
  if ($call eq 'close') {
    delete $handle{$fd};
  }
  elsif ($kind eq 'folder') {
    push @events, { what => 'sync folder' } if $call eq 'fsync';
  }
  elsif ($kind eq 'file' && $call =~ /^f(data)?sync$/) {
    push @events, { what => 'sync', call => $call };
  }
  elsif ($kind eq 'file' && $call eq 'ftruncate') {
    push @events, { what => 'size', size => ($args =~ /, (\d+)/)[0] };
  }
  elsif ($kind eq 'file' && $call eq 'pwrite64') {
    my ($bytes, $offset) = $args =~ /"([^"]*)", \d+, (\d+)/ or die $args;
    $bytes = substr (unhex ($bytes), 0, $result);
    push @events, { what => 'write', bytes => $bytes, offset => $offset };
  }
}

sub read_trace
{
  open my $file, '<', $trace or die "$trace: $!\n";
  while (my $line = <$file>) {
    my ($pid, $rest) = $line =~ /^(\d+)\s+(.*)$/ or next;
    if ($rest =~ /^(\w+)\((.*) <unfinished \.\.\.>$/) {
      $unfinished{$pid} = [$1, $2];
      # A write has not been waited for by a sync that begins before it ends.
      push @events, { what => 'begin', pid => $pid } if $1 eq 'pwrite64';
    }
    elsif ($rest =~ /^<\.\.\. (\w+) resumed>(.*)\)\s+= (-?\d+)/) {
      my ($call, $args) = @{delete $unfinished{$pid}};
      @events = grep { ($_->{pid} // 0) != $pid } @events;
      system_call ($call, $args . $2, $3);
    }
    elsif ($rest =~ /^(\w+)\((.*)\)\s+= (-?\d+)/) {
      system_call ($1, $2, $3);
    }
  }
}

# Data and tables, sync, the header, sync, the mark, sync, the name, its sync.
sub check_order
{
  my $order = join ' ', map {
    my $e = $_;
    $e->{what} ne 'write' ? $e->{what} eq 'sync' ? $e->{call} : $e->{what}
    : $e->{offset} == 0 ? 'header'
    : $e->{offset} == 72 && length ($e->{bytes}) == 8 ? 'mark'
    : 'write'
  } @events;
  $order =~ s/\bsync folder\b/folder/;
  $order =~ s/\b(write|size)( (write|size))*\b/data/g;
  print "order: $order\n";
  die "not crash-safe\n" unless $order eq 'header data fdatasync header '
    . 'fdatasync mark fsync rename folder';
}

# Put a write into the file, whole or by sectors.
sub apply
{
  my ($image, $event, $torn) = @_;
  my $length = length $event->{bytes};
  for (my $at = 0; $at < $length;) {
    my $n = 512 - ($event->{offset} + $at) % 512;
    $n = $length - $at if !$torn || $n > $length - $at;
    if (!$torn || rand () < 0.5) {
      my $end = $event->{offset} + $at + $n;
      $$image .= "\0" x ($end - length $$image) if $end > length $$image;
      substr ($$image, $event->{offset} + $at, $n)
        = substr ($event->{bytes}, $at, $n);
    }
    $at += $n;
  }
}

# The state after the first $end events.
sub crash_state
{
  my ($end) = @_;
  my $image = '';
  my ($last_sync, $is_renamed) = (-1, 0);
  for my $i (0 .. $end - 1) {
    $last_sync = $i if $events[$i]{what} eq 'sync';
    $is_renamed = rand () < 0.5 if $events[$i]{what} eq 'rename';
    $is_renamed = 1 if $events[$i]{what} eq 'sync folder';
  }
  my $torn = rand () < 0.5;
  for my $i (0 .. $end - 1) {
    my $event = $events[$i];
    next if $i > $last_sync && rand () < 0.5;
    apply (\$image, $event, $torn && $i > $last_sync)
      if $event->{what} eq 'write';
    $image = substr ($image . "\0" x $event->{size}, 0, $event->{size})
      if $event->{what} eq 'size';
  }
  return ($image, $is_renamed ? $name : "$name.partial");
}

read_trace ();
check_order ();
for my $n (1 .. $count) {
  # After each of the last steps once, then anywhere.
  my $back = $n <= 12 && $n <= @events ? $n - 1 : int (rand (@events));
  my $end = @events - $back;
  my ($image, $file) = crash_state ($end);
  mkdir "$folder/$n" or die "$folder/$n: $!\n";
  open my $out, '>:raw', "$folder/$n/$file" or die "$file: $!\n";
  print $out $image;
  close $out or die "$file: $!\n";
}
