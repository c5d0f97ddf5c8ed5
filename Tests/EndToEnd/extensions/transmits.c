/*
 * Sends the file whose path is the query by HSE_REQ_TRANSMIT_FILE. If the extension's own path is followed by
 * /take-bus-errors, it replaces the handler of SIGBUS, as the libraries of some languages do.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "extension.h"

EXTENSION("Sends files")

static void WINAPI sent(EXTENSION_CONTROL_BLOCK *block, PVOID file, DWORD count, DWORD error) {
  (void)count, (void)error;
  close((int)(intptr_t)file);
  done_with_session(block, HSE_STATUS_SUCCESS);
}

static void give_up(int number) {
  (void)number;
  _exit(9);
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  if (strstr(block->lpszPathInfo, "/take-bus-errors") != NULL) {
    signal(SIGBUS, give_up);
    send_text_head(block);
    return write_text(block, "taken\n") ? HSE_STATUS_SUCCESS : HSE_STATUS_ERROR;
  }
  struct stat status;
  int file = open(block->lpszQueryString, O_RDONLY | O_CLOEXEC);
  if (file < 0 || fstat(file, &status) != 0) {
    return HSE_STATUS_ERROR;
  }
  char head[128];
  snprintf(head, sizeof head, "Content-Type: text/plain\r\nContent-Length: %ld\r\n\r\n", (long)status.st_size);
  HSE_TF_INFO information = {0};
  information.pfnHseIO = sent;
  information.pContext = (PVOID)(intptr_t)file;
  information.hFile = (HANDLE)(intptr_t)file;
  information.pszStatusCode = "200 OK";
  information.pHead = head;
  information.HeadLength = (DWORD)strlen(head);
  information.dwFlags = HSE_IO_ASYNC | HSE_IO_SEND_HEADERS;
  if (!block->ServerSupportFunction(block->ConnID, HSE_REQ_TRANSMIT_FILE, &information, NULL, NULL)) {
    close(file);
    return HSE_STATUS_ERROR;
  }
  return HSE_STATUS_PENDING;
}
