// Texts of WCHAR.
#include "../compat.h"

size_t isagate_wcslen(const WCHAR *text) {
  size_t length = 0;
  while (text[length] != 0) {
    length += 1;
  }
  return length;
}

WCHAR *isagate_wcscpy(WCHAR *destination, const WCHAR *source) {
  return memcpy(destination, source, (isagate_wcslen(source) + 1) * sizeof(WCHAR));
}

WCHAR *isagate_wcsncpy(WCHAR *destination, const WCHAR *source, size_t count) {
  bool has_ended = false;
  for (size_t index = 0; index < count; index += 1) {
    destination[index] = has_ended ? 0 : source[index];
    has_ended = has_ended || source[index] == 0;
  }
  return destination;
}

WCHAR *isagate_wcscat(WCHAR *destination, const WCHAR *source) {
  isagate_wcscpy(destination + isagate_wcslen(destination), source);
  return destination;
}

WCHAR *isagate_wcsncat(WCHAR *destination, const WCHAR *source, size_t count) {
  WCHAR *end = destination + isagate_wcslen(destination);
  for (; count > 0 && *source != 0; count -= 1) {
    *end++ = *source++;
  }
  *end = 0;
  return destination;
}

static WCHAR fold(WCHAR character) { return character >= 'A' && character <= 'Z' ? character + 32 : character; }

static int compare(const WCHAR *first, const WCHAR *second, size_t count, bool folds) {
  for (size_t index = 0; index < count; index += 1) {
    WCHAR left = folds ? fold(first[index]) : first[index];
    WCHAR right = folds ? fold(second[index]) : second[index];
    if (left != right) {
      return left < right ? -1 : 1;
    }
    if (left == 0) {
      return 0;
    }
  }
  return 0;
}

int isagate_wcscmp(const WCHAR *first, const WCHAR *second) { return compare(first, second, SIZE_MAX, false); }
int isagate_wcsicmp(const WCHAR *first, const WCHAR *second) { return compare(first, second, SIZE_MAX, true); }

int isagate_wcsncmp(const WCHAR *first, const WCHAR *second, size_t count) {
  return compare(first, second, count, false);
}

int isagate_wcsnicmp(const WCHAR *first, const WCHAR *second, size_t count) {
  return compare(first, second, count, true);
}

WCHAR *isagate_wcschr(const WCHAR *text, WCHAR character) {
  while (*text != character) {
    if (*text++ == 0) {
      return NULL;
    }
  }
  return (WCHAR *)text;
}

WCHAR *isagate_wcsrchr(const WCHAR *text, WCHAR character) {
  const WCHAR *found = NULL;
  do {
    found = *text == character ? text : found;
  } while (*text++ != 0);
  return (WCHAR *)found;
}

WCHAR *isagate_wcsstr(const WCHAR *text, const WCHAR *part) {
  size_t length = isagate_wcslen(part);
  for (; compare(text, part, length, false) != 0; text += 1) {
    if (*text == 0) {
      return NULL;
    }
  }
  return (WCHAR *)text;
}

WCHAR *isagate_wcsdup(const WCHAR *text) {
  WCHAR *copy = malloc((isagate_wcslen(text) + 1) * sizeof(WCHAR));
  return copy != NULL ? isagate_wcscpy(copy, text) : NULL;
}

int isagate_wtoi(const WCHAR *text) {
  char digits[16];
  int count = 0;
  while (*text == ' ' || *text == '\t') {
    text += 1;
  }
  while (count < (int)sizeof digits - 1 && *text < 0x80 && *text != 0) {
    digits[count++] = (char)*text++;
  }
  digits[count] = '\0';
  return atoi(digits);
}

static errno_t refuse(WCHAR *destination, rsize_t size, errno_t error) {
  if (destination != NULL && size > 0) {
    *destination = 0;
  }
  OutputDebugStringA("a text of WCHAR does not fit\n");
  errno = error;
  return error;
}

errno_t isagate_wcscpy_s(WCHAR *destination, rsize_t size, const WCHAR *source) {
  if (destination == NULL || size == 0 || source == NULL) {
    return refuse(destination, size, EINVAL);
  }
  if (isagate_wcslen(source) >= size) {
    return refuse(destination, size, ERANGE);
  }
  isagate_wcscpy(destination, source);
  return 0;
}

errno_t isagate_wcsncpy_s(WCHAR *destination, rsize_t size, const WCHAR *source, rsize_t count) {
  if (destination == NULL || size == 0 || source == NULL) {
    return refuse(destination, size, EINVAL);
  }
  size_t length = 0, limit = count < size ? count : size;
  while (length < limit && source[length] != 0) {
    length += 1;
  }
  if (length == size && count != _TRUNCATE) {
    return refuse(destination, size, ERANGE);
  }
  bool is_cut = length == size;
  length -= is_cut;
  memmove(destination, source, length * sizeof(WCHAR));
  destination[length] = 0;
  return is_cut ? STRUNCATE : 0;
}

errno_t isagate_wcscat_s(WCHAR *destination, rsize_t size, const WCHAR *source) {
  size_t used = 0;
  while (destination != NULL && used < size && destination[used] != 0) {
    used += 1;
  }
  if (destination == NULL || used == size || source == NULL) {
    return refuse(destination, size, EINVAL);
  }
  if (isagate_wcslen(source) >= size - used) {
    return refuse(destination, size, ERANGE);
  }
  isagate_wcscpy(destination + used, source);
  return 0;
}
