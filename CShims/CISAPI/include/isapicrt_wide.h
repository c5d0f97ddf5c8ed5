/*
 * Texts of WCHAR. The names of the C library are its own functions, for a wchar_t of 32 bits, unless
 * -fshort-wchar is used; then they are macros for the functions here.
 */
#ifndef ISAPI_CRT_WIDE_H
#define ISAPI_CRT_WIDE_H

#include <wchar.h>

#include "windef.h"

#ifdef __cplusplus
/* It undefines macros of these names, and does so only once. */
extern "C++" {
#include <cwchar>
}
#endif

ISAPI_BEGIN

size_t isagate_wcslen(const WCHAR *text);
WCHAR *isagate_wcscpy(WCHAR *destination, const WCHAR *source);
WCHAR *isagate_wcsncpy(WCHAR *destination, const WCHAR *source, size_t count);
WCHAR *isagate_wcscat(WCHAR *destination, const WCHAR *source);
WCHAR *isagate_wcsncat(WCHAR *destination, const WCHAR *source, size_t count);
int isagate_wcscmp(const WCHAR *first, const WCHAR *second);
int isagate_wcsncmp(const WCHAR *first, const WCHAR *second, size_t count);
/* Ignoring the case of ASCII letters. */
int isagate_wcsicmp(const WCHAR *first, const WCHAR *second);
int isagate_wcsnicmp(const WCHAR *first, const WCHAR *second, size_t count);
WCHAR *isagate_wcschr(const WCHAR *text, WCHAR character);
WCHAR *isagate_wcsrchr(const WCHAR *text, WCHAR character);
WCHAR *isagate_wcsstr(const WCHAR *text, const WCHAR *part);
/* For free(); NULL if there is not enough memory. */
WCHAR *isagate_wcsdup(const WCHAR *text);
int isagate_wtoi(const WCHAR *text);
errno_t isagate_wcscpy_s(WCHAR *destination, rsize_t size, const WCHAR *source);
errno_t isagate_wcscat_s(WCHAR *destination, rsize_t size, const WCHAR *source);
/* `count` characters at most, all that fit with _TRUNCATE. */
errno_t isagate_wcsncpy_s(WCHAR *destination, rsize_t size, const WCHAR *source, rsize_t count);
/* `count` characters at most with the NUL; -1 when the text was cut, which ends with a NUL even then. */
int isagate_vsnwprintf(WCHAR *buffer, size_t count, const WCHAR *format, va_list arguments);
int isagate_snwprintf(WCHAR *buffer, size_t count, const WCHAR *format, ...);
/* `count` characters at most without the NUL; a longer text is cut, and the call returns -1. */
int isagate_vsnwprintf_s(WCHAR *buffer, rsize_t size, size_t count, const WCHAR *format, va_list arguments);
int isagate_snwprintf_s(WCHAR *buffer, rsize_t size, size_t count, const WCHAR *format, ...);

ISAPI_END

#define _wcsicmp isagate_wcsicmp
#define _wcsnicmp isagate_wcsnicmp
#define _wcsdup isagate_wcsdup
#define _wtoi isagate_wtoi
#define _snwprintf isagate_snwprintf
#define _vsnwprintf isagate_vsnwprintf
#ifdef __cplusplus
#include "isapicrt_wide_s.hpp"
#else
#define wcscpy_s isagate_wcscpy_s
#define wcscat_s isagate_wcscat_s
#define wcsncpy_s isagate_wcsncpy_s
#define _vsnwprintf_s isagate_vsnwprintf_s
#define _snwprintf_s isagate_snwprintf_s
#define swprintf_s isagate_snwprintf
#define vswprintf_s isagate_vsnwprintf
#endif

#if __SIZEOF_WCHAR_T__ == 2
#pragma redefine_extname wcslen isagate_wcslen
#pragma redefine_extname wcscpy isagate_wcscpy
#pragma redefine_extname wcsncpy isagate_wcsncpy
#pragma redefine_extname wcscat isagate_wcscat
#pragma redefine_extname wcsncat isagate_wcsncat
#pragma redefine_extname wcscmp isagate_wcscmp
#pragma redefine_extname wcsncmp isagate_wcsncmp
#ifdef __cplusplus
/* The C library declares these for C++ in a way that they cannot be renamed. */
#define wcschr(text, character) isagate_wcschr((text), (character))
#define wcsrchr(text, character) isagate_wcsrchr((text), (character))
#define wcsstr(text, part) isagate_wcsstr((text), (part))
#else
#pragma redefine_extname wcschr isagate_wcschr
#pragma redefine_extname wcsrchr isagate_wcsrchr
#pragma redefine_extname wcsstr isagate_wcsstr
#endif
#pragma redefine_extname swprintf isagate_snwprintf
#pragma redefine_extname vswprintf isagate_vsnwprintf
#endif

#endif
