/* Global memory by its address, as in sources for older versions of Windows. */
#ifndef ISAPI_WINDOWSX_H
#define ISAPI_WINDOWSX_H

#include "windows.h"

#define GlobalAllocPtr(flags, size) GlobalLock(GlobalAlloc((flags), (size)))
#define GlobalFreePtr(address) ((void)GlobalFree((HGLOBAL)(address)))

#endif
