/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* exit-codes.h: what the programs' exit status means. */

#ifndef PULLBACK_EXIT_CODES_H
#define PULLBACK_EXIT_CODES_H

enum exit_code {
  EXIT_CODE_DONE = 0,
  EXIT_CODE_FAILED = 1,
  EXIT_CODE_USAGE = 2,
  EXIT_CODE_SIGNAL = 128 /* plus the signal's number */
};

#endif /* PULLBACK_EXIT_CODES_H */
