/*
 * Counts the bytes of the body from ReadClient and answers "TOTAL cbTotalBytes CONTENT_LENGTH". With "send=N" in
 * the query it answers with N bytes instead.
 */
#include "extension.h"

#define STEP (256u << 10)

EXTENSION("Bodies of any length")

static char bytes[STEP];

static DWORD send_bytes(EXTENSION_CONTROL_BLOCK *block, long long count) {
  char fields[64];
  snprintf(fields, sizeof fields, "Content-Length: %lld\r\n\r\n", count);
  BOOL sent = send_head(block, "200 OK", fields);
  while (sent && count > 0) {
    size_t step = count < STEP ? (size_t)count : STEP;
    sent = write_bytes(block, bytes, step);
    count -= (long long)step;
  }
  return sent ? HSE_STATUS_SUCCESS : HSE_STATUS_ERROR;
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  long count = query_number(block, "send", -1);
  if (count >= 0) {
    return send_bytes(block, count);
  }
  char length[32];
  DWORD size = sizeof length;
  if (!block->GetServerVariable(block->ConnID, "CONTENT_LENGTH", length, &size)) {
    return HSE_STATUS_ERROR;
  }
  unsigned long long total = block->cbAvailable;
  char *room = malloc(STEP);
  for (;;) {
    size = STEP;
    if (room == NULL || !block->ReadClient(block->ConnID, room, &size)) {
      free(room);
      return HSE_STATUS_ERROR;
    }
    if (size == 0) {
      break;
    }
    total += size;
  }
  free(room);
  return send_text_head(block) && write_format(block, "%llu %u %s\n", total, block->cbTotalBytes, length)
             ? HSE_STATUS_SUCCESS
             : HSE_STATUS_ERROR;
}
