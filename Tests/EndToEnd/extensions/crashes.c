/* Crashes in the way that the query names. */
#include <signal.h>

#include "extension.h"

EXTENSION("Crashes")

static volatile int sink;

__attribute__((noinline)) static int descend(int depth) {
  volatile char block[4096];
  block[0] = (char)depth;
  return descend(depth + 1) + block[0];
}

static DWORD WINAPI begun(LPVOID argument) {
  (void)argument;
  *(volatile int *)8 = 1;
  return 0;
}

static void WINAPI completed(EXTENSION_CONTROL_BLOCK *block, PVOID context, DWORD bytes, DWORD error) {
  (void)block, (void)context, (void)bytes, (void)error;
  *(volatile int *)16 = 1;
}

static void overflow_in_thread(void) {
  HANDLE thread = CreateThread(NULL, 1 << 17, (LPTHREAD_START_ROUTINE)(void *)descend, NULL, 0, NULL);
  WaitForSingleObject(thread, INFINITE);
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  const char *how = block->lpszQueryString;
  if (strcmp(how, "pointer") == 0) {
    *(volatile int *)8 = 1;
  } else if (strcmp(how, "overflow") == 0) {
    sink = descend(0);
  } else if (strcmp(how, "abort") == 0) {
    abort();
  } else if (strcmp(how, "divide") == 0) {
    raise(SIGFPE);
  } else if (strcmp(how, "trap") == 0) {
    __builtin_trap();
  } else if (strcmp(how, "thread") == 0) {
    WaitForSingleObject(CreateThread(NULL, 0, begun, NULL, 0, NULL), INFINITE);
  } else if (strcmp(how, "thread-overflow") == 0) {
    overflow_in_thread();
  } else if (strcmp(how, "completion") == 0) {
    block->ServerSupportFunction(block->ConnID, HSE_REQ_IO_COMPLETION, (LPVOID)completed, NULL, NULL);
    DWORD size = 4;
    block->WriteClient(block->ConnID, (LPVOID)"text", &size, HSE_IO_ASYNC);
    return HSE_STATUS_PENDING;
  }
  send_text_head(block);
  write_text(block, "ok\n");
  return HSE_STATUS_SUCCESS;
}
