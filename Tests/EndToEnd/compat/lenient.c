/* Compiled with ISAGATE_LENIENT_CRT, and without: whether wrong sizes are checked. */
#include <tchar.h>

#include "check.h"

#ifdef ISAGATE_LENIENT_CRT
#define EXPECTED(lenient, strict) (lenient)
#else
#define EXPECTED(lenient, strict) (strict)
#endif

static char text[64];
static WCHAR wide[64];

#define IS(expected) CHECK(strcmp(text, (expected)) == 0)

int main(void) {
  /* The sizes in converted sources: that of a pointer, that of an empty text. */
  char *pointer = text;
  CHECK(strcpy_s(pointer, sizeof pointer, "longer than eight") == EXPECTED(0, ERANGE));
  IS(EXPECTED("longer than eight", ""));
  strcpy(text, "0123");
  CHECK(strcat_s(pointer, strlen(pointer), "4567") == EXPECTED(0, EINVAL));
  IS(EXPECTED("01234567", ""));
  CHECK(sprintf_s(pointer, 4, "%s", "formatted") == EXPECTED(9, -1));
  IS(EXPECTED("formatted", ""));
  CHECK(strncpy_s(pointer, 2, "abcdef", 4) == EXPECTED(0, ERANGE));
  IS(EXPECTED("abcd", ""));
  CHECK(_snprintf_s(pointer, 2, 10, "%s", "xyz") == EXPECTED(3, -1));
  IS(EXPECTED("xyz", ""));
  strcpy(text, "....");
  CHECK(memcpy_s(pointer, 2, "abc", 3) == EXPECTED(0, ERANGE));
  CHECK(memcmp(text, EXPECTED("abc.", "\0\0.."), 4) == 0);
  /* Correct sizes have the same meaning. */
  CHECK(strcpy_s(text, sizeof text, "fits") == 0 && strncpy_s(text, sizeof text, "fits", _TRUNCATE) == 0);
  IS("fits");
  CHECK(wcscpy_s(wide, 64, L"fits") == 0 && lstrlenW(wide) == 4);
  return failures != 0;
}
