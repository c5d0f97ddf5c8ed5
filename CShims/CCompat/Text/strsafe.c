// The functions of strsafe.h, for texts of CHAR and of WCHAR.
#include "strsafe.h"

#include "../compat.h"

static bool is_room(const void *destination, size_t room) {
  return destination != NULL && room > 0 && room <= STRSAFE_MAX_CCH;
}

// ---- CHAR ----

HRESULT StringCchCopyNA(LPSTR pszDest, size_t cchDest, LPCSTR pszSrc, size_t cchToCopy) {
  if (!is_room(pszDest, cchDest)) {
    return STRSAFE_E_INVALID_PARAMETER;
  }
  size_t length = pszSrc != NULL ? strnlen(pszSrc, cchToCopy) : 0;
  size_t fitting = length < cchDest ? length : cchDest - 1;
  memmove(pszDest, pszSrc != NULL ? pszSrc : "", fitting);
  pszDest[fitting] = '\0';
  return fitting == length ? S_OK : STRSAFE_E_INSUFFICIENT_BUFFER;
}

HRESULT StringCchCopyA(LPSTR pszDest, size_t cchDest, LPCSTR pszSrc) {
  return StringCchCopyNA(pszDest, cchDest, pszSrc, STRSAFE_MAX_CCH);
}

HRESULT StringCchCatA(LPSTR pszDest, size_t cchDest, LPCSTR pszSrc) {
  size_t length = pszDest != NULL ? strnlen(pszDest, cchDest) : 0;
  if (pszDest == NULL || length == cchDest) {
    return STRSAFE_E_INVALID_PARAMETER;
  }
  return StringCchCopyA(pszDest + length, cchDest - length, pszSrc);
}

HRESULT StringCchVPrintfA(LPSTR pszDest, size_t cchDest, LPCSTR pszFormat, va_list argList) {
  if (!is_room(pszDest, cchDest)) {
    return STRSAFE_E_INVALID_PARAMETER;
  }
  int length = isagate_vsnprintf(pszDest, cchDest, pszFormat, argList);
  return length >= 0 && (size_t)length < cchDest ? S_OK : STRSAFE_E_INSUFFICIENT_BUFFER;
}

HRESULT StringCchPrintfA(LPSTR pszDest, size_t cchDest, LPCSTR pszFormat, ...) {
  va_list arguments;
  va_start(arguments, pszFormat);
  HRESULT result = StringCchVPrintfA(pszDest, cchDest, pszFormat, arguments);
  va_end(arguments);
  return result;
}

HRESULT StringCchLengthA(LPCSTR psz, size_t cchMax, size_t *pcchLength) {
  size_t length = psz != NULL && cchMax <= STRSAFE_MAX_CCH ? strnlen(psz, cchMax) : cchMax;
  if (pcchLength != NULL) {
    *pcchLength = length < cchMax ? length : 0;
  }
  return length < cchMax ? S_OK : STRSAFE_E_INVALID_PARAMETER;
}

// ---- WCHAR ----

static size_t length_within(LPCWSTR text, size_t limit) {
  size_t length = 0;
  while (length < limit && text[length] != 0) {
    length += 1;
  }
  return length;
}

HRESULT StringCchCopyNW(LPWSTR pszDest, size_t cchDest, LPCWSTR pszSrc, size_t cchToCopy) {
  if (!is_room(pszDest, cchDest)) {
    return STRSAFE_E_INVALID_PARAMETER;
  }
  size_t length = pszSrc != NULL ? length_within(pszSrc, cchToCopy) : 0;
  size_t fitting = length < cchDest ? length : cchDest - 1;
  if (fitting > 0) {
    memmove(pszDest, pszSrc, fitting * sizeof(WCHAR));
  }
  pszDest[fitting] = 0;
  return fitting == length ? S_OK : STRSAFE_E_INSUFFICIENT_BUFFER;
}

HRESULT StringCchCopyW(LPWSTR pszDest, size_t cchDest, LPCWSTR pszSrc) {
  return StringCchCopyNW(pszDest, cchDest, pszSrc, STRSAFE_MAX_CCH);
}

HRESULT StringCchCatW(LPWSTR pszDest, size_t cchDest, LPCWSTR pszSrc) {
  size_t length = pszDest != NULL ? length_within(pszDest, cchDest) : 0;
  if (pszDest == NULL || length == cchDest) {
    return STRSAFE_E_INVALID_PARAMETER;
  }
  return StringCchCopyW(pszDest + length, cchDest - length, pszSrc);
}

HRESULT StringCchVPrintfW(LPWSTR pszDest, size_t cchDest, LPCWSTR pszFormat, va_list argList) {
  if (!is_room(pszDest, cchDest)) {
    return STRSAFE_E_INVALID_PARAMETER;
  }
  return isagate_vsnwprintf(pszDest, cchDest, pszFormat, argList) >= 0 ? S_OK : STRSAFE_E_INSUFFICIENT_BUFFER;
}

HRESULT StringCchPrintfW(LPWSTR pszDest, size_t cchDest, LPCWSTR pszFormat, ...) {
  va_list arguments;
  va_start(arguments, pszFormat);
  HRESULT result = StringCchVPrintfW(pszDest, cchDest, pszFormat, arguments);
  va_end(arguments);
  return result;
}

HRESULT StringCchLengthW(LPCWSTR psz, size_t cchMax, size_t *pcchLength) {
  size_t length = psz != NULL && cchMax <= STRSAFE_MAX_CCH ? length_within(psz, cchMax) : cchMax;
  if (pcchLength != NULL) {
    *pcchLength = length < cchMax ? length : 0;
  }
  return length < cchMax ? S_OK : STRSAFE_E_INVALID_PARAMETER;
}
