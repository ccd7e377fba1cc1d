# SPDX-License-Identifier: LGPL-2.1-or-later
# test-plugin-large.sh: extents beyond 4 GiB, which block status cannot tell
# of at once, and maps of very many extents.

. "$abs_top_srcdir/tests/functions.sh"

block_status ()
{
  "$abs_top_builddir/tests/block-status" "$@"
}

qemu-img create -q -f qcow2 a.qcow2 8G
qemu-img bitmap --add a.qcow2 b0
truncate -s 8G c.raw
serve s disk=vda=a.qcow2 disk=vdc=raw:c.raw

# nbdkit 1.32 stops at an assertion if a plugin gives it what exceeds 32 bits.
for pair in vda:3 vda/b0:1 vdc:3; do
  for request in '0 4294967295' '1 4294967295' '4294967295 4294967295' \
                 '8589934591 1' '5000000000 3000000000'; do
    # shellcheck disable=SC2086
    block_status "$(nbd_uri s "${pair%:*}")" $request >got
    echo "${request#* } ${pair#*:}" | cmp - got \
      || { cat got >&2; fail "extents of ${pair%:*} at $request"; }
  done
  nbdinfo --map "$(nbd_uri s "${pair%:*}")" >map
  grep -qE "^ +0 +8589934592 +${pair#*:} " map || fail "map of ${pair%:*}"
done
kill -0 "$nbdkit_pid" || fail 'the server is gone'
stop_server "$nbdkit_pid"

# Every second cluster is data: 65536 extents.  An answer has some of them,
# and all answers together have all.
qemu-img create -q -f qcow2 -o cluster_size=512 many.qcow2 32M
qemu-img bitmap --add -g 512 many.qcow2 b0
for ((i = 0; i < 32768; i++)); do
  echo "write -P 1 $((i * 1024)) 512"
done | qemu-io --cache=unsafe many.qcow2 >/dev/null
serve s many.qcow2
for export in many:0:3 many/b0:0:1; do
  uri=$(nbd_uri s "${export%%:*}")
  block_status "$uri" 0 33554432 >got
  [ "$(wc -l <got)" -ge 1000 ] || fail 'an answer has few extents'
  [ "$(wc -l <got)" -le 16384 ] || fail 'an answer has too many extents'
  types=${export#*:}
  printf '%s\n' "512 ${types%:*}" "512 ${types#*:}" >want
  head -2 got | cmp want - || fail "the first extents of ${export%%:*}"
  block_status "$uri" 512 33553920 one >got
  echo "512 ${types#*:}" | cmp - got || fail 'not the first extent alone'
  nbdinfo --map "$uri" | awk -v data="${types%:*}" '
    $1 != (NR - 1) * 512 || $2 != 512 || ($3 == data) != NR % 2 { exit 1 }
    END { exit NR != 65536 }' || fail "the map of ${export%%:*}"
done
