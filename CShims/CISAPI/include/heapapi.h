/* Heaps. A block must be given back to the heap it is from, with the function that belongs to it. */
#ifndef ISAPI_HEAPAPI_H
#define ISAPI_HEAPAPI_H

#include "winnt.h"

ISAPI_BEGIN

HANDLE WINAPI GetProcessHeap(void);
/* `dwMaximumSize`, unless 0, is the most bytes the heap's blocks take together. */
HANDLE WINAPI HeapCreate(DWORD flOptions, SIZE_T dwInitialSize, SIZE_T dwMaximumSize);
/* Frees every block of the heap. */
BOOL WINAPI HeapDestroy(HANDLE hHeap);
LPVOID WINAPI HeapAlloc(HANDLE hHeap, DWORD dwFlags, SIZE_T dwBytes);
/* NULL leaves the block as it was. HEAP_ZERO_MEMORY clears what is added. */
LPVOID WINAPI HeapReAlloc(HANDLE hHeap, DWORD dwFlags, LPVOID lpMem, SIZE_T dwBytes);
BOOL WINAPI HeapFree(HANDLE hHeap, DWORD dwFlags, LPVOID lpMem);
/* The size asked for, or (SIZE_T)-1. */
SIZE_T WINAPI HeapSize(HANDLE hHeap, DWORD dwFlags, LPCVOID lpMem);
BOOL WINAPI HeapValidate(HANDLE hHeap, DWORD dwFlags, LPCVOID lpMem);

ISAPI_END

#endif
