/* Leaves an error in the queue that OpenSSL keeps for each thread, as a careless user of that library does. */
#include "extension.h"

/* The functions of OpenSSL that its macro ERR_raise calls; the gateway has them loaded. */
void ERR_new(void);
void ERR_set_error(int library, int reason, const char *format, ...);

EXTENSION("Errors of OpenSSL left behind")

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  enum { LIBRARY_OF_USERS = 128, REASON = 1 };
  ERR_new();
  ERR_set_error(LIBRARY_OF_USERS, REASON, NULL);
  return write_text(block, "left\n") ? HSE_STATUS_SUCCESS : HSE_STATUS_ERROR;
}
