# SPDX-License-Identifier: LGPL-2.1-or-later
# serve-tls-refused.pl: ask for export vda by TLS as $TLS says, and print
# whether that was served.  Run by test-serve-tls-refused.sh.

use strict;
use warnings;
use FindBin;
require "$FindBin::Bin/serve-client.pl";
our (%OPT, %REP);

$SIG{PIPE} = 'IGNORE';
my $socket = dial ();
greet ($socket, 3);
ask ($socket, $OPT{STARTTLS}, '', $REP{ACK}, 'STARTTLS');
$socket = with_tls ($socket, split (' ', $ENV{TLS}));
option ($socket, $OPT{INFO}, info_data ('vda'));
print defined take ($socket, 20) ? "served\n" : "refused\n";
close $socket;
wait (); # for what the bridge has to say
