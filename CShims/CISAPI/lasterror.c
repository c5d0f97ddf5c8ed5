// The calling thread's last error, which the host and the extensions it has loaded share: an
// extension's undefined GetLastError binds to the one the host's executable exports.
#include <errno.h>

#include "windows.h"

#define EXPORTED __attribute__((visibility("default"), used))

static _Thread_local DWORD last_error;

EXPORTED DWORD WINAPI GetLastError(void) { return last_error; }

// Extensions ported to Unix read errno where they read GetLastError() on Windows.
EXPORTED void WINAPI SetLastError(DWORD dwErrCode) {
  last_error = dwErrCode;
  errno = (int)dwErrCode;
}
