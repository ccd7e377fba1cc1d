/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xml-limits.h: what libxml2 itself does not bound. */

#ifndef PULLBACK_XML_LIMITS_H
#define PULLBACK_XML_LIMITS_H

#include <stdbool.h>
#include <stddef.h>

/* libxml2 compares each attribute of an element with all before it: a megabyte
 * of them would keep it busy for a minute.  No element of ours, or of a
 * libvirt domain, has more than a few dozen.
 */
#define XML_ATTRIBUTES_MAX 256

/* Does a tag in TEXT have more attributes?  *LINE is where it starts.  What is
 * not XML is no concern of this: the parser finds out.
 */
bool xml_has_too_many_attributes (const char *text, size_t count, int *line);

#endif /* PULLBACK_XML_LIMITS_H */
