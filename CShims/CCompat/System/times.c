// Clocks, and times in the formats of Windows.
#include <errno.h>
#include <unistd.h>

#include "../compat.h"

// From 1601 to 1970.
#define EPOCH_SECONDS 11644473600LL
#define TICKS_PER_SECOND 10000000LL

// ---- Intervals since 1601 ----

static LONGLONG ticks_of(FILETIME time) { return (LONGLONG)((uint64_t)time.dwHighDateTime << 32 | time.dwLowDateTime); }

static FILETIME filetime_of(LONGLONG ticks) {
  return (FILETIME){(DWORD)ticks, (DWORD)((uint64_t)ticks >> 32)};
}

FILETIME compat_filetime(struct timespec time) {
  return filetime_of((time.tv_sec + EPOCH_SECONDS) * TICKS_PER_SECOND + time.tv_nsec / 100);
}

struct timespec compat_timespec(FILETIME time) {
  LONGLONG ticks = ticks_of(time);
  return (struct timespec){ticks / TICKS_PER_SECOND - EPOCH_SECONDS, ticks % TICKS_PER_SECOND * 100};
}

LONG WINAPI CompareFileTime(const FILETIME *lpFileTime1, const FILETIME *lpFileTime2) {
  LONGLONG first = ticks_of(*lpFileTime1), second = ticks_of(*lpFileTime2);
  return (first > second) - (first < second);
}

void WINAPI GetSystemTimeAsFileTime(LPFILETIME lpSystemTimeAsFileTime) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  *lpSystemTimeAsFileTime = compat_filetime(now);
}

// ---- Dates ----

static SYSTEMTIME systemtime_of(const struct tm *parts, long nanoseconds) {
  return (SYSTEMTIME){(WORD)(parts->tm_year + 1900), (WORD)(parts->tm_mon + 1), (WORD)parts->tm_wday,
                      (WORD)parts->tm_mday, (WORD)parts->tm_hour, (WORD)parts->tm_min, (WORD)parts->tm_sec,
                      (WORD)(nanoseconds / 1000000)};
}

void WINAPI GetSystemTime(LPSYSTEMTIME lpSystemTime) {
  struct timespec now;
  struct tm parts;
  clock_gettime(CLOCK_REALTIME, &now);
  *lpSystemTime = systemtime_of(gmtime_r(&now.tv_sec, &parts), now.tv_nsec);
}

void WINAPI GetLocalTime(LPSYSTEMTIME lpSystemTime) {
  struct timespec now;
  struct tm parts;
  clock_gettime(CLOCK_REALTIME, &now);
  *lpSystemTime = systemtime_of(localtime_r(&now.tv_sec, &parts), now.tv_nsec);
}

static bool is_valid(const SYSTEMTIME *time) {
  static const BYTE days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (time->wYear < 1601 || time->wYear > 30827 || time->wMonth < 1 || time->wMonth > 12) {
    return false;
  }
  bool is_leap = time->wYear % 4 == 0 && (time->wYear % 100 != 0 || time->wYear % 400 == 0);
  int last = days[time->wMonth - 1] + (time->wMonth == 2 && is_leap);
  return time->wDay >= 1 && time->wDay <= last && time->wHour < 24 && time->wMinute < 60 && time->wSecond < 60 &&
         time->wMilliseconds < 1000;
}

BOOL WINAPI SystemTimeToFileTime(const SYSTEMTIME *lpSystemTime, LPFILETIME lpFileTime) {
  if (lpSystemTime == NULL || lpFileTime == NULL || !is_valid(lpSystemTime)) {
    return compat_fail(ERROR_INVALID_PARAMETER);
  }
  struct tm parts = {.tm_year = lpSystemTime->wYear - 1900, .tm_mon = lpSystemTime->wMonth - 1,
                     .tm_mday = lpSystemTime->wDay, .tm_hour = lpSystemTime->wHour, .tm_min = lpSystemTime->wMinute,
                     .tm_sec = lpSystemTime->wSecond};
  *lpFileTime = compat_filetime((struct timespec){timegm(&parts), lpSystemTime->wMilliseconds * 1000000L});
  return TRUE;
}

BOOL WINAPI FileTimeToSystemTime(const FILETIME *lpFileTime, LPSYSTEMTIME lpSystemTime) {
  struct tm parts;
  if (lpFileTime == NULL || lpSystemTime == NULL || ticks_of(*lpFileTime) < 0) {
    return compat_fail(ERROR_INVALID_PARAMETER);
  }
  struct timespec time = compat_timespec(*lpFileTime);
  *lpSystemTime = systemtime_of(gmtime_r(&time.tv_sec, &parts), time.tv_nsec);
  return TRUE;
}

// Seconds to add to UTC for the current local time.
static long local_offset(struct tm *parts) {
  time_t now = time(NULL);
  return localtime_r(&now, parts)->tm_gmtoff;
}

BOOL WINAPI FileTimeToLocalFileTime(const FILETIME *lpFileTime, LPFILETIME lpLocalFileTime) {
  struct tm parts;
  *lpLocalFileTime = filetime_of(ticks_of(*lpFileTime) + local_offset(&parts) * TICKS_PER_SECOND);
  return TRUE;
}

BOOL WINAPI LocalFileTimeToFileTime(const FILETIME *lpLocalFileTime, LPFILETIME lpFileTime) {
  struct tm parts;
  *lpFileTime = filetime_of(ticks_of(*lpLocalFileTime) - local_offset(&parts) * TICKS_PER_SECOND);
  return TRUE;
}

DWORD WINAPI GetTimeZoneInformation(LPTIME_ZONE_INFORMATION lpTimeZoneInformation) {
  struct tm parts;
  long offset = local_offset(&parts);
  bool is_daylight = parts.tm_isdst > 0;
  memset(lpTimeZoneInformation, 0, sizeof *lpTimeZoneInformation);
  // Bias is that of standard time; daylight time is an hour ahead of it.
  lpTimeZoneInformation->Bias = (LONG)(-offset / 60) + (is_daylight ? 60 : 0);
  lpTimeZoneInformation->DaylightBias = is_daylight ? -60 : 0;
  return is_daylight ? TIME_ZONE_ID_DAYLIGHT : TIME_ZONE_ID_STANDARD;
}

// ---- Counters ----

ULONGLONG WINAPI GetTickCount64(void) {
  struct timespec time;
  clock_gettime(CLOCK_BOOTTIME, &time);
  return (ULONGLONG)time.tv_sec * 1000 + (ULONGLONG)time.tv_nsec / 1000000;
}

DWORD WINAPI GetTickCount(void) { return (DWORD)GetTickCount64(); }

BOOL WINAPI QueryPerformanceCounter(LARGE_INTEGER *lpPerformanceCount) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  lpPerformanceCount->QuadPart = time.tv_sec * 1000000000LL + time.tv_nsec;
  return TRUE;
}

BOOL WINAPI QueryPerformanceFrequency(LARGE_INTEGER *lpFrequency) {
  lpFrequency->QuadPart = 1000000000LL;
  return TRUE;
}

// ---- Texts ----

typedef struct {
  char text[256];
  size_t length;
} line;

static void put(line *to, const char *text, int count) {
  for (; count > 0 && to->length < sizeof to->text - 1; count -= 1) {
    to->text[to->length++] = *text++;
  }
}

static void put_number(line *to, int number, int digits) {
  char text[16];
  put(to, text, snprintf(text, sizeof text, "%0*d", digits, number));
}

static void put_part(line *to, char letter, int count, const SYSTEMTIME *time) {
  static const char *const days[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
  static const char *const months[] = {"January", "February", "March", "April", "May", "June", "July", "August",
                                       "September", "October", "November", "December"};
  const char *name = letter == 'M' ? months[(time->wMonth + 11) % 12] : days[time->wDayOfWeek % 7];
  int digits = count < 2 ? 1 : 2;
  switch (letter) {
  case 'd':
  case 'M':
    if (count >= 3) {
      put(to, name, count == 3 ? 3 : (int)strlen(name));
    } else {
      put_number(to, letter == 'd' ? time->wDay : time->wMonth, digits);
    }
    break;
  case 'y': put_number(to, count >= 3 ? time->wYear : time->wYear % 100, count >= 3 ? 4 : digits); break;
  case 'h': put_number(to, time->wHour % 12 == 0 ? 12 : time->wHour % 12, digits); break;
  case 'H': put_number(to, time->wHour, digits); break;
  case 'm': put_number(to, time->wMinute, digits); break;
  case 's': put_number(to, time->wSecond, digits); break;
  default: put(to, time->wHour < 12 ? "AM" : "PM", digits);
  }
}

static int format(const SYSTEMTIME *given, const char *letters, const char *picture, LPSTR text, int size) {
  SYSTEMTIME now;
  GetLocalTime(&now);
  const SYSTEMTIME *time = given != NULL ? given : &now;
  if (!is_valid(time) || size < 0 || (size > 0 && text == NULL)) {
    return compat_fail(ERROR_INVALID_PARAMETER);
  }
  line result = {"", 0};
  while (*picture != '\0') {
    if (*picture == '\'') {
      const char *end = strchr(picture + 1, '\'');
      end = end != NULL ? end : picture + strlen(picture);
      put(&result, picture + 1, (int)(end - picture - 1));
      picture = *end != '\0' ? end + 1 : end;
    } else if (strchr(letters, *picture) != NULL) {
      int count = 1;
      while (picture[count] == *picture) {
        count += 1;
      }
      put_part(&result, *picture, count, time);
      picture += count;
    } else {
      put(&result, picture++, 1);
    }
  }
  if (size > 0 && result.length >= (size_t)size) {
    return compat_fail(ERROR_INSUFFICIENT_BUFFER);
  }
  if (size > 0) {
    memcpy(text, result.text, result.length);
    text[result.length] = '\0';
  }
  return (int)result.length + 1;
}

int WINAPI GetDateFormatA(LCID Locale, DWORD dwFlags, const SYSTEMTIME *lpDate, LPCSTR lpFormat, LPSTR lpDateStr,
                          int cchDate) {
  (void)Locale;
  const char *standard = (dwFlags & DATE_LONGDATE) != 0 ? "dddd, MMMM d, yyyy" : "M/d/yyyy";
  return format(lpDate, "dMy", lpFormat != NULL ? lpFormat : standard, lpDateStr, cchDate);
}

int WINAPI GetTimeFormatA(LCID Locale, DWORD dwFlags, const SYSTEMTIME *lpTime, LPCSTR lpFormat, LPSTR lpTimeStr,
                          int cchTime) {
  (void)Locale;
  bool has_seconds = (dwFlags & TIME_NOSECONDS) == 0;
  const char *standard = (dwFlags & TIME_FORCE24HOURFORMAT) != 0 ? (has_seconds ? "HH:mm:ss" : "HH:mm")
                                                                 : (has_seconds ? "h:mm:ss tt" : "h:mm tt");
  return format(lpTime, "hHmst", lpFormat != NULL ? lpFormat : standard, lpTimeStr, cchTime);
}

typedef int WINAPI text_of_time(LCID, DWORD, const SYSTEMTIME *, LPCSTR, LPSTR, int);

static int in_wide_text(text_of_time *make, LCID locale, DWORD flags, const SYSTEMTIME *time, LPCWSTR picture,
                        LPWSTR text, int size) {
  char narrow_picture[512], narrow[512];
  int room = sizeof narrow_picture;
  if (picture != NULL && WideCharToMultiByte(CP_UTF8, 0, picture, -1, narrow_picture, room, NULL, NULL) == 0) {
    return 0;
  }
  if (make(locale, flags, time, picture != NULL ? narrow_picture : NULL, narrow, sizeof narrow) == 0) {
    return 0;
  }
  return MultiByteToWideChar(CP_UTF8, 0, narrow, -1, text, size);
}

int WINAPI GetDateFormatW(LCID Locale, DWORD dwFlags, const SYSTEMTIME *lpDate, LPCWSTR lpFormat, LPWSTR lpDateStr,
                          int cchDate) {
  return in_wide_text(GetDateFormatA, Locale, dwFlags, lpDate, lpFormat, lpDateStr, cchDate);
}

int WINAPI GetTimeFormatW(LCID Locale, DWORD dwFlags, const SYSTEMTIME *lpTime, LPCWSTR lpFormat, LPWSTR lpTimeStr,
                          int cchTime) {
  return in_wide_text(GetTimeFormatA, Locale, dwFlags, lpTime, lpFormat, lpTimeStr, cchTime);
}
