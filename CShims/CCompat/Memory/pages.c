// Pages: reserved by mmap without access, committed by giving access.
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../compat.h"

typedef struct region {
  uintptr_t start;
  SIZE_T size;
  struct region *next;
} region;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
// Guarded by the lock.
static region *regions;

// The mmap protection for a PAGE_ number, or -1.
static int protection(DWORD page) {
  switch (page) {
  case PAGE_NOACCESS: return PROT_NONE;
  case PAGE_READONLY: return PROT_READ;
  case PAGE_READWRITE: return PROT_READ | PROT_WRITE;
  case PAGE_EXECUTE: return PROT_EXEC;
  case PAGE_EXECUTE_READ: return PROT_READ | PROT_EXEC;
  case PAGE_EXECUTE_READWRITE: return PROT_READ | PROT_WRITE | PROT_EXEC;
  default: return -1;
  }
}

// Rounds a range to whole pages.
static void round_to_pages(uintptr_t *start, SIZE_T *size) {
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  uintptr_t end = (*start + *size + page - 1) & ~(page - 1);
  *start &= ~(page - 1);
  *size = end - *start;
}

// Whether the whole range belongs to one region. The lock is held.
static bool is_within_region(uintptr_t start, SIZE_T size) {
  for (region *each = regions; each != NULL; each = each->next) {
    if (start >= each->start && start - each->start < each->size && size <= each->size - (start - each->start)) {
      return true;
    }
  }
  return false;
}

static LPVOID reserve(LPVOID address, SIZE_T size, int access) {
  uintptr_t start = (uintptr_t)address;
  round_to_pages(&start, &size);
  region *added = malloc(sizeof *added);
  int fixed = address != NULL ? MAP_FIXED_NOREPLACE : 0;
  void *mapped = added != NULL ? mmap((void *)start, size, access, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | fixed, -1, 0)
                               : MAP_FAILED;
  if (mapped == MAP_FAILED) {
    free(added);
    SetLastError(address != NULL ? ERROR_INVALID_ADDRESS : ERROR_NOT_ENOUGH_MEMORY);
    return NULL;
  }
  pthread_mutex_lock(&lock);
  *added = (region){(uintptr_t)mapped, size, regions};
  regions = added;
  pthread_mutex_unlock(&lock);
  return mapped;
}

static LPVOID commit(LPVOID address, SIZE_T size, int access) {
  uintptr_t start = (uintptr_t)address;
  round_to_pages(&start, &size);
  pthread_mutex_lock(&lock);
  bool done = is_within_region(start, size) && mprotect((void *)start, size, access) == 0;
  pthread_mutex_unlock(&lock);
  if (!done) {
    SetLastError(ERROR_INVALID_ADDRESS);
  }
  return done ? (LPVOID)start : NULL;
}

LPVOID WINAPI VirtualAlloc(LPVOID lpAddress, SIZE_T dwSize, DWORD flAllocationType, DWORD flProtect) {
  int access = protection(flProtect);
  DWORD kind = flAllocationType & ~(DWORD)MEM_TOP_DOWN;
  if (access < 0 || dwSize == 0 || dwSize > PTRDIFF_MAX || kind == 0 || (kind & ~(DWORD)(MEM_RESERVE | MEM_COMMIT)) != 0) {
    SetLastError(ERROR_INVALID_PARAMETER);
    return NULL;
  }
  if ((kind & MEM_RESERVE) == 0 && lpAddress != NULL) {
    return commit(lpAddress, dwSize, access);
  }
  return reserve(lpAddress, dwSize, (kind & MEM_COMMIT) != 0 ? access : PROT_NONE);
}

static bool release(uintptr_t start) {
  for (region **link = &regions; *link != NULL; link = &(*link)->next) {
    region *each = *link;
    if (each->start == start) {
      *link = each->next;
      munmap((void *)each->start, each->size);
      free(each);
      return true;
    }
  }
  return false;
}

static bool decommit(uintptr_t start, SIZE_T size) {
  round_to_pages(&start, &size);
  return is_within_region(start, size) && mprotect((void *)start, size, PROT_NONE) == 0 &&
         madvise((void *)start, size, MADV_DONTNEED) == 0;
}

BOOL WINAPI VirtualFree(LPVOID lpAddress, SIZE_T dwSize, DWORD dwFreeType) {
  if ((dwFreeType != MEM_RELEASE && dwFreeType != MEM_DECOMMIT) || (dwFreeType == MEM_RELEASE && dwSize != 0)) {
    return compat_fail(ERROR_INVALID_PARAMETER);
  }
  pthread_mutex_lock(&lock);
  bool done = dwFreeType == MEM_RELEASE ? release((uintptr_t)lpAddress) : decommit((uintptr_t)lpAddress, dwSize);
  pthread_mutex_unlock(&lock);
  return done ? TRUE : compat_fail(ERROR_INVALID_ADDRESS);
}

// Only the system knows the previous protection, and has no function to read it.
BOOL WINAPI VirtualProtect(LPVOID lpAddress, SIZE_T dwSize, DWORD flNewProtect, PDWORD lpflOldProtect) {
  int access = protection(flNewProtect);
  if (access < 0) {
    return compat_fail(ERROR_INVALID_PARAMETER);
  }
  if (lpflOldProtect == NULL) {
    return compat_fail(ERROR_NOACCESS);
  }
  if (commit(lpAddress, dwSize, access) == NULL) {
    return FALSE;
  }
  *lpflOldProtect = PAGE_READWRITE;
  return TRUE;
}
