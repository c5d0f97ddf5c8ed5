// Windows spellings of file names.
#include <errno.h>
#include <unistd.h>

#include "files.h"

// The prefix of a name that is to be taken literally.
#define LITERAL "\\\\?\\"

bool compat_path_make(compat_path *path, LPCSTR name) {
  if (name == NULL || *name == '\0') {
    return compat_fail(name == NULL ? ERROR_INVALID_PARAMETER : ERROR_PATH_NOT_FOUND);
  }
  if (strncmp(name, LITERAL, strlen(LITERAL)) == 0) {
    name += strlen(LITERAL);
  }
  size_t length = strnlen(name, sizeof path->text);
  if (length == sizeof path->text) {
    return compat_fail(ERROR_FILENAME_EXCED_RANGE);
  }
  for (size_t index = 0; index <= length; index += 1) {
    path->text[index] = name[index] == '\\' ? '/' : name[index];
  }
  return true;
}

bool compat_path_make_wide(compat_path *path, LPCWSTR name) {
  compat_path narrow;
  if (name == NULL) {
    return compat_fail(ERROR_INVALID_PARAMETER);
  }
  if (WideCharToMultiByte(CP_UTF8, WC_ERR_INVALID_CHARS, name, -1, narrow.text, sizeof narrow.text, NULL, NULL) == 0) {
    return compat_fail(ERROR_INVALID_NAME);
  }
  return compat_path_make(path, narrow.text);
}

static bool has_folder(const char *path) {
  const char *slash = strrchr(path, '/');
  if (slash == NULL || slash == path) {
    return true;
  }
  compat_path folder;
  size_t length = (size_t)(slash - path);
  memcpy(folder.text, path, length);
  folder.text[length] = '\0';
  return access(folder.text, F_OK) == 0;
}

DWORD compat_path_error(const char *path, int number) {
  return number == ENOENT && !has_folder(path) ? ERROR_PATH_NOT_FOUND : compat_error(number);
}
