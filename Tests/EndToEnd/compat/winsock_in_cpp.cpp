// Winsock in C++: lengths are ints, std::bind and std::vsnprintf stay what they are.
#include <functional>
#include <string>

#include <winsock2.h>

#include "check.h"

static void lengths_are_ints() {
  SOCKADDR_IN address = {};
  int size = sizeof address;
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  SOCKET listener = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(bind(listener, (SOCKADDR *)&address, sizeof address) == 0 && listen(listener, 1) == 0);
  CHECK(getsockname(listener, (SOCKADDR *)&address, &size) == 0 && size == sizeof address);
  SOCKET client = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(connect(client, (SOCKADDR *)&address, size) == 0);
  SOCKET server = accept(listener, (SOCKADDR *)&address, &size);
  int error = 1, error_size = sizeof error;
  CHECK(getsockopt(server, SOL_SOCKET, SO_ERROR, (char *)&error, &error_size) == 0 && error == 0);
  CHECK(getpeername(server, (SOCKADDR *)&address, &size) == 0);
  char text[8];
  CHECK(send(client, "ping", 4, 0) == 4 && recvfrom(server, text, 8, 0, (SOCKADDR *)&address, &size) == 4);
  fd_set set;
  timeval time = {0, 1000};
  FD_ZERO(&set);
  FD_SET(server, &set);
  CHECK(select(0, &set, NULL, NULL, &time) == 0 && !FD_ISSET(server, &set));
  CHECK(closesocket(server) == 0 && closesocket(client) == 0 && closesocket(listener) == 0);
}

static int add(int left, int right) { return left + right; }

static std::string format(const char *text, ...) {
  va_list arguments;
  va_start(arguments, text);
  std::string result((size_t)std::vsnprintf(NULL, 0, text, arguments), ' ');
  std::vsnprintf(&result[0], result.size() + 1, text, arguments);
  va_end(arguments);
  return result;
}

int main() {
  lengths_are_ints();
  CHECK(std::bind(add, 1, std::placeholders::_1)(2) == 3 && std::to_string(1.5).substr(0, 3) == "1.5");
  CHECK(format("%s-%d", "alpha", 7) == "alpha-7");
  return failures != 0;
}
