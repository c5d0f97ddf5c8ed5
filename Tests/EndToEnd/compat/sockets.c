/* Sockets under Windows' names, and the registry without keys. */
#include <winsock2.h>
#include <ws2tcpip.h>

#include <windows.h>

#include "check.h"

static void versions_are_agreed_on(void) {
  WSADATA data;
  CHECK(WSAStartup(MAKEWORD(2, 2), &data) == 0 && data.wVersion == MAKEWORD(2, 2));
  CHECK(WSAStartup(MAKEWORD(1, 1), &data) == 0 && data.wVersion == MAKEWORD(1, 1));
  CHECK(WSAStartup(MAKEWORD(9, 9), &data) == 0 && data.wVersion == MAKEWORD(2, 2) && data.wHighVersion == MAKEWORD(2, 2));
  CHECK(WSAStartup(MAKEWORD(1, 0), &data) == WSAVERNOTSUPPORTED);
  CHECK(WSAStartup(MAKEWORD(2, 2), NULL) == WSAEFAULT);
  CHECK(WSACleanup() == 0);
}

/* A listener of 127.0.0.1 and its address. */
static SOCKET listener_at(SOCKADDR_IN *address) {
  SOCKET listener = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
  socklen_t size = sizeof *address;
  memset(address, 0, sizeof *address);
  address->sin_family = AF_INET;
  address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(listener != INVALID_SOCKET && bind(listener, (SOCKADDR *)address, sizeof *address) == 0);
  CHECK(listen(listener, 1) == 0 && getsockname(listener, (SOCKADDR *)address, &size) == 0);
  return listener;
}

static void bytes_go_both_ways(void) {
  SOCKADDR_IN address;
  SOCKET listener = listener_at(&address);
  SOCKET client = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(connect(client, (SOCKADDR *)&address, sizeof address) == 0);
  SOCKET server = accept(listener, NULL, NULL);
  char text[8] = "";
  u_long count = 0, yes = 1;
  CHECK(server != INVALID_SOCKET && send(client, "ping", 4, 0) == 4 && recv(server, text, 4, MSG_WAITALL) == 4);
  CHECK(memcmp(text, "ping", 4) == 0);
  CHECK(send(server, "pong!", 5, 0) == 5 && recv(client, text, 1, 0) == 1);
  CHECK(ioctlsocket(client, FIONREAD, &count) == 0 && count == 4);
  CHECK(recv(client, text, 4, 0) == 4 && ioctlsocket(client, FIONBIO, &yes) == 0);
  CHECK(recv(client, text, 1, 0) == SOCKET_ERROR && WSAGetLastError() == WSAEWOULDBLOCK);
  CHECK(shutdown(server, SD_SEND) == 0 && closesocket(server) == 0);
  CHECK(closesocket(client) == 0 && closesocket(listener) == 0);
}

static void errors_have_windows_numbers(void) {
  SOCKADDR_IN address;
  char byte;
  CHECK(closesocket(listener_at(&address)) == 0);
  SOCKET client = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(recv(client, &byte, 1, 0) == SOCKET_ERROR && WSAGetLastError() == WSAENOTCONN);
  CHECK(connect(client, (SOCKADDR *)&address, sizeof address) == SOCKET_ERROR && WSAGetLastError() == WSAECONNREFUSED);
  CHECK(ioctlsocket(client, FIONBIO, NULL) == SOCKET_ERROR && WSAGetLastError() == WSAEFAULT);
  u_long value = 0;
  CHECK(ioctlsocket(client, 1, &value) == SOCKET_ERROR && WSAGetLastError() == WSAEOPNOTSUPP);
  CHECK(closesocket(client) == 0 && closesocket(client) == SOCKET_ERROR && WSAGetLastError() == WSAENOTSOCK);
  WSASetLastError(WSAECONNRESET);
  CHECK(WSAGetLastError() == WSAECONNRESET && GetLastError() == WSAECONNRESET);
}

static void the_registry_has_no_keys(void) {
  HKEY key = HKEY_USERS;
  DWORD type, number, size = sizeof number;
  CHECK(RegOpenKeyEx(HKEY_LOCAL_MACHINE, "SOFTWARE\\Sample", 0, KEY_READ, &key) == ERROR_FILE_NOT_FOUND && key == NULL);
  CHECK(RegOpenKeyA(HKEY_CURRENT_USER, "Software", &key) == ERROR_FILE_NOT_FOUND);
  CHECK(RegOpenKeyExW(HKEY_LOCAL_MACHINE, L"SOFTWARE", 0, KEY_READ, &key) == ERROR_FILE_NOT_FOUND);
  CHECK(RegOpenKeyExA(NULL, "SOFTWARE", 0, KEY_READ, &key) == ERROR_INVALID_HANDLE);
  CHECK(RegOpenKeyExA(HKEY_LOCAL_MACHINE, "SOFTWARE", 0, KEY_READ, NULL) == ERROR_INVALID_PARAMETER);
  CHECK(RegQueryValueEx(HKEY_LOCAL_MACHINE, "x", NULL, &type, (LPBYTE)&number, &size) == ERROR_FILE_NOT_FOUND);
  CHECK(RegQueryValueExW(HKEY_USERS, L"x", NULL, NULL, NULL, NULL) == ERROR_FILE_NOT_FOUND);
  CHECK(RegQueryValueExA(HKEY_USERS, "x", NULL, NULL, (LPBYTE)&number, NULL) == ERROR_INVALID_PARAMETER);
  CHECK(RegQueryValueExA(NULL, "x", NULL, NULL, NULL, NULL) == ERROR_INVALID_HANDLE);
  CHECK(RegCloseKey(HKEY_LOCAL_MACHINE) == ERROR_SUCCESS && RegCloseKey(NULL) == ERROR_INVALID_HANDLE);
}

int main(void) {
  versions_are_agreed_on();
  bytes_go_both_ways();
  errors_have_windows_numbers();
  the_registry_has_no_keys();
  return failures != 0;
}
