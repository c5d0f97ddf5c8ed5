/* Common code of the extensions of these tests: the version, and responses as text. */
#ifndef TESTS_EXTENSION_H
#define TESTS_EXTENSION_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "httpext.h"

#define UNUSED __attribute__((unused))

/* Defines GetExtensionVersion for an extension that needs nothing at its start. */
#define EXTENSION(description)                                                                                         \
  BOOL WINAPI GetExtensionVersion(HSE_VERSION_INFO *version) {                                                         \
    version->dwExtensionVersion = HSE_VERSION;                                                                         \
    strcpy(version->lpszExtensionDesc, description);                                                                   \
    return TRUE;                                                                                                       \
  }

UNUSED static BOOL write_bytes(EXTENSION_CONTROL_BLOCK *block, const void *bytes, size_t length) {
  DWORD written = (DWORD)length;
  return block->WriteClient(block->ConnID, (LPVOID)bytes, &written, HSE_IO_SYNC);
}

UNUSED static BOOL write_text(EXTENSION_CONTROL_BLOCK *block, const char *text) {
  return write_bytes(block, text, strlen(text));
}

UNUSED static BOOL write_format(EXTENSION_CONTROL_BLOCK *block, const char *format, ...) {
  char text[4096];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  return write_bytes(block, text, length < (int)sizeof text ? (size_t)length : sizeof text - 1);
}

/* `fields` ends with the empty line. */
UNUSED static BOOL send_head(EXTENSION_CONTROL_BLOCK *block, const char *status, const char *fields) {
  HSE_SEND_HEADER_EX_INFO head = {status, fields, (DWORD)strlen(status), (DWORD)strlen(fields), TRUE};
  return block->ServerSupportFunction(block->ConnID, HSE_REQ_SEND_RESPONSE_HEADER_EX, &head, NULL, NULL);
}

UNUSED static BOOL send_text_head(EXTENSION_CONTROL_BLOCK *block) {
  return send_head(block, "200 OK", "Content-Type: text/plain\r\n\r\n");
}

UNUSED static BOOL done_with_session(EXTENSION_CONTROL_BLOCK *block, DWORD status) {
  return block->ServerSupportFunction(block->ConnID, HSE_REQ_DONE_WITH_SESSION, &status, NULL, NULL);
}

/* The number after `name=` in the query, or `otherwise`. */
UNUSED static long query_number(EXTENSION_CONTROL_BLOCK *block, const char *name, long otherwise) {
  size_t length = strlen(name);
  for (const char *item = block->lpszQueryString; item != NULL && *item != '\0'; item = strchr(item, '&')) {
    item += *item == '&';
    if (strncmp(item, name, length) == 0 && item[length] == '=') {
      return strtol(item + length + 1, NULL, 10);
    }
  }
  return otherwise;
}

/* Decodes each %xx and + of `text` in place. */
UNUSED static void decode_query(char *text) {
  char *end = text;
  for (; *text != '\0'; text += 1) {
    unsigned byte;
    if (*text == '%' && sscanf(text + 1, "%2x", &byte) == 1) {
      *end++ = (char)byte;
      text += 2;
    } else {
      *end++ = *text == '+' ? ' ' : *text;
    }
  }
  *end = '\0';
}

#endif
