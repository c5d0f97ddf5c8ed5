// Shared declarations of this library's files. Nothing here is visible outside of it.
#ifndef COMPAT_H
#define COMPAT_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "windows.h"

#pragma GCC visibility push(hidden)

// ---- Errors ----

// Sets the last error and returns FALSE, so that a function can return it.
BOOL compat_fail(DWORD error);

// The Win32 number of an error number of the system.
DWORD compat_error(int number);

// compat_fail with the number for errno.
BOOL compat_fail_errno(void);

// ---- Objects and handles ----

// Pseudo handles, which are not in the table.
#define COMPAT_THIS_PROCESS ((HANDLE)(LONG_PTR)-1)
#define COMPAT_THIS_THREAD ((HANDLE)(LONG_PTR)-2)

typedef enum {
  COMPAT_FILE,
  COMPAT_SEARCH,
  COMPAT_PORT,
  COMPAT_EVENT_SOURCE,
  // These can be waited for.
  COMPAT_EVENT,
  COMPAT_SEMAPHORE,
  COMPAT_MUTEX,
  COMPAT_THREAD
} compat_kind;

// The object of a handle. It is freed by `destroy` when no handle and no call refers to it.
typedef struct compat_object {
  compat_kind kind;
  unsigned references;
  void (*destroy)(struct compat_object *object);
} compat_object;

// Opens a new handle for `object`, whose only reference the caller has. NULL, with the object destroyed and the last
// error set, when there are 65,536 handles already.
HANDLE compat_handle_open(compat_object *object);

// The object of a handle, with a reference for the caller; NULL and ERROR_INVALID_HANDLE when the handle is invalid, or
// of another kind.
compat_object *compat_handle_object(HANDLE handle, compat_kind kind);
compat_object *compat_handle_any(HANDLE handle);

// Closes a handle of one of the kinds, a bit each; FALSE and ERROR_INVALID_HANDLE when it is invalid.
BOOL compat_handle_close(HANDLE handle, unsigned kinds);

void compat_retain(compat_object *object);
void compat_release(compat_object *object);

// ---- Names of files ----

// A Windows name with slashes, on the caller's stack.
typedef struct {
  char text[4096];
} compat_path;

// False, with the last error set, when `name` is NULL, empty or too long.
bool compat_path_make(compat_path *path, LPCSTR name);
bool compat_path_make_wide(compat_path *path, LPCWSTR name);

// ---- Time ----

// 100-nanosecond intervals since 1601.
FILETIME compat_filetime(struct timespec time);
struct timespec compat_timespec(FILETIME time);

#pragma GCC visibility pop

#endif
