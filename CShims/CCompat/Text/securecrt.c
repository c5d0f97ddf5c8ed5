// The _s functions: text that does not fit is refused, not stored.
#include "../compat.h"

// Sets the destination to an empty text, writes a line to the debug output, and returns the error.
static errno_t refuse(char *destination, rsize_t size, errno_t error, const char *function) {
  if (destination != NULL && size > 0) {
    *destination = '\0';
  }
  char text[128];
  snprintf(text, sizeof text, "%s: %s\n", function, error == ERANGE ? "the buffer is too small" : "invalid argument");
  OutputDebugStringA(text);
  errno = error;
  return error;
}

static bool is_invalid(const char *destination, rsize_t size, const void *source) {
  return destination == NULL || size == 0 || source == NULL;
}

errno_t isagate_strncpy_s(char *destination, rsize_t size, const char *source, rsize_t count) {
  if (destination == NULL && size == 0 && count == 0) {
    return 0;
  }
  if (is_invalid(destination, size, source)) {
    return refuse(destination, size, EINVAL, "strncpy_s");
  }
  size_t length = strnlen(source, count == _TRUNCATE ? size : count);
  if (length >= size) {
    if (count != _TRUNCATE) {
      return refuse(destination, size, ERANGE, "strncpy_s");
    }
    memcpy(destination, source, size - 1);
    destination[size - 1] = '\0';
    return STRUNCATE;
  }
  memcpy(destination, source, length);
  destination[length] = '\0';
  return 0;
}

errno_t isagate_strcpy_s(char *destination, rsize_t size, const char *source) {
  if (is_invalid(destination, size, source)) {
    return refuse(destination, size, EINVAL, "strcpy_s");
  }
  size_t length = strnlen(source, size);
  if (length == size) {
    return refuse(destination, size, ERANGE, "strcpy_s");
  }
  memcpy(destination, source, length + 1);
  return 0;
}

errno_t isagate_strncat_s(char *destination, rsize_t size, const char *source, rsize_t count) {
  if (is_invalid(destination, size, source)) {
    return refuse(destination, size, EINVAL, "strncat_s");
  }
  size_t used = strnlen(destination, size);
  if (used == size) {
    return refuse(destination, size, EINVAL, "strncat_s");
  }
  size_t length = strnlen(source, count == _TRUNCATE ? size - used : count);
  if (length >= size - used && count != _TRUNCATE) {
    return refuse(destination, size, ERANGE, "strncat_s");
  }
  return isagate_strncpy_s(destination + used, size - used, source, count);
}

errno_t isagate_strcat_s(char *destination, rsize_t size, const char *source) {
  if (is_invalid(destination, size, source)) {
    return refuse(destination, size, EINVAL, "strcat_s");
  }
  size_t used = strnlen(destination, size);
  if (used == size || strnlen(source, size - used) == size - used) {
    return refuse(destination, size, used == size ? EINVAL : ERANGE, "strcat_s");
  }
  return isagate_strcpy_s(destination + used, size - used, source);
}

int isagate_vsnprintf_s(char *buffer, rsize_t size, size_t count, const char *format, va_list arguments) {
  if (is_invalid(buffer, size, format)) {
    refuse(buffer, size, EINVAL, "vsnprintf_s");
    return -1;
  }
  // A count below the size cuts the text; with any other count a text that needs more than the size is an error.
  bool cuts = count == _TRUNCATE || count < size;
  size_t room = count < size ? count + 1 : size;
  int length = isagate_vsnprintf(buffer, room, format, arguments);
  if (length >= 0 && (size_t)length < room) {
    return length;
  }
  if (!cuts || length < 0) {
    refuse(buffer, size, length < 0 ? EINVAL : ERANGE, "vsnprintf_s");
  }
  return -1;
}

int isagate_vsprintf_s(char *buffer, rsize_t size, const char *format, va_list arguments) {
  return isagate_vsnprintf_s(buffer, size, size, format, arguments);
}

int isagate_snprintf_s(char *buffer, rsize_t size, size_t count, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int length = isagate_vsnprintf_s(buffer, size, count, format, arguments);
  va_end(arguments);
  return length;
}

int isagate_sprintf_s(char *buffer, rsize_t size, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int length = isagate_vsprintf_s(buffer, size, format, arguments);
  va_end(arguments);
  return length;
}

errno_t isagate_memmove_s(void *destination, rsize_t size, const void *source, rsize_t count) {
  if (count == 0) {
    return 0;
  }
  if (destination == NULL || source == NULL) {
    return refuse(NULL, 0, EINVAL, "memmove_s");
  }
  if (count > size) {
    return refuse(NULL, 0, ERANGE, "memmove_s");
  }
  memmove(destination, source, count);
  return 0;
}

errno_t isagate_memcpy_s(void *destination, rsize_t size, const void *source, rsize_t count) {
  if (destination != NULL && (source == NULL || count > size)) {
    memset(destination, 0, size < PTRDIFF_MAX ? size : 0);
  }
  return isagate_memmove_s(destination, size, source, count);
}

static bool is_text(const char *text, rsize_t size) { return text != NULL && strnlen(text, size) < size; }

errno_t _strupr_s(char *text, rsize_t size) {
  return is_text(text, size) ? (_strupr(text), 0) : refuse(text, size, EINVAL, "_strupr_s");
}

errno_t _strlwr_s(char *text, rsize_t size) {
  return is_text(text, size) ? (_strlwr(text), 0) : refuse(text, size, EINVAL, "_strlwr_s");
}

static errno_t put_number(const char *digits, char *buffer, size_t size, int radix, const char *function) {
  if (radix < 2 || radix > 36) {
    return refuse(buffer, size, EINVAL, function);
  }
  return isagate_strcpy_s(buffer, size, digits);
}

errno_t _itoa_s(int value, char *buffer, size_t size, int radix) {
  char digits[66];
  return put_number(_itoa(value, digits, radix < 2 || radix > 36 ? 10 : radix), buffer, size, radix, "_itoa_s");
}

errno_t _ultoa_s(ULONG value, char *buffer, size_t size, int radix) {
  char digits[66];
  return put_number(_ultoa(value, digits, radix < 2 || radix > 36 ? 10 : radix), buffer, size, radix, "_ultoa_s");
}

errno_t fopen_s(FILE **stream, const char *name, const char *mode) {
  if (stream == NULL || name == NULL || mode == NULL) {
    return refuse(NULL, 0, EINVAL, "fopen_s");
  }
  *stream = fopen(name, mode);
  return *stream != NULL ? 0 : errno;
}

errno_t strerror_s(char *buffer, rsize_t size, int number) {
  return isagate_strncpy_s(buffer, size, strerror(number), _TRUNCATE) == EINVAL ? EINVAL : 0;
}

errno_t getenv_s(size_t *required, char *buffer, rsize_t size, const char *name) {
  const char *value = name != NULL ? getenv(name) : NULL;
  if (required == NULL || name == NULL) {
    return refuse(buffer, size, EINVAL, "getenv_s");
  }
  *required = value != NULL ? strlen(value) + 1 : 0;
  if (value == NULL || size == 0) {
    return value == NULL && size > 0 && buffer != NULL ? (*buffer = '\0', 0) : 0;
  }
  return *required > size ? refuse(buffer, size, ERANGE, "getenv_s") : isagate_strcpy_s(buffer, size, value);
}

errno_t _dupenv_s(char **buffer, size_t *size, const char *name) {
  if (buffer == NULL || name == NULL) {
    return refuse(NULL, 0, EINVAL, "_dupenv_s");
  }
  const char *value = getenv(name);
  *buffer = value != NULL ? strdup(value) : NULL;
  if (size != NULL) {
    *size = *buffer != NULL ? strlen(value) + 1 : 0;
  }
  return value != NULL && *buffer == NULL ? ENOMEM : 0;
}

errno_t localtime_s(struct tm *parts, const time_t *time) {
  return parts != NULL && time != NULL && localtime_r(time, parts) != NULL ? 0 : EINVAL;
}

errno_t gmtime_s(struct tm *parts, const time_t *time) {
  return parts != NULL && time != NULL && gmtime_r(time, parts) != NULL ? 0 : EINVAL;
}
