/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* log-text.h: text from outside as it may stand in a log. */

#ifndef PULLBACK_LOG_TEXT_H
#define PULLBACK_LOG_TEXT_H

/* Put '?', in place, for each character of TEXT that is not shown but does
 * something: control characters, of ASCII and of Unicode (U+0080 to U+009F),
 * and those that change the order of what is read.  What is not UTF-8 has a '?'
 * for each byte.
 */
void log_text_clean (char *text);

#endif /* PULLBACK_LOG_TEXT_H */
