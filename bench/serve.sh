# SPDX-License-Identifier: LGPL-2.1-or-later
# serve.sh: what the plugin serves, read by nbdcopy over 4 connections, beside
# the server that users have for that format today.

. "$abs_top_srcdir/bench/functions.sh"

make_disk

start plugin.sock nbdkit -f -U "$dir/plugin.sock" "$PULLBACK_PLUGIN" disk.qcow2
start plugin-raw.sock nbdkit -f -U "$dir/plugin-raw.sock" "$PULLBACK_PLUGIN" \
  disk.raw format=raw
start file.sock nbdkit -f -U "$dir/file.sock" file disk.raw
start qemu.sock qemu-nbd -r -t -e 8 -k "$dir/qemu.sock" -f qcow2 disk.qcow2

read_all ()
{
  nbdcopy -C 4 "nbd+unix:///?socket=$dir/$1.sock" null:
}

plugin_qcow2 ()
{
  read_all plugin
}

plugin_raw ()
{
  read_all plugin-raw
}

qemu_nbd ()
{
  read_all qemu
}

file_plugin ()
{
  read_all file
}

header "serving 2 GiB to nbdcopy, $pairs pairs"
compare "qcow2, against qemu-nbd" 1.0 plugin_qcow2 qemu_nbd
compare "raw, against nbdkit's file plugin" 1.05 plugin_raw file_plugin
