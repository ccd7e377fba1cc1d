#!/usr/bin/env perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# e2e-random.pl: random disks, backed up whole and in a dozen increments.
#
#   e2e-random.pl FIRST COUNT LANES
#
# Each seed makes a disk of a random kind.  QEMU changes it at random
# (qemu-io, qemu-img resize), qemu-img rotates its dirty bitmaps, and
# backup-pull follows, through nbdkit with our plugin and through qemu-nbd -B.
# After each increment qemu-img checks the file and compares its chain with the
# disk, and the bytes that were pulled must be exactly those granules that this
# script knows to have been touched.  In the end the disk must equal the raw
# copy that this script has kept by itself, so that no two mistakes of QEMU and
# ours can agree.
#
# Seeds run in LANES processes.  A seed that fails prints all of its commands.

use strict;
use warnings;
use Cwd qw(getcwd);
use Fcntl qw(F_SETFD);
use File::Path qw(remove_tree);
use IO::Socket::UNIX;
use JSON::PP qw(decode_json);
use POSIX qw(_exit);

my $INCREMENTS = 12;
my @log; # every command of the current seed

# ---- Small things -------------------------------------------------------

sub pick { return $_[rand @_] }
sub chance { return rand () < $_[0] }
sub min { return $_[0] < $_[1] ? $_[0] : $_[1] }
sub max { return $_[0] > $_[1] ? $_[0] : $_[1] }
sub down { return $_[0] - $_[0] % $_[1] }
sub up { return down ($_[0] + $_[1] - 1, $_[1]) }

sub write_file
{
  my ($name, $text) = @_;
  open my $file, '>:raw', $name or die "$name: $!\n";
  print $file $text or die "$name: $!\n";
  close $file or die "$name: $!\n";
}

sub read_file
{
  my ($name) = @_;
  open my $file, '<:raw', $name or die "$name: $!\n";
  local $/;
  my $text = <$file>;
  return defined $text ? $text : '';
}

# In the child: standard output and error go to files.
sub redirect_and_exec
{
  my ($out, $err, @command) = @_;
  open STDOUT, '>', $out or _exit (126);
  open STDERR, '>', $err or _exit (126);
  { no warnings 'exec'; exec @command; }
  _exit (127);
}

# Run a command; it must end with 0.  Returns what it printed.
sub run
{
  my @command = @_;
  push @log, join ' ', map { /[^\w.,:=\/+-]/ ? "'$_'" : $_ } @command;
  my $pid = fork // die "fork: $!\n";
  redirect_and_exec ('out', 'err', @command) if $pid == 0;
  waitpid $pid, 0;
  die "'$command[0]' ended with wait status $?:\n",
    read_file ('out'), read_file ('err') if $?;
  return read_file ('out');
}

# ---- Servers ------------------------------------------------------------

# The socket is made here and handed over as systemd does it, so nobody needs
# to wait until the server listens.
sub start_server
{
  my ($preload, @command) = @_;
  unlink 'sock';
  my $listener = IO::Socket::UNIX->new (Local => 'sock', Listen => 16)
    or die "socket: $!\n";
  push @log, join (' ', @command) . ' &';
  my $pid = fork // die "fork: $!\n";
  if ($pid == 0) {
    POSIX::dup2 (fileno ($listener), 3);
    fcntl ($listener, F_SETFD, 0); # it may have been descriptor 3 already
    $ENV{LISTEN_PID} = $$;
    $ENV{LISTEN_FDS} = 1;
    if ($preload) { # a plugin that is built with sanitizers needs it
      $ENV{LD_PRELOAD} = $ENV{SANITIZE_PRELOAD};
      $ENV{ASAN_OPTIONS} = "$ENV{ASAN_OPTIONS}:detect_leaks=0";
    }
    redirect_and_exec ('server.out', 'server.err', @command);
  }
  return $pid;
}

sub stop_server
{
  my ($pid) = @_;
  kill TERM => $pid;
  waitpid $pid, 0;
  die "the server ended with wait status $?:\n", read_file ('server.err')
    if $?;
}

sub start_nbdkit
{
  my ($disk) = @_;
  my @filter;
  # Servers with blocks of their own, which must be obeyed.
  if (chance (0.25)) {
    my $least = 1 << pick (9 .. 12);
    @filter = ('--filter=blocksize-policy', "blocksize-minimum=$least",
               "blocksize-preferred=$least",
               'blocksize-maximum=' . pick (16384, 131072),
               'blocksize-error-policy=error') if $disk->{size} % $least == 0;
  }
  my @flag = splice @filter, 0, 1;
  return start_server ($ENV{SANITIZE_PRELOAD}, 'nbdkit', '-f', @flag,
                       $ENV{PULLBACK_PLUGIN}, 'disk=vda=disk.qcow2', @filter);
}

sub start_qemu_nbd
{
  my ($bitmap) = @_;
  return start_server ('', 'qemu-nbd', '-r', '-t', '-f', 'qcow2',
                       chance (0.5) ? ('-e', 8) : (),
                       defined $bitmap ? ('-B', $bitmap) : (), 'disk.qcow2');
}

# ---- The disk and its model ---------------------------------------------

# What QEMU's dirty bitmaps record: one byte a granule, "\1" where dirty.
sub touch
{
  my ($disk, $offset, $length) = @_;
  for my $cp (@{$disk->{checkpoints}}) {
    my $first = int ($offset / $cp->{granularity});
    my $last = int (($offset + $length - 1) / $cp->{granularity});
    substr ($cp->{dirty}, $first, $last - $first + 1)
      = "\1" x ($last - $first + 1);
  }
}

sub change
{
  my ($disk, $offset, $bytes) = @_;
  substr ($disk->{bytes}, $offset, length $bytes) = $bytes;
}

# A backing chain of raw and qcow2 files, shorter and longer than the disk.
# Returns its content and the options for the file on top of it.
sub make_backing
{
  my ($depth, $size) = @_;
  my ($bytes, @top) = ('');
  for my $level (1 .. $depth) {
    my $length = 512 * max (1, int ($size / 512 * pick (0.3, 0.7, 1, 1, 1.4)));
    $bytes = substr ($bytes . "\0" x $length, 0, $length);
    my $format = $level == 1 && chance (0.5) ? 'raw' : 'qcow2';
    my $name = "backing$level.$format";
    my @commands;
    for (1 .. 3) {
      my $offset = int (rand ($length / 512)) * 512;
      my $count = min ($length - $offset, 512 * (1 + int (rand (200))));
      my $byte = 1 + int (rand (255));
      substr ($bytes, $offset, $count) = chr ($byte) x $count;
      push @commands, '-c', "write -P $byte $offset $count";
    }
    if ($format eq 'raw') {
      # A raw file need not end with a sector.
      $bytes = substr ($bytes, 0, $length - int (rand (512))) if chance (0.5);
      write_file ($name, $bytes);
      push @log, "(the file $name is written by this script)";
    }
    else {
      my @compat = chance (0.3) ? ('-o', 'compat=0.10') : ();
      my $cluster = 1 << pick (9 .. 18);
      run ('qemu-img', 'create', '-q', '-f', 'qcow2', @compat,
           '-o', "cluster_size=$cluster", @top, $name, $length);
      run ('qemu-io', '-f', 'qcow2', @commands, $name);
    }
    @top = ('-b', $name, '-F', $format);
  }
  return ($bytes, @top);
}

sub make_disk
{
  my $cluster = 1 << pick (9 .. 16, 12, 16, 16, 21);
  my $size = 512 * (1 + int (rand (min (12000, $cluster * pick (1, 8, 30) / 64
                                        + 2000))));
  $size = up ($size, $cluster) if chance (0.2);
  my $extended = $cluster >= 16384 && chance (0.4);
  my $depth = pick (0, 0, 1, 2, 3);
  my ($bytes, @backing) = make_backing ($depth, $size);
  my @options = ("cluster_size=$cluster");
  push @options, 'extended_l2=on' if $extended;
  push @options, 'compression_type=zstd' if chance (0.4);
  push @options, 'lazy_refcounts=on' if chance (0.1);
  push @options, 'refcount_bits=' . pick (8, 32, 64) if chance (0.2);
  push @options, 'preallocation=metadata'
    if !@backing && !$extended && chance (0.15);
  run ('qemu-img', 'create', '-q', '-f', 'qcow2',
       (map { ('-o', $_) } @options), @backing, 'disk.qcow2', $size);
  return {
    size => $size,
    cluster => $cluster,
    bytes => substr ($bytes . "\0" x $size, 0, $size),
    checkpoints => [],
    what => "$size bytes, depth $depth, @options",
  };
}

# ---- Changes ------------------------------------------------------------

# A range in units that are as small as a sector, or as large as clusters.
sub random_range
{
  my ($disk) = @_;
  my $unit = pick (1, 512, 4096, $disk->{cluster});
  my $offset = down (int (rand ($disk->{size})), $unit);
  my $length = chance (0.7) ? $unit * (1 + int (rand (8)))
                            : int (rand ($disk->{size} / 4)) + 1;
  $length = $disk->{size} - $offset if chance (0.05);
  return ($offset, min ($length, $disk->{size} - $offset));
}

sub op_pattern
{
  my ($disk) = @_;
  my ($offset, $length) = random_range ($disk);
  my $byte = int (rand (256)) * pick (0, 1, 1, 1);
  return { command => "write -P $byte $offset $length", offset => $offset,
           length => $length, bytes => chr ($byte) x $length };
}

# Bytes that do not compress, and are different everywhere.
sub op_random
{
  my ($disk) = @_;
  my ($offset, $length) = random_range ($disk);
  my $source = $disk->{source};
  my $bytes = substr ($source x (1 + $length / length $source), 0, $length);
  return { command => "write -s source $offset $length", offset => $offset,
           length => $length, bytes => $bytes };
}

sub op_zeroes
{
  my ($disk) = @_;
  my ($offset, $length) = random_range ($disk);
  my $flags = pick ('-z', '-z -u');
  return { command => "write $flags $offset $length", offset => $offset,
           length => $length, bytes => "\0" x $length };
}

# A discard is recorded as it is asked for, and takes effect on whole clusters
# (the disk's last one may be short).
sub op_discard
{
  my ($disk, $offset, $length) = @_;
  ($offset, $length) = random_range ($disk) unless defined $offset;
  my $op = { command => "discard $offset $length", offset => $offset,
             length => $length };
  if (!$disk->{unmap}) {
    $op->{is_ignored} = 1;
    return $op;
  }
  my $end = $offset + $length;
  my $first = up ($offset, $disk->{cluster});
  $end = down ($end, $disk->{cluster}) if $end < $disk->{size};
  if ($first < $end) {
    $op->{bytes_offset} = $first;
    $op->{bytes} = "\0" x ($end - $first);
  }
  return $op;
}

# QEMU compresses only into clusters that have no place yet; else it fails, and
# the bitmaps record that all the same.
sub op_compressed
{
  my ($disk, $offset) = @_;
  my $length = min ($disk->{cluster}, $disk->{size} - $offset);
  my ($bytes, $what) = chance (0.8)
    ? (chr (77) x $length, '-P 77')
    : (substr ($disk->{source} x (1 + $length / length $disk->{source}),
               0, $length), '-s source');
  return { command => "write -c $what $offset $length", offset => $offset,
           length => $length, bytes => $bytes, may_fail => 1 };
}

# Last, and of different clusters: QEMU 7.2 damages an image when a cluster
# that it has just compressed is freed and others follow.
sub ops_compressed
{
  my ($disk, $count) = @_;
  my %offsets = map { down (int (rand ($disk->{size})), $disk->{cluster}) => 1 }
    1 .. $count;
  my @offsets = sort { $a <=> $b } keys %offsets;
  my @discards = map { op_discard ($disk, $_, min ($disk->{cluster},
                                                   $disk->{size} - $_)) }
    grep { chance (0.7) } @offsets;
  return (@discards, map { op_compressed ($disk, $_) } @offsets);
}

sub op_plain
{
  my ($disk) = @_;
  my $r = rand ();
  return $r < 0.40 ? op_pattern ($disk)
       : $r < 0.65 ? op_random ($disk)
       : $r < 0.82 ? op_zeroes ($disk)
                   : op_discard ($disk);
}

# One qemu-io changes the disk; what it says decides what has happened.
sub change_disk
{
  my ($disk, $count) = @_;
  my $kib = pick (1, 8, 64);
  $disk->{source} = pack 'L*', map { int (rand (2 ** 32)) } 1 .. 256 * $kib;
  write_file ('source', $disk->{source});
  $disk->{unmap} = chance (0.7);
  my @ops = map { op_plain ($disk) } 1 .. $count;
  push @ops, ops_compressed ($disk, int (rand (4))) if chance (0.5);
  my @command = ('qemu-io', '-f', 'qcow2',
                 '-d', $disk->{unmap} ? 'unmap' : 'ignore',
                 (map { ('-c', $_->{command}) } @ops), 'disk.qcow2');
  my $said = eval { run (@command) };
  # Its exit status is that of the commands; standard error says no more.
  $said = read_file ('out') unless defined $said;
  my @results = $said =~ /^(wrote|discard|[a-z]+ failed)\b.*$/mg;
  die "qemu-io said:\n$said", read_file ('err') if @results != @ops;
  for my $op (@ops) {
    my $result = shift @results;
    die "qemu-io: $op->{command}: $result\n$said"
      if $result =~ /failed/ && !$op->{may_fail};
    next if $op->{is_ignored};
    touch ($disk, $op->{offset}, $op->{length});
    change ($disk, $op->{bytes_offset} // $op->{offset}, $op->{bytes})
      if $result !~ /failed/ && defined $op->{bytes};
  }
}

# QEMU's bitmaps do not record a change of size.  An increment pulls what lies
# beyond the end of its backing file; but where a disk has been made smaller
# and then larger again, only a new full backup is right.
sub resize
{
  my ($disk) = @_;
  my $size = 512 * max (1, int ($disk->{size} / 512
                                * pick (0.4, 0.9, 1.1, 1.6)));
  return if $size == $disk->{size} || $size > 8 << 20;
  run ('qemu-img', 'resize', '-q', '-f', 'qcow2', '--shrink', 'disk.qcow2',
       $size);
  @{$disk->{checkpoints}}
    = grep { $size < $disk->{size} || $_->{backup_size} <= $disk->{size} }
      @{$disk->{checkpoints}};
  for my $cp (@{$disk->{checkpoints}}) {
    my $granules = up ($size, $cp->{granularity}) / $cp->{granularity};
    $cp->{dirty} = substr ($cp->{dirty} . "\0" x $granules, 0, $granules);
  }
  $disk->{bytes} = substr ($disk->{bytes} . "\0" x $size, 0, $size);
  $disk->{size} = $size;
}

# ---- Backups ------------------------------------------------------------

# Bytes that an increment with these granules must have pulled, or have written
# as zeroes.
sub expected_bytes
{
  my ($disk, $base, $granule) = @_;
  my $size = $disk->{size};
  my $wanted = "\0" x (up ($size, $granule) / $granule);
  my $mark = sub {
    my ($start, $end) = @_;
    my $first = int ($start / $granule);
    my $count = up (min ($end, $size), $granule) / $granule - $first;
    substr ($wanted, $first, $count) = "\1" x $count;
  };
  while ($base->{dirty} =~ /\x01+/g) {
    $mark->($-[0] * $base->{granularity}, $+[0] * $base->{granularity});
  }
  # A backup's size is that of its disk rounded up to a sector, so its last
  # sector may be new as well.
  $mark->($base->{backup_size} - 512, $size) if $base->{backup_size} < $size;
  my $bytes = ($wanted =~ tr/\x01//) * $granule;
  $bytes -= up ($size, $granule) - $size if $wanted =~ /\x01\z/;
  return $bytes;
}

sub verify
{
  my ($disk, $base, $output, $report) = @_;
  my $bytes = $report->{bytes};
  die "status $report->{status}\n" if $report->{status} ne 'done';
  die "size $report->{size}\n" if $report->{size} != $disk->{size};
  die "$output.partial is left\n" if -e "$output.partial";
  die "backup-pull said: ", read_file ('err') if -s 'err';
  die "of $bytes->{dirty} dirty bytes $bytes->{pulled} were pulled\n"
    if $bytes->{pulled} != $bytes->{dirty};
  my $all = $bytes->{clean} + $bytes->{dirty} + $bytes->{'dirty-zero'};
  die "$all bytes in all\n" if $all != $disk->{size};
  # Blocks of the server larger than the output's clusters widen extents.
  my $granule = max ($report->{'cluster-size'}, $disk->{min_block});
  my $changed = $bytes->{dirty} + $bytes->{'dirty-zero'};
  my $expected = $base ? expected_bytes ($disk, $base, $granule)
                       : $disk->{size};
  die "$changed bytes have changed, not $expected\n" if $changed != $expected;
  run ('qemu-img', 'check', '-q', '-f', 'qcow2', $output);
  my $said = run ('qemu-img', 'compare', '-f', 'qcow2', '-F', 'qcow2',
                  'disk.qcow2', $output);
  die "qemu-img compare: $said" if $said !~ /^Images are identical\.$/m
    || $said =~ /Warning/;
}

# Random ways to ask for the same thing.
sub pull_options
{
  my ($disk) = @_;
  my @options = ('-C', pick (1, 2, 4), '-R', pick (1, 4, 64));
  push @options, '--request-size', pick ('4k', '64k', '1M') if chance (0.5);
  push @options, '--cluster-size', 1 << pick (9 .. 21) if chance (0.6);
  push @options, '--compress' . pick ('', '=zlib', '=zstd', '=zlib:9',
                                      '=zstd:1') if chance (0.4);
  return @options;
}

sub pull
{
  my ($disk, $server, $base, $output) = @_;
  my $bitmap = $base ? $base->{name} : undef;
  my ($export, $pid) = $server eq 'nbdkit'
    ? ('vda', start_nbdkit ($disk))
    : ('', start_qemu_nbd ($bitmap));
  $disk->{min_block} = $log[-1] =~ /blocksize-minimum=(\d+)/ ? $1 : 1;
  my @increment = $base ? ('--bitmap', $bitmap, '--backing', $base->{backup})
                        : ();
  my $report = eval {
    decode_json (run ('backup-pull', '--json', @increment,
                      pull_options ($disk),
                      "nbd+unix:///$export?socket=sock", $output));
  };
  if (!$report) {
    my $error = $@;
    eval { stop_server ($pid) };
    die $error, $@;
  }
  stop_server ($pid);
  my $source = !$base ? 'none' : $server eq 'nbdkit' ? 'export' : 'context';
  die "map source $report->{map}{source}, not $source\n"
    if $report->{map}{source} ne $source;
  verify ($disk, $base, $output, $report);
}

# Through one kind of server or both.  Returns the file to go on with.
sub back_up
{
  my ($disk, $base, $name) = @_;
  my @servers = $disk->{step}++ % 2 ? ('nbdkit') : ('qemu-nbd');
  @servers = ('nbdkit', 'qemu-nbd') if chance (0.25);
  pull ($disk, $_, $base, "$name-$_.qcow2") for @servers;
  return "$name-" . pick (@servers) . '.qcow2';
}

sub add_checkpoint
{
  my ($disk, $number) = @_;
  my $granularity = 1 << pick (9 .. 17, 9, 16);
  run ('qemu-img', 'bitmap', '--add', '-g', $granularity, 'disk.qcow2',
       "b$number");
  return {
    name => "b$number",
    granularity => $granularity,
    dirty => "\0" x (up ($disk->{size}, $granularity) / $granularity),
  };
}

# The point in time of a checkpoint is when its bitmap is added; the backup
# that follows is its content, in full or on top of an older one.
sub checkpoint_and_back_up
{
  my ($disk, $number) = @_;
  my $old = $disk->{checkpoints};
  my $base = @$old ? chance (0.8) ? $old->[-1] : pick (@$old) : undef;
  my $new = add_checkpoint ($disk, $number);
  $new->{backup} = back_up ($disk, $base, "backup$number");
  $new->{backup_size} = $disk->{size};
  push @$old, $new;
  if (@$old > 2 && chance (0.3)) {
    my ($gone) = splice @$old, int (rand ($#$old)), 1;
    run ('qemu-img', 'bitmap', '--remove', 'disk.qcow2', $gone->{name});
  }
}

sub run_seed
{
  my ($seed) = @_;
  srand $seed;
  @log = ();
  my $disk = make_disk ();
  $disk->{step} = $seed;
  change_disk ($disk, 1 + int (rand (20)));
  checkpoint_and_back_up ($disk, 0);
  for my $number (1 .. $INCREMENTS) {
    resize ($disk) if chance (0.08);
    change_disk ($disk, 1 + int (rand (11))) unless chance (0.05);
    checkpoint_and_back_up ($disk, $number);
  }
  write_file ('model.raw', $disk->{bytes});
  my $said = run ('qemu-img', 'compare', '-f', 'raw', '-F', 'qcow2',
                  'model.raw', 'disk.qcow2');
  die "model: $said" if $said =~ /Warning/;
  run ('qemu-img', 'check', '-q', '-f', 'qcow2', 'disk.qcow2');
  return $disk->{what};
}

# ---- Lanes --------------------------------------------------------------

# Returns the number of seeds that failed.
sub run_lane
{
  my ($root, @seeds) = @_;
  my $failed = 0;
  for my $seed (@seeds) {
    my $folder = "$root/seed$seed";
    (mkdir ($folder) && chdir ($folder)) or die "$folder: $!\n";
    my $what = eval { run_seed ($seed) };
    if (defined $what) {
      print "SEED=$seed: $what\n";
      chdir $root;
      remove_tree ($folder);
    }
    else {
      $failed++;
      print map ({ "  $_\n" } @log), "SEED=$seed: FAILED: $@";
    }
  }
  return $failed;
}

my ($first, $count, $lanes) = @ARGV;
my @seeds = $first .. $first + $count - 1;
my $root = getcwd ();
$| = 1;
for my $lane (0 .. $lanes - 1) {
  my $pid = fork // die "fork: $!\n";
  next if $pid;
  my @mine = map { $seeds[$_] } grep { $_ % $lanes == $lane } 0 .. $#seeds;
  exit (run_lane ($root, @mine) ? 1 : 0);
}
my $result = 0;
while (wait != -1) {
  $result = 1 if $?;
}
exit $result;
