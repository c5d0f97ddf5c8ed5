// Opening files, and the descriptors behind their handles.
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "CCompat.h"
#include "../compat.h"
#include "files.h"

typedef struct {
  compat_object object;
  int descriptor;
  // The path to remove at the end (FILE_FLAG_DELETE_ON_CLOSE), or NULL.
  char *path_to_delete;
} file;

static void destroy_file(compat_object *object) {
  file *ended = (file *)object;
  close(ended->descriptor);
  if (ended->path_to_delete != NULL) {
    unlink(ended->path_to_delete);
    free(ended->path_to_delete);
  }
  free(ended);
}

// ---- Descriptors ----

isagate_file isagate_file_retain(void *handle) {
  uintptr_t number = (uintptr_t)handle;
  if (number > 0 && number < (uintptr_t)1 << 30) {
    return (isagate_file){(int)number, NULL};
  }
  compat_object *object = compat_handle_object(handle, COMPAT_FILE);
  return object != NULL ? (isagate_file){((file *)object)->descriptor, object} : (isagate_file){-1, NULL};
}

void isagate_file_release(isagate_file file) {
  if (file.reference != NULL) {
    compat_release(file.reference);
  }
}

int isagate_handle_descriptor(void *handle) {
  isagate_file file = isagate_file_retain(handle);
  isagate_file_release(file);
  return file.descriptor;
}

HANDLE compat_file_open(int descriptor, const char *path_to_delete) {
  file *opened = malloc(sizeof *opened);
  char *path = path_to_delete != NULL ? strdup(path_to_delete) : NULL;
  if (opened == NULL || (path_to_delete != NULL && path == NULL)) {
    free(opened);
    free(path);
    close(descriptor);
    SetLastError(ERROR_NOT_ENOUGH_MEMORY);
    return NULL;
  }
  *opened = (file){{COMPAT_FILE, 1, destroy_file}, descriptor, path};
  return compat_handle_open(&opened->object);
}

// ---- CreateFile ----

#define READ_RIGHTS (GENERIC_READ | GENERIC_ALL | FILE_READ_DATA)
#define WRITE_RIGHTS (GENERIC_WRITE | GENERIC_ALL | FILE_WRITE_DATA)

static int open_mode(DWORD access) {
  bool reads = (access & READ_RIGHTS) != 0;
  bool writes = (access & WRITE_RIGHTS) != 0;
  bool appends = !writes && (access & FILE_APPEND_DATA) != 0;
  if (writes || appends) {
    return (reads ? O_RDWR : O_WRONLY) | (appends ? O_APPEND : 0);
  }
  // Neither: the caller requests attributes only.
  return reads ? O_RDONLY : O_PATH;
}

// Opens a file, which has to exist.
static int open_existing(const char *path, int flags, DWORD disposition) {
  bool empties = disposition == CREATE_ALWAYS || disposition == TRUNCATE_EXISTING;
  return open(path, flags | (empties ? O_TRUNC : 0));
}

// Opens the file or creates it; `existed` is set accordingly.
static int open_or_create(const char *path, int flags, mode_t mode, DWORD disposition, bool *existed) {
  // Another process may create or remove the file between the two attempts.
  for (int attempt = 0; attempt < 16; attempt += 1) {
    int descriptor = open(path, flags | O_CREAT | O_EXCL, mode);
    *existed = descriptor < 0 && errno == EEXIST;
    if (!*existed) {
      return descriptor;
    }
    descriptor = open_existing(path, flags, disposition);
    if (descriptor >= 0 || errno != ENOENT) {
      return descriptor;
    }
  }
  return -1;
}

static void advise(int descriptor, DWORD flags) {
  if ((flags & FILE_FLAG_SEQUENTIAL_SCAN) != 0) {
    posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL);
  } else if ((flags & FILE_FLAG_RANDOM_ACCESS) != 0) {
    posix_fadvise(descriptor, 0, 0, POSIX_FADV_RANDOM);
  }
}

static bool is_directory(int descriptor) {
  struct stat status;
  return fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode);
}

static HANDLE create_file(const char *path, DWORD access, DWORD disposition, DWORD attributes) {
  int flags = open_mode(access) | O_CLOEXEC | O_NOCTTY | ((attributes & FILE_FLAG_WRITE_THROUGH) != 0 ? O_DSYNC : 0);
  mode_t mode = (attributes & FILE_ATTRIBUTE_READONLY) != 0 ? 0444 : 0666;
  bool existed = false;
  int descriptor;
  switch (disposition) {
  case CREATE_NEW: descriptor = open(path, flags | O_CREAT | O_EXCL, mode); break;
  case CREATE_ALWAYS:
  case OPEN_ALWAYS: descriptor = open_or_create(path, flags, mode, disposition, &existed); break;
  case TRUNCATE_EXISTING:
    if ((access & WRITE_RIGHTS) == 0) {
      SetLastError(ERROR_INVALID_PARAMETER);
      return INVALID_HANDLE_VALUE;
    }
    descriptor = open_existing(path, flags, disposition);
    break;
  case OPEN_EXISTING: descriptor = open_existing(path, flags, disposition); break;
  default: SetLastError(ERROR_INVALID_PARAMETER); return INVALID_HANDLE_VALUE;
  }
  if (descriptor < 0) {
    SetLastError(errno == EEXIST ? ERROR_FILE_EXISTS : compat_path_error(path, errno));
    return INVALID_HANDLE_VALUE;
  }
  if ((attributes & FILE_FLAG_BACKUP_SEMANTICS) == 0 && is_directory(descriptor)) {
    close(descriptor);
    SetLastError(ERROR_ACCESS_DENIED);
    return INVALID_HANDLE_VALUE;
  }
  advise(descriptor, attributes);
  HANDLE handle = compat_file_open(descriptor, (attributes & FILE_FLAG_DELETE_ON_CLOSE) != 0 ? path : NULL);
  if (handle == NULL) {
    return INVALID_HANDLE_VALUE;
  }
  SetLastError(existed ? ERROR_ALREADY_EXISTS : ERROR_SUCCESS);
  return handle;
}

HANDLE WINAPI CreateFileA(LPCSTR lpFileName, DWORD dwDesiredAccess, DWORD dwShareMode, LPSECURITY_ATTRIBUTES lpSecurity,
                          DWORD dwCreationDisposition, DWORD dwFlagsAndAttributes, HANDLE hTemplateFile) {
  (void)dwShareMode, (void)lpSecurity, (void)hTemplateFile;
  compat_path path;
  if (!compat_path_make(&path, lpFileName)) {
    return INVALID_HANDLE_VALUE;
  }
  return create_file(path.text, dwDesiredAccess, dwCreationDisposition, dwFlagsAndAttributes);
}

HANDLE WINAPI CreateFileW(LPCWSTR lpFileName, DWORD dwDesiredAccess, DWORD dwShareMode,
                          LPSECURITY_ATTRIBUTES lpSecurity, DWORD dwCreationDisposition, DWORD dwFlagsAndAttributes,
                          HANDLE hTemplateFile) {
  (void)dwShareMode, (void)lpSecurity, (void)hTemplateFile;
  compat_path path;
  if (!compat_path_make_wide(&path, lpFileName)) {
    return INVALID_HANDLE_VALUE;
  }
  return create_file(path.text, dwDesiredAccess, dwCreationDisposition, dwFlagsAndAttributes);
}
