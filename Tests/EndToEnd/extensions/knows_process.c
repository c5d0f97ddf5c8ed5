/* Tells about its process, and uses it up, as the query string asks. */
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "httpext.h"

static volatile int served;
static HCONN waiting[64];
static int waiting_count;

BOOL WINAPI GetExtensionVersion(HSE_VERSION_INFO *version) {
  version->dwExtensionVersion = HSE_VERSION;
  strcpy(version->lpszExtensionDesc, "Knows its process");
  return TRUE;
}

BOOL WINAPI TerminateExtension(DWORD flags) {
  fprintf(stderr, "process %d: TerminateExtension %u\n", getpid(), flags);
  return TRUE;
}

static void spin(long milliseconds) {
  clock_t end = clock() + milliseconds * (CLOCKS_PER_SEC / 1000);
  while (clock() < end) continue;
}

static void grow(size_t mebibytes) {
  char *memory = malloc(mebibytes << 20);
  if (memory) memset(memory, 1, mebibytes << 20);
}

static void answer_waiting(void) {
  for (int index = 0; index < waiting_count; index++) {
    DWORD length = 5;
    HSE_SEND_HEADER_EX_INFO response = {"200 OK", "Content-Length: 5\r\n\r\n", 6, 21, TRUE};
    EXTENSION_CONTROL_BLOCK *block = (EXTENSION_CONTROL_BLOCK *)waiting[index];
    block->ServerSupportFunction(waiting[index], HSE_REQ_SEND_RESPONSE_HEADER_EX, &response, NULL, NULL);
    block->WriteClient(waiting[index], "late\n", &length, HSE_IO_SYNC);
    DWORD status = HSE_STATUS_SUCCESS_AND_KEEP_CONN;
    block->ServerSupportFunction(waiting[index], HSE_REQ_DONE_WITH_SESSION, &status, NULL, NULL);
  }
  waiting_count = 0;
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  char body[512], folder[256] = "";
  const char *query = block->lpszQueryString;
  __atomic_add_fetch(&served, 1, __ATOMIC_RELAXED);
  if (strncmp(query, "spin=", 5) == 0) spin(atol(query + 5));
  if (strncmp(query, "grow=", 5) == 0) grow((size_t)atol(query + 5));
  if (strcmp(query, "hang") == 0) sleep(30);
  if (strcmp(query, "kill") == 0) abort();
  if (strcmp(query, "answer") == 0) answer_waiting();
  if (strcmp(query, "pending") == 0) {
    waiting[waiting_count++] = block->ConnID;
    return HSE_STATUS_PENDING;
  }
  gid_t groups[8];
  int count = getgroups(8, groups);
  if (!getcwd(folder, sizeof folder)) strcpy(folder, "?");
  int length = snprintf(body, sizeof body, "{\"pid\": %d, \"uid\": %u, \"gid\": %u, \"groups\": %d, \"folder\": \"%s\", \"served\": %d}\n",
                        getpid(), getuid(), getgid(), count, folder, served);
  char head[128];
  HSE_SEND_HEADER_EX_INFO response = {"200 OK", head, 6, 0, TRUE};
  response.cchHeader = (DWORD)sprintf(head, "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n", length);
  DWORD written = (DWORD)length;
  block->ServerSupportFunction(block->ConnID, HSE_REQ_SEND_RESPONSE_HEADER_EX, &response, NULL, NULL);
  block->WriteClient(block->ConnID, body, &written, HSE_IO_SYNC);
  return HSE_STATUS_SUCCESS_AND_KEEP_CONN;
}
