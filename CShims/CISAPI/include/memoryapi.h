/* Pages. */
#ifndef ISAPI_MEMORYAPI_H
#define ISAPI_MEMORYAPI_H

#include "winnt.h"

ISAPI_BEGIN

/* NULL on failure. Reserved pages take no memory and are inaccessible until they are committed; then they are zero. */
LPVOID WINAPI VirtualAlloc(LPVOID lpAddress, SIZE_T dwSize, DWORD flAllocationType, DWORD flProtect);
/* MEM_RELEASE takes the address that VirtualAlloc returned, and size 0; MEM_DECOMMIT any pages of it. */
BOOL WINAPI VirtualFree(LPVOID lpAddress, SIZE_T dwSize, DWORD dwFreeType);
/* *lpflOldProtect becomes PAGE_READWRITE, whatever the protection was before. */
BOOL WINAPI VirtualProtect(LPVOID lpAddress, SIZE_T dwSize, DWORD flNewProtect, PDWORD lpflOldProtect);

ISAPI_END

#endif
