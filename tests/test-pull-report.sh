# SPDX-License-Identifier: LGPL-2.1-or-later
# test-pull-report.sh: what backup-pull says, to people and to programs.

. "$abs_top_srcdir/tests/functions.sh"

socket=$dir/disk.sock
uri="nbd+unix:///vda?socket=$socket"
qemu-img create -q -f qcow2 disk.qcow2 16M
qemu-io -c 'write -P 0x11 0 4M' -c 'write -z 8M 1M' disk.qcow2 >/dev/null
qemu-img bitmap --add -g 64k disk.qcow2 b0
qemu-io -c 'write -P 0x22 1M 64k' -c 'write -P 0x22 2M 64k' \
  -c 'write -z 0 128k' disk.qcow2 >/dev/null
serve "$socket" disk=vda=disk.qcow2

# JSON: the whole report is one object, and its sums are right.
expect_status 0 backup-pull --json "$uri" full.qcow2
jq -e '.status == "done" and ."exit-code" == 0 and .level == "full"
  and .size == 16777216 and .map.source == "none" and .backing == null
  and .export == "vda" and .output == "full.qcow2"
  and .bytes.clean == 0 and .bytes.dirty == 4194304 - 131072
  and .bytes."dirty-zero" == 12582912 + 131072
  and .bytes.pulled == .bytes.dirty and .bytes.stored == .bytes.pulled
  and ."cluster-size" == 65536' out >/dev/null || fail "$(cat out)"
[ "$(jq '."file-size"' out)" = "$(stat -c %s full.qcow2)" ] || fail "file-size"
[ ! -s err ] || fail "a report on standard error: $(cat err)"

# A dry run says what a run then does, and writes nothing.
expect_status 0 backup-pull --dry-run --json --bitmap b0 "$uri"
jq -e '.status == "dry-run" and .level == "incremental" and .output == null
  and .bytes == { clean: 16515072, dirty: 131072, "dirty-zero": 131072 }
  and ."dirty-extents" == 2 and ."dirty-zero-extents" == 1' out >/dev/null ||
  fail "$(cat out)"
expect_status 0 backup-pull -n "$uri" dry.qcow2
expect_text out "nothing was written"
[ ! -e dry.qcow2 ] && [ ! -e dry.qcow2.partial ] || fail "a dry run wrote"

# People: lines, or nothing with --quiet; --verbose goes to standard error.
expect_status 0 backup-pull --bitmap b0 --backing full.qcow2 "$uri" inc.qcow2
expect_text out "inc.qcow2: incremental backup of $uri"
expect_text out "dirty map:  export 'vda/b0'"
expect_text out "128.0 KiB in 2 extents"
expect_text out "128.0 KiB not read"
expect_status 0 backup-pull -q "$uri" quiet.qcow2
[ ! -s out ] && [ ! -s err ] || fail "--quiet talks"
expect_status 0 backup-pull -v --bitmap b0 --backing full.qcow2 \
  "$uri" verbose.qcow2
expect_text err "export 'vda': 16777216 bytes"
expect_text err "dirty map: export 'vda/b0'"

# A failure has its report too.
expect_status 1 backup-pull --json "$uri" full.qcow2
jq -e '.status == "failed" and ."exit-code" == 1
  and (.error | contains("exists already"))' out >/dev/null || fail "$(cat out)"

# Progress: lines for a program, up to 100; a bar only on a terminal.
expect_status 0 backup-pull -q --progress=3 "$uri" progress.qcow2 3>percent
[ "$(tail -n 1 percent)" = 100/100 ] || fail "progress ends with $(cat percent)"
grep -qvxE '[0-9]{1,3}/100' percent && fail "strange progress: $(cat percent)"
sort -n -t/ -k1 -c percent || fail "progress goes back"
expect_status 0 backup-pull --rate-limit 8M "$uri" no-bar.qcow2
grep -q '%' err && fail "a bar where there is no terminal"
expect_status 0 backup-pull --rate-limit 8M --progress=bar "$uri" bar.qcow2
grep -q '\[#* *\] .*/s' err || fail "no bar: $(cat err)"
expect_status 1 backup-pull --progress=3 --json \
  "nbd+unix:///nosuch?socket=$socket" none.qcow2 3>percent
[ ! -s percent ] || fail "progress of nothing"

# Whoever reads along may go away: the backup is finished all the same.
expect_status 0 backup-pull -q --progress=3 "$uri" closed.qcow2 3> >(:)
qemu-img compare -q disk.qcow2 closed.qcow2
# A report that cannot be written is an error, but the backup is there.
expect_status 1 bash -c 'backup-pull "$1" full-disk.qcow2 >/dev/full' - "$uri"
expect_text err "standard output"
expect_text err "the backup itself is complete"
qemu-img compare -q disk.qcow2 full-disk.qcow2
