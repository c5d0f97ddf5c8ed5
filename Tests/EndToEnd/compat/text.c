/* Texts: the C library's other names, secure functions, WCHAR, code pages, messages, dates. */
#include <strsafe.h>
#include <tchar.h>

#include "check.h"

#define IS(text, expected) CHECK(strcmp((text), (expected)) == 0)

static char text[64];

static void lstr_functions_take_null_and_cut(void) {
  CHECK(lstrlen(NULL) == 0 && lstrlen("abc") == 3);
  CHECK(lstrcpyn(text, "abcdef", 4) == text);
  IS(text, "abc");
  IS(lstrcat(text, "d"), "abcd");
  CHECK(lstrcmpi("ABC", "abc") == 0 && lstrcmp("a", "b") == -1 && lstrcmp(NULL, "b") == -1);
  CHECK(_stricmp("ABC", "abc") == 0 && _strnicmp("ABx", "aby", 2) == 0 && _tcslen(_T("ab")) == 2);
}

static void wsprintf_knows_the_sizes_of_windows(void) {
  CHECK(wsprintf(text, "%s|%5d|%-4u|%08lX|%I64d|%c|%%", "a", -7, 8u, (LONG)-1, -5000000000LL, 'z') == 37);
  IS(text, "a|   -7|8   |FFFFFFFF|-5000000000|z|%");
  wsprintf(text, "%ls %S %.2s", L"wide", L"other", "cut");
  IS(text, "wide other cu");
}

static void secure_functions_refuse_what_does_not_fit(void) {
  char small[4] = "xyz";
  CHECK(strcpy_s(small, sizeof small, "abc") == 0);
  IS(small, "abc");
  CHECK(strcpy_s(small, sizeof small, "abcd") == ERANGE);
  IS(small, "");
  CHECK(strncpy_s(small, sizeof small, "abcdef", _TRUNCATE) == STRUNCATE);
  IS(small, "abc");
  CHECK(strcat_s(small, sizeof small, "d") == ERANGE && strcpy_s(NULL, 4, "a") == EINVAL);
  CHECK(sprintf_s(text, sizeof text, "%d", 12) == 2);
  CHECK(sprintf_s(small, sizeof small, "%d", 12345) == -1);
  IS(small, "");
  CHECK(_snprintf_s(small, sizeof small, _TRUNCATE, "%d", 12345) == -1);
  IS(small, "123");
  CHECK(memcpy_s(small, 4, "abcde", 5) == ERANGE);
  CHECK(_snprintf(small, sizeof small, "%s", "abcdef") == -1);
  IS(small, "abc");
  CHECK(StringCchCopy(small, 4, "abcdef") == STRSAFE_E_INSUFFICIENT_BUFFER);
  CHECK(FAILED(StringCchPrintf(small, 4, "%s", "abcdef")) && SUCCEEDED(StringCchCat(small, 4, "")));
}

/* Prints with each function of the family in turn, with one va_list that is never restarted. */
static void print_again_and_again(const char *format, ...) {
  static const char whole[] = "alpha-beta-7-gamma";
  WCHAR wide[64], wide_format[64];
  char narrow[64];
  FILE *nowhere = fopen("/dev/null", "w");
  va_list arguments;
  va_start(arguments, format);
  for (int size = 4; size <= 64; size *= 2) {
    int length = _vsnprintf(text, (size_t)size, format, arguments);
    CHECK(length == (size > (int)strlen(whole) ? (int)strlen(whole) : -1));
  }
  IS(text, whole);
  CHECK(_vscprintf(format, arguments) == 18 && vsnprintf(NULL, 0, format, arguments) == 18);
  CHECK(vsprintf(text, format, arguments) == 18 && vsprintf(text, format, arguments) == 18);
  IS(text, whole);
  CHECK(vsprintf_s(narrow, sizeof narrow, format, arguments) == 18);
  CHECK(_vsnprintf_s(narrow, sizeof narrow, _TRUNCATE, format, arguments) == 18);
  IS(narrow, whole);
  CHECK(vfprintf(nowhere, format, arguments) == 18 && vfprintf(nowhere, format, arguments) == 18);
  CHECK(SUCCEEDED(StringCchVPrintf(narrow, sizeof narrow, format, arguments)));
  CHECK(FAILED(StringCchVPrintf(narrow, 5, format, arguments)) && wvsprintf(narrow, format, arguments) == 18);
  IS(narrow, whole);
  MultiByteToWideChar(CP_UTF8, 0, "%hs-%hs-%d-%hs", -1, wide_format, 64);
  for (int round = 0; round < 2; round += 1) {
    CHECK(_vsnwprintf(wide, 64, wide_format, arguments) == 18 && vswprintf(wide, 64, wide_format, arguments) == 18);
    CHECK(vswprintf_s(wide, 64, wide_format, arguments) == 18 && wvsprintfW(wide, wide_format, arguments) == 18);
    CHECK(SUCCEEDED(StringCchVPrintfW(wide, 64, wide_format, arguments)));
  }
  CHECK(vsprintf(text, format, arguments) == 18);
  va_end(arguments);
  fclose(nowhere);
}

static void a_va_list_serves_for_any_number_of_calls(void) {
  print_again_and_again("%s-%s-%d-%s", "alpha", "beta", 7, "gamma");
}

static void numbers_and_paths(void) {
  char drive[_MAX_DRIVE], folder[_MAX_DIR], name[_MAX_FNAME], extension[_MAX_EXT];
  IS(_itoa(-255, text, 10), "-255");
  IS(_itoa(-1, text, 16), "ffffffff");
  IS(_i64toa(-5000000000LL, text, 10), "-5000000000");
  IS(_strupr(strcpy(text, "aBc")), "ABC");
  IS(_strrev(text), "CBA");
  _splitpath("c:\\inetpub\\www.old\\a.b.txt", drive, folder, name, extension);
  IS(drive, "c:");
  IS(folder, "\\inetpub\\www.old\\");
  IS(name, "a.b");
  IS(extension, ".txt");
  _makepath(text, NULL, "folder", name, "txt");
  IS(text, "folder/a.b.txt");
  CHECK(MulDiv(7, 3, 2) == 11 && MulDiv(1, 1, 0) == -1 && MulDiv(MAXLONG, 2, 1) == -1);
}

static void wide_texts_have_16_bits(void) {
  WCHAR wide[16];
  CHECK(sizeof(WCHAR) == 2 && sizeof(L"ab") == 6);
  CHECK(wcslen(L"abc") == 3 && wcscmp(wcscpy(wide, L"abc"), L"abc") == 0 && _wcsicmp(L"ABC", wide) == 0);
  CHECK(wcsstr(L"xabcx", wide)[0] == 'a' && wcschr(wide, 'z') == NULL && wcsrchr(L"abab", 'b')[1] == 0);
  CHECK(swprintf(wide, 16, L"%s-%hs-%d", L"w", "n", 5) == 5 && wcscmp(wide, L"w-n-5") == 0);
  CHECK(_snwprintf(wide, 4, L"%s", L"abcdef") == -1 && wcscmp(wide, L"abc") == 0);
  CHECK(lstrlenW(wide) == 3);
  CHECK(_snwprintf_s(wide, 16, _TRUNCATE, L"%d", 7) == 1 && _snwprintf_s(wide, 16, 2, L"%s", L"abc") == -1);
  CHECK(wcscmp(wide, L"ab") == 0 && swprintf_s(wide, 16, L"%s", L"abc") == 3);
  CHECK(wcsncpy_s(wide, 16, L"abcdef", 3) == 0 && wcscmp(wide, L"abc") == 0);
  CHECK(wcsncpy_s(wide, 4, L"abcdef", _TRUNCATE) == STRUNCATE && wcscmp(wide, L"abc") == 0);
  CHECK(wcsncpy_s(wide, 4, L"abcdef", 5) == ERANGE && wide[0] == 0);
}

static void wide_texts_are_copied_within_their_room(void) {
  WCHAR wide[8];
  size_t length;
  CHECK(StringCchCopyW(wide, 8, L"abcdefg") == S_OK && wcscmp(wide, L"abcdefg") == 0);
  CHECK(StringCchCopyW(wide, 4, L"abcdefg") == STRSAFE_E_INSUFFICIENT_BUFFER && wcscmp(wide, L"abc") == 0);
  CHECK(StringCchCatW(wide, 8, L"de") == S_OK && StringCchLengthW(wide, 8, &length) == S_OK && length == 5);
  CHECK(StringCchCopyNW(wide, 8, L"xyz", 2) == S_OK && wcscmp(wide, L"xy") == 0);
  CHECK(StringCbPrintfW(wide, sizeof wide, L"%s %d", L"w", 5) == S_OK && wcscmp(wide, L"w 5") == 0);
  CHECK(StringCchPrintfW(wide, 4, L"%s", L"abcd") == STRSAFE_E_INSUFFICIENT_BUFFER && wcscmp(wide, L"abc") == 0);
  CHECK(StringCchCopyW(wide, 0, L"") == STRSAFE_E_INVALID_PARAMETER);
  CHECK(StringCchCopyW(NULL, 8, L"") == STRSAFE_E_INVALID_PARAMETER);
}

static void code_pages_are_translated(void) {
  WCHAR wide[16];
  BOOL used = FALSE;
  CHECK(MultiByteToWideChar(CP_UTF8, 0, "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", -1, wide, 16) == 6);
  CHECK(wide[1] == 0xE4 && wide[2] == 0x20AC && wide[3] == 0xD83D && wide[4] == 0xDE00);
  CHECK(WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, sizeof text, NULL, NULL) == 11);
  IS(text, "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80");
  CHECK(WideCharToMultiByte(1252, 0, L"\x20AC\x3A9", -1, text, sizeof text, "?", &used) == 3 && used);
  IS(text, "\x80?");
  CHECK(MultiByteToWideChar(CP_UTF8, 0, "\xC0\x80", 2, wide, 16) == 2 && wide[0] == 0xFFFD);
  FAILS(MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, "\xED\xA0\x80", -1, wide, 16), ERROR_NO_UNICODE_TRANSLATION);
  FAILS(MultiByteToWideChar(CP_UTF8, 0, "abc", -1, wide, 2), ERROR_INSUFFICIENT_BUFFER);
  FAILS(MultiByteToWideChar(932, 0, "abc", -1, wide, 16), ERROR_INVALID_PARAMETER);
  CHECK(MultiByteToWideChar(CP_ACP, 0, "abc", -1, NULL, 0) == 4);
}

static void messages_are_formatted(void) {
  LPSTR message = NULL;
  DWORD flags = FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS;
  DWORD_PTR arguments[2] = {(DWORD_PTR) "file", 3};
  CHECK(FormatMessage(flags, NULL, ERROR_FILE_NOT_FOUND, 0, text, sizeof text, NULL) > 0);
  IS(text, "There is no such file.\r\n");
  FAILS(FormatMessage(flags, NULL, 4711, 0, text, sizeof text, NULL), ERROR_MR_MID_NOT_FOUND);
  FAILS(FormatMessage(flags, NULL, ERROR_FILE_NOT_FOUND, 0, text, 3, NULL), ERROR_INSUFFICIENT_BUFFER);
  flags = FORMAT_MESSAGE_FROM_STRING | FORMAT_MESSAGE_ARGUMENT_ARRAY | FORMAT_MESSAGE_ALLOCATE_BUFFER;
  CHECK(FormatMessage(flags, "%1 has %2!d! lines%n", 0, 0, (LPSTR)&message, 0, (va_list *)arguments) == 18);
  IS(message, "file has 3 lines\r\n");
  LocalFree(message);
}

static void times_are_converted_and_shown(void) {
  SYSTEMTIME time = {2024, 2, 0, 29, 13, 5, 9, 250}, back;
  FILETIME stamp;
  CHECK(SystemTimeToFileTime(&time, &stamp) && FileTimeToSystemTime(&stamp, &back));
  CHECK(back.wDayOfWeek == 4 && back.wDay == 29 && back.wMilliseconds == 250);
  time.wYear = 2023;
  FAILS(SystemTimeToFileTime(&time, &stamp), ERROR_INVALID_PARAMETER);
  CHECK(GetDateFormat(0, 0, &back, "ddd',' dd MMM yyyy", text, sizeof text) == 17);
  IS(text, "Thu, 29 Feb 2024");
  CHECK(GetTimeFormat(0, 0, &back, NULL, text, sizeof text) == 11);
  IS(text, "1:05:09 PM");
  FAILS(GetTimeFormat(0, 0, &back, NULL, text, 3), ERROR_INSUFFICIENT_BUFFER);
  DWORD start = GetTickCount();
  Sleep(20);
  CHECK(GetTickCount() - start >= 19);
}

int main(void) {
  lstr_functions_take_null_and_cut();
  wsprintf_knows_the_sizes_of_windows();
  secure_functions_refuse_what_does_not_fit();
  a_va_list_serves_for_any_number_of_calls();
  numbers_and_paths();
  wide_texts_have_16_bits();
  wide_texts_are_copied_within_their_room();
  code_pages_are_translated();
  messages_are_formatted();
  times_are_converted_and_shown();
  return failures != 0;
}
