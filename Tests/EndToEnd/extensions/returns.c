/*
 * Returns the number the query names: "code=4". Sends a response before, unless it has
 * "silent=1"; with "done=1" it ends the request itself before it returns. The response has the
 * length of its body and "more=N" bytes that are missing, or none with "unframed=1".
 */
#include "extension.h"

EXTENSION("Return codes")

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  DWORD code = (DWORD)query_number(block, "code", HSE_STATUS_SUCCESS);
  if (query_number(block, "silent", 0) == 0) {
    char body[64];
    char fields[96];
    int length = snprintf(body, sizeof body, "returned %u\n", code);
    snprintf(fields, sizeof fields, "Content-Type: text/plain\r\nContent-Length: %ld\r\n\r\n",
             length + query_number(block, "more", 0));
    if (query_number(block, "unframed", 0) != 0) {
      send_text_head(block);
    } else {
      send_head(block, "200 OK", fields);
    }
    write_text(block, body);
  }
  if (query_number(block, "done", 0) != 0) {
    done_with_session(block, HSE_STATUS_SUCCESS);
  }
  return code;
}
