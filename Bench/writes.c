/* An extension that answers with 1 MiB, in writes of 64 KiB. */
#include <httpext.h>
#include <string.h>

#define PIECE (64u << 10)
#define PIECES 16

static char piece[PIECE];

BOOL WINAPI GetExtensionVersion(HSE_VERSION_INFO *version) {
  version->dwExtensionVersion = HSE_VERSION;
  strcpy(version->lpszExtensionDesc, "writes");
  memset(piece, 'x', sizeof piece);
  return TRUE;
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  static char head[] = "Content-Type: application/octet-stream\r\nContent-Length: 1048576\r\n\r\n";
  HSE_SEND_HEADER_EX_INFO response = {"200 OK", head, 6, sizeof head - 1, TRUE};
  if (!block->ServerSupportFunction(block->ConnID, HSE_REQ_SEND_RESPONSE_HEADER_EX, &response, NULL, NULL)) {
    return HSE_STATUS_ERROR;
  }
  for (int number = 0; number < PIECES; number++) {
    DWORD length = PIECE;
    if (!block->WriteClient(block->ConnID, piece, &length, HSE_IO_SYNC)) return HSE_STATUS_ERROR;
  }
  return HSE_STATUS_SUCCESS_AND_KEEP_CONN;
}
