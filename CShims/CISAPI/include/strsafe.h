/* Text functions that are given the size of the destination, in characters (Cch) or bytes (Cb). */
#ifndef ISAPI_STRSAFE_H
#define ISAPI_STRSAFE_H

#include "windows.h"

#define STRSAFE_MAX_CCH 2147483647
#define STRSAFE_E_INSUFFICIENT_BUFFER ((HRESULT)0x8007007A)
#define STRSAFE_E_INVALID_PARAMETER ((HRESULT)0x80070057)

ISAPI_BEGIN

/* A text that does not fit is cut, ends with a NUL, and the call returns STRSAFE_E_INSUFFICIENT_BUFFER. */
HRESULT StringCchCopyA(LPSTR pszDest, size_t cchDest, LPCSTR pszSrc);
HRESULT StringCchCopyNA(LPSTR pszDest, size_t cchDest, LPCSTR pszSrc, size_t cchToCopy);
HRESULT StringCchCatA(LPSTR pszDest, size_t cchDest, LPCSTR pszSrc);
HRESULT StringCchPrintfA(LPSTR pszDest, size_t cchDest, LPCSTR pszFormat, ...) __attribute__((format(printf, 3, 4)));
HRESULT StringCchVPrintfA(LPSTR pszDest, size_t cchDest, LPCSTR pszFormat, va_list argList)
    __attribute__((format(printf, 3, 0)));
HRESULT StringCchLengthA(LPCSTR psz, size_t cchMax, size_t *pcchLength);
HRESULT StringCchCopyW(LPWSTR pszDest, size_t cchDest, LPCWSTR pszSrc);
HRESULT StringCchCopyNW(LPWSTR pszDest, size_t cchDest, LPCWSTR pszSrc, size_t cchToCopy);
HRESULT StringCchCatW(LPWSTR pszDest, size_t cchDest, LPCWSTR pszSrc);
HRESULT StringCchPrintfW(LPWSTR pszDest, size_t cchDest, LPCWSTR pszFormat, ...);
HRESULT StringCchVPrintfW(LPWSTR pszDest, size_t cchDest, LPCWSTR pszFormat, va_list argList);
HRESULT StringCchLengthW(LPCWSTR psz, size_t cchMax, size_t *pcchLength);

ISAPI_END

#define StringCbCopyA StringCchCopyA
#define StringCbCatA StringCchCatA
#define StringCbPrintfA StringCchPrintfA
#define StringCbVPrintfA StringCchVPrintfA
#define StringCbLengthA StringCchLengthA
/* Bytes; an odd one at the end holds no character. */
#define StringCbCopyW(destination, size, source) StringCchCopyW((destination), (size) / sizeof(WCHAR), (source))
#define StringCbCatW(destination, size, source) StringCchCatW((destination), (size) / sizeof(WCHAR), (source))
#define StringCbPrintfW(destination, size, ...) StringCchPrintfW((destination), (size) / sizeof(WCHAR), __VA_ARGS__)
#define StringCbVPrintfW(destination, size, format, arguments)                                                         \
  StringCchVPrintfW((destination), (size) / sizeof(WCHAR), (format), (arguments))

#ifdef UNICODE
#define StringCchCopy StringCchCopyW
#define StringCchCopyN StringCchCopyNW
#define StringCchCat StringCchCatW
#define StringCchPrintf StringCchPrintfW
#define StringCchVPrintf StringCchVPrintfW
#define StringCchLength StringCchLengthW
#define StringCbCopy StringCbCopyW
#define StringCbCat StringCbCatW
#define StringCbPrintf StringCbPrintfW
#define StringCbVPrintf StringCbVPrintfW
#else
#define StringCchCopy StringCchCopyA
#define StringCchCopyN StringCchCopyNA
#define StringCchCat StringCchCatA
#define StringCchPrintf StringCchPrintfA
#define StringCchVPrintf StringCchVPrintfA
#define StringCchLength StringCchLengthA
#define StringCbCopy StringCchCopyA
#define StringCbCat StringCchCatA
#define StringCbPrintf StringCchPrintfA
#define StringCbVPrintf StringCchVPrintfA
#define StringCbLength StringCchLengthA
#endif

#endif
