/* Winsock's functions where the semantics of the system's functions of the same name differ. */
#include <process.h>
#include <winsock2.h>

#include <sys/resource.h>

#include "check.h"

static SOCKET listener_at(SOCKADDR_IN *address) {
  SOCKET listener = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
  socklen_t size = sizeof *address;
  memset(address, 0, sizeof *address);
  address->sin_family = AF_INET;
  address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(listener != INVALID_SOCKET && bind(listener, (SOCKADDR *)address, sizeof *address) == 0);
  CHECK(listen(listener, 8) == 0 && getsockname(listener, (SOCKADDR *)address, &size) == 0);
  return listener;
}

static void pair(SOCKET *client, SOCKET *server) {
  SOCKADDR_IN address;
  SOCKET listener = listener_at(&address);
  *client = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(connect(*client, (SOCKADDR *)&address, sizeof address) == 0);
  *server = accept(listener, NULL, NULL);
  CHECK(*server != INVALID_SOCKET && closesocket(listener) == 0);
}

static void a_set_is_a_list_of_sockets(void) {
  fd_set set;
  FD_ZERO(&set);
  CHECK(set.fd_count == 0 && FD_SETSIZE == 64 && sizeof set.fd_array / sizeof set.fd_array[0] == 64);
  FD_SET(5000, &set);
  FD_SET(70000, &set);
  FD_SET(5000, &set);
  CHECK(set.fd_count == 2 && set.fd_array[1] == 70000 && FD_ISSET(5000, &set) && !FD_ISSET(0, &set));
  FD_CLR(5000, &set);
  FD_CLR(5000, &set);
  CHECK(set.fd_count == 1 && FD_ISSET(70000, &set) && !FD_ISSET(5000, &set));
  FD_ZERO(&set);
  for (int number = 0; number < 100; number += 1) {
    FD_SET((SOCKET)number, &set);
  }
  CHECK(set.fd_count == 64 && FD_ISSET(63, &set) && !FD_ISSET(64, &set));
}

static void select_ignores_its_first_argument_and_leaves_the_time_alone(void) {
  SOCKET client, server;
  pair(&client, &server);
  fd_set readable, writable;
  struct timeval time = {0, 50000};
  FD_ZERO(&readable);
  FD_SET(client, &readable);
  CHECK(select(0, &readable, NULL, NULL, &time) == 0 && readable.fd_count == 0);
  CHECK(time.tv_sec == 0 && time.tv_usec == 50000);
  CHECK(send(server, "x", 1, 0) == 1);
  FD_SET(client, &readable);
  FD_SET(server, &readable);
  FD_ZERO(&writable);
  FD_SET(client, &writable);
  time.tv_sec = 5;
  CHECK(select(0, &readable, &writable, NULL, &time) == 2 && time.tv_sec == 5);
  CHECK(FD_ISSET(client, &readable) && !FD_ISSET(server, &readable) && FD_ISSET(client, &writable));
  CHECK(closesocket(server) == 0);
  char text[4];
  CHECK(recv(client, text, 4, 0) == 1);
  FD_ZERO(&readable);
  FD_SET(client, &readable);
  CHECK(select(-1, &readable, NULL, NULL, NULL) == 1 && recv(client, text, 4, 0) == 0 && closesocket(client) == 0);
}

static void sockets_of_any_number_can_be_waited_for(void) {
  struct rlimit limit;
  CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
  CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  SOCKET client, server;
  pair(&client, &server);
  int high = fcntl((int)client, F_DUPFD, 2000);
  CHECK(high >= 2000 && send(server, "x", 1, 0) == 1);
  fd_set set;
  struct timeval time = {5, 0};
  FD_ZERO(&set);
  FD_SET((SOCKET)high, &set);
  CHECK(select(0, &set, NULL, NULL, &time) == 1 && FD_ISSET((SOCKET)high, &set));
  CHECK(closesocket((SOCKET)high) == 0 && closesocket(client) == 0 && closesocket(server) == 0);
}

static void what_cannot_be_waited_for_is_refused(void) {
  fd_set set;
  struct timeval time = {0, 0}, wrong = {-1, 0};
  FD_ZERO(&set);
  CHECK(select(0, NULL, NULL, NULL, &time) == SOCKET_ERROR && WSAGetLastError() == WSAEINVAL);
  CHECK(select(0, &set, NULL, NULL, &time) == SOCKET_ERROR && GetLastError() == WSAEINVAL);
  FD_SET((SOCKET)3999, &set);
  CHECK(select(0, &set, NULL, NULL, &time) == SOCKET_ERROR && WSAGetLastError() == WSAENOTSOCK);
  CHECK(set.fd_count == 1);
  SOCKET client, server;
  pair(&client, &server);
  FD_ZERO(&set);
  FD_SET(client, &set);
  CHECK(select(0, &set, NULL, NULL, &wrong) == SOCKET_ERROR && WSAGetLastError() == WSAEINVAL);
  CHECK(closesocket(client) == 0 && closesocket(server) == 0);
}

static void a_connection_is_writable_when_it_is_made_and_an_exception_when_it_is_not(void) {
  SOCKADDR_IN address;
  SOCKET listener = listener_at(&address);
  u_long yes = 1;
  fd_set writable, exceptions;
  struct timeval time = {5, 0}, short_time = {0, 100000};
  SOCKET client = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(ioctlsocket(client, FIONBIO, &yes) == 0);
  CHECK(connect(client, (SOCKADDR *)&address, sizeof address) == 0 || WSAGetLastError() == WSAEWOULDBLOCK);
  FD_ZERO(&writable);
  FD_ZERO(&exceptions);
  FD_SET(client, &writable);
  FD_SET(client, &exceptions);
  CHECK(select(0, NULL, &writable, &exceptions, &time) == 1 && FD_ISSET(client, &writable));
  CHECK(closesocket(client) == 0 && closesocket(listener) == 0);

  client = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(ioctlsocket(client, FIONBIO, &yes) == 0);
  CHECK(connect(client, (SOCKADDR *)&address, sizeof address) == SOCKET_ERROR);
  FD_ZERO(&writable);
  FD_SET(client, &writable);
  CHECK(select(0, NULL, &writable, NULL, &short_time) == 0);
  FD_SET(client, &writable);
  FD_ZERO(&exceptions);
  FD_SET(client, &exceptions);
  CHECK(select(0, NULL, &writable, &exceptions, &time) == 1 && FD_ISSET(client, &exceptions) && writable.fd_count == 0);
  int error = 0;
  socklen_t size = sizeof error;
  CHECK(getsockopt(client, SOL_SOCKET, SO_ERROR, (char *)&error, &size) == 0 && error == WSAECONNREFUSED);
  CHECK(closesocket(client) == 0);
}

static void times_are_milliseconds(void) {
  SOCKET client, server;
  pair(&client, &server);
  DWORD time = 1500, got = 0;
  socklen_t size = sizeof got;
  CHECK(setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, (const char *)&time, sizeof time) == 0);
  CHECK(getsockopt(client, SOL_SOCKET, SO_RCVTIMEO, (char *)&got, &size) == 0 && got == 1500 && size == sizeof got);
  CHECK(setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, (const char *)&time, sizeof time) == 0);
  time = 50;
  CHECK(setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, (const char *)&time, sizeof time) == 0);
  char byte;
  CHECK(recv(client, &byte, 1, 0) == SOCKET_ERROR && WSAGetLastError() == WSAETIMEDOUT && GetLastError() == WSAETIMEDOUT);
  CHECK(recvfrom(client, &byte, 1, 0, NULL, NULL) == SOCKET_ERROR && WSAGetLastError() == WSAETIMEDOUT);
  u_long yes = 1;
  CHECK(ioctlsocket(client, FIONBIO, &yes) == 0);
  CHECK(recv(client, &byte, 1, 0) == SOCKET_ERROR && WSAGetLastError() == WSAEWOULDBLOCK);
  struct timeval system_time = {3, 0};
  CHECK(setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &system_time, sizeof system_time) == 0);
  CHECK(getsockopt(client, SOL_SOCKET, SO_RCVTIMEO, (char *)&got, &size) == 0 && got == 3000);
  CHECK(closesocket(client) == 0 && closesocket(server) == 0);
}

static void options_are_taken_as_windows_takes_them(void) {
  SOCKET client = socket(AF_INET, SOCK_STREAM, 0);
  char yes = 1;
  BOOL got = FALSE;
  socklen_t size = sizeof got;
  CHECK(setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &yes, 1) == 0);
  CHECK(getsockopt(client, IPPROTO_TCP, TCP_NODELAY, (char *)&got, &size) == 0 && got != FALSE);
  got = FALSE;
  CHECK(getsockopt(client, SOL_SOCKET, SO_DONTLINGER, (char *)&got, &size) == 0 && got == TRUE);
  LINGER linger = {1, 3};
  CHECK(setsockopt(client, SOL_SOCKET, SO_LINGER, (const char *)&linger, sizeof linger) == 0);
  CHECK(getsockopt(client, SOL_SOCKET, SO_DONTLINGER, (char *)&got, &size) == 0 && got == FALSE);
  got = TRUE;
  CHECK(setsockopt(client, SOL_SOCKET, SO_DONTLINGER, (const char *)&got, sizeof got) == 0);
  CHECK(getsockopt(client, SOL_SOCKET, SO_DONTLINGER, (char *)&got, &size) == 0 && got == TRUE);
  CHECK(setsockopt(client, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&got, sizeof got) == 0);
  CHECK(setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, NULL, 4) == SOCKET_ERROR && WSAGetLastError() == WSAEFAULT);
  CHECK(closesocket(client) == 0);
}

static void an_accepted_socket_is_as_the_one_that_listens(void) {
  SOCKADDR_IN address;
  SOCKET listener = listener_at(&address);
  u_long yes = 1;
  CHECK(ioctlsocket(listener, FIONBIO, &yes) == 0);
  CHECK(accept(listener, NULL, NULL) == (int)INVALID_SOCKET && WSAGetLastError() == WSAEWOULDBLOCK);
  SOCKET client = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(connect(client, (SOCKADDR *)&address, sizeof address) == 0);
  fd_set readable;
  struct timeval time = {5, 0};
  FD_ZERO(&readable);
  FD_SET(listener, &readable);
  CHECK(select(0, &readable, NULL, NULL, &time) == 1);
  SOCKET server = accept(listener, NULL, NULL);
  char byte;
  CHECK(recv(server, &byte, 1, 0) == SOCKET_ERROR && WSAGetLastError() == WSAEWOULDBLOCK);
  CHECK(closesocket(client) == 0 && closesocket(server) == 0 && closesocket(listener) == 0);
}

static void who_sends_to_nobody_gets_an_error_and_no_signal(void) {
  SOCKET client, server;
  pair(&client, &server);
  CHECK(shutdown(client, SD_SEND) == 0);
  CHECK(send(client, "x", 1, 0) == SOCKET_ERROR && WSAGetLastError() == WSAESHUTDOWN && closesocket(client) == 0);
  LINGER at_once = {1, 0};
  SOCKET other;
  pair(&client, &other);
  CHECK(setsockopt(other, SOL_SOCKET, SO_LINGER, (const char *)&at_once, sizeof at_once) == 0);
  CHECK(closesocket(other) == 0);
  char byte;
  CHECK(recv(client, &byte, 1, 0) == SOCKET_ERROR && WSAGetLastError() == WSAECONNRESET);
  CHECK(send(client, "x", 1, 0) == SOCKET_ERROR && WSAGetLastError() == WSAECONNRESET);
  CHECK(closesocket(client) == 0 && closesocket(server) == 0);
}

static unsigned __stdcall accept_one(void *listener) {
  return accept(*(SOCKET *)listener, NULL, NULL) == (int)INVALID_SOCKET;
}

static void closing_a_socket_ends_what_waits_for_it(void) {
  SOCKADDR_IN address;
  SOCKET listener = listener_at(&address), copy = listener;
  HANDLE thread = (HANDLE)_beginthreadex(NULL, 0, accept_one, &copy, 0, NULL);
  CHECK(thread != NULL);
  Sleep(100);
  DWORD code = 0;
  CHECK(closesocket(listener) == 0 && WaitForSingleObject(thread, 10000) == WAIT_OBJECT_0);
  CHECK(GetExitCodeThread(thread, &code) && code == 1 && CloseHandle(thread));
}

static void names_are_looked_up_for_each_thread(void) {
  HOSTENT *host = gethostbyname("127.0.0.1");
  CHECK(host != NULL && host->h_addrtype == AF_INET && *(DWORD *)(void *)host->h_addr_list[0] == htonl(INADDR_LOOPBACK));
  CHECK(gethostbyname("no such name.") == NULL && WSAGetLastError() >= WSAHOST_NOT_FOUND && WSAGetLastError() <= WSANO_DATA);
}

int main(void) {
  a_set_is_a_list_of_sockets();
  select_ignores_its_first_argument_and_leaves_the_time_alone();
  sockets_of_any_number_can_be_waited_for();
  what_cannot_be_waited_for_is_refused();
  a_connection_is_writable_when_it_is_made_and_an_exception_when_it_is_not();
  times_are_milliseconds();
  options_are_taken_as_windows_takes_them();
  an_accepted_socket_is_as_the_one_that_listens();
  who_sends_to_nobody_gets_an_error_and_no_signal();
  closing_a_socket_ends_what_waits_for_it();
  names_are_looked_up_for_each_thread();
  return failures != 0;
}
