// The event log: a line on standard error, where the gateway logs, for each event.
#include <stdlib.h>

#include "../compat.h"

typedef struct {
  compat_object object;
  char name[256];
} source;

static void destroy_source(compat_object *object) { free(object); }

HANDLE WINAPI RegisterEventSourceA(LPCSTR lpUNCServerName, LPCSTR lpSourceName) {
  if (lpSourceName == NULL || lpUNCServerName != NULL) {
    SetLastError(lpSourceName == NULL ? ERROR_INVALID_PARAMETER : ERROR_NOT_SUPPORTED);
    return NULL;
  }
  source *made = malloc(sizeof *made);
  if (made == NULL) {
    SetLastError(ERROR_NOT_ENOUGH_MEMORY);
    return NULL;
  }
  made->object = (compat_object){COMPAT_EVENT_SOURCE, 1, destroy_source};
  snprintf(made->name, sizeof made->name, "%s", lpSourceName);
  return compat_handle_open(&made->object);
}

BOOL WINAPI DeregisterEventSource(HANDLE hEventLog) { return compat_handle_close(hEventLog, 1u << COMPAT_EVENT_SOURCE); }

static const char *kind_name(WORD type) {
  switch (type) {
  case EVENTLOG_ERROR_TYPE: return "error";
  case EVENTLOG_WARNING_TYPE: return "warning";
  default: return "notice";
  }
}

// Appends a text, without characters that would break the line, as far as it fits.
static size_t add(char *line, size_t length, size_t size, const char *text) {
  for (; *text != '\0' && length < size - 1; text += 1) {
    line[length++] = (unsigned char)*text < ' ' || *text == 0x7F ? ' ' : *text;
  }
  return length;
}

BOOL WINAPI ReportEventA(HANDLE hEventLog, WORD wType, WORD wCategory, DWORD dwEventID, PSID lpUserSid,
                         WORD wNumStrings, DWORD dwDataSize, LPCSTR *lpStrings, LPVOID lpRawData) {
  (void)wCategory, (void)lpUserSid, (void)dwDataSize, (void)lpRawData;
  source *found = (source *)compat_handle_object(hEventLog, COMPAT_EVENT_SOURCE);
  if (found == NULL) {
    return FALSE;
  }
  char line[4096];
  int head = snprintf(line, sizeof line, "%s: %s: event %u:", found->name, kind_name(wType), dwEventID & 0xFFFF);
  size_t length = (size_t)head;
  compat_release(&found->object);
  for (WORD index = 0; lpStrings != NULL && index < wNumStrings; index += 1) {
    length = add(line, length, sizeof line - 1, " ");
    length = add(line, length, sizeof line - 1, lpStrings[index] != NULL ? lpStrings[index] : "");
  }
  line[length] = '\n';
  line[length + 1] = '\0';
  OutputDebugStringA(line);
  return TRUE;
}
