/* Code pages, dates and times as text. The process's own code page is UTF-8. */
#ifndef ISAPI_WINNLS_H
#define ISAPI_WINNLS_H

#include "minwinbase.h"

#define CP_ACP 0
#define CP_OEMCP 1
#define CP_THREAD_ACP 3
#define CP_UTF8 65001

#define MB_PRECOMPOSED 0x00000001
#define MB_ERR_INVALID_CHARS 0x00000008
#define WC_ERR_INVALID_CHARS 0x00000080
#define WC_NO_BEST_FIT_CHARS 0x00000400

#define DATE_SHORTDATE 0x00000001
#define DATE_LONGDATE 0x00000002
#define NORM_IGNORECASE 0x00000001
#define CSTR_LESS_THAN 1
#define CSTR_EQUAL 2
#define CSTR_GREATER_THAN 3

#define TIME_NOSECONDS 0x00000002
#define TIME_FORCE24HOURFORMAT 0x00000008

ISAPI_BEGIN

/*
 * The characters stored, or required when the output has size 0; 0 on failure (ERROR_INSUFFICIENT_BUFFER,
 * ERROR_NO_UNICODE_TRANSLATION, ERROR_INVALID_PARAMETER). A length of -1 is that of a text with its NUL.
 * Code pages: UTF-8, 1252, 28591 (ISO 8859-1) and 20127 (ASCII).
 */
int WINAPI MultiByteToWideChar(UINT CodePage, DWORD dwFlags, LPCSTR lpMultiByteStr, int cbMultiByte,
                               LPWSTR lpWideCharStr, int cchWideChar);
int WINAPI WideCharToMultiByte(UINT CodePage, DWORD dwFlags, LPCWSTR lpWideCharStr, int cchWideChar,
                               LPSTR lpMultiByteStr, int cbMultiByte, LPCSTR lpDefaultChar, LPBOOL lpUsedDefaultChar);
/* By bytes, ignoring the case of ASCII letters with NORM_IGNORECASE; 0 for NULL. A length of -1 is that of the text. */
int WINAPI CompareStringA(LCID Locale, DWORD dwCmpFlags, LPCSTR lpString1, int cchCount1, LPCSTR lpString2,
                          int cchCount2);
UINT WINAPI GetACP(void);
UINT WINAPI GetOEMCP(void);
BOOL WINAPI IsDBCSLeadByte(BYTE TestChar);

/*
 * English texts by a picture (d dd ddd dddd M MM MMM MMMM y yy yyyy, h hh H HH m mm s ss t tt, 'text').
 * `lpDate` NULL is now; the characters stored, or required when the size is 0, with the NUL.
 */
int WINAPI GetDateFormatA(LCID Locale, DWORD dwFlags, const SYSTEMTIME *lpDate, LPCSTR lpFormat, LPSTR lpDateStr,
                          int cchDate);
int WINAPI GetTimeFormatA(LCID Locale, DWORD dwFlags, const SYSTEMTIME *lpTime, LPCSTR lpFormat, LPSTR lpTimeStr,
                          int cchTime);
int WINAPI GetDateFormatW(LCID Locale, DWORD dwFlags, const SYSTEMTIME *lpDate, LPCWSTR lpFormat, LPWSTR lpDateStr,
                          int cchDate);
int WINAPI GetTimeFormatW(LCID Locale, DWORD dwFlags, const SYSTEMTIME *lpTime, LPCWSTR lpFormat, LPWSTR lpTimeStr,
                          int cchTime);

ISAPI_END

#ifdef UNICODE
#define GetDateFormat GetDateFormatW
#define GetTimeFormat GetTimeFormatW
#else
#define CompareString CompareStringA
#define GetDateFormat GetDateFormatA
#define GetTimeFormat GetTimeFormatA
#endif

#endif
