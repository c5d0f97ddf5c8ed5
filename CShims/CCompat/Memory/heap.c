// Heaps, local and global memory.
#include <stdlib.h>

#include "../compat.h"

// Before each block, keeping it aligned for any type.
typedef struct header {
  SIZE_T size;
  struct heap *heap;
  // The heap's other blocks.
  struct header *previous, *next;
} header;

typedef struct heap {
  pthread_mutex_t lock;
  // All guarded by the lock; the process's heap keeps neither.
  header *blocks;
  SIZE_T used;
  SIZE_T maximum;
} heap;

static heap process_heap = {PTHREAD_MUTEX_INITIALIZER, NULL, 0, 0};

static header *header_of(LPCVOID block) { return (header *)((uintptr_t)block - sizeof(header)); }

// ---- The list of a heap's blocks, and their total size ----

static bool claim(heap *heap, SIZE_T added) {
  if (heap->maximum == 0) {
    return true;
  }
  pthread_mutex_lock(&heap->lock);
  bool fits = added <= heap->maximum - heap->used;
  heap->used += fits ? added : 0;
  pthread_mutex_unlock(&heap->lock);
  return fits;
}

static void shrink(heap *heap, SIZE_T removed) {
  if (heap->maximum != 0) {
    pthread_mutex_lock(&heap->lock);
    heap->used -= removed;
    pthread_mutex_unlock(&heap->lock);
  }
}

static void link_block(heap *heap, header *block) {
  if (heap == &process_heap) {
    return;
  }
  pthread_mutex_lock(&heap->lock);
  block->previous = NULL;
  block->next = heap->blocks;
  if (heap->blocks != NULL) {
    heap->blocks->previous = block;
  }
  heap->blocks = block;
  pthread_mutex_unlock(&heap->lock);
}

static void unlink_block(heap *heap, header *block) {
  if (heap == &process_heap) {
    return;
  }
  pthread_mutex_lock(&heap->lock);
  *(block->previous != NULL ? &block->previous->next : &heap->blocks) = block->next;
  if (block->next != NULL) {
    block->next->previous = block->previous;
  }
  pthread_mutex_unlock(&heap->lock);
}

// ---- Blocks ----

static LPVOID no_memory(void) {
  SetLastError(ERROR_NOT_ENOUGH_MEMORY);
  return NULL;
}

HANDLE WINAPI GetProcessHeap(void) { return &process_heap; }

HANDLE WINAPI HeapCreate(DWORD flOptions, SIZE_T dwInitialSize, SIZE_T dwMaximumSize) {
  (void)flOptions, (void)dwInitialSize;
  heap *created = calloc(1, sizeof *created);
  if (created == NULL) {
    return no_memory();
  }
  pthread_mutex_init(&created->lock, NULL);
  created->maximum = dwMaximumSize;
  return created;
}

BOOL WINAPI HeapDestroy(HANDLE hHeap) {
  heap *ended = hHeap;
  if (ended == NULL || ended == &process_heap) {
    return compat_fail(ERROR_INVALID_HANDLE);
  }
  header *next;
  for (header *block = ended->blocks; block != NULL; block = next) {
    next = block->next;
    free(block);
  }
  pthread_mutex_destroy(&ended->lock);
  free(ended);
  return TRUE;
}

LPVOID WINAPI HeapAlloc(HANDLE hHeap, DWORD dwFlags, SIZE_T dwBytes) {
  heap *from = hHeap;
  if (from == NULL) {
    SetLastError(ERROR_INVALID_HANDLE);
    return NULL;
  }
  if (dwBytes > PTRDIFF_MAX - sizeof(header) || !claim(from, dwBytes)) {
    return no_memory();
  }
  SIZE_T whole = sizeof(header) + dwBytes;
  header *block = (dwFlags & HEAP_ZERO_MEMORY) != 0 ? calloc(1, whole) : malloc(whole);
  if (block == NULL) {
    shrink(from, dwBytes);
    return no_memory();
  }
  block->size = dwBytes;
  block->heap = from;
  link_block(from, block);
  return block + 1;
}

LPVOID WINAPI HeapReAlloc(HANDLE hHeap, DWORD dwFlags, LPVOID lpMem, SIZE_T dwBytes) {
  heap *from = hHeap;
  if (from == NULL || lpMem == NULL) {
    SetLastError(ERROR_INVALID_PARAMETER);
    return NULL;
  }
  header *block = header_of(lpMem);
  SIZE_T old = block->size;
  bool is_in_place = (dwFlags & HEAP_REALLOC_IN_PLACE_ONLY) != 0;
  if (dwBytes > PTRDIFF_MAX - sizeof(header) || (is_in_place && dwBytes > old) ||
      (dwBytes > old && !claim(from, dwBytes - old))) {
    return no_memory();
  }
  if (!is_in_place) {
    unlink_block(from, block);
    header *moved = realloc(block, sizeof(header) + dwBytes);
    if (moved == NULL) {
      link_block(from, block);
      shrink(from, dwBytes > old ? dwBytes - old : 0);
      return no_memory();
    }
    block = moved;
    link_block(from, block);
  }
  if (dwBytes < old) {
    shrink(from, old - dwBytes);
  } else if ((dwFlags & HEAP_ZERO_MEMORY) != 0) {
    memset((char *)(block + 1) + old, 0, dwBytes - old);
  }
  block->size = dwBytes;
  return block + 1;
}

BOOL WINAPI HeapFree(HANDLE hHeap, DWORD dwFlags, LPVOID lpMem) {
  (void)dwFlags;
  if (hHeap == NULL) {
    return compat_fail(ERROR_INVALID_HANDLE);
  }
  if (lpMem != NULL) {
    header *block = header_of(lpMem);
    unlink_block(hHeap, block);
    shrink(hHeap, block->size);
    free(block);
  }
  return TRUE;
}

SIZE_T WINAPI HeapSize(HANDLE hHeap, DWORD dwFlags, LPCVOID lpMem) {
  (void)hHeap, (void)dwFlags;
  return lpMem != NULL ? header_of(lpMem)->size : (SIZE_T)-1;
}

BOOL WINAPI HeapValidate(HANDLE hHeap, DWORD dwFlags, LPCVOID lpMem) {
  (void)dwFlags;
  return hHeap != NULL && (lpMem == NULL || header_of(lpMem)->heap == hHeap);
}

// ---- Local and global memory ----

HLOCAL WINAPI LocalAlloc(UINT uFlags, SIZE_T uBytes) {
  return HeapAlloc(&process_heap, (uFlags & LMEM_ZEROINIT) != 0 ? HEAP_ZERO_MEMORY : 0, uBytes);
}

HLOCAL WINAPI LocalReAlloc(HLOCAL hMem, SIZE_T uBytes, UINT uFlags) {
  return HeapReAlloc(&process_heap, (uFlags & LMEM_ZEROINIT) != 0 ? HEAP_ZERO_MEMORY : 0, hMem, uBytes);
}

HLOCAL WINAPI LocalFree(HLOCAL hMem) { return HeapFree(&process_heap, 0, hMem) ? NULL : hMem; }
SIZE_T WINAPI LocalSize(HLOCAL hMem) { return hMem != NULL ? HeapSize(&process_heap, 0, hMem) : 0; }
LPVOID WINAPI LocalLock(HLOCAL hMem) { return hMem; }

BOOL WINAPI LocalUnlock(HLOCAL hMem) {
  (void)hMem;
  // A block that is not locked any more; this states that its count reached zero.
  SetLastError(NO_ERROR);
  return FALSE;
}

HGLOBAL WINAPI GlobalAlloc(UINT uFlags, SIZE_T dwBytes) { return LocalAlloc(uFlags, dwBytes); }
HGLOBAL WINAPI GlobalReAlloc(HGLOBAL hMem, SIZE_T dwBytes, UINT uFlags) { return LocalReAlloc(hMem, dwBytes, uFlags); }
HGLOBAL WINAPI GlobalFree(HGLOBAL hMem) { return LocalFree(hMem); }
SIZE_T WINAPI GlobalSize(HGLOBAL hMem) { return LocalSize(hMem); }
LPVOID WINAPI GlobalLock(HGLOBAL hMem) { return LocalLock(hMem); }
BOOL WINAPI GlobalUnlock(HGLOBAL hMem) { return LocalUnlock(hMem); }
