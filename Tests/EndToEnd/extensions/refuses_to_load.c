/* Refuses to be loaded because access is denied. */
#include "extension.h"

BOOL WINAPI GetExtensionVersion(HSE_VERSION_INFO *version) {
  (void)version;
  SetLastError(ERROR_ACCESS_DENIED);
  return FALSE;
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  (void)block;
  return HSE_STATUS_ERROR;
}
