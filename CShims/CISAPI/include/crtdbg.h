/* Assertions of Microsoft's C library. */
#ifndef ISAPI_CRTDBG_H
#define ISAPI_CRTDBG_H

#include <assert.h>

#define _ASSERT(condition) assert(condition)
#define _ASSERTE(condition) assert(condition)
#define _CrtSetDbgFlag(flags) (0)
#define _CrtDumpMemoryLeaks() (0)

#endif
