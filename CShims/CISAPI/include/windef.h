/*
 * The types that an ISAPI extension's source names, with the sizes they have on 64-bit Windows:
 * DWORD, LONG and BOOL are 32 bits wide although Linux's long is 64, and WCHAR is 16 bits wide
 * although wchar_t is 32. Structures built from them have the layout of a Windows x64 build.
 *
 * Calling conventions are empty: extensions are called as any other Linux function.
 */
#ifndef ISAPI_WINDEF_H
#define ISAPI_WINDEF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "sal.h"

/* ---- Keywords of Windows compilers without effect here ---- */

#define WINAPI
#define WINAPIV
#define APIENTRY
#define CALLBACK
#define PASCAL
#define FAR
#define NEAR
#define IN
#define OUT
#define OPTIONAL
#ifndef CONST
#define CONST const
#endif
#ifndef __cdecl
#define __cdecl
#define _cdecl
#endif
#ifndef __stdcall
#define __stdcall
#define _stdcall
#endif
#ifndef __fastcall
#define __fastcall
#endif
#define WINBASEAPI
#define WINUSERAPI
#define WINADVAPI
#define APIPRIVATE WINAPI
#define CDECL
#define STDMETHODCALLTYPE
#define UNALIGNED
#define __w64
#define __ptr64
#define __forceinline static inline __attribute__((always_inline))
#define FORCEINLINE __forceinline
#define UNREFERENCED_PARAMETER(parameter) ((void)(parameter))
#define DBG_UNREFERENCED_PARAMETER(parameter) ((void)(parameter))
#define UNREFERENCED_LOCAL_VARIABLE(variable) ((void)(variable))

/* dllexport makes a symbol visible even in a library compiled with -fvisibility=hidden. */
#ifndef __declspec
#define __declspec(attribute) ISAPI_DECLSPEC_##attribute
#define ISAPI_DECLSPEC_dllexport __attribute__((visibility("default")))
#define ISAPI_DECLSPEC_dllimport
#define ISAPI_DECLSPEC_thread __thread
#define ISAPI_DECLSPEC_noreturn __attribute__((noreturn))
#define ISAPI_DECLSPEC_noinline __attribute__((noinline))
#define ISAPI_DECLSPEC_naked __attribute__((naked))
#define ISAPI_DECLSPEC_selectany __attribute__((weak))
#define ISAPI_DECLSPEC_align(bytes) __attribute__((aligned(bytes)))
#define ISAPI_DECLSPEC_deprecated(text) __attribute__((deprecated(text)))
#endif
#define DECLSPEC_IMPORT
#define DECLSPEC_SELECTANY __attribute__((weak))
#define DECLSPEC_NOINLINE __attribute__((noinline))
#define DECLSPEC_NORETURN __attribute__((noreturn))
#define DECLSPEC_ALIGN(bytes) __attribute__((aligned(bytes)))

/* Declarations between the two have C linkage and are visible, however a source is compiled. */
#ifdef __cplusplus
#define EXTERN_C extern "C"
#define ISAPI_BEGIN extern "C" { _Pragma("GCC visibility push(default)")
#define ISAPI_END _Pragma("GCC visibility pop") }
#else
#define EXTERN_C extern
#define ISAPI_BEGIN _Pragma("GCC visibility push(default)")
#define ISAPI_END _Pragma("GCC visibility pop")
#endif

/* ---- Scalars ---- */

#ifndef VOID
#define VOID void
#endif

#ifndef __int64
#define __int8 char
#define __int16 short
#define __int32 int
#define __int64 long long
#endif

typedef char CHAR;
typedef signed char INT8;
typedef unsigned char UCHAR;
typedef uint8_t UINT8;
typedef uint8_t BYTE;
typedef uint8_t BOOLEAN;
typedef int16_t SHORT;
typedef int16_t INT16;
typedef uint16_t USHORT;
typedef uint16_t UINT16;
typedef uint16_t WORD;
typedef uint16_t ATOM;
typedef uint16_t LANGID;
typedef int32_t INT;
typedef int32_t INT32;
typedef int32_t LONG;
typedef int32_t LONG32;
typedef int32_t BOOL;
typedef int32_t HRESULT;
typedef uint32_t UINT;
typedef uint32_t UINT32;
typedef uint32_t ULONG;
typedef uint32_t ULONG32;
typedef uint32_t DWORD;
typedef uint32_t DWORD32;
typedef uint32_t LCID;
typedef int64_t LONGLONG;
typedef int64_t LONG64;
typedef int64_t INT64;
typedef uint64_t ULONGLONG;
typedef uint64_t ULONG64;
typedef uint64_t UINT64;
typedef uint64_t DWORD64;
typedef uint64_t DWORDLONG;
typedef float FLOAT;
typedef double DOUBLE;

/*
 * 16 bits in every build. It is the type of a wide literal with -fshort-wchar, which
 * isagate-extension.pc sets; otherwise u"text" is a WCHAR text and L"text" is not.
 */
#if __SIZEOF_WCHAR_T__ == 2
typedef wchar_t WCHAR;
#elif defined(__cplusplus)
typedef char16_t WCHAR;
#else
typedef uint16_t WCHAR;
#endif

typedef intptr_t INT_PTR;
typedef uintptr_t UINT_PTR;
typedef intptr_t LONG_PTR;
typedef uintptr_t ULONG_PTR;
typedef uintptr_t DWORD_PTR;
typedef UINT_PTR WPARAM;
typedef LONG_PTR LPARAM;
typedef LONG_PTR LRESULT;
typedef UINT_PTR SOCKET;
typedef size_t SIZE_T;
typedef intptr_t SSIZE_T;

/* ---- Pointers and handles ---- */

typedef void *PVOID;
typedef void *LPVOID;
typedef const void *LPCVOID;
typedef CHAR *PCHAR;
typedef CHAR *PSTR;
typedef CHAR *LPSTR;
typedef CHAR *LPCH;
typedef const CHAR *PCSTR;
typedef const CHAR *LPCSTR;
typedef WCHAR *PWCHAR;
typedef WCHAR *PWSTR;
typedef WCHAR *LPWSTR;
typedef const WCHAR *PCWSTR;
typedef const WCHAR *LPCWSTR;
typedef UCHAR *PUCHAR;
typedef BYTE *PBYTE;
typedef BYTE *LPBYTE;
typedef SHORT *PSHORT;
typedef USHORT *PUSHORT;
typedef WORD *PWORD;
typedef WORD *LPWORD;
typedef INT *PINT;
typedef INT *LPINT;
typedef UINT *PUINT;
typedef DWORD *PDWORD;
typedef DWORD *LPDWORD;
typedef LONG *PLONG;
typedef LONG *LPLONG;
typedef ULONG *PULONG;
typedef BOOL *PBOOL;
typedef BOOL *LPBOOL;
typedef LONGLONG *PLONGLONG;
typedef ULONGLONG *PULONGLONG;
typedef SIZE_T *PSIZE_T;
typedef BOOLEAN *PBOOLEAN;
typedef FLOAT *PFLOAT;
typedef DWORD_PTR *PDWORD_PTR;
typedef ULONG_PTR *PULONG_PTR;

/*
 * An entry in the process's table of files, events, threads and so on. A number below 2^30 is a
 * file descriptor of the caller, which the functions for files accept and CloseHandle does not.
 */
typedef void *HANDLE;
typedef HANDLE *PHANDLE;
typedef HANDLE *LPHANDLE;
typedef HANDLE HGLOBAL;
typedef HANDLE HLOCAL;
/* A library, as dlopen returns it. */
typedef HANDLE HINSTANCE;
typedef HANDLE HMODULE;
typedef HANDLE HWND;

typedef INT_PTR(WINAPI *FARPROC)();
typedef INT_PTR(WINAPI *PROC)();

#define INVALID_HANDLE_VALUE ((HANDLE)(LONG_PTR)-1)

/* ---- Constants ---- */

#ifndef FALSE
#define FALSE 0
#endif
#ifndef TRUE
#define TRUE 1
#endif

#define MAX_PATH 260

#define MINCHAR 0x80
#define MAXCHAR 0x7F
#define MINSHORT 0x8000
#define MAXSHORT 0x7FFF
#define MAXUSHORT 0xFFFF
#define MINLONG 0x80000000
#define MAXULONG 0xFFFFFFFF
#define ANSI_NULL ((CHAR)0)
#define UNICODE_NULL ((WCHAR)0)
#define MAXBYTE 0xFF
#define MAXWORD 0xFFFF
#define MAXDWORD 0xFFFFFFFF
#define MAXLONG 0x7FFFFFFF

/* ---- Combining and splitting words ---- */

#define MAKEWORD(low, high) ((WORD)((BYTE)(low) | (WORD)((WORD)(BYTE)(high) << 8)))
#define MAKELONG(low, high) ((LONG)((DWORD)(WORD)(low) | (DWORD)(WORD)(high) << 16))
#define LOBYTE(word) ((BYTE)((DWORD_PTR)(word) & 0xFF))
#define HIBYTE(word) ((BYTE)((DWORD_PTR)(word) >> 8 & 0xFF))
#define LOWORD(value) ((WORD)((DWORD_PTR)(value) & 0xFFFF))
#define HIWORD(value) ((WORD)((DWORD_PTR)(value) >> 16 & 0xFFFF))

#define PtrToUlong(pointer) ((ULONG)(ULONG_PTR)(pointer))
#define PtrToLong(pointer) ((LONG)(LONG_PTR)(pointer))
#define UlongToPtr(number) ((PVOID)(ULONG_PTR)(ULONG)(number))
#define LongToPtr(number) ((PVOID)(LONG_PTR)(LONG)(number))
#define HandleToUlong(handle) ((ULONG)(ULONG_PTR)(handle))
#define UlongToHandle(number) ((HANDLE)(ULONG_PTR)(ULONG)(number))

#define C_ASSERT(condition) typedef char ISAPI_JOIN(isapi_assertion_, __LINE__)[(condition) ? 1 : -1] __attribute__((unused))
#define ISAPI_JOIN(first, second) ISAPI_JOINED(first, second)
#define ISAPI_JOINED(first, second) first##second
#define RTL_NUMBER_OF(array) (sizeof(array) / sizeof((array)[0]))
#define ARRAYSIZE(array) (sizeof(array) / sizeof((array)[0]))

/* As in the headers of Windows, unless NOMINMAX is defined: macros, except where the C++ library would see them. */
#ifndef NOMINMAX
#ifdef __cplusplus
extern "C++" {
template <class First, class Second>
inline __typeof__(true ? *(First *)0 : *(Second *)0) min(const First &first, const Second &second) {
  return first < second ? first : second;
}
template <class First, class Second>
inline __typeof__(true ? *(First *)0 : *(Second *)0) max(const First &first, const Second &second) {
  return first > second ? first : second;
}
}
#else
#ifndef min
#define min(a, b) ((a) < (b) ? (a) : (b))
#endif
#ifndef max
#define max(a, b) ((a) > (b) ? (a) : (b))
#endif
#endif
#endif

#endif
