# SPDX-License-Identifier: LGPL-2.1-or-later
# test-fault-io-errors.sh: the server answers reads, or requests for its maps,
# with errors: one clear message, exit status 1, and no backup.

. "$abs_top_srcdir/tests/functions.sh"
. "$abs_top_srcdir/tests/fault-functions.sh"

requires nbdinfo --version
fault_disk 4
socket=$dir/disk.sock
uri="nbd+unix:///vda?socket=$socket"

# expect_failed URI TEXT ARGS...: the message names the URI and has TEXT, and
# the server has not died of a client that went away in disorder.
expect_failed ()
{
  local uri=$1 text=$2
  shift 2
  expect_status 1 backup-pull "$@" "$uri" out.qcow2
  expect_text err "$uri"
  expect_text err "$text"
  expect_text err "out.qcow2.partial is left unfinished"
  expect_unfinished out.qcow2
  nbdinfo --size "$uri" >size || fail "the server is gone"
}

for level in full increment; do
  set_level $level

  # All reads fail, in every way that NBD has.
  while read -r code text; do
    nbdkit_options=(--filter=error)
    serve "$socket" disk=vda=disk.qcow2 error-pread=$code error-pread-rate=1
    expect_failed "$uri" ": $text" "${level_options[@]}"
    grep -q "cannot read [0-9]* bytes at offset 0x[0-9a-f]*: " err ||
      fail "no offset: $(cat err)"
    stop_server "$nbdkit_pid"
  done <<'T'
EIO Input/output error
ENOMEM Cannot allocate memory
ENOSPC No space left on device
ESHUTDOWN Cannot send after transport endpoint shutdown
T

  # Now and then a read fails.
  serve "$socket" disk=vda=disk.qcow2 \
    error-pread=EIO error-pread-rate=0.2
  expect_failed "$uri" "Input/output error" "${level_options[@]}" \
    --request-size 4k
  stop_server "$nbdkit_pid"

  # The map fails.
  serve "$socket" disk=vda=disk.qcow2 error-extents=EIO error-extents-rate=1
  expect_failed "$uri" "the server cannot map" "${level_options[@]}"
  expect_text err "at offset 0x"
  stop_server "$nbdkit_pid"

  # Reads fail after some have gone well.
  rm -f broken
  serve "$socket" disk=vda=disk.qcow2 \
    error-pread=EIO error-pread-rate=1 error-pread-file="$dir/broken"
  { sleep 0.3; touch broken; } &
  expect_failed "$uri" "Input/output error" "${level_options[@]}" \
    --rate-limit 512k --request-size 64k
  wait $!
  rm broken
  expect_rerun "$uri" out.qcow2 "${level_options[@]}"
  rm out.qcow2
  stop_server "$nbdkit_pid"

  # A slow server is none that fails.
  nbdkit_options=(--filter=delay)
  serve "$socket" disk=vda=disk.qcow2 \
    delay-read=20ms delay-extents=50ms delay-open=50ms
  expect_rerun "$uri" out.qcow2 "${level_options[@]}"
  rm out.qcow2
  stop_server "$nbdkit_pid"

  # QEMU's own server, whose disk cannot be read.
  cat >blkdebug.conf <<'T'
[inject-error]
event = "read_aio"
errno = "5"
T
  start_qemu_nbd disk.sock -r -e 8 -B b0 --image-opts \
    driver=qcow2,file.driver=blkdebug,file.config=blkdebug.conf,\
file.image.driver=file,file.image.filename=disk.qcow2
  expect_failed "nbd+unix:///?socket=$socket" "" "${level_options[@]}"
  stop_server "$qemu_nbd_pid"
done
