/*
 * The Windows types and constants that an ISAPI extension's source names, with the sizes they
 * have on 64-bit Windows: DWORD, LONG and BOOL are 32 bits wide although Linux's long is 64, and
 * WCHAR is 16 bits wide although wchar_t is 32. Structures built from them have the layout of a
 * Windows x64 build, and a source written for Windows compiles unchanged.
 *
 * Calling conventions are empty: extensions are called as any other Linux function.
 */
#ifndef ISAPI_WINDOWS_H
#define ISAPI_WINDOWS_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* ---- Words of the Windows dialect that mean nothing here ---- */

#define WINAPI
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
#endif
#ifndef __stdcall
#define __stdcall
#endif

/* dllexport makes a symbol visible even in a library compiled with -fvisibility=hidden. */
#ifndef __declspec
#define __declspec(attribute) ISAPI_DECLSPEC_##attribute
#define ISAPI_DECLSPEC_dllexport __attribute__((visibility("default")))
#define ISAPI_DECLSPEC_dllimport
#define ISAPI_DECLSPEC_thread __thread
#define ISAPI_DECLSPEC_noreturn __attribute__((noreturn))
#define ISAPI_DECLSPEC_noinline __attribute__((noinline))
#define ISAPI_DECLSPEC_align(bytes) __attribute__((aligned(bytes)))
#endif

/* ---- Scalars ---- */

#ifndef VOID
#define VOID void
#endif

typedef char CHAR;
typedef unsigned char UCHAR;
typedef uint8_t BYTE;
typedef uint8_t BOOLEAN;
typedef int16_t SHORT;
typedef uint16_t USHORT;
typedef uint16_t WORD;
typedef uint16_t WCHAR;
typedef int32_t INT;
typedef uint32_t UINT;
typedef int32_t LONG;
typedef uint32_t ULONG;
typedef uint32_t DWORD;
typedef int32_t BOOL;
typedef int32_t HRESULT;
typedef int64_t LONGLONG;
typedef uint64_t ULONGLONG;
typedef int64_t LONG64;
typedef uint64_t DWORD64;
typedef uint64_t ULONG64;
typedef float FLOAT;

typedef intptr_t INT_PTR;
typedef uintptr_t UINT_PTR;
typedef intptr_t LONG_PTR;
typedef uintptr_t ULONG_PTR;
typedef uintptr_t DWORD_PTR;
typedef size_t SIZE_T;
typedef intptr_t SSIZE_T;

/* ---- Pointers and handles ---- */

typedef void *PVOID;
typedef void *LPVOID;
typedef const void *LPCVOID;
typedef CHAR *PCHAR;
typedef CHAR *PSTR;
typedef CHAR *LPSTR;
typedef const CHAR *PCSTR;
typedef const CHAR *LPCSTR;
typedef WCHAR *PWSTR;
typedef WCHAR *LPWSTR;
typedef const WCHAR *PCWSTR;
typedef const WCHAR *LPCWSTR;
typedef BYTE *PBYTE;
typedef BYTE *LPBYTE;
typedef WORD *PWORD;
typedef WORD *LPWORD;
typedef DWORD *PDWORD;
typedef DWORD *LPDWORD;
typedef LONG *PLONG;
typedef LONG *LPLONG;
typedef ULONG *PULONG;
typedef BOOL *PBOOL;
typedef BOOL *LPBOOL;

/* A file descriptor below 2^30, or a pointer to an object of the host. */
typedef void *HANDLE;
typedef HANDLE *PHANDLE;
typedef HANDLE *LPHANDLE;
typedef HANDLE HINSTANCE;
typedef HANDLE HMODULE;

#define INVALID_HANDLE_VALUE ((HANDLE)(LONG_PTR)-1)

/* ---- Constants ---- */

#ifndef FALSE
#define FALSE 0
#endif
#ifndef TRUE
#define TRUE 1
#endif

#define MAX_PATH 260
#define INFINITE 0xFFFFFFFF

#define S_OK ((HRESULT)0)
#define S_FALSE ((HRESULT)1)
#define E_FAIL ((HRESULT)0x80004005)

/* Reasons given to DllMain. */
#define DLL_PROCESS_DETACH 0
#define DLL_PROCESS_ATTACH 1
#define DLL_THREAD_ATTACH 2
#define DLL_THREAD_DETACH 3

/* Numbers that GetLastError returns. */
#define NO_ERROR 0
#define ERROR_SUCCESS 0
#define ERROR_INVALID_FUNCTION 1
#define ERROR_FILE_NOT_FOUND 2
#define ERROR_PATH_NOT_FOUND 3
#define ERROR_ACCESS_DENIED 5
#define ERROR_INVALID_HANDLE 6
#define ERROR_NOT_ENOUGH_MEMORY 8
#define ERROR_INVALID_DATA 13
#define ERROR_OUTOFMEMORY 14
#define ERROR_WRITE_FAULT 29
#define ERROR_READ_FAULT 30
#define ERROR_HANDLE_EOF 38
#define ERROR_NOT_SUPPORTED 50
#define ERROR_NETNAME_DELETED 64
#define ERROR_INVALID_PARAMETER 87
#define ERROR_CALL_NOT_IMPLEMENTED 120
#define ERROR_INSUFFICIENT_BUFFER 122
#define ERROR_INVALID_NAME 123
#define ERROR_MOD_NOT_FOUND 126
#define ERROR_PROC_NOT_FOUND 127
#define ERROR_BUSY 170
#define ERROR_ALREADY_EXISTS 183
#define ERROR_NO_DATA 232
#define ERROR_MORE_DATA 234
#define ERROR_NO_MORE_ITEMS 259
#define ERROR_OPERATION_ABORTED 995
#define ERROR_IO_INCOMPLETE 996
#define ERROR_IO_PENDING 997
#define ERROR_DLL_INIT_FAILED 1114
#define ERROR_CONNECTION_ABORTED 1236
#define ERROR_INVALID_INDEX 1413
#define ERROR_TIMEOUT 1460
#define WSAEINVAL 10022
#define WSAECONNABORTED 10053
#define WSAECONNRESET 10054

/* ---- Putting words together and taking them apart ---- */

#define MAKEWORD(low, high) ((WORD)((BYTE)(low) | (WORD)((WORD)(BYTE)(high) << 8)))
#define MAKELONG(low, high) ((LONG)((DWORD)(WORD)(low) | (DWORD)(WORD)(high) << 16))
#define LOBYTE(word) ((BYTE)((DWORD_PTR)(word) & 0xFF))
#define HIBYTE(word) ((BYTE)((DWORD_PTR)(word) >> 8 & 0xFF))
#define LOWORD(value) ((WORD)((DWORD_PTR)(value) & 0xFFFF))
#define HIWORD(value) ((WORD)((DWORD_PTR)(value) >> 16 & 0xFFFF))

/* ---- Memory ---- */

#define ZeroMemory(destination, length) memset((destination), 0, (length))
#define FillMemory(destination, length, byte) memset((destination), (byte), (length))
#define CopyMemory(destination, source, length) memcpy((destination), (source), (length))
#define MoveMemory(destination, source, length) memmove((destination), (source), (length))

/* ---- Structures ---- */

/* A link of a doubly linked list, embedded in what it links. */
typedef struct _LIST_ENTRY {
  struct _LIST_ENTRY *Flink;
  struct _LIST_ENTRY *Blink;
} LIST_ENTRY, *PLIST_ENTRY;

/* One encoded certificate: cbCertEncoded bytes of DER at pbCertEncoded. */
typedef struct _CERT_CONTEXT {
  DWORD dwCertEncodingType;
  BYTE *pbCertEncoded;
  DWORD cbCertEncoded;
  PVOID pCertInfo;
  PVOID hCertStore;
} CERT_CONTEXT, *PCERT_CONTEXT;
typedef const CERT_CONTEXT *PCCERT_CONTEXT;

/* The encoding of a CERT_CONTEXT's bytes. */
#define X509_ASN_ENCODING 0x00000001
#define PKCS_7_ASN_ENCODING 0x00010000

/* ---- Functions ---- */

#ifdef __cplusplus
extern "C" {
#endif

/* The calling thread's last Win32 error number, 0 until one was set. The host provides it. */
DWORD WINAPI GetLastError(void);

/* Sets the calling thread's last Win32 error number, and errno to the same number. */
void WINAPI SetLastError(DWORD dwErrCode);

/*
 * The optional entry point of a library, called with a DLL_ reason: once when it is loaded
 * (FALSE refuses the load), once before it is unloaded, and when a thread that has run its code
 * ends. Visible by default, so that a library built with -fvisibility=hidden exports it.
 */
#pragma GCC visibility push(default)
BOOL WINAPI DllMain(HINSTANCE hinstDLL, DWORD fdwReason, LPVOID lpvReserved);
#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
