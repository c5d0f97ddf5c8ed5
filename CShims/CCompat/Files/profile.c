// .ini files. Each call reads the file again: it is small, and other programs may change it.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"

#define FILE_LIMIT (1 << 20)

// A part of the file's text, without surrounding blanks.
typedef struct {
  const char *start;
  size_t length;
} part;

// A parsed line. `name` is that of a section or a value, and `value` the text after the equals sign.
typedef struct {
  enum { OTHER, SECTION, ENTRY } kind;
  part line, name, value;
} entry;

static part trimmed(const char *start, const char *end) {
  while (start < end && isspace((unsigned char)*start)) {
    start += 1;
  }
  while (end > start && isspace((unsigned char)end[-1])) {
    end -= 1;
  }
  return (part){start, (size_t)(end - start)};
}

static bool is_named(part name, LPCSTR wanted) {
  part other = trimmed(wanted, wanted + strlen(wanted));
  return name.length == other.length && strncasecmp(name.start, other.start, other.length) == 0;
}

// The line at *rest, which is advanced past it.
static entry next_entry(const char **rest) {
  const char *end = strchrnul(*rest, '\n');
  entry found = {OTHER, trimmed(*rest, end), {NULL, 0}, {NULL, 0}};
  part line = found.line;
  *rest = *end == '\0' ? end : end + 1;
  if (line.length == 0 || *line.start == ';' || *line.start == '#') {
    return found;
  }
  if (*line.start == '[') {
    const char *close = memchr(line.start, ']', line.length);
    found.kind = close != NULL ? SECTION : OTHER;
    found.name = trimmed(line.start + 1, close != NULL ? close : line.start + 1);
    return found;
  }
  const char *equals = memchr(line.start, '=', line.length);
  if (equals != NULL) {
    found.kind = ENTRY;
    found.name = trimmed(line.start, equals);
    found.value = trimmed(equals + 1, line.start + line.length);
  }
  return found;
}

static part unquoted(part value) {
  char mark = value.length >= 2 ? *value.start : '\0';
  bool is_quoted = (mark == '"' || mark == '\'') && value.start[value.length - 1] == mark;
  return is_quoted ? (part){value.start + 1, value.length - 2} : value;
}

// The whole file with a NUL, for free(); NULL with the last error set.
static char *read_file(const char *name) {
  int descriptor = open(name, O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (descriptor < 0 || fstat(descriptor, &status) != 0 || status.st_size > FILE_LIMIT) {
    compat_fail(descriptor < 0 ? compat_error(errno) : ERROR_INVALID_DATA);
    if (descriptor >= 0) {
      close(descriptor);
    }
    return NULL;
  }
  char *text = calloc(1, (size_t)status.st_size + 1);
  ssize_t length = text != NULL ? read(descriptor, text, (size_t)status.st_size) : -1;
  close(descriptor);
  if (length < 0) {
    compat_fail(ERROR_READ_FAULT);
    free(text);
    return NULL;
  }
  text[length] = '\0';
  return text;
}

static char *read_settings(LPCSTR name) {
  compat_path path;
  return compat_path_make(&path, name) ? read_file(path.text) : NULL;
}

// ---- Results ----

static DWORD put_value(part value, LPSTR buffer, DWORD size) {
  if (buffer == NULL || size == 0) {
    return 0;
  }
  size_t count = min(value.length, (size_t)size - 1);
  memcpy(buffer, value.start, count);
  buffer[count] = '\0';
  return (DWORD)count;
}

// A list under construction: texts, each followed by a NUL, and a final NUL.
typedef struct {
  LPSTR buffer;
  DWORD size, length;
  bool is_cut;
} list;

static void add(list *list, part text) {
  if (list->is_cut || list->buffer == NULL || list->size < 2) {
    return;
  }
  DWORD room = list->size - 2 - list->length;
  list->is_cut = text.length > room;
  DWORD count = list->is_cut ? room : (DWORD)text.length;
  memcpy(list->buffer + list->length, text.start, count);
  list->length += count;
  if (!list->is_cut) {
    list->buffer[list->length] = '\0';
    list->length += list->length < list->size - 1;
  }
}

// The number of characters stored without the last NUL; size - 2 when it was cut.
static DWORD end_list(list *list) {
  if (list->buffer == NULL || list->size < 2) {
    return 0;
  }
  list->buffer[list->length] = '\0';
  list->buffer[min(list->length + 1, list->size - 1)] = '\0';
  return list->is_cut ? list->size - 2 : list->length;
}

// What is listed of a file.
typedef enum { SECTIONS, NAMES, LINES } content;

static DWORD list_content(content content, LPCSTR section, LPSTR buffer, DWORD size, LPCSTR file) {
  list list = {buffer, size, 0, false};
  char *text = read_settings(file);
  bool is_inside = false;
  for (const char *rest = text; rest != NULL && *rest != '\0';) {
    entry found = next_entry(&rest);
    if (found.kind == SECTION) {
      is_inside = content != SECTIONS && is_named(found.name, section);
      if (content == SECTIONS) {
        add(&list, found.name);
      }
    } else if (is_inside && found.kind == ENTRY) {
      add(&list, content == NAMES ? found.name : found.line);
    }
  }
  free(text);
  return end_list(&list);
}

DWORD WINAPI GetPrivateProfileSectionNamesA(LPSTR lpszReturnBuffer, DWORD nSize, LPCSTR lpFileName) {
  return list_content(SECTIONS, NULL, lpszReturnBuffer, nSize, lpFileName);
}

DWORD WINAPI GetPrivateProfileSectionA(LPCSTR lpAppName, LPSTR lpReturnedString, DWORD nSize, LPCSTR lpFileName) {
  if (lpAppName == NULL) {
    return (DWORD)compat_fail(ERROR_INVALID_PARAMETER);
  }
  return list_content(LINES, lpAppName, lpReturnedString, nSize, lpFileName);
}

DWORD WINAPI GetPrivateProfileStringA(LPCSTR lpAppName, LPCSTR lpKeyName, LPCSTR lpDefault, LPSTR lpReturnedString,
                                      DWORD nSize, LPCSTR lpFileName) {
  if (lpAppName == NULL || lpKeyName == NULL) {
    return list_content(lpAppName == NULL ? SECTIONS : NAMES, lpAppName, lpReturnedString, nSize, lpFileName);
  }
  char *text = read_settings(lpFileName);
  bool is_inside = false;
  for (const char *rest = text; rest != NULL && *rest != '\0';) {
    entry found = next_entry(&rest);
    if (found.kind == SECTION) {
      is_inside = is_named(found.name, lpAppName);
    } else if (is_inside && found.kind == ENTRY && is_named(found.name, lpKeyName)) {
      DWORD length = put_value(unquoted(found.value), lpReturnedString, nSize);
      free(text);
      return length;
    }
  }
  free(text);
  const char *other = lpDefault != NULL ? lpDefault : "";
  return put_value((part){other, trimmed(other, other + strlen(other)).length > 0 ? strlen(other) : 0},
                   lpReturnedString, nSize);
}

UINT WINAPI GetPrivateProfileIntA(LPCSTR lpAppName, LPCSTR lpKeyName, INT nDefault, LPCSTR lpFileName) {
  char text[32];
  if (lpAppName == NULL || lpKeyName == NULL) {
    compat_fail(ERROR_INVALID_PARAMETER);
    return (UINT)nDefault;
  }
  if (GetPrivateProfileStringA(lpAppName, lpKeyName, "", text, sizeof text, lpFileName) == 0) {
    return (UINT)nDefault;
  }
  bool is_hexadecimal = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
  return (UINT)strtoll(text, NULL, is_hexadecimal ? 16 : 10);
}

// ---- Writing ----

// The text of the file after the change, written to `output`.
static void write_changed(FILE *output, const char *text, LPCSTR section, LPCSTR name, LPCSTR value) {
  bool is_inside = false, is_done = name == NULL || value == NULL;
  for (const char *rest = text; rest != NULL && *rest != '\0';) {
    entry found = next_entry(&rest);
    if (found.kind == SECTION) {
      if (is_inside && !is_done) {
        fprintf(output, "%s=%s\r\n", name, value);
        is_done = true;
      }
      is_inside = is_named(found.name, section);
    }
    bool is_it = is_inside && found.kind == ENTRY && name != NULL && is_named(found.name, name);
    bool is_removed = is_inside && (name == NULL || (is_it && (value == NULL || is_done)));
    if (is_it && !is_done) {
      fprintf(output, "%s=%s\r\n", name, value);
      is_done = true;
    } else if (!is_removed) {
      fprintf(output, "%.*s\r\n", (int)found.line.length, found.line.start);
    }
  }
  if (!is_done) {
    if (!is_inside) {
      fprintf(output, "[%s]\r\n", section);
    }
    fprintf(output, "%s=%s\r\n", name, value);
  }
}

BOOL WINAPI WritePrivateProfileStringA(LPCSTR lpAppName, LPCSTR lpKeyName, LPCSTR lpString, LPCSTR lpFileName) {
  compat_path path;
  char new_name[sizeof path.text + 8];
  if (lpAppName == NULL) {
    return compat_fail(ERROR_INVALID_PARAMETER);
  }
  if (!compat_path_make(&path, lpFileName)) {
    return FALSE;
  }
  char *text = read_file(path.text);
  if (text == NULL && GetLastError() != ERROR_FILE_NOT_FOUND) {
    return FALSE;
  }
  snprintf(new_name, sizeof new_name, "%s.XXXXXX", path.text);
  int descriptor = mkostemp(new_name, O_CLOEXEC);
  FILE *output = descriptor >= 0 ? fdopen(descriptor, "w") : NULL;
  if (output == NULL) {
    free(text);
    return compat_fail(compat_path_error(path.text, errno));
  }
  fchmod(descriptor, 0644);
  write_changed(output, text, lpAppName, lpKeyName, lpString);
  free(text);
  bool is_written = !ferror(output);
  is_written = fclose(output) == 0 && is_written && rename(new_name, path.text) == 0;
  if (!is_written) {
    compat_fail_errno();
    unlink(new_name);
  }
  return is_written;
}
