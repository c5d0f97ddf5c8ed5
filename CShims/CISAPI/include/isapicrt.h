/*
 * Functions of Microsoft's C library that Linux's does not have, or has under another name.
 *
 * The _s functions refuse text that does not fit: they store an empty text, return an error number and write
 * to the debug output. With ISAGATE_LENIENT_CRT defined they do not check sizes, for trying sources whose
 * sizes are wrong; never ship a library that is compiled so.
 */
#ifndef ISAPI_CRT_H
#define ISAPI_CRT_H

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "windef.h"

typedef int errno_t;
typedef size_t rsize_t;

/* As a count: store as much as fits, with a NUL. */
#define _TRUNCATE ((size_t)-1)
#define STRUNCATE 80

#define _MAX_PATH 260
#define _MAX_DRIVE 3
#define _MAX_DIR 256
#define _MAX_FNAME 256
#define _MAX_EXT 256

#define _countof(array) (sizeof(array) / sizeof((array)[0]))
#define _alloca(size) __builtin_alloca(size)

#define _stricmp strcasecmp
#define stricmp strcasecmp
#define _strcmpi strcasecmp
#define strcmpi strcasecmp
#define _strnicmp strncasecmp
#define strnicmp strncasecmp
#define _memicmp isagate_memicmp
#define _strdup strdup
#define _getpid getpid
#define _getcwd getcwd
#define _chdir chdir
#define _unlink unlink
#define _access access
#define _putenv putenv
#define _fileno fileno
#define _atoi64 atoll
#define _strtoi64(text, end, base) strtoll((text), (end), (base))
#define _strtoui64(text, end, base) strtoull((text), (end), (base))
#define _isatty isatty
#define _open open
#define _close close
#define _read read
#define _write write
#define _lseek lseek
#define _dup dup
#define _popen popen
#define _pclose pclose
#define _stat stat
#define _fstat fstat
#define _fdopen fdopen
#define _O_RDONLY O_RDONLY
#define _O_WRONLY O_WRONLY
#define _O_RDWR O_RDWR
#define _O_CREAT O_CREAT
#define _O_TRUNC O_TRUNC
#define _O_APPEND O_APPEND
#define _O_EXCL O_EXCL
/* Files have no text mode. */
#define _O_BINARY 0
#define _O_TEXT 0
#define O_BINARY 0
#define O_TEXT 0
#define _S_IREAD S_IRUSR
#define _S_IWRITE S_IWUSR
#define _gmtime64 gmtime
#define _localtime64 localtime
#define _time64 time
#define __time64_t time_t
#define _finite(number) __builtin_isfinite(number)
#define _isnan(number) __builtin_isnan(number)

ISAPI_BEGIN

/* -1 when the text was cut; it ends with a NUL even then, unlike on Windows. */
int _snprintf(char *buffer, size_t count, const char *format, ...) __attribute__((format(printf, 3, 4)));
int _vsnprintf(char *buffer, size_t count, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));
int isagate_vsnprintf(char *buffer, size_t count, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));
int isagate_vsprintf(char *buffer, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));
int isagate_vfprintf(FILE *stream, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));
int isagate_vprintf(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));
int _scprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));
int _vscprintf(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));

char *_strupr(char *text);
char *_strlwr(char *text);
char *_strrev(char *text);
char *_strset(char *text, int character);
/* The date as mm/dd/yy, the time as hh:mm:ss, in local time; nine bytes. */
char *_strdate(char *buffer);
char *_strtime(char *buffer);
int isagate_memicmp(const void *first, const void *second, size_t count);
char *_itoa(int value, char *buffer, int radix);
char *_ltoa(LONG value, char *buffer, int radix);
char *_ultoa(ULONG value, char *buffer, int radix);
char *_i64toa(LONGLONG value, char *buffer, int radix);
char *_ui64toa(ULONGLONG value, char *buffer, int radix);

/* Any of the parts may be NULL. A name has no drive here unless it is written with one. */
void _splitpath(const char *path, char *drive, char *folder, char *name, char *extension);
void _makepath(char *path, const char *drive, const char *folder, const char *name, const char *extension);
char *_fullpath(char *absolute, const char *relative, size_t size);
int _mkdir(const char *path);
int _rmdir(const char *path);

void *_aligned_malloc(size_t size, size_t alignment);
void _aligned_free(void *block);

/* ---- With sizes ---- */

errno_t isagate_strcpy_s(char *destination, rsize_t size, const char *source);
errno_t isagate_strcat_s(char *destination, rsize_t size, const char *source);
errno_t isagate_strncpy_s(char *destination, rsize_t size, const char *source, rsize_t count);
errno_t isagate_strncat_s(char *destination, rsize_t size, const char *source, rsize_t count);
int isagate_sprintf_s(char *buffer, rsize_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
int isagate_vsprintf_s(char *buffer, rsize_t size, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));
int isagate_snprintf_s(char *buffer, rsize_t size, size_t count, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
int isagate_vsnprintf_s(char *buffer, rsize_t size, size_t count, const char *format, va_list arguments)
    __attribute__((format(printf, 4, 0)));
errno_t isagate_memcpy_s(void *destination, rsize_t size, const void *source, rsize_t count);
errno_t isagate_memmove_s(void *destination, rsize_t size, const void *source, rsize_t count);
errno_t _strupr_s(char *text, rsize_t size);
errno_t _strlwr_s(char *text, rsize_t size);
errno_t _itoa_s(int value, char *buffer, size_t size, int radix);
errno_t _ultoa_s(ULONG value, char *buffer, size_t size, int radix);
errno_t fopen_s(FILE **stream, const char *name, const char *mode);
errno_t strerror_s(char *buffer, rsize_t size, int number);
errno_t getenv_s(size_t *required, char *buffer, rsize_t size, const char *name);
errno_t _dupenv_s(char **buffer, size_t *size, const char *name);
errno_t localtime_s(struct tm *parts, const time_t *time);
errno_t gmtime_s(struct tm *parts, const time_t *time);

ISAPI_END

/* On Windows a va_list is passed by value: sources reuse it in a second call, which the C library does not allow. */
#ifdef __cplusplus
extern "C++" {
#include <cstdio>
namespace std {
using ::isagate_vfprintf;
using ::isagate_vprintf;
using ::isagate_vsnprintf;
using ::isagate_vsprintf;
}
}
#endif
#define vsnprintf isagate_vsnprintf
#define vsprintf isagate_vsprintf
#define vfprintf isagate_vfprintf
#define vprintf isagate_vprintf

#define _tempnam tempnam
#define itoa _itoa
#define ltoa _ltoa
#define ultoa _ultoa
#define strupr _strupr
#define strlwr _strlwr
#define strrev _strrev
#define strtok_s strtok_r

#ifdef ISAGATE_LENIENT_CRT
#define ISAPI_SIZE(size) ((rsize_t)-1 >> 1)
#else
#define ISAPI_SIZE(size) (size)
#endif

#ifdef __cplusplus
#include "isapicrt_s.hpp"
#else
#define strcpy_s(destination, size, source) isagate_strcpy_s((destination), ISAPI_SIZE(size), (source))
#define strcat_s(destination, size, source) isagate_strcat_s((destination), ISAPI_SIZE(size), (source))
#define strncpy_s(destination, size, source, count)                                                                    \
  isagate_strncpy_s((destination), ISAPI_SIZE(size), (source), (count))
#define strncat_s(destination, size, source, count)                                                                    \
  isagate_strncat_s((destination), ISAPI_SIZE(size), (source), (count))
#define sprintf_s(buffer, size, ...) isagate_sprintf_s((buffer), ISAPI_SIZE(size), __VA_ARGS__)
#define vsprintf_s(buffer, size, format, arguments)                                                                    \
  isagate_vsprintf_s((buffer), ISAPI_SIZE(size), (format), (arguments))
#define _snprintf_s(buffer, size, count, ...) isagate_snprintf_s((buffer), ISAPI_SIZE(size), (count), __VA_ARGS__)
#define _vsnprintf_s(buffer, size, count, format, arguments)                                                           \
  isagate_vsnprintf_s((buffer), ISAPI_SIZE(size), (count), (format), (arguments))
#define memcpy_s(destination, size, source, count) isagate_memcpy_s((destination), ISAPI_SIZE(size), (source), (count))
#define memmove_s(destination, size, source, count)                                                                    \
  isagate_memmove_s((destination), ISAPI_SIZE(size), (source), (count))
#endif

#include "isapicrt_wide.h"

#endif
