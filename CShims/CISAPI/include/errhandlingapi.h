/* The last error. */
#ifndef ISAPI_ERRHANDLINGAPI_H
#define ISAPI_ERRHANDLINGAPI_H

#include "windef.h"

#define SEM_FAILCRITICALERRORS 0x0001
#define SEM_NOGPFAULTERRORBOX 0x0002
#define SEM_NOOPENFILEERRORBOX 0x8000

ISAPI_BEGIN

/* The calling thread's last Win32 error number, 0 until one was set. */
DWORD WINAPI GetLastError(void);

/* Sets the calling thread's last Win32 error number, and errno to the same number. */
void WINAPI SetLastError(DWORD dwErrCode);

/* Remembers the mode and returns the one before: there are no message boxes to suppress. */
UINT WINAPI SetErrorMode(UINT uMode);

ISAPI_END

#endif
