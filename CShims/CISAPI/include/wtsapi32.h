/* For sources that include it without using it: there are no user sessions here. */
#ifndef ISAPI_WTSAPI32_H
#define ISAPI_WTSAPI32_H

#include "windows.h"

#define WTS_CURRENT_SERVER_HANDLE ((HANDLE)NULL)
#define WTS_CURRENT_SESSION ((DWORD)-1)

#endif
