// Streams, and what the gateway hands over: by name, because descriptors cannot be passed to a Windows process. Under Wine
// a name can be the number of a descriptor that was inherited, with which the process reaches any socket, pipe or memory
// of the gateway.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"

// ---- Names ----

// Exported by Wine's ntdll.dll: a handle for a descriptor of the process, which it duplicates.
typedef LONG(__cdecl *wine_handle_function)(int descriptor, unsigned access, unsigned attributes, HANDLE *handle);

static wine_handle_function wine_handle(void) {
  FARPROC address = GetProcAddress(GetModuleHandleA("ntdll.dll"), "wine_server_fd_to_handle");
  wine_handle_function function = NULL;
  memcpy(&function, &address, sizeof function);
  return function;
}

// Whether it stands for a number.
static bool is_number(const char *name) { return name[0] == '#'; }

// Opens what a name stands for; NULL with the last error if that cannot be. `flags`: of CreateFile.
static HANDLE open_name(const char *name, DWORD flags) {
  if (!is_number(name)) {
    WCHAR *path = wide_copy(name);
    HANDLE handle = CreateFileW(path, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                                OPEN_EXISTING, flags, NULL);
    DWORD error = GetLastError();
    free(path);
    SetLastError(error);
    return handle == INVALID_HANDLE_VALUE ? NULL : handle;
  }
  char *end;
  unsigned long long number = strtoull(name + 1, &end, 10);
  HANDLE handle = NULL;
  SetLastError(ERROR_INVALID_HANDLE);
  if (end == name + 1 || *end != 0) return NULL;
  wine_handle_function convert = wine_handle();
  // Elsewhere the number is that of an inherited handle.
  if (!convert) return (HANDLE)(uintptr_t)number;
  if (number > INT_MAX) return NULL;
  return convert((int)number, GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE, 0, &handle) == 0 ? handle : NULL;
}

// False, with the last error, if there is none of that name.
static bool open_stream(const char *name, system_stream *stream) {
  *stream = (system_stream){.handle = open_name(name, FILE_FLAG_OVERLAPPED)};
  if (!stream->handle) return false;
  // Windows performs what is done with one handle one after the other, so that a thread that waits for a message would
  // keep the others from sending, unless it is asynchronous. Wine's handles of descriptors are neither.
  if (is_number(name) && wine_handle()) return true;
  stream->receiving = CreateEventW(NULL, TRUE, FALSE, NULL);
  stream->sending = CreateEventW(NULL, TRUE, FALSE, NULL);
  return stream->receiving && stream->sending;
}

// ---- What the gateway hands over ----

const char *const handover_notice =
    "files cannot be passed by a Windows process: TRANSMIT_FILE and VECTOR_SEND with a file, and asynchronous writes and "
    "vectors of more than 1 MiB, fail with ERROR_NOT_SUPPORTED";

static const char *control_name = "#3";
_Static_assert(POOL_CONTROL_FD == 3, "the name of the control channel");

void handover_name_control(const char *name) { control_name = name; }

system_stream handover_control(void) {
  system_stream stream;
  if (!open_stream(control_name, &stream)) {
    fprintf(stderr, "isagate-host: the control channel %s: %s\n", control_name, error_text(GetLastError()));
    process_end(1);
  }
  return stream;
}

// The next of the names that the gateway gives.
static char *next_name(channel *control) {
  static message names;
  while (names.position == names.header.length) {
    names = channel_receive(control);
    if (names.header.type != POOL_NAMES) {
      host_refuse("a Windows process cannot receive descriptors: POOL_NAMES has to name them");
    }
  }
  item next = message_next(&names);
  if (!next.bytes) host_refuse("a name is missing");
  return item_copy(next);
}

static _Noreturn void refuse_name(const char *name) {
  char text[1024];
  snprintf(text, sizeof text, "%.400s cannot be opened: %s", name, error_text(GetLastError()));
  host_refuse(text);
}

pool_memory *handover_memory(channel *control) {
  char *name = next_name(control);
  HANDLE file = open_name(name, 0);
  if (!file) refuse_name(name);
  HANDLE mapping = CreateFileMappingW(file, NULL, PAGE_READWRITE, 0, sizeof(pool_memory), NULL);
  void *memory = mapping ? MapViewOfFile(mapping, FILE_MAP_ALL_ACCESS, 0, 0, sizeof(pool_memory)) : NULL;
  if (!memory) refuse_name(name);
  CloseHandle(mapping);
  CloseHandle(file);
  free(name);
  return memory;
}

// It is opened when it is loaded.
library_file handover_library(channel *control) { return next_name(control); }

system_stream handover_stream(channel *control) {
  char *name = next_name(control);
  system_stream stream;
  if (!open_stream(name, &stream)) refuse_name(name);
  free(name);
  return stream;
}

// ---- Streams ----

static DWORD at_most(size_t count) { return count < 1u << 30 ? (DWORD)count : 1u << 30; }

// The bytes that an operation has moved, for which it may have to wait; 0 if it has failed.
static DWORD outcome(const system_stream *stream, BOOL has_ended, OVERLAPPED *operation, DWORD count) {
  if (operation->hEvent && (has_ended || GetLastError() == ERROR_IO_PENDING)) {
    has_ended = GetOverlappedResult(stream->handle, operation, &count, TRUE);
  }
  return has_ended ? count : 0;
}

size_t stream_send(system_stream stream, const void *bytes, size_t count, const system_file *files,
                   unsigned file_count) {
  // There are no files: neither memory_file nor file_retain gives one.
  (void)files;
  if (file_count > 0) process_end(1);
  DWORD sent = 0;
  OVERLAPPED operation = {.hEvent = stream.sending};
  BOOL has_ended = WriteFile(stream.handle, bytes, at_most(count), &sent, stream.sending ? &operation : NULL);
  return outcome(&stream, has_ended, &operation, sent);
}

void stream_send_last(system_stream stream, const void *bytes, size_t count) {
  DWORD sent = 0;
  if (!stream.sending) {
    // This may wait if the gateway does not receive. It ends processes that do not answer.
    WriteFile(stream.handle, bytes, at_most(count), &sent, NULL);
    return;
  }
  // Another thread may be sending with the stream's event.
  OVERLAPPED operation = {.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL)};
  if (!operation.hEvent) return;
  if (!WriteFile(stream.handle, bytes, at_most(count), &sent, &operation) && GetLastError() == ERROR_IO_PENDING) {
    // Until it has ended, the system uses `operation`.
    if (WaitForSingleObject(operation.hEvent, 0) != WAIT_OBJECT_0) CancelIoEx(stream.handle, &operation);
    GetOverlappedResult(stream.handle, &operation, &sent, TRUE);
  }
  CloseHandle(operation.hEvent);
}

long stream_receive(system_stream stream, void *bytes, size_t room, system_file *files, unsigned *file_count,
                    bool may_wait) {
  (void)files;
  // It always waits: what has arrived cannot be told apart without another call of the system.
  (void)may_wait;
  *file_count = 0;
  DWORD received = 0;
  OVERLAPPED operation = {.hEvent = stream.receiving};
  BOOL has_ended = ReadFile(stream.handle, bytes, at_most(room), &received, stream.receiving ? &operation : NULL);
  return (long)outcome(&stream, has_ended, &operation, received);
}

// ---- Files ----

system_file memory_file(const void *bytes, size_t count, uint32_t *error) {
  (void)bytes;
  (void)count;
  *error = ERROR_NOT_SUPPORTED;
  return NO_FILE;
}

// Only of what memory_file and stream_receive give, which is nothing.
void file_close(system_file file) { (void)file; }

file_outcome file_retain(void *handle, file_reference *reference, system_file *file) {
  (void)handle;
  *reference = NULL;
  *file = NO_FILE;
  return FILES_CANNOT_PASS;
}

void file_release(file_reference reference) { (void)reference; }
