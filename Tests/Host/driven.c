// An extension for test_host_protocol.py, built for Linux and for Windows. The query string says what it does.
#include <stdio.h>
#include <string.h>

#include "httpext.h"

static char attached[] = "not attached";
static DWORD terminated;

BOOL WINAPI DllMain(HINSTANCE library, DWORD reason, LPVOID reserved) {
  (void)library;
  (void)reserved;
  if (reason == DLL_PROCESS_ATTACH) strcpy(attached, "attached");
  return TRUE;
}

BOOL WINAPI GetExtensionVersion(HSE_VERSION_INFO *version) {
  version->dwExtensionVersion = 0x00010002;
  snprintf(version->lpszExtensionDesc, sizeof version->lpszExtensionDesc, "driven, %s", attached);
  return TRUE;
}

BOOL WINAPI TerminateExtension(DWORD flags) {
  terminated = flags;
  return flags == HSE_TERM_MUST_UNLOAD;
}

static void respond(EXTENSION_CONTROL_BLOCK *block, const char *text) {
  HSE_SEND_HEADER_EX_INFO head = {.pszStatus = "200 OK", .pszHeader = "Content-Type: text/plain\r\n\r\n", .fKeepConn = TRUE};
  DWORD count = (DWORD)strlen(text);
  block->ServerSupportFunction(block->ConnID, HSE_REQ_SEND_RESPONSE_HEADER_EX, &head, NULL, NULL);
  block->WriteClient(block->ConnID, (LPVOID)text, &count, HSE_IO_SYNC);
}

static void greet(EXTENSION_CONTROL_BLOCK *block) {
  char name[64] = "", text[256];
  DWORD size = sizeof name;
  block->GetServerVariable(block->ConnID, "SERVER_NAME", name, &size);
  snprintf(text, sizeof text, "%s %s of %s with %.*s", block->lpszMethod, block->lpszPathInfo, name,
           (int)block->cbAvailable, (const char *)block->lpbData);
  respond(block, text);
}

static void read_body(EXTENSION_CONTROL_BLOCK *block) {
  char body[64] = "";
  DWORD size = sizeof body - 1;
  if (!block->ReadClient(block->ConnID, body, &size)) snprintf(body, sizeof body, "error %u", (unsigned)GetLastError());
  respond(block, body);
}

static DWORD WINAPI end_later(void *context) {
  EXTENSION_CONTROL_BLOCK *block = context;
  DWORD status = HSE_STATUS_SUCCESS;
  respond(block, "from another thread");
  block->ServerSupportFunction(block->ConnID, HSE_REQ_DONE_WITH_SESSION, &status, NULL, NULL);
  return 0;
}

static VOID WINAPI file_was_sent(EXTENSION_CONTROL_BLOCK *block, PVOID context, DWORD count, DWORD error) {
  (void)block;
  (void)context;
  (void)count;
  (void)error;
}

static DWORD send_file(EXTENSION_CONTROL_BLOCK *block) {
  HANDLE file = CreateFileA(block->lpszPathTranslated, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
  HSE_TF_INFO transmission = {.pfnHseIO = file_was_sent, .hFile = file, .dwFlags = HSE_IO_ASYNC};
  if (block->ServerSupportFunction(block->ConnID, HSE_REQ_TRANSMIT_FILE, &transmission, NULL, NULL)) {
    return HSE_STATUS_PENDING;
  }
  char text[64];
  snprintf(text, sizeof text, "error %u", (unsigned)GetLastError());
  respond(block, text);
  return HSE_STATUS_SUCCESS;
}

static int overflow(volatile char *before) {
  volatile char page[4096];
  page[0] = *before;
  return overflow(page) + page[0];
}

// Overwrites what lies above its frame, and crashes.
static void smash(void) {
  volatile char place[16];
  for (int index = 0; index < 512; index++) *(volatile char *)((UINT_PTR)place + (UINT_PTR)index) = 0x41;
  *(volatile int *)(UINT_PTR)8 = 1;
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  const char *what = block->lpszQueryString;
  if (strcmp(what, "file") == 0) return send_file(block);
  if (strcmp(what, "later") == 0) {
    HANDLE thread = CreateThread(NULL, 0, end_later, block, 0, NULL);
    if (thread) CloseHandle(thread);
    return HSE_STATUS_PENDING;
  }
  if (strcmp(what, "crash") == 0) *(volatile int *)(UINT_PTR)8 = 1;
  if (strcmp(what, "smash") == 0) smash();
  if (strcmp(what, "overflow") == 0) return (DWORD)overflow((volatile char *)what);
  if (strcmp(what, "read") == 0) {
    read_body(block);
  } else {
    greet(block);
  }
  return HSE_STATUS_SUCCESS;
}
