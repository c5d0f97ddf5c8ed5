#define _GNU_SOURCE
#include "CExtensionKit.h"

#include <dlfcn.h>
#include <stddef.h>

#pragma weak GetLastError
#pragma weak SetLastError
uint32_t GetLastError(void);
void SetLastError(uint32_t number);

void *CExtensionKit_pin_library(const void *address) {
  Dl_info place;
  return dladdr(address, &place) == 0 ? NULL : dlopen(place.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
}

uint32_t CExtensionKit_last_error(void) { return GetLastError != NULL ? GetLastError() : 1; }

void CExtensionKit_set_last_error(uint32_t number) {
  if (SetLastError != NULL) {
    SetLastError(number);
  }
}
