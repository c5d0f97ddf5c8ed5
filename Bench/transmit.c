/* An extension that sends the file named by the environment variable TRANSMIT with one asynchronous HSE_REQ_TRANSMIT_FILE. */
#include <fcntl.h>
#include <httpext.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int file = -1;
static char head[128];

BOOL WINAPI GetExtensionVersion(HSE_VERSION_INFO *version) {
  struct stat status;
  version->dwExtensionVersion = HSE_VERSION;
  strcpy(version->lpszExtensionDesc, "file transmission");
  file = open(getenv("TRANSMIT"), O_RDONLY | O_CLOEXEC);
  if (file < 0 || fstat(file, &status) != 0) {
    return FALSE;
  }
  snprintf(head, sizeof head, "Content-Type: application/octet-stream\r\nContent-Length: %lld\r\n\r\n",
           (long long)status.st_size);
  return TRUE;
}

static VOID WINAPI finish(EXTENSION_CONTROL_BLOCK *block, PVOID context, DWORD count, DWORD error) {
  DWORD state = error == 0 ? HSE_STATUS_SUCCESS : HSE_STATUS_ERROR;
  (void)context;
  (void)count;
  block->ServerSupportFunction(block->ConnID, HSE_REQ_DONE_WITH_SESSION, &state, NULL, NULL);
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  HSE_SEND_HEADER_EX_INFO response = {"200 OK", head, 6, (DWORD)strlen(head), TRUE};
  HSE_TF_INFO transmission = {0};
  transmission.pfnHseIO = finish;
  transmission.hFile = (HANDLE)(intptr_t)file;
  transmission.dwFlags = HSE_IO_ASYNC;
  if (!block->ServerSupportFunction(block->ConnID, HSE_REQ_SEND_RESPONSE_HEADER_EX, &response, NULL, NULL) ||
      !block->ServerSupportFunction(block->ConnID, HSE_REQ_TRANSMIT_FILE, &transmission, NULL, NULL)) {
    return HSE_STATUS_ERROR;
  }
  return HSE_STATUS_PENDING;
}
