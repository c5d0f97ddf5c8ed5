/* Handles. */
#ifndef ISAPI_HANDLEAPI_H
#define ISAPI_HANDLEAPI_H

#include "windef.h"

#define DUPLICATE_CLOSE_SOURCE 0x00000001
#define DUPLICATE_SAME_ACCESS 0x00000002

ISAPI_BEGIN

/* Closes one handle. Its object is released with its last handle, when no call uses it any more. */
BOOL WINAPI CloseHandle(HANDLE hObject);

/* Both processes are the calling one. A pseudo handle of the calling thread becomes a real one. */
BOOL WINAPI DuplicateHandle(HANDLE hSourceProcess, HANDLE hSource, HANDLE hTargetProcess, LPHANDLE lpTarget,
                            DWORD dwDesiredAccess, BOOL bInheritHandle, DWORD dwOptions);

ISAPI_END

#endif
