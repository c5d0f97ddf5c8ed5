// Operations on files by their names: attributes, paths, moving and removing.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "CCompat.h"
#include "files.h"
#include "../Modules/modules.h"

// ---- Attributes and times ----

DWORD compat_attributes(const struct stat *status) {
  DWORD attributes = S_ISDIR(status->st_mode) ? FILE_ATTRIBUTE_DIRECTORY : 0;
  attributes |= (status->st_mode & 0222) == 0 ? FILE_ATTRIBUTE_READONLY : 0;
  return attributes != 0 ? attributes : FILE_ATTRIBUTE_NORMAL;
}

// The system has no creation time; the earlier of the two change times is the best approximation.
static struct timespec creation(const struct stat *status) {
  bool is_content_earlier = status->st_mtim.tv_sec < status->st_ctim.tv_sec;
  return is_content_earlier ? status->st_mtim : status->st_ctim;
}

static void describe(const struct stat *status, LPWIN32_FILE_ATTRIBUTE_DATA data) {
  *data = (WIN32_FILE_ATTRIBUTE_DATA){compat_attributes(status),
                                      compat_filetime(creation(status)),
                                      compat_filetime(status->st_atim),
                                      compat_filetime(status->st_mtim),
                                      (DWORD)((uint64_t)status->st_size >> 32),
                                      (DWORD)status->st_size};
}

static bool look_at(LPCSTR name, compat_path *path, struct stat *status) {
  if (!compat_path_make(path, name)) {
    return false;
  }
  return stat(path->text, status) == 0 || compat_fail(compat_path_error(path->text, errno));
}

DWORD WINAPI GetFileAttributesA(LPCSTR lpFileName) {
  compat_path path;
  struct stat status;
  return look_at(lpFileName, &path, &status) ? compat_attributes(&status) : INVALID_FILE_ATTRIBUTES;
}

DWORD WINAPI GetFileAttributesW(LPCWSTR lpFileName) {
  compat_path path;
  return compat_path_make_wide(&path, lpFileName) ? GetFileAttributesA(path.text) : INVALID_FILE_ATTRIBUTES;
}

BOOL WINAPI GetFileAttributesExA(LPCSTR lpFileName, GET_FILEEX_INFO_LEVELS fInfoLevelId, LPVOID lpFileInformation) {
  compat_path path;
  struct stat status;
  if (fInfoLevelId != GetFileExInfoStandard || lpFileInformation == NULL) {
    return compat_fail(ERROR_INVALID_PARAMETER);
  }
  if (!look_at(lpFileName, &path, &status)) {
    return FALSE;
  }
  describe(&status, lpFileInformation);
  return TRUE;
}

BOOL WINAPI SetFileAttributesA(LPCSTR lpFileName, DWORD dwFileAttributes) {
  compat_path path;
  struct stat status;
  if (!look_at(lpFileName, &path, &status)) {
    return FALSE;
  }
  bool is_read_only = (dwFileAttributes & FILE_ATTRIBUTE_READONLY) != 0;
  mode_t mode = is_read_only ? status.st_mode & ~(mode_t)0222 : status.st_mode | 0200;
  return chmod(path.text, mode & 07777) == 0 || compat_fail_errno();
}

static bool look_at_handle(HANDLE handle, struct stat *status) {
  isagate_file file = isagate_file_retain(handle);
  bool done = file.descriptor >= 0 && fstat(file.descriptor, status) == 0;
  isagate_file_release(file);
  return done || compat_fail(ERROR_INVALID_HANDLE);
}

BOOL WINAPI GetFileInformationByHandle(HANDLE hFile, LPBY_HANDLE_FILE_INFORMATION lpFileInformation) {
  struct stat status;
  WIN32_FILE_ATTRIBUTE_DATA data;
  if (!look_at_handle(hFile, &status)) {
    return FALSE;
  }
  describe(&status, &data);
  *lpFileInformation = (BY_HANDLE_FILE_INFORMATION){
      data.dwFileAttributes, data.ftCreationTime,    data.ftLastAccessTime,   data.ftLastWriteTime,
      (DWORD)status.st_dev,  data.nFileSizeHigh,     data.nFileSizeLow,       (DWORD)status.st_nlink,
      (DWORD)((uint64_t)status.st_ino >> 32), (DWORD)status.st_ino};
  return TRUE;
}

BOOL WINAPI GetFileTime(HANDLE hFile, LPFILETIME lpCreationTime, LPFILETIME lpLastAccessTime,
                        LPFILETIME lpLastWriteTime) {
  struct stat status;
  if (!look_at_handle(hFile, &status)) {
    return FALSE;
  }
  FILETIME unused;
  *(lpCreationTime != NULL ? lpCreationTime : &unused) = compat_filetime(creation(&status));
  *(lpLastAccessTime != NULL ? lpLastAccessTime : &unused) = compat_filetime(status.st_atim);
  *(lpLastWriteTime != NULL ? lpLastWriteTime : &unused) = compat_filetime(status.st_mtim);
  return TRUE;
}

BOOL WINAPI SetFileTime(HANDLE hFile, const FILETIME *lpCreationTime, const FILETIME *lpLastAccessTime,
                        const FILETIME *lpLastWriteTime) {
  (void)lpCreationTime;
  struct timespec same = {0, UTIME_OMIT};
  struct timespec times[2] = {lpLastAccessTime != NULL ? compat_timespec(*lpLastAccessTime) : same,
                              lpLastWriteTime != NULL ? compat_timespec(*lpLastWriteTime) : same};
  isagate_file file = isagate_file_retain(hFile);
  if (file.descriptor < 0) {
    return compat_fail(ERROR_INVALID_HANDLE);
  }
  BOOL done = futimens(file.descriptor, times) == 0 || compat_fail_errno();
  isagate_file_release(file);
  return done;
}

// ---- Removing, creating, moving ----

static BOOL finish(const compat_path *path, int outcome) {
  return outcome == 0 ? TRUE : compat_fail(compat_path_error(path->text, errno));
}

BOOL WINAPI DeleteFileA(LPCSTR lpFileName) {
  compat_path path;
  return compat_path_make(&path, lpFileName) && finish(&path, unlink(path.text));
}

BOOL WINAPI DeleteFileW(LPCWSTR lpFileName) {
  compat_path path;
  return compat_path_make_wide(&path, lpFileName) && finish(&path, unlink(path.text));
}

BOOL WINAPI CreateDirectoryA(LPCSTR lpPathName, LPSECURITY_ATTRIBUTES lpSecurity) {
  (void)lpSecurity;
  compat_path path;
  return compat_path_make(&path, lpPathName) && finish(&path, mkdir(path.text, 0777));
}

BOOL WINAPI CreateDirectoryW(LPCWSTR lpPathName, LPSECURITY_ATTRIBUTES lpSecurity) {
  compat_path path;
  return compat_path_make_wide(&path, lpPathName) && CreateDirectoryA(path.text, lpSecurity);
}

BOOL WINAPI RemoveDirectoryA(LPCSTR lpPathName) {
  compat_path path;
  return compat_path_make(&path, lpPathName) && finish(&path, rmdir(path.text));
}

BOOL WINAPI RemoveDirectoryW(LPCWSTR lpPathName) {
  compat_path path;
  return compat_path_make_wide(&path, lpPathName) && finish(&path, rmdir(path.text));
}

BOOL WINAPI CopyFileA(LPCSTR lpExistingFileName, LPCSTR lpNewFileName, BOOL bFailIfExists) {
  HANDLE from = CreateFileA(lpExistingFileName, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
  if (from == INVALID_HANDLE_VALUE) {
    return FALSE;
  }
  DWORD disposition = bFailIfExists ? CREATE_NEW : CREATE_ALWAYS;
  HANDLE to = CreateFileA(lpNewFileName, GENERIC_WRITE, 0, NULL, disposition, 0, NULL);
  DWORD error = to == INVALID_HANDLE_VALUE ? GetLastError() : ERROR_SUCCESS;
  char block[65536];
  DWORD count = 0, written;
  while (error == ERROR_SUCCESS) {
    if (!ReadFile(from, block, sizeof block, &count, NULL) || (count > 0 && !WriteFile(to, block, count, &written, NULL))) {
      error = GetLastError();
    } else if (count == 0) {
      break;
    }
  }
  if (to != INVALID_HANDLE_VALUE) {
    CloseHandle(to);
  }
  CloseHandle(from);
  return error == ERROR_SUCCESS ? TRUE : compat_fail(error);
}

BOOL WINAPI MoveFileExA(LPCSTR lpExistingFileName, LPCSTR lpNewFileName, DWORD dwFlags) {
  compat_path from, to;
  if (!compat_path_make(&from, lpExistingFileName) || !compat_path_make(&to, lpNewFileName)) {
    return FALSE;
  }
  bool replaces = (dwFlags & MOVEFILE_REPLACE_EXISTING) != 0;
  if (renameat2(AT_FDCWD, from.text, AT_FDCWD, to.text, replaces ? 0 : RENAME_NOREPLACE) == 0) {
    return TRUE;
  }
  if (errno == EXDEV && (dwFlags & MOVEFILE_COPY_ALLOWED) != 0) {
    return CopyFileA(from.text, to.text, !replaces) && DeleteFileA(from.text);
  }
  return compat_fail(compat_path_error(errno == ENOENT && access(from.text, F_OK) == 0 ? to.text : from.text, errno));
}

BOOL WINAPI MoveFileA(LPCSTR lpExistingFileName, LPCSTR lpNewFileName) {
  return MoveFileExA(lpExistingFileName, lpNewFileName, MOVEFILE_COPY_ALLOWED);
}

// ---- Paths ----

// Appends the parts of `name` to an absolute path; false when they do not fit.
static bool append_parts(compat_path *path, const char *name) {
  size_t length = strlen(path->text);
  while (*name != '\0') {
    size_t count = strcspn(name, "/");
    bool is_up = count == 2 && strncmp(name, "..", 2) == 0;
    if (is_up) {
      char *slash = strrchr(path->text, '/');
      length = slash != NULL ? (size_t)(slash - path->text) : 0;
    } else if (count > 0 && !(count == 1 && *name == '.')) {
      if (length + count + 2 > sizeof path->text) {
        return false;
      }
      path->text[length] = '/';
      memcpy(path->text + length + 1, name, count);
      length += count + 1;
    }
    path->text[length] = '\0';
    name += count + (name[count] == '/');
  }
  return true;
}

DWORD WINAPI GetFullPathNameA(LPCSTR lpFileName, DWORD nBufferLength, LPSTR lpBuffer, LPSTR *lpFilePart) {
  compat_path name, folder, full = {""};
  if (!compat_path_make(&name, lpFileName)) {
    return 0;
  }
  bool is_relative = name.text[0] != '/';
  if (is_relative && getcwd(folder.text, sizeof folder.text) == NULL) {
    return (DWORD)compat_fail_errno();
  }
  if ((is_relative && !append_parts(&full, folder.text)) || !append_parts(&full, name.text)) {
    return (DWORD)compat_fail(ERROR_FILENAME_EXCED_RANGE);
  }
  if (full.text[0] == '\0') {
    strcpy(full.text, "/");
  }
  size_t length = strlen(full.text);
  if (lpBuffer == NULL || length >= nBufferLength) {
    return (DWORD)length + 1;
  }
  memcpy(lpBuffer, full.text, length + 1);
  if (lpFilePart != NULL) {
    char *slash = strrchr(lpBuffer, '/');
    *lpFilePart = slash[1] != '\0' ? slash + 1 : NULL;
  }
  compat_separate(lpBuffer, __builtin_return_address(0));
  return (DWORD)length;
}

DWORD WINAPI GetTempPathA(DWORD nBufferLength, LPSTR lpBuffer) {
  const char *folder = getenv("TMPDIR");
  folder = folder != NULL && *folder != '\0' ? folder : "/tmp";
  size_t length = strlen(folder);
  bool needs_slash = folder[length - 1] != '/';
  if (lpBuffer == NULL || length + needs_slash >= nBufferLength) {
    return (DWORD)(length + needs_slash + 1);
  }
  sprintf(lpBuffer, "%s%s", folder, needs_slash ? "/" : "");
  compat_separate(lpBuffer, __builtin_return_address(0));
  return (DWORD)(length + needs_slash);
}

UINT WINAPI GetTempFileNameA(LPCSTR lpPathName, LPCSTR lpPrefixString, UINT uUnique, LPSTR lpTempFileName) {
  compat_path folder;
  if (lpTempFileName == NULL || !compat_path_make(&folder, lpPathName)) {
    return (UINT)compat_fail(ERROR_INVALID_PARAMETER);
  }
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  UINT number = uUnique != 0 ? uUnique : (UINT)now.tv_nsec >> 4;
  for (int attempt = 0; attempt < 65536; attempt += 1, number += 1) {
    UINT shown = (number & 0xFFFF) != 0 ? number & 0xFFFF : 1;
    int length = snprintf(lpTempFileName, MAX_PATH, "%s/%.3s%X.tmp", folder.text,
                          lpPrefixString != NULL ? lpPrefixString : "", shown);
    if (length >= MAX_PATH) {
      return (UINT)compat_fail(ERROR_BUFFER_OVERFLOW);
    }
    int descriptor = uUnique == 0 ? open(lpTempFileName, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600) : -1;
    if (uUnique != 0 || descriptor >= 0) {
      if (descriptor >= 0) {
        close(descriptor);
      }
      compat_separate(lpTempFileName, __builtin_return_address(0));
      return shown;
    }
    if (errno != EEXIST) {
      return (UINT)compat_fail(errno == ENOENT ? ERROR_DIRECTORY : compat_error(errno));
    }
  }
  return (UINT)compat_fail(ERROR_FILE_EXISTS);
}
