/*
 * What a body is, by its Content-Type.
 *
 * Thread: any.
 */
#pragma once

#include "shared/str.h"

enum media_type { MEDIA_OTHER, MEDIA_JSON, MEDIA_FORM, MEDIA_TEXT, MEDIA_LINES };

/* `field` is the value of Content-Type; NULL is MEDIA_OTHER. JSON, alone
 * or as lines, is UTF-8: with another charset it is MEDIA_OTHER. */
enum media_type media_type_of(struct str field);
