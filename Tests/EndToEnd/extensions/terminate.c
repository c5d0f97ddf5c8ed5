/* TerminateExtension writes its flags to the file that ISAGATE_TEST_FILE names. */
#include "extension.h"

EXTENSION("Termination")

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  return send_text_head(block) && write_text(block, "running\n") ? HSE_STATUS_SUCCESS : HSE_STATUS_ERROR;
}

BOOL WINAPI TerminateExtension(DWORD flags) {
  const char *path = getenv("ISAGATE_TEST_FILE");
  FILE *file = path != NULL ? fopen(path, "a") : NULL;
  if (file != NULL) {
    fprintf(file, "TerminateExtension %u\n", flags);
    fclose(file);
  }
  return TRUE;
}
