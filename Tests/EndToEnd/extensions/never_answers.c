/* Reports success without having sent anything. */
#include "extension.h"

EXTENSION("Success without a response")

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  (void)block;
  return HSE_STATUS_SUCCESS;
}
