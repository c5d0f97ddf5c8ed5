// What sockets are called differently.
#include <errno.h>
#include <string.h>

#include "compat.h"
#include "winsock2.h"

#define OLDEST_VERSION 0x0101
#define NEWEST_VERSION 0x0202

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

int WINAPI WSAGetLastError(void) {
  switch (errno) {
  case EINTR: return WSAEINTR;
  case EBADF: return WSAEBADF;
  case EACCES:
  case EPERM: return WSAEACCES;
  case EFAULT: return WSAEFAULT;
  case EINVAL: return WSAEINVAL;
  case EMFILE:
  case ENFILE: return WSAEMFILE;
  // A connection that is being made is not ready, in Windows' words.
  case EINPROGRESS:
  case EAGAIN: return WSAEWOULDBLOCK;
  case EALREADY: return WSAEALREADY;
  case ENOTSOCK: return WSAENOTSOCK;
  case EDESTADDRREQ: return WSAEDESTADDRREQ;
  case EMSGSIZE: return WSAEMSGSIZE;
  case ENOPROTOOPT: return WSAENOPROTOOPT;
  case EPROTONOSUPPORT: return WSAEPROTONOSUPPORT;
  case EOPNOTSUPP: return WSAEOPNOTSUPP;
  case EAFNOSUPPORT: return WSAEAFNOSUPPORT;
  case EADDRINUSE: return WSAEADDRINUSE;
  case EADDRNOTAVAIL: return WSAEADDRNOTAVAIL;
  case ENETDOWN: return WSAENETDOWN;
  case ENETUNREACH: return WSAENETUNREACH;
  case ECONNABORTED: return WSAECONNABORTED;
  case ECONNRESET: return WSAECONNRESET;
  case ENOBUFS:
  case ENOMEM: return WSAENOBUFS;
  case EISCONN: return WSAEISCONN;
  case ENOTCONN: return WSAENOTCONN;
  case EPIPE: return WSAESHUTDOWN;
  case ETIMEDOUT: return WSAETIMEDOUT;
  case ECONNREFUSED: return WSAECONNREFUSED;
  case EHOSTUNREACH: return WSAEHOSTUNREACH;
  // What WSASetLastError or the contract's functions set is a number of Windows already.
  default: return errno;
  }
}

void WINAPI WSASetLastError(int iError) { SetLastError((DWORD)iError); }

int WINAPI closesocket(SOCKET s) { return close((int)s); }

int WINAPI ioctlsocket(SOCKET s, long cmd, u_long *argp) {
  if (argp == NULL) {
    errno = EFAULT;
    return SOCKET_ERROR;
  }
  if (cmd != (long)FIONBIO && cmd != (long)FIONREAD) {
    errno = EOPNOTSUPP;
    return SOCKET_ERROR;
  }
  int value = (int)*argp;
  if (ioctl((int)s, (unsigned long)cmd, &value) != 0) {
    return SOCKET_ERROR;
  }
  if (cmd == (long)FIONREAD) {
    *argp = (u_long)value;
  }
  return 0;
}
