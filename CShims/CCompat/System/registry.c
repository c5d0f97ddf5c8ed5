// The registry, which is empty.
#include "../compat.h"

// Whether `key` is one of the keys that are always open.
static bool is_root(HKEY key) { return key >= HKEY_CLASSES_ROOT && key <= HKEY_USERS; }

static LSTATUS open_key(HKEY key, PHKEY result) {
  if (result == NULL) {
    return ERROR_INVALID_PARAMETER;
  }
  *result = NULL;
  return is_root(key) ? ERROR_FILE_NOT_FOUND : ERROR_INVALID_HANDLE;
}

LSTATUS WINAPI RegOpenKeyA(HKEY hKey, LPCSTR lpSubKey, PHKEY phkResult) {
  (void)lpSubKey;
  return open_key(hKey, phkResult);
}

LSTATUS WINAPI RegOpenKeyExA(HKEY hKey, LPCSTR lpSubKey, DWORD ulOptions, REGSAM samDesired, PHKEY phkResult) {
  (void)lpSubKey, (void)ulOptions, (void)samDesired;
  return open_key(hKey, phkResult);
}

LSTATUS WINAPI RegOpenKeyExW(HKEY hKey, LPCWSTR lpSubKey, DWORD ulOptions, REGSAM samDesired, PHKEY phkResult) {
  (void)lpSubKey, (void)ulOptions, (void)samDesired;
  return open_key(hKey, phkResult);
}

LSTATUS WINAPI RegQueryValueExA(HKEY hKey, LPCSTR lpValueName, LPDWORD lpReserved, LPDWORD lpType, LPBYTE lpData,
                                LPDWORD lpcbData) {
  (void)lpValueName, (void)lpType;
  if (lpReserved != NULL || (lpData != NULL && lpcbData == NULL)) {
    return ERROR_INVALID_PARAMETER;
  }
  return is_root(hKey) ? ERROR_FILE_NOT_FOUND : ERROR_INVALID_HANDLE;
}

LSTATUS WINAPI RegQueryValueExW(HKEY hKey, LPCWSTR lpValueName, LPDWORD lpReserved, LPDWORD lpType, LPBYTE lpData,
                                LPDWORD lpcbData) {
  (void)lpValueName;
  return RegQueryValueExA(hKey, NULL, lpReserved, lpType, lpData, lpcbData);
}

LSTATUS WINAPI RegCloseKey(HKEY hKey) { return is_root(hKey) ? ERROR_SUCCESS : ERROR_INVALID_HANDLE; }
