/*
 * For sources that include it beside httpext.h and declare filters or nothing at all. Filters are not supported: a
 * source that needs more than these names does not compile.
 */
#ifndef ISAPI_HTTPFILT_H
#define ISAPI_HTTPFILT_H

#include "windows.h"

typedef struct _HTTP_FILTER_CONTEXT HTTP_FILTER_CONTEXT, *PHTTP_FILTER_CONTEXT;
typedef struct _HTTP_FILTER_VERSION HTTP_FILTER_VERSION, *PHTTP_FILTER_VERSION;

#endif
