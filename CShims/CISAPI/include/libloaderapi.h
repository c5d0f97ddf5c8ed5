/*
 * Libraries. Windows' own libraries (kernel32.dll and so on) are represented by the process, in which the
 * functions of these headers are found by name. Ordinals are not supported.
 */
#ifndef ISAPI_LIBLOADERAPI_H
#define ISAPI_LIBLOADERAPI_H

#include "winnt.h"

#define DONT_RESOLVE_DLL_REFERENCES 0x00000001
#define LOAD_LIBRARY_AS_DATAFILE 0x00000002
#define LOAD_WITH_ALTERED_SEARCH_PATH 0x00000008
#define GET_MODULE_HANDLE_EX_FLAG_PIN 0x00000001
#define GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT 0x00000002
#define GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS 0x00000004

ISAPI_BEGIN

/* NULL on failure. A name without a path is searched as by the dynamic linker; DllMain is called. */
HMODULE WINAPI LoadLibraryA(LPCSTR lpLibFileName);
HMODULE WINAPI LoadLibraryW(LPCWSTR lpLibFileName);
HMODULE WINAPI LoadLibraryExA(LPCSTR lpLibFileName, HANDLE hFile, DWORD dwFlags);
BOOL WINAPI FreeLibrary(HMODULE hLibModule);
void WINAPI FreeLibraryAndExitThread(HMODULE hLibModule, DWORD dwExitCode) __attribute__((noreturn));
FARPROC WINAPI GetProcAddress(HMODULE hModule, LPCSTR lpProcName);

/* NULL for `lpModuleName` is the program. Other names are those of extensions and libraries of LoadLibrary. */
HMODULE WINAPI GetModuleHandleA(LPCSTR lpModuleName);
HMODULE WINAPI GetModuleHandleW(LPCWSTR lpModuleName);
BOOL WINAPI GetModuleHandleExA(DWORD dwFlags, LPCSTR lpModuleName, HMODULE *phModule);
BOOL WINAPI GetModuleHandleExW(DWORD dwFlags, LPCWSTR lpModuleName, HMODULE *phModule);

/* The path it was loaded from; NULL is the program. A path that does not fit is cut: ERROR_INSUFFICIENT_BUFFER. */
DWORD WINAPI GetModuleFileNameA(HMODULE hModule, LPSTR lpFilename, DWORD nSize);
DWORD WINAPI GetModuleFileNameW(HMODULE hModule, LPWSTR lpFilename, DWORD nSize);

/* DllMain of the library is not called for threads any more; ERROR_MOD_NOT_FOUND for an unknown library. */
BOOL WINAPI DisableThreadLibraryCalls(HMODULE hLibModule);

ISAPI_END

#ifdef UNICODE
#define LoadLibrary LoadLibraryW
#define GetModuleHandle GetModuleHandleW
#define GetModuleHandleEx GetModuleHandleExW
#define GetModuleFileName GetModuleFileNameW
#else
#define LoadLibrary LoadLibraryA
#define LoadLibraryEx LoadLibraryExA
#define GetModuleHandle GetModuleHandleA
#define GetModuleHandleEx GetModuleHandleExA
#define GetModuleFileName GetModuleFileNameA
#endif

#endif
