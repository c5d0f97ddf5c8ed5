/* Sends a request's body back as it arrives, whatever its size, with its content type. */
#include <stdio.h>

#include "httpext.h"

/* cbTotalBytes of a body whose length is not known before its end. */
#define UNKNOWN_LENGTH 0xFFFFFFFFu
#define CHUNK_SIZE 65536

static char invitation[] = "Send a body with POST or PUT and it comes back.\n";

BOOL WINAPI GetExtensionVersion(HSE_VERSION_INFO *version) {
  version->dwExtensionVersion = HSE_VERSION;
  strcpy(version->lpszExtensionDesc, "Echo of the request's body");
  return TRUE;
}

/* A length of UNKNOWN_LENGTH is left out: the server then frames the response. */
static BOOL send_head(EXTENSION_CONTROL_BLOCK *block, const char *type, DWORD length) {
  char head[512];
  int size = snprintf(head, sizeof head, "Content-Type: %s\r\nX-Content-Type-Options: nosniff\r\n", type);
  if (size < 0 || size >= (int)sizeof head - 64) {
    return send_head(block, "application/octet-stream", length);
  }
  if (length != UNKNOWN_LENGTH) {
    size += snprintf(head + size, sizeof head - (size_t)size, "Content-Length: %u\r\n", length);
  }
  size += snprintf(head + size, sizeof head - (size_t)size, "\r\n");

  HSE_SEND_HEADER_EX_INFO response = {"200 OK", head, sizeof "200 OK" - 1, (DWORD)size, TRUE};
  return block->ServerSupportFunction(block->ConnID, HSE_REQ_SEND_RESPONSE_HEADER_EX, &response, NULL, NULL);
}

static BOOL write_all(EXTENSION_CONTROL_BLOCK *block, void *bytes, DWORD length) {
  DWORD written = length;
  return length == 0 || (block->WriteClient(block->ConnID, bytes, &written, HSE_IO_SYNC) && written == length);
}

/* Reads what has not arrived with the request: to the announced length, or to the end. */
static BOOL echo_rest(EXTENSION_CONTROL_BLOCK *block) {
  char chunk[CHUNK_SIZE];
  DWORD received = block->cbAvailable;

  while (block->cbTotalBytes == UNKNOWN_LENGTH || received < block->cbTotalBytes) {
    DWORD length = sizeof chunk;
    if (!block->ReadClient(block->ConnID, chunk, &length)) {
      return FALSE;
    }
    if (length == 0) {
      return block->cbTotalBytes == UNKNOWN_LENGTH;
    }
    if (!write_all(block, chunk, length)) {
      return FALSE;
    }
    if (block->cbTotalBytes != UNKNOWN_LENGTH) {
      received += length;
    }
  }
  return TRUE;
}

static BOOL invite(EXTENSION_CONTROL_BLOCK *block) {
  return send_head(block, "text/plain", sizeof invitation - 1) && write_all(block, invitation, sizeof invitation - 1);
}

static BOOL echo(EXTENSION_CONTROL_BLOCK *block) {
  const char *type = block->lpszContentType[0] != '\0' ? block->lpszContentType : "application/octet-stream";
  return send_head(block, type, block->cbTotalBytes) && write_all(block, block->lpbData, block->cbAvailable) &&
         echo_rest(block);
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  BOOL visiting = strcmp(block->lpszMethod, "GET") == 0 || strcmp(block->lpszMethod, "HEAD") == 0;
  BOOL answered = visiting && block->cbTotalBytes == 0 ? invite(block) : echo(block);
  return answered ? HSE_STATUS_SUCCESS_AND_KEEP_CONN : HSE_STATUS_ERROR;
}
