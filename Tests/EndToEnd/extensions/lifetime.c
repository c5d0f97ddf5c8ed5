/*
 * Logs its lifetime: `lifetime: load`, `lifetime: held` and `lifetime: terminate FLAGS`. A request is answered with the
 * number of requests of this instance; with `unhealthy` in the query it reports that, with `held` it waits for the pipe
 * `hold`.
 *
 * Files in ISAGATE_TEST_FOLDER control it: with `gate`, a pipe, loading waits until a test writes to it; with
 * `refuse` it does not load, with `stay` it does not agree to be unloaded.
 */
#include <fcntl.h>
#include <unistd.h>

#include "extension.h"

static long requests;

static void tell(const char *event, int number) {
  char line[64];
  int length = snprintf(line, sizeof line, "lifetime: %s %d\n", event, number);
  if (write(STDERR_FILENO, line, (size_t)length) < 0) {
    abort();
  }
}

static const char *place(const char *name, char path[4096]) {
  const char *folder = getenv("ISAGATE_TEST_FOLDER");
  snprintf(path, 4096, "%s/%s", folder != NULL ? folder : "", name);
  return path;
}

static BOOL exists(const char *name) {
  char path[4096];
  return access(place(name, path), F_OK) == 0;
}

/* Waits until a test writes to a pipe. */
static BOOL wait_for(const char *name) {
  char path[4096];
  char byte;
  int pipe = open(place(name, path), O_RDONLY);
  BOOL came = pipe >= 0 && read(pipe, &byte, 1) >= 0;
  close(pipe);
  return came;
}

BOOL WINAPI GetExtensionVersion(HSE_VERSION_INFO *version) {
  tell("load", 1);
  if (exists("gate") && !wait_for("gate")) {
    return FALSE;
  }
  version->dwExtensionVersion = HSE_VERSION;
  strcpy(version->lpszExtensionDesc, "Lifetime");
  return !exists("refuse");
}

BOOL WINAPI TerminateExtension(DWORD flags) {
  tell("terminate", (int)flags);
  return !exists("stay");
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  long number = __atomic_add_fetch(&requests, 1, __ATOMIC_SEQ_CST);
  if (strstr(block->lpszQueryString, "unhealthy") != NULL) {
    block->ServerSupportFunction(block->ConnID, HSE_REQ_REPORT_UNHEALTHY, "worn out", NULL, NULL);
  }
  if (strstr(block->lpszQueryString, "held") != NULL) {
    tell("held", 1);
    if (!wait_for("hold")) {
      return HSE_STATUS_ERROR;
    }
  }
  return send_text_head(block) && write_format(block, "request %ld\n", number) ? HSE_STATUS_SUCCESS : HSE_STATUS_ERROR;
}
