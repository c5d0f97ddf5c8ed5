// Messages for error numbers, and the debug output.
#include <signal.h>

#include "../compat.h"

// ---- Texts ----

static const struct {
  DWORD number;
  const char *text;
} system_messages[] = {
    {ERROR_SUCCESS, "The operation completed."},
    {ERROR_INVALID_FUNCTION, "The function does not exist."},
    {ERROR_FILE_NOT_FOUND, "There is no such file."},
    {ERROR_PATH_NOT_FOUND, "There is no such folder."},
    {ERROR_TOO_MANY_OPEN_FILES, "Too many files are open."},
    {ERROR_ACCESS_DENIED, "Access is denied."},
    {ERROR_INVALID_HANDLE, "The handle is not valid."},
    {ERROR_NOT_ENOUGH_MEMORY, "There is not enough memory."},
    {ERROR_INVALID_DATA, "The data is not valid."},
    {ERROR_OUTOFMEMORY, "There is not enough memory."},
    {ERROR_NO_MORE_FILES, "There are no more files."},
    {ERROR_WRITE_FAULT, "Writing failed."},
    {ERROR_READ_FAULT, "Reading failed."},
    {ERROR_GEN_FAILURE, "The operation failed."},
    {ERROR_SHARING_VIOLATION, "The file is in use."},
    {ERROR_HANDLE_EOF, "The end of the file was reached."},
    {ERROR_NOT_SUPPORTED, "The request is not supported."},
    {ERROR_NETNAME_DELETED, "The connection was closed."},
    {ERROR_FILE_EXISTS, "The file exists."},
    {ERROR_INVALID_PARAMETER, "A parameter is not valid."},
    {ERROR_BROKEN_PIPE, "The pipe has ended."},
    {ERROR_DISK_FULL, "There is not enough space on the disk."},
    {ERROR_CALL_NOT_IMPLEMENTED, "The function is not implemented."},
    {ERROR_INSUFFICIENT_BUFFER, "The buffer is too small."},
    {ERROR_INVALID_NAME, "The name is not valid."},
    {ERROR_MOD_NOT_FOUND, "There is no such library."},
    {ERROR_PROC_NOT_FOUND, "The library has no such function."},
    {ERROR_NEGATIVE_SEEK, "The position is before the start of the file."},
    {ERROR_DIR_NOT_EMPTY, "The folder is not empty."},
    {ERROR_BUSY, "The resource is in use."},
    {ERROR_ALREADY_EXISTS, "It exists already."},
    {ERROR_ENVVAR_NOT_FOUND, "There is no such environment variable."},
    {ERROR_NO_DATA, "There is no data."},
    {ERROR_MORE_DATA, "There is more data."},
    {WAIT_TIMEOUT, "The wait timed out."},
    {ERROR_NO_MORE_ITEMS, "There are no more items."},
    {ERROR_NOT_OWNER, "The caller does not own the mutex."},
    {ERROR_TOO_MANY_POSTS, "The semaphore would exceed its maximum."},
    {ERROR_OPERATION_ABORTED, "The operation was aborted."},
    {ERROR_IO_INCOMPLETE, "The operation has not ended."},
    {ERROR_IO_PENDING, "The operation is under way."},
    {ERROR_NOACCESS, "The memory cannot be accessed."},
    {ERROR_NO_TOKEN, "The thread has no token."},
    {ERROR_NO_UNICODE_TRANSLATION, "The text is not valid in its code page."},
    {ERROR_DLL_INIT_FAILED, "The library refused to be loaded."},
    {ERROR_IO_DEVICE, "The device reported an error."},
    {ERROR_CANCELLED, "The operation was cancelled."},
    {ERROR_CONNECTION_ABORTED, "The connection was aborted."},
    {ERROR_INVALID_INDEX, "The index is not valid."},
    {ERROR_NO_SYSTEM_RESOURCES, "The system's resources are exhausted."},
    {ERROR_TIMEOUT, "The time is over."},
    {WSAECONNABORTED, "The connection was aborted."},
    {WSAECONNRESET, "The other side reset the connection."},
};

static const char *system_message(DWORD number) {
  // An HRESULT made of an error number has the same message.
  DWORD code = (number & 0xFFFF0000) == 0x80070000 ? number & 0xFFFF : number;
  for (size_t index = 0; index < ARRAYSIZE(system_messages); index += 1) {
    if (system_messages[index].number == code) {
      return system_messages[index].text;
    }
  }
  return NULL;
}

// ---- FormatMessage ----

#define MESSAGE_LIMIT 65536

typedef struct {
  char *text;
  size_t length;
} message;

static void put(message *to, const char *text, size_t length) {
  size_t room = MESSAGE_LIMIT - 1 - to->length;
  length = length < room ? length : room;
  memcpy(to->text + to->length, text, length);
  to->length += length;
}

// The inserts %1 to %9, each a text or, as in %1!d!, a number.
typedef struct {
  uintptr_t values[9];
  int count;
  va_list *list;
  DWORD_PTR *array;
} inserts;

static uintptr_t insert(inserts *from, int index) {
  while (from->list != NULL && from->count <= index) {
    from->values[from->count++] = va_arg(*from->list, uintptr_t);
  }
  return from->list != NULL ? from->values[index] : from->array != NULL ? from->array[index] : 0;
}

// Writes the insert at `text`, which is after the % sign, and returns where the text continues.
static const char *put_insert(message *to, const char *text, inserts *from) {
  uintptr_t value = insert(from, *text++ - '1');
  const char *end = *text == '!' ? strchr(text + 1, '!') : NULL;
  char type = end != NULL ? end[-1] : 's';
  if (type == 's' || type == '!') {
    const char *string = value != 0 ? (const char *)value : "(null)";
    put(to, string, strlen(string));
  } else {
    char number[32];
    int length = snprintf(number, sizeof number, type == 'x' ? "%x" : type == 'X' ? "%X" : type == 'u' ? "%u" : "%d",
                          (unsigned)value);
    put(to, number, (size_t)length);
  }
  return end != NULL ? end + 1 : text;
}

static void put_message(message *to, const char *text, bool ignores_inserts, inserts *from) {
  while (*text != '\0') {
    if (*text != '%' || ignores_inserts) {
      put(to, text++, 1);
      continue;
    }
    text += 1;
    if (*text >= '1' && *text <= '9') {
      text = put_insert(to, text, from);
    } else if (*text == '0') {
      return;
    } else if (*text == 'n') {
      put(to, "\r\n", 2);
      text += 1;
    } else if (*text != '\0') {
      put(to, text++, 1);
    }
  }
}

static DWORD deliver(const message *done, DWORD flags, LPSTR buffer, DWORD size) {
  if ((flags & FORMAT_MESSAGE_ALLOCATE_BUFFER) != 0) {
    size_t room = done->length + 1 > size ? done->length + 1 : size;
    char *block = LocalAlloc(LMEM_FIXED, room);
    *(LPSTR *)buffer = block;
    if (block == NULL) {
      return 0;
    }
    memcpy(block, done->text, done->length + 1);
  } else if (done->length >= size) {
    return (DWORD)compat_fail(ERROR_INSUFFICIENT_BUFFER);
  } else {
    memcpy(buffer, done->text, done->length + 1);
  }
  return (DWORD)done->length;
}

DWORD WINAPI FormatMessageA(DWORD dwFlags, LPCVOID lpSource, DWORD dwMessageId, DWORD dwLanguageId, LPSTR lpBuffer,
                            DWORD nSize, va_list *Arguments) {
  (void)dwLanguageId;
  bool is_system = (dwFlags & FORMAT_MESSAGE_FROM_SYSTEM) != 0;
  bool is_string = (dwFlags & FORMAT_MESSAGE_FROM_STRING) != 0;
  if (lpBuffer == NULL || (!is_system && !is_string) || (is_string && lpSource == NULL)) {
    return (DWORD)compat_fail(ERROR_INVALID_PARAMETER);
  }
  const char *text = is_string ? lpSource : system_message(dwMessageId);
  if (text == NULL) {
    return (DWORD)compat_fail(ERROR_MR_MID_NOT_FOUND);
  }
  message whole = {malloc(MESSAGE_LIMIT), 0};
  if (whole.text == NULL) {
    return (DWORD)compat_fail(ERROR_NOT_ENOUGH_MEMORY);
  }
  bool is_array = (dwFlags & FORMAT_MESSAGE_ARGUMENT_ARRAY) != 0;
  inserts from = {{0}, 0, is_array ? NULL : Arguments, is_array ? (DWORD_PTR *)Arguments : NULL};
  put_message(&whole, text, (dwFlags & FORMAT_MESSAGE_IGNORE_INSERTS) != 0, &from);
  if (!is_string && (dwFlags & FORMAT_MESSAGE_MAX_WIDTH_MASK) == 0) {
    put(&whole, "\r\n", 2);
  }
  whole.text[whole.length] = '\0';
  DWORD length = deliver(&whole, dwFlags, lpBuffer, nSize);
  free(whole.text);
  return length;
}

// ---- Debugging ----

void WINAPI OutputDebugStringA(LPCSTR lpOutputString) {
  size_t length = lpOutputString != NULL ? strlen(lpOutputString) : 0;
  // Bytes that standard error does not accept are lost, as they are without a debugger.
  if (length > 0 && write(STDERR_FILENO, lpOutputString, length) < 0) {
    return;
  }
}

void WINAPI OutputDebugStringW(LPCWSTR lpOutputString) {
  char text[4096];
  if (lpOutputString != NULL && WideCharToMultiByte(CP_UTF8, 0, lpOutputString, -1, text, sizeof text, NULL, NULL) > 0) {
    OutputDebugStringA(text);
  }
}

BOOL WINAPI IsDebuggerPresent(void) {
  char line[128];
  int tracer = 0;
  FILE *status = fopen("/proc/self/status", "re");
  while (status != NULL && fgets(line, sizeof line, status) != NULL) {
    if (sscanf(line, "TracerPid: %d", &tracer) == 1) {
      break;
    }
  }
  if (status != NULL) {
    fclose(status);
  }
  return tracer != 0;
}

void WINAPI DebugBreak(void) { raise(SIGTRAP); }
