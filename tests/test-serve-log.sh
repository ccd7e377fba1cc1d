#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The log of backup-serve: every refusal with who and why, but no client can
# fill it, write into it what looks like something else, or hold up the server
# by way of whoever reads it.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/serve-functions.sh"

export CLIENT=$abs_top_srcdir/tests/serve-client.pl SOCKET=$dir/s
make_disks
# client CODE: a client by hand, with all of serve-client.pl.
client ()
{
  perl -e 'require $ENV{CLIENT}; our (%OPT, %REP, %CMD, $DF);' -e "$1" ||
    { cat s.log >&2; fail 'a client by hand'; }
}
# left: when the clients that have come so far are gone.
left ()
{
  wait_for 'the clients to be gone' bash -c \
    "[ \$(ls /proc/$serve_pid/task | wc -l) -eq 1 ]"
}

# Of one client's refusals the first are told, and how many there were.
start_serve s vda=a.qcow2
client 'my $s = start ();
        ask ($s, $OPT{GO}, info_data ("nothing"), $REP{UNKNOWN}, "GO")
          for 1 .. 1000;
        close $s;'
left
lines=$(wc -l <s.log)
[ "$lines" -ge 5 ] && [ "$lines" -le 20 ] || fail "$lines lines of one client"
expect_log s.log 'client 1 (unix uid'
expect_log s.log "refused: there is no export 'nothing'"
[ $((lines - 1 + $(sed -n 's/.* \([0-9]*\) more such lines .*/\1/p' s.log))) \
  -eq 1000 ] || { cat s.log >&2; fail 'not all are counted'; }
# The next client's are told again.
client 'my $s = start ();
        ask ($s, $OPT{LIST}, "x", $REP{INVALID}, "LIST"); close $s;'
left
expect_log s.log 'client 2 (unix uid'
[ "$(wc -l <s.log)" -eq $((lines + 1)) ] || fail 'lines of the second client'
end_serve s

# So it is with -v, which tells of options that are only tried.
start_serve s -v vda=a.qcow2
client 'my $s = start ();
        ask ($s, 99, "", $REP{UNSUP}, "option 99") for 1 .. 1000; close $s;'
left
[ "$(grep -c 'client ' s.log)" -le 20 ] || fail 'lines with -v'
expect_log s.log 'option 99 is not supported'
end_serve s

# A disk that cannot be read is said as often, not with each request.
qemu-img create -q -f qcow2 -o cluster_size=64k bad.qcow2 1M
qemu-io -c 'write -P 1 0 64k' bad.qcow2 >/dev/null
truncate -s 256k bad.qcow2
qemu-io -c 'write -P 1 512k 64k' bad.qcow2 >/dev/null
start_serve s vda=bad.qcow2
truncate -s 320k bad.qcow2 # the server has its tables, and not its data
client 'my ($s) = go ("simple", "vda");
        for (1 .. 200) {
          give ($s, request ($CMD{READ}, 0, $_, 512 << 10, 512));
          is (error_of ($s, $_, "READ"), 5, "a bad disk");
        }
        leave ($s);'
left
grep -q 'disk vda: ' s.log || { cat s.log >&2; fail 'the failure'; }
lines=$(wc -l <s.log)
[ "$lines" -le 20 ] || fail "$lines lines of a bad disk"
expect_log s.log 'more such lines'
end_serve s

# What a rule hides is refused, with who and why, by each way to it.
cat >rules <<END
allow user $(id -u) export vda map=b0 map=later
allow user $(id -u) export vdb list
END
start_serve s --access rules vda=a.qcow2 vdb=raw:c.raw vdc=raw:c.raw
client 'my $s = start ();
        ask ($s, $OPT{STRUCTURED_REPLY}, "", $REP{ACK}, "structured");
        contexts ($s, $OPT{SET_META}, "vda", map { "qemu:dirty-bitmap:$_" }
                  qw(b0 fine clean no-such));
        contexts ($s, $OPT{LIST_META}, "vda", "qemu:dirty-bitmap:clean");
        contexts ($s, $OPT{LIST_META}, "vda", "qemu:");
        ask ($s, $OPT{INFO}, info_data ("vdc"), $REP{UNKNOWN}, "INFO");
        ask ($s, $OPT{GO}, info_data ("vdb"), $REP{POLICY}, "GO");
        close $s;
        $s = start ();
        option ($s, $OPT{EXPORT_NAME}, "vdc");
        expect_close ($s, "EXPORT_NAME");
        $s = start ();
        option ($s, $OPT{EXPORT_NAME}, "vdb");
        expect_close ($s, "EXPORT_NAME");'
left
while read -r line; do
  grep -q "client $line" s.log || { cat s.log >&2; fail "not logged: $line"; }
done <<'END'
1 (.*): refused: no rule lets it see qemu:dirty-bitmap:fine qemu:dirty-bitmap:clean of export 'vda'
1 (.*): refused: no rule lets it see qemu:dirty-bitmap:clean of export 'vda'
1 (.*): refused: no rule lets it see export 'vdc'
1 (.*): refused: export 'vdb' may only be listed
2 (.*): disconnected: no rule lets it see export 'vdc'
3 (.*): disconnected: export 'vdb' may only be listed
END
! grep -q 'no-such\|later' s.log || fail 'what was not refused is logged'
[ "$(wc -l <s.log)" -eq 6 ] || { cat s.log >&2; fail 'other lines'; }
end_serve s

# Requests too.
echo "allow user $(id -u) export vda map" >rules
start_serve s --access rules vda=a.qcow2
client 'my ($s) = go ("structured", "vda");
        for (1 .. 100) {
          give ($s, request ($CMD{READ}, 0, 1, 0, 512));
          is (error_of ($s, 1, "READ"), 1, "READ");
          give ($s, request ($CMD{WRITE}, 0, 2, 0, 4) . "abcd");
          is (error_of ($s, 2, "WRITE"), 1, "WRITE");
        }
        leave ($s);'
left
grep -q "client 1 (.*): refused: export 'vda': only the export's maps may be seen" s.log ||
  fail 'a read without the right'
grep -q "client 1 (.*): refused: export 'vda': the export is read-only" s.log ||
  fail 'a write'
expect_log s.log '184 more such lines were left out'
[ "$(wc -l <s.log)" -eq 17 ] || fail 'lines of refused requests'
end_serve s

# Names from outside are text: nothing in them moves a terminal's cursor, makes
# a line, or turns the order of what is read.
start_serve s vda=a.qcow2
client 'my $s = start ();
        ask ($s, $OPT{INFO}, info_data ($_), $REP{UNKNOWN}, "INFO")
          for "1\e[2J\n\x7f", "2\x9b2J", "3\xc2\x9b2J", "4\xe2\x80\xae",
              "5\xc3\xbcber", "6\xc0\x8a", "7\xed\xa0\x80", "8\xf0\x9f\x92\xbe",
              "9\xe2\x80";
        close $s;'
left
cat >want <<'END'
'1?[2J??'
'2?2J'
'3?2J'
'4?'
'5über'
'6??'
'7???'
'8💾'
'9??'
END
sed 's/.* export //' s.log | diff want - || fail 'names in the log'
end_serve s

# Whoever reads the log may stop: the server goes on, and ends in its time.  What
# could not be written is counted in the next line that can.
mkfifo fifo
exec 9<>fifo
rm -f s.pid
backup-serve --listen "unix:$dir/s" --pid-file s.pid vda=a.qcow2 >s.out \
  2>fifo 9<&- &
serve_pid=$!
cleanup_fn kill_and_wait "$serve_pid"
wait_for 'the server' test -s s.pid
client 'for (1 .. 60) {
          my $s = start ();
          ask ($s, $OPT{GO}, info_data ("x" x 4000), $REP{UNKNOWN}, "GO")
            for 1 .. 15;
          close $s;
        }
        my ($s) = go ("simple", "vda"); leave ($s);'
head -c 20000 <&9 >read.log
client 'my $s = start ();
        ask ($s, $OPT{GO}, info_data ("seen"), $REP{UNKNOWN}, "GO"); close $s;'
timeout 60 sed "/export 'seen'/q" <&9 >lost || fail 'no more is logged'
[ "$(sed -n 's/.*: \([0-9]*\) lines could not be written.*/\1/p' lost)" \
  -ge 500 ] || { tail -n 3 lost >&2; fail 'how many were lost'; }
# Full once more, with a client that does not leave.
client 'for (1 .. 40) {
          my $s = start ();
          ask ($s, $OPT{GO}, info_data ("x" x 4000), $REP{UNKNOWN}, "GO")
            for 1 .. 15;
          close $s;
        }'
perl -e 'require $ENV{CLIENT}; our %CMD; my ($s) = go ("simple", "vda");
  give ($s, request ($CMD{READ}, 0, $_, 0, 4 << 20)) for 1 .. 100; sleep 60' &
stuck=$!
cleanup_fn kill_and_wait "$stuck"
wait_for 'the stuck client' bash -c \
  "[ \$(ls /proc/$serve_pid/task | wc -l) -gt 8 ]"
SECONDS=0
kill "$serve_pid"
wait "$serve_pid" || fail "status $? with a log that nobody reads"
[ "$SECONDS" -le 30 ] || fail "the server took $SECONDS s to end"
kill_and_wait "$stuck"
exec 9<&-
