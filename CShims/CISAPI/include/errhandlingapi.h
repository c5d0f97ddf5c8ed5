/* The last error, and faults. */
#ifndef ISAPI_ERRHANDLINGAPI_H
#define ISAPI_ERRHANDLINGAPI_H

#include "windef.h"

#define SEM_FAILCRITICALERRORS 0x0001
#define SEM_NOGPFAULTERRORBOX 0x0002
#define SEM_NOOPENFILEERRORBOX 0x8000

#define EXCEPTION_EXECUTE_HANDLER 1
#define EXCEPTION_CONTINUE_SEARCH 0
#define EXCEPTION_CONTINUE_EXECUTION (-1)
#define EXCEPTION_ACCESS_VIOLATION ((DWORD)0xC0000005)
#define EXCEPTION_INT_DIVIDE_BY_ZERO ((DWORD)0xC0000094)
#define EXCEPTION_STACK_OVERFLOW ((DWORD)0xC00000FD)
#define EXCEPTION_MAXIMUM_PARAMETERS 15

/*
 * A fault ends the process, which the gateway's supervisor starts again: the block of __try runs, and the block
 * after __except never does, nor does the filter. There is no __finally, because its block would be skipped if a
 * return leaves the block of __try.
 */
#ifdef __cplusplus
struct isapi_no_exception {};
/* As the C++ library defines it too. */
#define __try try
#define __except(filter) catch (const isapi_no_exception &)
#else
#define __try if (1)
#define __except(filter) else
#endif
#define GetExceptionCode() ((DWORD)0)
#define GetExceptionInformation() ((LPEXCEPTION_POINTERS)NULL)

typedef struct _EXCEPTION_RECORD {
  DWORD ExceptionCode;
  DWORD ExceptionFlags;
  struct _EXCEPTION_RECORD *ExceptionRecord;
  PVOID ExceptionAddress;
  DWORD NumberParameters;
  ULONG_PTR ExceptionInformation[EXCEPTION_MAXIMUM_PARAMETERS];
} EXCEPTION_RECORD, *PEXCEPTION_RECORD;

typedef struct _EXCEPTION_POINTERS {
  PEXCEPTION_RECORD ExceptionRecord;
  PVOID ContextRecord;
} EXCEPTION_POINTERS, *PEXCEPTION_POINTERS, *LPEXCEPTION_POINTERS;

typedef LONG(WINAPI *LPTOP_LEVEL_EXCEPTION_FILTER)(PEXCEPTION_POINTERS ExceptionInfo);
typedef LPTOP_LEVEL_EXCEPTION_FILTER PTOP_LEVEL_EXCEPTION_FILTER;

ISAPI_BEGIN

/* Stores the filter, which is never called, and returns the previous one. */
LPTOP_LEVEL_EXCEPTION_FILTER WINAPI SetUnhandledExceptionFilter(LPTOP_LEVEL_EXCEPTION_FILTER lpFilter);

/* The calling thread's last Win32 error number, 0 until one was set. */
DWORD WINAPI GetLastError(void);

/* Sets the calling thread's last Win32 error number, and errno to the same number. */
void WINAPI SetLastError(DWORD dwErrCode);

/* Stores the mode and returns the previous one: there are no message boxes to suppress. */
UINT WINAPI SetErrorMode(UINT uMode);

ISAPI_END

#endif
