// The system's sockets, options and errors with Winsock's semantics.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define ISAPI_SYSTEM_SOCKETS
#include "../compat.h"
#include "winsock2.h"

#define OLDEST_VERSION 0x0101
#define NEWEST_VERSION 0x0202

#define EXPORTED __attribute__((visibility("default")))

// The major number is in the low byte.
static WORD comparable(WORD version) { return MAKEWORD(HIBYTE(version), LOBYTE(version)); }

int WINAPI WSAStartup(WORD wVersionRequested, LPWSADATA lpWSAData) {
  if (lpWSAData == NULL) {
    return WSAEFAULT;
  }
  WORD wanted = comparable(wVersionRequested);
  if (wanted < OLDEST_VERSION) {
    return WSAVERNOTSUPPORTED;
  }
  memset(lpWSAData, 0, sizeof *lpWSAData);
  lpWSAData->wVersion = comparable(wanted < NEWEST_VERSION ? wanted : NEWEST_VERSION);
  lpWSAData->wHighVersion = comparable(NEWEST_VERSION);
  strcpy(lpWSAData->szDescription, "sockets of the system");
  strcpy(lpWSAData->szSystemStatus, "running");
  return 0;
}

int WINAPI WSACleanup(void) { return 0; }

// ---- Errors ----

static int winsock_error(int number) {
  switch (number) {
  case EINTR: return WSAEINTR;
  case EACCES:
  case EPERM: return WSAEACCES;
  case EFAULT: return WSAEFAULT;
  case EINVAL: return WSAEINVAL;
  case EMFILE:
  case ENFILE: return WSAEMFILE;
  // A connection in progress is WSAEWOULDBLOCK on Windows.
  case EINPROGRESS:
  case EAGAIN: return WSAEWOULDBLOCK;
  case EALREADY: return WSAEALREADY;
  // A closed descriptor is not a socket any more.
  case EBADF:
  case ENOTSOCK: return WSAENOTSOCK;
  case EDESTADDRREQ: return WSAEDESTADDRREQ;
  case EMSGSIZE: return WSAEMSGSIZE;
  case EPROTOTYPE: return WSAEPROTOTYPE;
  case ENOPROTOOPT: return WSAENOPROTOOPT;
  case EPROTONOSUPPORT: return WSAEPROTONOSUPPORT;
  case ESOCKTNOSUPPORT: return WSAESOCKTNOSUPPORT;
  case EOPNOTSUPP: return WSAEOPNOTSUPP;
  case EPFNOSUPPORT: return WSAEPFNOSUPPORT;
  case EAFNOSUPPORT: return WSAEAFNOSUPPORT;
  case EADDRINUSE: return WSAEADDRINUSE;
  case EADDRNOTAVAIL: return WSAEADDRNOTAVAIL;
  case ENETDOWN: return WSAENETDOWN;
  case ENETUNREACH: return WSAENETUNREACH;
  case ENETRESET: return WSAENETRESET;
  case ECONNABORTED: return WSAECONNABORTED;
  case ECONNRESET: return WSAECONNRESET;
  case ENOBUFS:
  case ENOMEM: return WSAENOBUFS;
  case EISCONN: return WSAEISCONN;
  case ENOTCONN: return WSAENOTCONN;
  case EPIPE: return WSAESHUTDOWN;
  case ETIMEDOUT: return WSAETIMEDOUT;
  case ECONNREFUSED: return WSAECONNREFUSED;
  case EHOSTDOWN: return WSAEHOSTDOWN;
  case EHOSTUNREACH: return WSAEHOSTUNREACH;
  // Numbers that the functions here, WSASetLastError or those of the contract have set are Windows numbers already.
  default: return number;
  }
}

int WINAPI WSAGetLastError(void) { return winsock_error(errno); }
void WINAPI WSASetLastError(int iError) { SetLastError((DWORD)iError); }

static int fail(int error) {
  WSASetLastError(error);
  return SOCKET_ERROR;
}

// The result of a call, with the last error set if it failed.
static long result_of(long result) { return result < 0 ? fail(winsock_error(errno)) : result; }

static bool is_blocking(int s) {
  int flags = fcntl(s, F_GETFL);
  return flags >= 0 && (flags & O_NONBLOCK) == 0;
}

static struct tcp_info tcp_of(int s) {
  struct tcp_info info;
  socklen_t size = sizeof info;
  memset(&info, 0, sizeof info);
  return getsockopt(s, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? info : (struct tcp_info){0};
}

// As `result_of`, for calls that may wait: a blocking socket has waited as long as its options allow.
static long result_of_wait(int s, long result, int flags) {
  if (result >= 0) {
    return result;
  }
  if ((errno == EAGAIN || errno == EINPROGRESS) && (flags & MSG_DONTWAIT) == 0 && is_blocking(s)) {
    return fail(WSAETIMEDOUT);
  }
  // If this end has not shut the connection down, the connection was lost.
  if (errno == EPIPE && tcp_of(s).tcpi_state == TCP_CLOSE) {
    return fail(WSAECONNRESET);
  }
  return result_of(result);
}

// ---- Connections ----

EXPORTED int isagate_socket(int domain, int type, int protocol) { return (int)result_of(socket(domain, type, protocol)); }

EXPORTED int isagate_bind(int s, const struct sockaddr *address, socklen_t length) {
  return (int)result_of(bind(s, address, length));
}

EXPORTED int isagate_listen(int s, int backlog) { return (int)result_of(listen(s, backlog)); }
EXPORTED int isagate_shutdown(int s, int how) { return (int)result_of(shutdown(s, how)); }

EXPORTED int isagate_getsockname(int s, struct sockaddr *address, socklen_t *length) {
  return (int)result_of(getsockname(s, address, length));
}

EXPORTED int isagate_getpeername(int s, struct sockaddr *address, socklen_t *length) {
  return (int)result_of(getpeername(s, address, length));
}

EXPORTED int isagate_connect(int s, const struct sockaddr *address, socklen_t length) {
  return (int)result_of_wait(s, connect(s, address, length), 0);
}

EXPORTED int isagate_accept(int s, struct sockaddr *address, socklen_t *length) {
  return (int)result_of_wait(s, accept4(s, address, length, SOCK_CLOEXEC | (is_blocking(s) ? 0 : SOCK_NONBLOCK)), 0);
}

EXPORTED ssize_t isagate_send(int s, const void *bytes, size_t count, int flags) {
  return result_of_wait(s, send(s, bytes, count, flags | MSG_NOSIGNAL), flags);
}

EXPORTED ssize_t isagate_sendto(int s, const void *bytes, size_t count, int flags, const struct sockaddr *to,
                                socklen_t length) {
  return result_of_wait(s, sendto(s, bytes, count, flags | MSG_NOSIGNAL, to, length), flags);
}

EXPORTED ssize_t isagate_recv(int s, void *buf, size_t len, int flags) {
  return result_of_wait(s, recv(s, buf, len, flags), flags);
}

EXPORTED ssize_t isagate_recvfrom(int s, void *buf, size_t len, int flags, struct sockaddr *from, socklen_t *fromlen) {
  return result_of_wait(s, recvfrom(s, buf, len, flags, from, fromlen), flags);
}

int WINAPI closesocket(SOCKET s) {
  struct linger linger = {0, 0};
  socklen_t size = sizeof linger;
  if (getsockopt((int)s, SOL_SOCKET, SO_LINGER, &linger, &size) != 0) {
    return (int)result_of(-1);
  }
  // Wakes who waits for it, which close(2) alone does not; a connection that is to be reset is not ended first.
  if (linger.l_onoff == 0 || linger.l_linger != 0) {
    (void)shutdown((int)s, SHUT_RDWR);
  }
  return (int)result_of(close((int)s));
}

int WINAPI ioctlsocket(SOCKET s, long cmd, u_long *argp) {
  if (argp == NULL) {
    return fail(WSAEFAULT);
  }
  if (cmd != (long)FIONBIO && cmd != (long)FIONREAD && cmd != (long)SIOCATMARK) {
    return fail(WSAEOPNOTSUPP);
  }
  int value = (int)*argp;
  if (ioctl((int)s, (unsigned long)cmd, &value) != 0) {
    return (int)result_of(-1);
  }
  if (cmd != (long)FIONBIO) {
    *argp = (u_long)value;
  }
  return 0;
}

// ---- Options ----

static bool is_time(int level, int name) {
  return level == SOL_SOCKET && (name == SO_RCVTIMEO || name == SO_SNDTIMEO);
}

// Times are milliseconds in a DWORD; a source that uses the system's timeval is recognized by its size.
EXPORTED int isagate_setsockopt(int s, int level, int name, const void *value, socklen_t length) {
  int number = 0;
  if (value == NULL || length == 0) {
    return fail(WSAEFAULT);
  }
  memcpy(&number, value, length < sizeof number ? length : sizeof number);
  if (is_time(level, name) && length >= sizeof number && length < sizeof(struct timeval)) {
    struct timeval time = {(DWORD)number / 1000, (DWORD)number % 1000 * 1000};
    return (int)result_of(setsockopt(s, level, name, &time, sizeof time));
  }
  if (level == SOL_SOCKET && name == SO_DONTLINGER) {
    struct linger linger = {number == 0, 0};
    socklen_t size = sizeof linger;
    if (number == 0 && getsockopt(s, level, SO_LINGER, &linger, &size) == 0) {
      linger.l_onoff = 1;
    }
    return (int)result_of(setsockopt(s, level, SO_LINGER, &linger, sizeof linger));
  }
  if (level == SOL_SOCKET && name == SO_EXCLUSIVEADDRUSE) {
    // On Linux, an address is shared only if both sockets request it.
    number = number == 0;
    return number ? 0 : (int)result_of(setsockopt(s, level, SO_REUSEADDR, &number, sizeof number));
  }
  // A BOOL may have been passed as one byte.
  if (length < sizeof number) {
    return (int)result_of(setsockopt(s, level, name, &number, sizeof number));
  }
  return (int)result_of(setsockopt(s, level, name, value, length));
}

EXPORTED int isagate_getsockopt(int s, int level, int name, void *value, socklen_t *length) {
  if (value == NULL || length == NULL || *length == 0) {
    return fail(WSAEFAULT);
  }
  DWORD number = 0;
  socklen_t size = sizeof number;
  if (is_time(level, name) && *length < sizeof(struct timeval)) {
    struct timeval time = {0, 0};
    size = sizeof time;
    if (getsockopt(s, level, name, &time, &size) != 0) {
      return (int)result_of(-1);
    }
    number = (DWORD)(time.tv_sec * 1000 + time.tv_usec / 1000);
  } else if (level == SOL_SOCKET && (name == SO_DONTLINGER || name == SO_EXCLUSIVEADDRUSE)) {
    int values[2] = {0, 0};
    size = sizeof values;
    if (getsockopt(s, level, ~name, values, &size) != 0) {
      return (int)result_of(-1);
    }
    number = values[0] == 0;
  } else if (level == SOL_SOCKET && name == SO_ERROR) {
    if (getsockopt(s, level, name, &number, &size) != 0) {
      return (int)result_of(-1);
    }
    number = (DWORD)winsock_error((int)number);
  } else {
    return (int)result_of(getsockopt(s, level, name, value, length));
  }
  *length = *length < sizeof number ? *length : sizeof number;
  memcpy(value, &number, *length);
  return 0;
}

// ---- Names ----

typedef struct {
  struct hostent host;
  char block[8192];
} host_answer;

static _Thread_local host_answer last_host;

static struct hostent *host_result(struct hostent *host, int error) {
  if (host == NULL) {
    // HOST_NOT_FOUND and the numbers after it have the same distances as on Windows.
    WSASetLastError(error >= HOST_NOT_FOUND && error <= NO_DATA ? WSAHOST_NOT_FOUND + error - HOST_NOT_FOUND : WSANO_RECOVERY);
  }
  return host;
}

EXPORTED struct hostent *isagate_gethostbyname(const char *name) {
  struct hostent *found = NULL;
  int error = NO_RECOVERY;
  char own[256];
  // On Windows an empty name means this machine.
  if (name == NULL || *name == '\0') {
    name = gethostname(own, sizeof own) == 0 ? own : "localhost";
  }
  (void)gethostbyname_r(name, &last_host.host, last_host.block, sizeof last_host.block, &found, &error);
  return host_result(found, error);
}

EXPORTED struct hostent *isagate_gethostbyaddr(const void *address, socklen_t length, int type) {
  struct hostent *found = NULL;
  int error = NO_RECOVERY;
  (void)gethostbyaddr_r(address, length, type, &last_host.host, last_host.block, sizeof last_host.block, &found, &error);
  return host_result(found, error);
}
