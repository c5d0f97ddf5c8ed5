/* Reads the whole body before it answers with the number of bytes; without the whole body it answers nothing. */
#include "extension.h"

EXTENSION("Counts a body before it answers")

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  char piece[8192];
  unsigned long total = block->cbAvailable;
  for (;;) {
    DWORD size = sizeof piece;
    if (block->cbTotalBytes != 0xFFFFFFFF && total >= block->cbTotalBytes) break;
    if (!block->ReadClient(block->ConnID, piece, &size)) return HSE_STATUS_ERROR;
    if (size == 0) break;
    total += size;
  }
  return send_text_head(block) && write_format(block, "%lu", total) ? HSE_STATUS_SUCCESS : HSE_STATUS_ERROR;
}
