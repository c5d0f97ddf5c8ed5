// Functions of Microsoft's C library that the C library of Linux lacks.
#include <limits.h>
#include <sys/stat.h>

#include "../compat.h"
#include "../Modules/modules.h"

// ---- Printing ----

// The system's own functions, for those with the same names here.
#undef vsnprintf
#undef vsprintf
#undef vfprintf

// On Windows a va_list is passed by value, and callers use theirs again after a call.
int isagate_vsnprintf(char *buffer, size_t count, const char *format, va_list arguments) {
  va_list copy;
  va_copy(copy, arguments);
  int length = vsnprintf(buffer, count, format, copy);
  va_end(copy);
  return length;
}

int isagate_vsprintf(char *buffer, const char *format, va_list arguments) {
  va_list copy;
  va_copy(copy, arguments);
  int length = vsprintf(buffer, format, copy);
  va_end(copy);
  return length;
}

int isagate_vfprintf(FILE *stream, const char *format, va_list arguments) {
  va_list copy;
  va_copy(copy, arguments);
  int length = vfprintf(stream, format, copy);
  va_end(copy);
  return length;
}

int isagate_vprintf(const char *format, va_list arguments) { return isagate_vfprintf(stdout, format, arguments); }

int _vsnprintf(char *buffer, size_t count, const char *format, va_list arguments) {
  int length = isagate_vsnprintf(buffer, count, format, arguments);
  return length >= 0 && (size_t)length < count ? length : -1;
}

int _snprintf(char *buffer, size_t count, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int length = _vsnprintf(buffer, count, format, arguments);
  va_end(arguments);
  return length;
}

int _vscprintf(const char *format, va_list arguments) { return isagate_vsnprintf(NULL, 0, format, arguments); }

int _scprintf(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int length = _vscprintf(format, arguments);
  va_end(arguments);
  return length;
}

// ---- In-place conversion ----

char *_strupr(char *text) {
  for (char *at = text; *at != '\0'; at += 1) {
    *at = *at >= 'a' && *at <= 'z' ? (char)(*at - 'a' + 'A') : *at;
  }
  return text;
}

char *_strlwr(char *text) {
  for (char *at = text; *at != '\0'; at += 1) {
    *at = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
  }
  return text;
}

char *_strrev(char *text) {
  size_t length = strlen(text);
  for (size_t index = 0; index < length / 2; index += 1) {
    char character = text[index];
    text[index] = text[length - 1 - index];
    text[length - 1 - index] = character;
  }
  return text;
}

char *_strset(char *text, int character) { return memset(text, character, strlen(text)); }

int isagate_memicmp(const void *first, const void *second, size_t count) {
  const unsigned char *left = first, *right = second;
  for (size_t index = 0; index < count; index += 1) {
    int difference = tolower(left[index]) - tolower(right[index]);
    if (difference != 0) {
      return difference;
    }
  }
  return 0;
}

// ---- Numbers ----

char *_ui64toa(ULONGLONG value, char *buffer, int radix) {
  char digits[65];
  int count = 0;
  do {
    digits[count++] = "0123456789abcdefghijklmnopqrstuvwxyz"[value % (unsigned)radix];
    value /= (unsigned)radix;
  } while (value != 0);
  for (int index = 0; index < count; index += 1) {
    buffer[index] = digits[count - 1 - index];
  }
  buffer[count] = '\0';
  return buffer;
}

// For a radix other than ten a negative number is converted as its bits.
char *_i64toa(LONGLONG value, char *buffer, int radix) {
  if (radix != 10 || value >= 0) {
    return _ui64toa((ULONGLONG)value, buffer, radix);
  }
  buffer[0] = '-';
  _ui64toa(0 - (ULONGLONG)value, buffer + 1, radix);
  return buffer;
}

char *_ltoa(LONG value, char *buffer, int radix) {
  return radix == 10 ? _i64toa(value, buffer, radix) : _ui64toa((ULONG)value, buffer, radix);
}

char *_ultoa(ULONG value, char *buffer, int radix) { return _ui64toa(value, buffer, radix); }
char *_itoa(int value, char *buffer, int radix) { return _ltoa(value, buffer, radix); }

// ---- Paths ----

static void put_part(char *part, const char *start, const char *end) {
  if (part != NULL) {
    memcpy(part, start, (size_t)(end - start));
    part[end - start] = '\0';
  }
}

void _splitpath(const char *path, char *drive, char *folder, char *name, char *extension) {
  const char *rest = path[0] != '\0' && path[1] == ':' ? path + 2 : path;
  const char *file = rest;
  for (const char *at = rest; *at != '\0'; at += 1) {
    file = *at == '/' || *at == '\\' ? at + 1 : file;
  }
  const char *end = file + strlen(file);
  const char *dot = strrchr(file, '.');
  dot = dot != NULL ? dot : end;
  put_part(drive, path, rest);
  put_part(folder, rest, file);
  put_part(name, file, dot);
  put_part(extension, dot, end);
}

void _makepath(char *path, const char *drive, const char *folder, const char *name, const char *extension) {
  *path = '\0';
  if (drive != NULL && *drive != '\0') {
    path += sprintf(path, "%c:", *drive);
  }
  if (folder != NULL && *folder != '\0') {
    char last = folder[strlen(folder) - 1];
    path += sprintf(path, "%s%s", folder, last == '/' || last == '\\' ? "" : "/");
  }
  path += sprintf(path, "%s", name != NULL ? name : "");
  if (extension != NULL && *extension != '\0') {
    sprintf(path, "%s%s", *extension == '.' ? "" : ".", extension);
  }
}

char *_fullpath(char *absolute, const char *relative, size_t size) {
  char *result = absolute != NULL ? absolute : malloc(PATH_MAX);
  size = absolute != NULL ? size : PATH_MAX;
  DWORD length = result != NULL ? GetFullPathNameA(relative, (DWORD)size, result, NULL) : 0;
  if (length > 0 && length < size) {
    compat_separate(result, __builtin_return_address(0));
    return result;
  }
  if (absolute == NULL) {
    free(result);
  }
  return NULL;
}

int _mkdir(const char *path) { return mkdir(path, 0777); }
int _rmdir(const char *path) { return rmdir(path); }

// ---- Aligned memory ----

void *_aligned_malloc(size_t size, size_t alignment) {
  void *block = NULL;
  return posix_memalign(&block, alignment < sizeof(void *) ? sizeof(void *) : alignment, size) == 0 ? block : NULL;
}

void _aligned_free(void *block) { free(block); }

static char *put_local_time(char *buffer, const char *format) {
  time_t now = time(NULL);
  struct tm parts;
  strftime(buffer, 9, format, localtime_r(&now, &parts));
  return buffer;
}

char *_strdate(char *buffer) { return put_local_time(buffer, "%m/%d/%y"); }

char *_strtime(char *buffer) { return put_local_time(buffer, "%H:%M:%S"); }
