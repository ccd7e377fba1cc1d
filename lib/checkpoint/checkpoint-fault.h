/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* checkpoint-fault.h: what is wrong with a <domaincheckpoint>, in words. */

#ifndef PULLBACK_CHECKPOINT_FAULT_H
#define PULLBACK_CHECKPOINT_FAULT_H

#include "xml.h"

/* ROOT was found to be against the schema, and an error says so in the words
 * of libxml2, which hardly ever name the place or the reason.  Replace it by
 * one that does, if we see what it is.
 */
void checkpoint_explain_fault (const char *source, const xmlNode *root);

#endif /* PULLBACK_CHECKPOINT_FAULT_H */
