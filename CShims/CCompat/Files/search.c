// Searching a folder.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>

#include "files.h"

typedef struct {
  compat_object object;
  pthread_mutex_t lock;
  DIR *folder;
  char pattern[NAME_MAX + 1];
} search;

static void destroy_search(compat_object *object) {
  search *ended = (search *)object;
  closedir(ended->folder);
  pthread_mutex_destroy(&ended->lock);
  free(ended);
}

static bool matches(const search *in, const char *name) {
  // *.* matches every name, also one without a dot. Names that do not fit the structure are skipped.
  bool is_all = strcmp(in->pattern, "*.*") == 0;
  return strlen(name) < MAX_PATH && (is_all || fnmatch(in->pattern, name, FNM_NOESCAPE | FNM_CASEFOLD) == 0);
}

// FALSE with ERROR_NO_MORE_FILES after the last entry. The search's lock is held.
static BOOL next(search *in, LPWIN32_FIND_DATAA data) {
  struct dirent *entry;
  struct stat status;
  while ((entry = readdir(in->folder)) != NULL) {
    if (!matches(in, entry->d_name) || fstatat(dirfd(in->folder), entry->d_name, &status, 0) != 0) {
      continue;
    }
    memset(data, 0, sizeof *data);
    data->dwFileAttributes = compat_attributes(&status);
    data->ftCreationTime = data->ftLastWriteTime = compat_filetime(status.st_mtim);
    data->ftLastAccessTime = compat_filetime(status.st_atim);
    data->nFileSizeHigh = (DWORD)((uint64_t)status.st_size >> 32);
    data->nFileSizeLow = (DWORD)status.st_size;
    strcpy(data->cFileName, entry->d_name);
    return TRUE;
  }
  return compat_fail(ERROR_NO_MORE_FILES);
}

// A search in the folder of `path` for its last part, or NULL with the last error set.
static search *begin(compat_path *path) {
  search *begun = malloc(sizeof *begun);
  if (begun == NULL) {
    SetLastError(ERROR_NOT_ENOUGH_MEMORY);
    return NULL;
  }
  char *slash = strrchr(path->text, '/');
  const char *pattern = slash != NULL ? slash + 1 : path->text;
  size_t length = strlen(pattern);
  if (length == 0 || length > NAME_MAX) {
    free(begun);
    SetLastError(ERROR_FILE_NOT_FOUND);
    return NULL;
  }
  memcpy(begun->pattern, pattern, length + 1);
  if (slash != NULL) {
    slash[slash == path->text] = '\0';
  }
  begun->folder = opendir(slash != NULL ? path->text : ".");
  if (begun->folder == NULL) {
    SetLastError(errno == ENOENT ? ERROR_PATH_NOT_FOUND : compat_error(errno));
    free(begun);
    return NULL;
  }
  begun->object = (compat_object){COMPAT_SEARCH, 1, destroy_search};
  pthread_mutex_init(&begun->lock, NULL);
  return begun;
}

HANDLE WINAPI FindFirstFileA(LPCSTR lpFileName, LPWIN32_FIND_DATAA lpFindFileData) {
  compat_path path;
  if (lpFindFileData == NULL || !compat_path_make(&path, lpFileName)) {
    SetLastError(ERROR_INVALID_PARAMETER);
    return INVALID_HANDLE_VALUE;
  }
  search *begun = begin(&path);
  if (begun == NULL) {
    return INVALID_HANDLE_VALUE;
  }
  if (!next(begun, lpFindFileData)) {
    compat_release(&begun->object);
    SetLastError(ERROR_FILE_NOT_FOUND);
    return INVALID_HANDLE_VALUE;
  }
  HANDLE handle = compat_handle_open(&begun->object);
  return handle != NULL ? handle : INVALID_HANDLE_VALUE;
}

BOOL WINAPI FindNextFileA(HANDLE hFindFile, LPWIN32_FIND_DATAA lpFindFileData) {
  search *found = (search *)compat_handle_object(hFindFile, COMPAT_SEARCH);
  if (found == NULL) {
    return FALSE;
  }
  pthread_mutex_lock(&found->lock);
  BOOL done = next(found, lpFindFileData);
  DWORD error = GetLastError();
  pthread_mutex_unlock(&found->lock);
  compat_release(&found->object);
  return done ? TRUE : compat_fail(error);
}

BOOL WINAPI FindClose(HANDLE hFindFile) { return compat_handle_close(hFindFile, 1u << COMPAT_SEARCH); }
