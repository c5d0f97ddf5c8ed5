/* Debugging. */
#ifndef ISAPI_DEBUGAPI_H
#define ISAPI_DEBUGAPI_H

#include "windef.h"

ISAPI_BEGIN

/* Writes the text to standard error, where the gateway logs. */
void WINAPI OutputDebugStringA(LPCSTR lpOutputString);
void WINAPI OutputDebugStringW(LPCWSTR lpOutputString);
/* Whether another process traces this one. */
BOOL WINAPI IsDebuggerPresent(void);
/* Breaks into the debugger; ends the process without one. */
void WINAPI DebugBreak(void);

ISAPI_END

#ifdef UNICODE
#define OutputDebugString OutputDebugStringW
#else
#define OutputDebugString OutputDebugStringA
#endif

#endif
