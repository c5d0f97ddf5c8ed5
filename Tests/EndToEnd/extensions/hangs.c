/* A DllMain that does not return, for the reason that the environment names. */
#include "extension.h"

EXTENSION("Hangs")

BOOL WINAPI DllMain(HINSTANCE library, DWORD reason, LPVOID reserved) {
  (void)library, (void)reserved;
  const char *named = getenv("HANGS_AT");
  while (named != NULL && (DWORD)atoi(named) == reason) {
    Sleep(1000);
  }
  return TRUE;
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  send_text_head(block);
  write_text(block, "ok\n");
  return HSE_STATUS_SUCCESS;
}
