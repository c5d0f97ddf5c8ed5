// printf with Windows' formats, for texts of CHAR and of WCHAR. Both kinds use one formatter, which reads and writes
// WCHAR: a CHAR text is widened byte by byte before and narrowed after.
#include "../compat.h"

// The maximum number of characters that wsprintf stores, with the NUL.
#define WSPRINTF_LIMIT 1024

typedef struct {
  WCHAR *buffer;
  size_t capacity;
  // The length of the complete output, also if it did not fit.
  size_t length;
} output;

static void put(output *to, WCHAR character) {
  if (to->length < to->capacity) {
    to->buffer[to->length] = character;
  }
  to->length += 1;
}

// One conversion: flags as in printf, numbers -1 when not given.
typedef struct {
  char flags[8];
  int width;
  int precision;
  // Whether a size prefix selects 64 bits, CHAR (h) or WCHAR (l, w).
  bool is_64;
  bool is_narrow;
  bool is_wide;
} conversion;

static void put_padding(output *to, int count) {
  for (; count > 0; count -= 1) {
    put(to, ' ');
  }
}

static void put_text(output *to, const conversion *how, const void *text, bool is_wide) {
  const char *narrow = text != NULL ? text : "(null)";
  const WCHAR *wide = text;
  is_wide = is_wide && text != NULL;
  int length = 0;
  while (length != how->precision && (is_wide ? wide[length] != 0 : narrow[length] != '\0')) {
    length += 1;
  }
  bool is_left = strchr(how->flags, '-') != NULL;
  put_padding(to, is_left ? 0 : how->width - length);
  for (int index = 0; index < length; index += 1) {
    put(to, is_wide ? wide[index] : (unsigned char)narrow[index]);
  }
  put_padding(to, is_left ? how->width - length : 0);
}

// Formats a number with the C library. Widths and precisions are limited to the buffer.
static void put_number(output *to, const conversion *how, char type, va_list *arguments) {
  char format[32], text[512];
  int width = how->width > 200 ? 200 : how->width < 0 ? 0 : how->width;
  int precision = how->precision > 200 ? 200 : how->precision;
  bool is_float = strchr("eEfgG", type) != NULL;
  bool is_pointer = type == 'p';
  snprintf(format, sizeof format, "%%%s*.*%s%c", how->flags, is_float || is_pointer ? "" : "ll", is_pointer ? 'p' : type);
  if (is_float) {
    snprintf(text, sizeof text, format, width, precision, va_arg(*arguments, double));
  } else if (is_pointer) {
    snprintf(text, sizeof text, "%016llX", (unsigned long long)(uintptr_t)va_arg(*arguments, void *));
  } else {
    bool is_signed = type == 'd' || type == 'i';
    long long value = how->is_64   ? va_arg(*arguments, long long)
                      : is_signed ? (long long)va_arg(*arguments, int)
                                  : (long long)va_arg(*arguments, unsigned);
    snprintf(text, sizeof text, format, width, precision, value);
  }
  for (const char *at = text; *at != '\0'; at += 1) {
    put(to, (WCHAR)*at);
  }
}

// A number in the format, or one of the arguments for `*`.
static int take_number(const WCHAR **format, va_list *arguments) {
  if (**format == '*') {
    *format += 1;
    return va_arg(*arguments, int);
  }
  int number = 0;
  while (**format >= '0' && **format <= '9') {
    number = number < 100000 ? number * 10 + (**format - '0') : number;
    *format += 1;
  }
  return number;
}

static void take_size(const WCHAR **format, conversion *how) {
  for (;; *format += 1) {
    const WCHAR *at = *format;
    if (at[0] == 'I' && at[1] == '6' && at[2] == '4') {
      how->is_64 = true;
      *format += 2;
    } else if (at[0] == 'I' && at[1] == '3' && at[2] == '2') {
      *format += 2;
    } else if (at[0] == 'l' && at[1] == 'l') {
      how->is_64 = true;
      *format += 1;
    } else if (at[0] == 'I' || at[0] == 'z' || at[0] == 't' || at[0] == 'j') {
      how->is_64 = true;
    } else if (at[0] == 'l' || at[0] == 'w') {
      // A LONG has 32 bits.
      how->is_wide = true;
    } else if (at[0] == 'h') {
      how->is_narrow = true;
    } else {
      return;
    }
  }
}

static conversion take_conversion(const WCHAR **format, va_list *arguments) {
  conversion how = {"", 0, -1, false, false, false};
  size_t flags = 0;
  while (**format != 0 && **format < 0x80 && strchr("-+ #0", **format) != NULL) {
    if (flags < sizeof how.flags - 1) {
      how.flags[flags++] = (char)**format;
    }
    *format += 1;
  }
  how.width = take_number(format, arguments);
  if (how.width < 0) {
    how.width = how.width > -100000 ? -how.width : 0;
    how.flags[flags < sizeof how.flags - 1 ? flags : 0] = '-';
  }
  if (**format == '.') {
    *format += 1;
    how.precision = take_number(format, arguments);
  }
  take_size(format, &how);
  return how;
}

// `is_wide`: the kind of text of %s and %c without a prefix; %S and %C are the other kind.
static void format_text(output *to, bool is_wide, const WCHAR *format, va_list *arguments) {
  while (*format != 0) {
    if (*format != '%') {
      put(to, *format++);
      continue;
    }
    format += 1;
    if (*format == '%') {
      put(to, *format++);
      continue;
    }
    conversion how = take_conversion(&format, arguments);
    char type = *format < 0x80 ? (char)*format : '\0';
    bool takes_wide = how.is_wide || (!how.is_narrow && (type == 's' || type == 'c' ? is_wide : !is_wide));
    if (type == '\0') {
      break;
    } else if (type == 's' || type == 'S') {
      put_text(to, &how, va_arg(*arguments, void *), takes_wide);
    } else if (type == 'c' || type == 'C') {
      WCHAR character = (WCHAR)va_arg(*arguments, int);
      how.precision = 1;
      WCHAR text[2] = {takes_wide ? character : (WCHAR)(character & 0xFF), 0};
      put_text(to, &how, text, true);
    } else if (strchr("diouxXpeEfgG", type) != NULL) {
      put_number(to, &how, type, arguments);
    } else {
      put(to, *format);
    }
    format += 1;
  }
}

// ---- WCHAR ----

int isagate_vsnwprintf(WCHAR *buffer, size_t count, const WCHAR *format, va_list arguments) {
  output to = {buffer, count, 0};
  va_list copy;
  va_copy(copy, arguments);
  format_text(&to, true, format, &copy);
  va_end(copy);
  if (count > 0) {
    buffer[to.length < count ? to.length : count - 1] = 0;
  }
  return to.length < count ? (int)to.length : -1;
}

int isagate_snwprintf(WCHAR *buffer, size_t count, const WCHAR *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int length = isagate_vsnwprintf(buffer, count, format, arguments);
  va_end(arguments);
  return length;
}

int isagate_vsnwprintf_s(WCHAR *buffer, rsize_t size, size_t count, const WCHAR *format, va_list arguments) {
  if (buffer == NULL || size == 0 || format == NULL) {
    errno = EINVAL;
    return -1;
  }
  return isagate_vsnwprintf(buffer, count < size ? count + 1 : size, format, arguments);
}

int isagate_snwprintf_s(WCHAR *buffer, rsize_t size, size_t count, const WCHAR *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int length = isagate_vsnwprintf_s(buffer, size, count, format, arguments);
  va_end(arguments);
  return length;
}

int WINAPI wvsprintfW(LPWSTR lpOut, LPCWSTR lpFmt, va_list arglist) {
  int length = isagate_vsnwprintf(lpOut, WSPRINTF_LIMIT, lpFmt, arglist);
  return length >= 0 ? length : WSPRINTF_LIMIT - 1;
}

int WINAPIV wsprintfW(LPWSTR lpOut, LPCWSTR lpFmt, ...) {
  va_list arguments;
  va_start(arguments, lpFmt);
  int length = wvsprintfW(lpOut, lpFmt, arguments);
  va_end(arguments);
  return length;
}

// ---- CHAR ----

int WINAPI wvsprintfA(LPSTR lpOut, LPCSTR lpFmt, va_list arglist) {
  WCHAR format[WSPRINTF_LIMIT], text[WSPRINTF_LIMIT];
  size_t end = 0;
  for (; lpFmt[end] != '\0' && end < WSPRINTF_LIMIT - 1; end += 1) {
    format[end] = (unsigned char)lpFmt[end];
  }
  format[end] = 0;
  output to = {text, WSPRINTF_LIMIT - 1, 0};
  va_list copy;
  va_copy(copy, arglist);
  format_text(&to, false, format, &copy);
  va_end(copy);
  size_t length = to.length < to.capacity ? to.length : to.capacity;
  for (size_t index = 0; index < length; index += 1) {
    lpOut[index] = text[index] <= 0xFF ? (char)text[index] : '?';
  }
  lpOut[length] = '\0';
  return (int)length;
}

int WINAPIV wsprintfA(LPSTR lpOut, LPCSTR lpFmt, ...) {
  va_list arguments;
  va_start(arguments, lpFmt);
  int length = wvsprintfA(lpOut, lpFmt, arguments);
  va_end(arguments);
  return length;
}
