/* Heaps and pages. */
#include "check.h"

static void heaps_know_the_sizes_of_their_blocks(void) {
  HANDLE heap = GetProcessHeap();
  char *block = (char *)HeapAlloc(heap, HEAP_ZERO_MEMORY, 10);
  CHECK(HeapSize(heap, 0, block) == 10 && block[0] == 0 && block[9] == 0);
  memset(block, 'x', 10);
  block = (char *)HeapReAlloc(heap, HEAP_ZERO_MEMORY, block, 5000);
  CHECK(HeapSize(heap, 0, block) == 5000 && block[9] == 'x' && block[10] == 0 && block[4999] == 0);
  FAILS(HeapReAlloc(heap, HEAP_REALLOC_IN_PLACE_ONLY, block, 6000) != NULL, ERROR_NOT_ENOUGH_MEMORY);
  FAILS(HeapAlloc(heap, 0, (SIZE_T)-1) != NULL, ERROR_NOT_ENOUGH_MEMORY);
  CHECK(HeapFree(heap, 0, block) && HeapFree(heap, 0, NULL));
}

static void a_heap_of_its_own_has_a_limit_and_frees_all(void) {
  HANDLE heap = HeapCreate(0, 0, 100);
  void *first = HeapAlloc(heap, 0, 60);
  CHECK(first != NULL && HeapAlloc(heap, 0, 50) == NULL);
  CHECK(HeapFree(heap, 0, first));
  CHECK(HeapAlloc(heap, 0, 50) != NULL && HeapAlloc(heap, 0, 50) != NULL);
  CHECK(HeapDestroy(heap));
  FAILS(HeapDestroy(GetProcessHeap()), ERROR_INVALID_HANDLE);
}

static void local_and_global_memory(void) {
  char *block = (char *)LocalAlloc(LPTR, 8);
  CHECK(block[7] == 0 && LocalSize(block) == 8);
  block = (char *)LocalReAlloc(block, 16, LMEM_ZEROINIT | LMEM_MOVEABLE);
  CHECK(LocalSize(block) == 16 && block[15] == 0 && LocalFree(block) == NULL);
  HGLOBAL handle = GlobalAlloc(GHND, 4);
  CHECK(GlobalLock(handle) != NULL && GlobalSize(handle) == 4 && !GlobalUnlock(handle) && GlobalFree(handle) == NULL);
}

static void pages_are_reserved_committed_and_given_back(void) {
  char *pages = (char *)VirtualAlloc(NULL, 1 << 20, MEM_RESERVE, PAGE_READWRITE);
  DWORD old;
  CHECK(pages != NULL && VirtualAlloc(pages + 4096, 4096, MEM_COMMIT, PAGE_READWRITE) == pages + 4096);
  pages[4096] = 'x';
  CHECK(VirtualProtect(pages + 4096, 4096, PAGE_READONLY, &old) && pages[4096] == 'x');
  CHECK(VirtualFree(pages + 4096, 4096, MEM_DECOMMIT));
  CHECK(VirtualAlloc(pages + 4096, 4096, MEM_COMMIT, PAGE_READWRITE) != NULL && pages[4096] == 0);
  FAILS(VirtualFree(pages, 4096, MEM_RELEASE), ERROR_INVALID_PARAMETER);
  FAILS(VirtualFree(pages + 4096, 0, MEM_RELEASE), ERROR_INVALID_ADDRESS);
  FAILS(VirtualAlloc(&old, 4096, MEM_COMMIT, PAGE_READWRITE) != NULL, ERROR_INVALID_ADDRESS);
  FAILS(VirtualAlloc(NULL, 0, MEM_COMMIT, PAGE_READWRITE) != NULL, ERROR_INVALID_PARAMETER);
  CHECK(VirtualFree(pages, 0, MEM_RELEASE));
  FAILS(VirtualFree(pages, 0, MEM_RELEASE), ERROR_INVALID_ADDRESS);
}

int main(void) {
  heaps_know_the_sizes_of_their_blocks();
  a_heap_of_its_own_has_a_limit_and_frees_all();
  local_and_global_memory();
  pages_are_reserved_committed_and_given_back();
  return failures != 0;
}
