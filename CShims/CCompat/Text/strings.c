// Text functions of Windows.
#include "../compat.h"

int WINAPI lstrlenA(LPCSTR lpString) { return lpString != NULL ? (int)strlen(lpString) : 0; }

LPSTR WINAPI lstrcpyA(LPSTR lpString1, LPCSTR lpString2) {
  return lpString1 != NULL && lpString2 != NULL ? strcpy(lpString1, lpString2) : NULL;
}

LPSTR WINAPI lstrcpynA(LPSTR lpString1, LPCSTR lpString2, int iMaxLength) {
  if (lpString1 == NULL || lpString2 == NULL) {
    return NULL;
  }
  if (iMaxLength > 0) {
    size_t length = strnlen(lpString2, (size_t)iMaxLength - 1);
    memmove(lpString1, lpString2, length);
    lpString1[length] = '\0';
  }
  return lpString1;
}

LPSTR WINAPI lstrcatA(LPSTR lpString1, LPCSTR lpString2) {
  return lpString1 != NULL && lpString2 != NULL ? strcat(lpString1, lpString2) : NULL;
}

static int sign(int number) { return (number > 0) - (number < 0); }

// NULL sorts before every text.
static bool is_decided(const void *first, const void *second, int *order) {
  *order = (first != NULL) - (second != NULL);
  return first == NULL || second == NULL;
}

int WINAPI lstrcmpA(LPCSTR lpString1, LPCSTR lpString2) {
  int order;
  return is_decided(lpString1, lpString2, &order) ? order : sign(strcmp(lpString1, lpString2));
}

int WINAPI lstrcmpiA(LPCSTR lpString1, LPCSTR lpString2) {
  int order;
  return is_decided(lpString1, lpString2, &order) ? order : sign(strcasecmp(lpString1, lpString2));
}

int WINAPI lstrlenW(LPCWSTR lpString) { return lpString != NULL ? (int)isagate_wcslen(lpString) : 0; }

LPWSTR WINAPI lstrcpyW(LPWSTR lpString1, LPCWSTR lpString2) {
  return lpString1 != NULL && lpString2 != NULL ? isagate_wcscpy(lpString1, lpString2) : NULL;
}

LPWSTR WINAPI lstrcpynW(LPWSTR lpString1, LPCWSTR lpString2, int iMaxLength) {
  if (lpString1 == NULL || lpString2 == NULL) {
    return NULL;
  }
  for (int index = 0; index < iMaxLength; index += 1) {
    lpString1[index] = index < iMaxLength - 1 ? lpString2[index] : 0;
    if (lpString1[index] == 0) {
      break;
    }
  }
  return lpString1;
}

LPWSTR WINAPI lstrcatW(LPWSTR lpString1, LPCWSTR lpString2) {
  return lpString1 != NULL && lpString2 != NULL ? isagate_wcscat(lpString1, lpString2) : NULL;
}

int WINAPI lstrcmpW(LPCWSTR lpString1, LPCWSTR lpString2) {
  int order;
  return is_decided(lpString1, lpString2, &order) ? order : isagate_wcscmp(lpString1, lpString2);
}

int WINAPI lstrcmpiW(LPCWSTR lpString1, LPCWSTR lpString2) {
  int order;
  return is_decided(lpString1, lpString2, &order) ? order : isagate_wcsicmp(lpString1, lpString2);
}

int WINAPI CompareStringA(LCID Locale, DWORD dwCmpFlags, LPCSTR lpString1, int cchCount1, LPCSTR lpString2,
                          int cchCount2) {
  (void)Locale;
  if (lpString1 == NULL || lpString2 == NULL || (dwCmpFlags & ~(DWORD)NORM_IGNORECASE) != 0) {
    return compat_fail(lpString1 == NULL || lpString2 == NULL ? ERROR_INVALID_PARAMETER : ERROR_INVALID_FLAGS);
  }
  size_t first = cchCount1 < 0 ? strlen(lpString1) : (size_t)cchCount1;
  size_t second = cchCount2 < 0 ? strlen(lpString2) : (size_t)cchCount2;
  size_t common = min(first, second);
  int order = (dwCmpFlags & NORM_IGNORECASE) != 0 ? isagate_memicmp(lpString1, lpString2, common)
                                                  : memcmp(lpString1, lpString2, common);
  if (order == 0 && first != second) {
    order = first < second ? -1 : 1;
  }
  return order < 0 ? CSTR_LESS_THAN : order > 0 ? CSTR_GREATER_THAN : CSTR_EQUAL;
}

// ---- Letters ----

static bool is_character(LPCSTR text) { return (uintptr_t)text <= 0xFFFF; }

LPSTR WINAPI CharUpperA(LPSTR lpsz) {
  return is_character(lpsz) ? (LPSTR)(uintptr_t)toupper((int)(uintptr_t)lpsz & 0xFF) : _strupr(lpsz);
}

LPSTR WINAPI CharLowerA(LPSTR lpsz) {
  return is_character(lpsz) ? (LPSTR)(uintptr_t)tolower((int)(uintptr_t)lpsz & 0xFF) : _strlwr(lpsz);
}

DWORD WINAPI CharUpperBuffA(LPSTR lpsz, DWORD cchLength) {
  for (DWORD index = 0; index < cchLength; index += 1) {
    lpsz[index] = (char)toupper((unsigned char)lpsz[index]);
  }
  return cchLength;
}

DWORD WINAPI CharLowerBuffA(LPSTR lpsz, DWORD cchLength) {
  for (DWORD index = 0; index < cchLength; index += 1) {
    lpsz[index] = (char)tolower((unsigned char)lpsz[index]);
  }
  return cchLength;
}

LPSTR WINAPI CharNextA(LPCSTR lpsz) { return (LPSTR)(*lpsz != '\0' ? lpsz + 1 : lpsz); }
LPSTR WINAPI CharPrevA(LPCSTR lpszStart, LPCSTR lpszCurrent) {
  return (LPSTR)(lpszCurrent > lpszStart ? lpszCurrent - 1 : lpszStart);
}
BOOL WINAPI IsCharAlphaA(CHAR ch) { return isalpha((unsigned char)ch) != 0; }
BOOL WINAPI IsCharAlphaNumericA(CHAR ch) { return isalnum((unsigned char)ch) != 0; }
