/*
 * Prints which calls of DllMain it has had. Each call is also a line of the file that
 * ISAGATE_TEST_FILE names, if it names one. ISAGATE_TEST_REFUSE makes the attachment fail.
 */
#include <stdatomic.h>

#include "extension.h"

static atomic_int calls[4];
static atomic_int attached_before_version;

BOOL WINAPI DllMain(HINSTANCE instance, DWORD reason, LPVOID reserved) {
  (void)instance;
  (void)reserved;
  const char *path = getenv("ISAGATE_TEST_FILE");
  FILE *file = path != NULL ? fopen(path, "a") : NULL;
  if (file != NULL) {
    fprintf(file, "DllMain %u\n", reason);
    fclose(file);
  }
  if (reason < 4) {
    calls[reason] += 1;
  }
  return reason != DLL_PROCESS_ATTACH || getenv("ISAGATE_TEST_REFUSE") == NULL;
}

BOOL WINAPI GetExtensionVersion(HSE_VERSION_INFO *version) {
  attached_before_version = calls[DLL_PROCESS_ATTACH];
  version->dwExtensionVersion = HSE_VERSION;
  strcpy(version->lpszExtensionDesc, "DllMain");
  return TRUE;
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  send_text_head(block);
  write_format(block, "process attach %d\nbefore version %d\nprocess detach %d\n", calls[DLL_PROCESS_ATTACH],
               attached_before_version, calls[DLL_PROCESS_DETACH]);
  return HSE_STATUS_SUCCESS;
}
