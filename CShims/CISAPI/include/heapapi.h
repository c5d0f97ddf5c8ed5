/* Heaps. A block must be freed to the heap it was allocated from, with the matching function. */
#ifndef ISAPI_HEAPAPI_H
#define ISAPI_HEAPAPI_H

#include "winnt.h"

ISAPI_BEGIN

HANDLE WINAPI GetProcessHeap(void);
/* `dwMaximumSize`, unless 0, is the limit of the heap's blocks together, in bytes. */
HANDLE WINAPI HeapCreate(DWORD flOptions, SIZE_T dwInitialSize, SIZE_T dwMaximumSize);
/* Frees every block of the heap. */
BOOL WINAPI HeapDestroy(HANDLE hHeap);
LPVOID WINAPI HeapAlloc(HANDLE hHeap, DWORD dwFlags, SIZE_T dwBytes);
/* After NULL the block is unchanged. HEAP_ZERO_MEMORY clears the added bytes. */
LPVOID WINAPI HeapReAlloc(HANDLE hHeap, DWORD dwFlags, LPVOID lpMem, SIZE_T dwBytes);
BOOL WINAPI HeapFree(HANDLE hHeap, DWORD dwFlags, LPVOID lpMem);
/* The requested size, or (SIZE_T)-1. */
SIZE_T WINAPI HeapSize(HANDLE hHeap, DWORD dwFlags, LPCVOID lpMem);
BOOL WINAPI HeapValidate(HANDLE hHeap, DWORD dwFlags, LPCVOID lpMem);

ISAPI_END

#endif
