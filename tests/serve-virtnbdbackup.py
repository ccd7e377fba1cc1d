# SPDX-License-Identifier: LGPL-2.1-or-later
"""serve-virtnbdbackup.py SOCKET EXPORT CONTEXT: what virtnbdbackup's own client
code makes of a server: a line "OFFSET LENGTH DATA" for each extent."""

import sys

from libvirtnbdbackup.extenthandler.extenthandler import ExtentHandler
from libvirtnbdbackup.nbdcli import Unix, client

socket, export, context = sys.argv[1:]
kind = Unix(export, "" if context == "base:allocation" else context,
            socket)
connection = client(kind)
connection.connect()
for extent in ExtentHandler(connection, kind).queryBlockStatus():
    print(extent.offset, extent.length, int(extent.data))
connection.disconnect()
