/* Files by their handles: argv[1] is an empty folder. */
#include "check.h"

static char folder[1024];

static char *in_folder(const char *name) {
  static char path[4096];
  snprintf(path, sizeof path, "%s\\%s", folder, name);
  return path;
}

static HANDLE create(const char *name, DWORD access, DWORD disposition, DWORD flags) {
  return CreateFile(in_folder(name), access, FILE_SHARE_READ, NULL, disposition, flags, NULL);
}

static void a_file_is_written_and_read_back(void) {
  HANDLE file = create("a.txt", GENERIC_READ | GENERIC_WRITE, CREATE_NEW, FILE_ATTRIBUTE_NORMAL);
  CHECK(file != INVALID_HANDLE_VALUE);
  DWORD moved = 0;
  CHECK(WriteFile(file, "0123456789", 10, &moved, NULL) && moved == 10);
  CHECK(GetFileSize(file, NULL) == 10);
  CHECK(SetFilePointer(file, -4, NULL, FILE_CURRENT) == 6);
  char text[16] = "";
  CHECK(ReadFile(file, text, sizeof text, &moved, NULL) && moved == 4 && memcmp(text, "6789", 4) == 0);
  CHECK(ReadFile(file, text, sizeof text, &moved, NULL) && moved == 0);
  CHECK(SetFilePointer(file, 3, NULL, FILE_BEGIN) == 3 && SetEndOfFile(file) && GetFileSize(file, NULL) == 3);
  FAILS(SetFilePointer(file, -9, NULL, FILE_BEGIN) != INVALID_SET_FILE_POINTER, ERROR_NEGATIVE_SEEK);
  CHECK(GetFileType(file) == FILE_TYPE_DISK && FlushFileBuffers(file));
  CHECK(CloseHandle(file));
}

static void an_overlapped_operation_has_its_own_offset(void) {
  HANDLE file = create("a.txt", GENERIC_READ | GENERIC_WRITE, OPEN_EXISTING, FILE_FLAG_OVERLAPPED);
  OVERLAPPED at = {0};
  DWORD moved = 0;
  char text[8];
  at.Offset = 1;
  CHECK(ReadFile(file, text, sizeof text, NULL, &at) && at.InternalHigh == 2 && HasOverlappedIoCompleted(&at));
  CHECK(SetFilePointer(file, 0, NULL, FILE_CURRENT) == 0);
  at.Offset = 100;
  FAILS(ReadFile(file, text, sizeof text, &moved, &at), ERROR_HANDLE_EOF);
  at.Offset = at.OffsetHigh = 0xFFFFFFFF;
  CHECK(WriteFile(file, "end", 3, &moved, &at) && GetFileSize(file, NULL) == 6);
  CHECK(CloseHandle(file));
}

static void dispositions_tell_what_was_there(void) {
  FAILS(create("a.txt", GENERIC_WRITE, CREATE_NEW, 0) != INVALID_HANDLE_VALUE, ERROR_FILE_EXISTS);
  FAILS(create("none.txt", GENERIC_READ, OPEN_EXISTING, 0) != INVALID_HANDLE_VALUE, ERROR_FILE_NOT_FOUND);
  FAILS(create("none\\a.txt", GENERIC_READ, OPEN_EXISTING, 0) != INVALID_HANDLE_VALUE, ERROR_PATH_NOT_FOUND);
  FAILS(create("a.txt", GENERIC_READ, TRUNCATE_EXISTING, 0) != INVALID_HANDLE_VALUE, ERROR_INVALID_PARAMETER);
  FAILS(create("a.txt", GENERIC_READ, 9, 0) != INVALID_HANDLE_VALUE, ERROR_INVALID_PARAMETER);
  FAILS(create("", GENERIC_READ, OPEN_EXISTING, 0) != INVALID_HANDLE_VALUE, ERROR_ACCESS_DENIED);
  HANDLE file = create("a.txt", GENERIC_WRITE, CREATE_ALWAYS, 0);
  CHECK(file != INVALID_HANDLE_VALUE && GetLastError() == ERROR_ALREADY_EXISTS && GetFileSize(file, NULL) == 0);
  CloseHandle(file);
  file = create("b.txt", GENERIC_WRITE, OPEN_ALWAYS, FILE_FLAG_DELETE_ON_CLOSE);
  CHECK(file != INVALID_HANDLE_VALUE && GetLastError() == ERROR_SUCCESS);
  CloseHandle(file);
  FAILS(create("b.txt", GENERIC_READ, OPEN_EXISTING, 0) != INVALID_HANDLE_VALUE, ERROR_FILE_NOT_FOUND);
}

static void a_closed_handle_is_refused_and_disturbs_nobody(void) {
  HANDLE first = create("a.txt", GENERIC_READ, OPEN_EXISTING, 0);
  CHECK(CloseHandle(first));
  HANDLE second = create("a.txt", GENERIC_READ, OPEN_EXISTING, 0);
  FAILS(CloseHandle(first), ERROR_INVALID_HANDLE);
  CHECK(GetFileSize(second, NULL) == 0);
  CHECK(CloseHandle(second));
  char text[4];
  DWORD moved;
  FAILS(ReadFile(first, text, sizeof text, &moved, NULL), ERROR_INVALID_HANDLE);
  FAILS(ReadFile((HANDLE)text, text, sizeof text, &moved, NULL), ERROR_INVALID_HANDLE);
  FAILS(ReadFile(NULL, text, sizeof text, &moved, NULL), ERROR_INVALID_HANDLE);
  FAILS(ReadFile(INVALID_HANDLE_VALUE, text, sizeof text, &moved, NULL), ERROR_INVALID_HANDLE);
  FAILS(CloseHandle(NULL), ERROR_INVALID_HANDLE);
}

static void a_right_that_was_not_asked_for_is_denied(void) {
  HANDLE file = create("a.txt", GENERIC_READ, OPEN_EXISTING, 0);
  DWORD moved;
  FAILS(WriteFile(file, "x", 1, &moved, NULL), ERROR_ACCESS_DENIED);
  FAILS(WriteFile(file, "x", 1, NULL, NULL), ERROR_INVALID_PARAMETER);
  CloseHandle(file);
}

static void a_descriptor_serves_as_a_handle_but_is_not_closed(void) {
  FILE *stream = tmpfile();
  HANDLE handle = (HANDLE)(INT_PTR)fileno(stream);
  DWORD moved;
  CHECK(WriteFile(handle, "abc", 3, &moved, NULL) && GetFileSize(handle, NULL) == 3);
  FAILS(CloseHandle(handle), ERROR_INVALID_HANDLE);
  CHECK(fclose(stream) == 0);
}

int main(int count, char **arguments) {
  snprintf(folder, sizeof folder, "%s", count > 1 ? arguments[1] : ".");
  a_file_is_written_and_read_back();
  an_overlapped_operation_has_its_own_offset();
  dispositions_tell_what_was_there();
  a_closed_handle_is_refused_and_disturbs_nobody();
  a_right_that_was_not_asked_for_is_denied();
  a_descriptor_serves_as_a_handle_but_is_not_closed();
  return failures != 0;
}
