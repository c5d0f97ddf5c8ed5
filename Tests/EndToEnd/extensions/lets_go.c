/*
 * Sends a file by HSE_REQ_TRANSMIT_FILE or HSE_REQ_VECTOR_SEND and closes its handle immediately, long before the
 * completion; the next file that it opens gets the number that has become free.
 *
 * The query: `file=PATH&other=PATH`, and of the words `handle` (CreateFile instead of open), `vector`.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "extension.h"
#include "windows.h"

EXTENSION("Closes files that are being sent")

enum { OTHERS = 4 };

typedef struct {
  int others[OTHERS];
  /* How many of the two that end it, the call and the completion, have come. */
  atomic_int ends;
} request;

static void end(EXTENSION_CONTROL_BLOCK *block, request *ended) {
  if (atomic_fetch_add(&ended->ends, 1) == 0) {
    return;
  }
  for (int index = 0; index < OTHERS; index++) {
    close(ended->others[index]);
  }
  free(ended);
  done_with_session(block, HSE_STATUS_SUCCESS);
}

static void WINAPI sent(EXTENSION_CONTROL_BLOCK *block, PVOID context, DWORD count, DWORD error) {
  (void)count, (void)error;
  end(block, context);
}

static BOOL text_of(EXTENSION_CONTROL_BLOCK *block, const char *name, char *text, size_t room) {
  const char *start = strstr(block->lpszQueryString, name);
  if (start == NULL) {
    return FALSE;
  }
  start += strlen(name);
  size_t length = strcspn(start, "&");
  if (length >= room) {
    return FALSE;
  }
  memcpy(text, start, length);
  text[length] = '\0';
  return TRUE;
}

static BOOL transmit(EXTENSION_CONTROL_BLOCK *block, HANDLE file, const char *head, request *context) {
  HSE_TF_INFO information = {0};
  information.pfnHseIO = sent;
  information.pContext = context;
  information.hFile = file;
  information.pszStatusCode = "200 OK";
  information.pHead = (PVOID)head;
  information.HeadLength = (DWORD)strlen(head);
  information.dwFlags = HSE_IO_ASYNC | HSE_IO_SEND_HEADERS;
  return block->ServerSupportFunction(block->ConnID, HSE_REQ_TRANSMIT_FILE, &information, NULL, NULL);
}

static BOOL send_vector(EXTENSION_CONTROL_BLOCK *block, HANDLE file, const char *head, request *context) {
  block->ServerSupportFunction(block->ConnID, HSE_REQ_IO_COMPLETION, (LPVOID)sent, NULL, (LPDWORD)context);
  HSE_VECTOR_ELEMENT element = {0};
  element.ElementType = HSE_VECTOR_ELEMENT_TYPE_FILE_HANDLE;
  element.pvContext = file;
  HSE_RESPONSE_VECTOR vector = {0};
  vector.dwFlags = HSE_IO_ASYNC | HSE_IO_SEND_HEADERS;
  vector.pszStatus = (LPSTR)"200 OK";
  vector.pszHeaders = (LPSTR)head;
  vector.nElementCount = 1;
  vector.lpElementArray = &element;
  return block->ServerSupportFunction(block->ConnID, HSE_REQ_VECTOR_SEND, &vector, NULL, NULL);
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  char path[1024], other[1024], head[128];
  struct stat status;
  if (!text_of(block, "file=", path, sizeof path) || !text_of(block, "other=", other, sizeof other) ||
      stat(path, &status) != 0) {
    return HSE_STATUS_ERROR;
  }
  snprintf(head, sizeof head, "Content-Type: text/plain\r\nContent-Length: %ld\r\n\r\n", (long)status.st_size);
  BOOL by_handle = strstr(block->lpszQueryString, "handle") != NULL;
  int descriptor = by_handle ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  HANDLE file = by_handle ? CreateFileA(path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL)
                          : (HANDLE)(intptr_t)descriptor;
  request *context = calloc(1, sizeof *context);
  BOOL by_vector = strstr(block->lpszQueryString, "vector") != NULL;
  BOOL is_begun = by_vector ? send_vector(block, file, head, context) : transmit(block, file, head, context);
  if (by_handle) {
    CloseHandle(file);
  } else {
    close(descriptor);
  }
  if (!is_begun) {
    free(context);
    return HSE_STATUS_ERROR;
  }
  for (int index = 0; index < OTHERS; index++) {
    context->others[index] = open(other, O_RDONLY | O_CLOEXEC);
  }
  end(block, context);
  return HSE_STATUS_PENDING;
}
