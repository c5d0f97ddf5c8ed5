// Conversion of texts from and to UTF-16.
#include <stdlib.h>

#include "../compat.h"

#define REPLACEMENT 0xFFFD
// A unit of input that is not part of a character.
#define INVALID 0xFFFFFFFF

// The characters of code page 1252 from 0x80 to 0x9F; 0 is none.
static const uint16_t windows_1252[32] = {
    0x20AC, 0, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017D, 0,
    0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0, 0x017E,
    0x0178};

static UINT known_code_page(UINT page) {
  switch (page) {
  case CP_ACP:
  case CP_OEMCP:
  case CP_THREAD_ACP:
  case CP_UTF8: return CP_UTF8;
  case 1252:
  case 28591:
  case 20127: return page;
  default: return 0;
  }
}

// ---- From bytes to characters ----

// Takes one character from the bytes; INVALID, with one byte or the start of a broken sequence taken, when there is
// none.
static uint32_t take_utf8(const unsigned char **text, const unsigned char *end) {
  uint32_t first = *(*text)++;
  if (first < 0x80) {
    return first;
  }
  int more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
  if (first < 0xC2 || first > 0xF4) {
    return INVALID;
  }
  uint32_t value = first & (0x3Fu >> more);
  for (int index = 0; index < more; index += 1) {
    // Overlong forms, surrogates and code points above U+10FFFF are detected in the second byte.
    uint32_t least = index > 0 ? 0x80 : first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    uint32_t most = index > 0 ? 0xBF : first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (*text == end || **text < least || **text > most) {
      return INVALID;
    }
    value = value << 6 | (*(*text)++ & 0x3F);
  }
  return value;
}

static uint32_t take_character(UINT page, const unsigned char **text, const unsigned char *end) {
  if (page == CP_UTF8) {
    return take_utf8(text, end);
  }
  uint32_t byte = *(*text)++;
  if (page == 20127 && byte >= 0x80) {
    return INVALID;
  }
  if (page == 1252 && byte >= 0x80 && byte < 0xA0) {
    // Bytes without a character are mapped to the code point of the same number.
    return windows_1252[byte - 0x80] != 0 ? windows_1252[byte - 0x80] : byte;
  }
  return byte;
}

int WINAPI MultiByteToWideChar(UINT CodePage, DWORD dwFlags, LPCSTR lpMultiByteStr, int cbMultiByte,
                               LPWSTR lpWideCharStr, int cchWideChar) {
  UINT page = known_code_page(CodePage);
  if (page == 0 || lpMultiByteStr == NULL || cbMultiByte == 0 || cbMultiByte < -1 || cchWideChar < 0 ||
      (cchWideChar > 0 && lpWideCharStr == NULL)) {
    return compat_fail(ERROR_INVALID_PARAMETER);
  }
  const unsigned char *text = (const unsigned char *)lpMultiByteStr;
  const unsigned char *end = text + (cbMultiByte < 0 ? strlen(lpMultiByteStr) + 1 : (size_t)cbMultiByte);
  int count = 0;
  while (text < end) {
    uint32_t character = take_character(page, &text, end);
    if (character == INVALID) {
      if ((dwFlags & MB_ERR_INVALID_CHARS) != 0) {
        return compat_fail(ERROR_NO_UNICODE_TRANSLATION);
      }
      character = REPLACEMENT;
    }
    int units = character > 0xFFFF ? 2 : 1;
    if (cchWideChar > 0) {
      if (units > cchWideChar - count) {
        return compat_fail(ERROR_INSUFFICIENT_BUFFER);
      }
      if (units == 2) {
        lpWideCharStr[count] = (WCHAR)(0xD800 + ((character - 0x10000) >> 10));
        lpWideCharStr[count + 1] = (WCHAR)(0xDC00 + (character & 0x3FF));
      } else {
        lpWideCharStr[count] = (WCHAR)character;
      }
    }
    count += units;
  }
  return count;
}

// ---- From characters to bytes ----

static uint32_t take_utf16(const WCHAR **text, const WCHAR *end) {
  uint32_t unit = *(*text)++;
  if (unit < 0xD800 || unit > 0xDFFF) {
    return unit;
  }
  if (unit > 0xDBFF || *text == end || **text < 0xDC00 || **text > 0xDFFF) {
    return INVALID;
  }
  return 0x10000 + ((unit & 0x3FF) << 10) + (*(*text)++ & 0x3FF);
}

static int put_utf8(uint32_t character, unsigned char *bytes) {
  if (character < 0x80) {
    bytes[0] = (unsigned char)character;
    return 1;
  }
  int more = character < 0x800 ? 1 : character < 0x10000 ? 2 : 3;
  for (int index = more; index > 0; index -= 1) {
    bytes[index] = 0x80 | (character & 0x3F);
    character >>= 6;
  }
  bytes[0] = (unsigned char)(0xFF00 >> (more + 1) | character);
  return more + 1;
}

// The byte of a code page with one byte for each character, or -1.
static int byte_for(UINT page, uint32_t character) {
  if (character < 0x80 || (page != 20127 && character >= 0xA0 && character <= 0xFF) ||
      (page == 28591 && character <= 0xFF)) {
    return (int)character;
  }
  for (int index = 0; page == 1252 && index < 32; index += 1) {
    if (windows_1252[index] == character) {
      return 0x80 + index;
    }
  }
  return -1;
}

int WINAPI WideCharToMultiByte(UINT CodePage, DWORD dwFlags, LPCWSTR lpWideCharStr, int cchWideChar,
                               LPSTR lpMultiByteStr, int cbMultiByte, LPCSTR lpDefaultChar, LPBOOL lpUsedDefaultChar) {
  UINT page = known_code_page(CodePage);
  bool has_default = lpDefaultChar != NULL || lpUsedDefaultChar != NULL;
  if (page == 0 || lpWideCharStr == NULL || cchWideChar == 0 || cchWideChar < -1 || cbMultiByte < 0 ||
      (cbMultiByte > 0 && lpMultiByteStr == NULL) || (page == CP_UTF8 && CodePage == CP_UTF8 && has_default)) {
    return compat_fail(ERROR_INVALID_PARAMETER);
  }
  const WCHAR *text = lpWideCharStr;
  const WCHAR *end = text + (cchWideChar < 0 ? isagate_wcslen(text) + 1 : (size_t)cchWideChar);
  bool used_default = false;
  int count = 0;
  while (text < end) {
    uint32_t character = take_utf16(&text, end);
    if (character == INVALID) {
      if ((dwFlags & WC_ERR_INVALID_CHARS) != 0) {
        return compat_fail(ERROR_NO_UNICODE_TRANSLATION);
      }
      character = REPLACEMENT;
    }
    unsigned char bytes[4];
    int length = 1;
    if (page == CP_UTF8) {
      length = put_utf8(character, bytes);
    } else {
      int byte = byte_for(page, character);
      used_default = used_default || byte < 0;
      bytes[0] = (unsigned char)(byte >= 0 ? byte : lpDefaultChar != NULL ? *lpDefaultChar : '?');
    }
    if (cbMultiByte > 0) {
      if (length > cbMultiByte - count) {
        return compat_fail(ERROR_INSUFFICIENT_BUFFER);
      }
      memcpy(lpMultiByteStr + count, bytes, (size_t)length);
    }
    count += length;
  }
  if (lpUsedDefaultChar != NULL) {
    *lpUsedDefaultChar = used_default;
  }
  return count;
}

UINT WINAPI GetACP(void) { return CP_UTF8; }
UINT WINAPI GetOEMCP(void) { return CP_UTF8; }

BOOL WINAPI IsDBCSLeadByte(BYTE TestChar) {
  (void)TestChar;
  return FALSE;
}
