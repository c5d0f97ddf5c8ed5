/* Assertions of Microsoft's C library. */
#ifndef ISAPI_CRTDBG_H
#define ISAPI_CRTDBG_H

#include <assert.h>

#define _ASSERT(condition) assert(condition)
#define _ASSERTE(condition) assert(condition)
#define _CrtSetDbgFlag(flags) (0)
#define _CrtDumpMemoryLeaks() (0)
#define _CrtCheckMemory() (1)
#define _CrtSetReportMode(type, mode) (0)
#define _CrtSetReportFile(type, file) ((void *)0)
#define _CrtSetBreakAlloc(number) (0)

#define _CRT_WARN 0
#define _CRT_ERROR 1
#define _CRT_ASSERT 2
#define _CRTDBG_MODE_FILE 1
#define _CRTDBG_MODE_DEBUG 2
#define _CRTDBG_ALLOC_MEM_DF 1
#define _CRTDBG_LEAK_CHECK_DF 32

/* Reports of a debug build, which these headers do not support. */
#define _RPT0(type, text) ((void)0)
#define _RPT1(type, format, a) ((void)0)
#define _RPT2(type, format, a, b) ((void)0)
#define _RPT3(type, format, a, b, c) ((void)0)
#define _RPTF0(type, text) ((void)0)
#define _RPTF1(type, format, a) ((void)0)
#define _RPTF2(type, format, a, b) ((void)0)

#endif
