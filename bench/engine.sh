# SPDX-License-Identifier: LGPL-2.1-or-later
# engine.sh: backup-serve beside nbdkit's file plugin and qemu-nbd, with the CPU
# seconds that the servers take: bulk reads over unix sockets and TCP, plain and
# with TLS, small reads, and maps.

. "$abs_top_srcdir/bench/functions.sh"

make_disk
port=$((20000 + RANDOM % 10000))

# tcp N: a port of this run for server number N.
tcp ()
{
  echo $((port + $1))
}

# Keys and certificates for localhost.
psktool -u alice -p psk >/dev/null 2>&1
mkdir pki client
printf '%s\n' 'cn = bench' ca cert_signing_key >ca.info
printf '%s\n' 'cn = localhost' 'dns_name = localhost' tls_www_server \
  signing_key >server.info
certtool --generate-privkey --ecc --outfile ca-key.pem 2>/dev/null
certtool --generate-self-signed --load-privkey ca-key.pem --template ca.info \
  --outfile pki/ca-cert.pem 2>/dev/null
certtool --generate-privkey --ecc --outfile pki/server-key.pem 2>/dev/null
certtool --generate-certificate --load-ca-certificate pki/ca-cert.pem \
  --load-ca-privkey ca-key.pem --load-privkey pki/server-key.pem \
  --template server.info --outfile pki/server-cert.pem 2>/dev/null
cp pki/ca-cert.pem client/

# A map of 131,072 extents: every other 64 KiB of 8 GiB is data.
perl -e '
  open (my $file, ">:raw", "map.raw") or die;
  truncate ($file, 8 << 30) or die;
  for (my $at = 0; $at < 8 << 30; $at += 131072) {
    sysseek ($file, $at, 0) or die;
    syswrite ($file, "1") or die;
  }'
qemu-img convert -f raw -O qcow2 map.raw map.qcow2
rm map.raw

start_ours ()
{
  local name=$1
  shift
  start "$name.sock" backup-serve --listen "unix:$dir/$name.sock" "$@"
  declare -g "pid_$name=$server_pid"
}
start_theirs ()
{
  local name=$1
  shift
  start "$name.sock" "$@"
  declare -g "pid_$name=$server_pid"
}
start_ours ours_raw vda=raw:disk.raw
start_theirs nbdkit_raw nbdkit -f -U "$dir/nbdkit_raw.sock" file disk.raw
start_theirs qemu_raw qemu-nbd -r -t -e 8 -k "$dir/qemu_raw.sock" -f raw \
  disk.raw
start_ours ours_qcow2 vda=disk.qcow2
start_theirs qemu_qcow2 qemu-nbd -r -t -e 8 -k "$dir/qemu_qcow2.sock" \
  -f qcow2 disk.qcow2
start_ours ours_map vda=map.qcow2
start_theirs qemu_map qemu-nbd -r -t -e 8 -k "$dir/qemu_map.sock" -f qcow2 \
  map.qcow2

# start_tcp NAME N COMMAND...: a server on TCP that start () cannot ask.
start_tcp ()
{
  local name=$1 number=$2 i
  shift 2
  "$@" >"$name.log" 2>&1 &
  _pids+=("$!")
  declare -g "pid_$name=$!"
  for ((i = 0; i < 300; i++)); do
    (: <"/dev/tcp/127.0.0.1/$(tcp "$number")") 2>/dev/null && return 0
    sleep 0.1
  done
  cat "$name.log" >&2
  exit 1
}
start_tcp ours_tcp 1 backup-serve --listen "tcp:127.0.0.1:$(tcp 1)" \
  --insecure vda=raw:disk.raw
start_tcp nbdkit_tcp 2 nbdkit -f -i 127.0.0.1 -p "$(tcp 2)" file disk.raw
start_tcp ours_x509 3 backup-serve --listen "tcp:127.0.0.1:$(tcp 3)" \
  --insecure --tls-certificates pki vda=raw:disk.raw
start_tcp nbdkit_x509 4 nbdkit -f -i 127.0.0.1 -p "$(tcp 4)" --tls=require \
  "--tls-certificates=$dir/pki" file disk.raw
start_tcp ours_psk 5 backup-serve --listen "tcp:127.0.0.1:$(tcp 5)" \
  --tls-psk psk vda=raw:disk.raw
start_tcp nbdkit_psk 6 nbdkit -f -i 127.0.0.1 -p "$(tcp 6)" --tls=require \
  "--tls-psk=$dir/psk" file disk.raw

# cpu PID: the CPU seconds that it has taken so far.
cpu ()
{
  awk -v hz="$(getconf CLK_TCK)" \
    '{ sub (/.*\) /, ""); printf "%.2f\n", ($12 + $13) / hz }' "/proc/$1/stat"
}

# row NAME TARGET OURS THEIRS COMMAND...: COMMAND with the one server's name as
# its last argument, then the other's, in turns as compare () does.  TARGET is a
# ratio, or seconds of ours, "0.1 s".
row ()
{
  local name=$1 target=$2 ours=$3 theirs=$4 server i
  shift 4
  for server in "$ours" "$theirs"; do
    prepare
    "$@" "$server" >/dev/null
    : >"$server.seconds"
    : >"$server.cpu"
  done
  for ((i = 0; i < pairs; i++)); do
    local order=("$ours" "$theirs")
    ((i % 2 == 0)) || order=("$theirs" "$ours")
    for server in "${order[@]}"; do
      local pid=pid_$server before
      prepare
      before=$(cpu "${!pid}")
      seconds "$@" "$server" >>"$server.seconds"
      awk -v a="$before" -v b="$(cpu "${!pid}")" 'BEGIN { print b - a }' \
        >>"$server.cpu"
    done
  done
  paste "$ours.seconds" "$theirs.seconds" | awk '{ print $1 / $2 }' | median |
    awk -v name="$name" -v target="$target" \
      -v s="$(median <"$ours.seconds")" -v c="$(median <"$ours.cpu")" \
      -v ts="$(median <"$theirs.seconds")" -v tc="$(median <"$theirs.cpu")" '{
        judged = (target ~ / s$/ ? s : $1) / (target + 0)
        printf "| %s | %.3f s (%.2f) | %.3f s (%.2f) | %.2f | <= %s | %s |\n",
          name, s, c, ts, tc, $1, target,
          judged <= 1 ? "met" : sprintf ("missed by %.0f %%",
                                         (judged - 1) * 100) }'
}

unix ()
{
  nbdcopy -C 4 "nbd+unix:///?socket=$dir/$1.sock" null:
}
number_of ()
{
  case $1 in
    *_tcp) [ "$1" = ours_tcp ] && echo 1 || echo 2 ;;
    *_x509) [ "$1" = ours_x509 ] && echo 3 || echo 4 ;;
    *_psk) [ "$1" = ours_psk ] && echo 5 || echo 6 ;;
  esac
}
plain_tcp ()
{
  nbdcopy -C 4 "nbd://127.0.0.1:$(tcp "$(number_of "$1")")/" null:
}
x509_tcp ()
{
  nbdcopy -C 4 "nbds://localhost:$(tcp "$(number_of "$1")")/?tls-certificates=$dir/client" null:
}
psk_tcp ()
{
  nbdcopy -C 4 "nbds://alice@localhost:$(tcp "$(number_of "$1")")/?tls-psk-file=$dir/psk" null:
}
small ()
{
  fio --name=small --ioengine=nbd --uri="nbd+unix:///?socket=$dir/$1.sock" \
    --rw=randread --bs=4k --iodepth=32 --size=256m --io_size=1g
}
map_all ()
{
  nbdinfo --map "nbd+unix:///?socket=$dir/$1.sock"
}
map_one_by_one ()
{
  qemu-img map --output=json -f raw "nbd+unix:///?socket=$dir/$1.sock"
}

printf '| %s, %s pairs | ours (CPU) | peer (CPU) | ratio | asked | |\n' \
  "2 GiB of data" "$pairs"
echo '|---|---|---|---|---|---|'
row 'raw, unix, against nbdkit' 0.6 ours_raw nbdkit_raw unix
row 'raw, unix, against qemu-nbd' 0.4 ours_raw qemu_raw unix
row 'raw, TCP, against nbdkit' 1.0 ours_tcp nbdkit_tcp plain_tcp
row 'raw, TCP, x509, against nbdkit' 1.05 ours_x509 nbdkit_x509 x509_tcp
row 'raw, TCP, PSK, against nbdkit' 0.4 ours_psk nbdkit_psk psk_tcp
row 'raw, 4 KiB at depth 32, against nbdkit' 0.8 ours_raw nbdkit_raw small
row 'qcow2, unix, against qemu-nbd' 0.6 ours_qcow2 qemu_qcow2 unix
row 'map of 131,072 extents, nbdinfo' '0.1 s' ours_map qemu_map map_all
row 'map of 131,072 extents, qemu-img' 1.0 ours_map qemu_map map_one_by_one
