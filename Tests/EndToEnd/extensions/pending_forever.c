/* Takes a request and never ends it. */
#include "extension.h"

EXTENSION("Pending for ever")

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  (void)block;
  return HSE_STATUS_PENDING;
}
