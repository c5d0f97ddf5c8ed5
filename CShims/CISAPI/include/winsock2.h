/*
 * The system's sockets with Winsock's semantics. Descriptors are those of the process; overlapped sockets and events
 * are not supported.
 */
#ifndef ISAPI_WINSOCK2_H
#define ISAPI_WINSOCK2_H

/* The capacity of a set of sockets: 64, unless the source defines it before it includes this. */
#if defined FD_SETSIZE && (!defined _SYS_SELECT_H || FD_SETSIZE != 1024)
enum { ISAPI_FD_SETSIZE = FD_SETSIZE };
#else
enum { ISAPI_FD_SETSIZE = 64 };
#endif
#undef FD_SETSIZE

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "windows.h"

#define INVALID_SOCKET ((SOCKET)(~(SOCKET)0))
#define SOCKET_ERROR (-1)
#define SD_RECEIVE 0
#define SD_SEND 1
#define SD_BOTH 2
#define WSADESCRIPTION_LEN 256
#define WSASYS_STATUS_LEN 128
#define SO_DONTLINGER ((int)(~SO_LINGER))
#define SO_EXCLUSIVEADDRUSE ((int)(~SO_REUSEADDR))

typedef struct sockaddr SOCKADDR, *PSOCKADDR, *LPSOCKADDR;
typedef struct sockaddr_in SOCKADDR_IN, *PSOCKADDR_IN, *LPSOCKADDR_IN;
typedef struct sockaddr_storage SOCKADDR_STORAGE, *PSOCKADDR_STORAGE;
typedef struct in_addr IN_ADDR, *PIN_ADDR;
typedef struct hostent HOSTENT, *PHOSTENT, *LPHOSTENT;
typedef struct linger LINGER, *PLINGER, *LPLINGER;
typedef struct timeval TIMEVAL, *PTIMEVAL, *LPTIMEVAL;

typedef struct WSAData {
  WORD wVersion;
  WORD wHighVersion;
  unsigned short iMaxSockets;
  unsigned short iMaxUdpDg;
  char *lpVendorInfo;
  char szDescription[WSADESCRIPTION_LEN + 1];
  char szSystemStatus[WSASYS_STATUS_LEN + 1];
} WSADATA, *LPWSADATA;

/* A list of sockets, whatever their numbers are. */
typedef struct isapi_fd_set {
  u_int fd_count;
  SOCKET fd_array[ISAPI_FD_SETSIZE];
} isapi_fd_set, FD_SET, *PFD_SET, *LPFD_SET;

ISAPI_BEGIN

/* 0; WSAVERNOTSUPPORTED for a version older than 1.1. There is nothing to initialize or to release. */
int WINAPI WSAStartup(WORD wVersionRequested, LPWSADATA lpWSAData);
int WINAPI WSACleanup(void);
/* The WSAE number of the last failure; to be called before another call changes it, as on Windows. */
int WINAPI WSAGetLastError(void);
void WINAPI WSASetLastError(int iError);
/* Wakes threads that wait for the socket, too. */
int WINAPI closesocket(SOCKET s);
/* FIONBIO, FIONREAD, SIOCATMARK. */
int WINAPI ioctlsocket(SOCKET s, long cmd, u_long *argp);

int WINAPI __WSAFDIsSet(SOCKET s, FD_SET *set);
/*
 * The first argument is ignored, the timeout is not modified, sets keep the sockets that are ready. A failed
 * connection is in the exception set, and not writable. No set, or only empty ones: WSAEINVAL.
 */
int WINAPI isagate_select(int nfds, FD_SET *readfds, FD_SET *writefds, FD_SET *exceptfds, const struct timeval *timeout);
/* WSAETIMEDOUT when the time of SO_RCVTIMEO has passed. */
ssize_t isagate_recv(int s, void *buf, size_t len, int flags);
ssize_t isagate_recvfrom(int s, void *buf, size_t len, int flags, struct sockaddr *from, socklen_t *fromlen);

ISAPI_END

static inline void isapi_fd_add(SOCKET s, FD_SET *set) {
  if (set->fd_count < ISAPI_FD_SETSIZE && !__WSAFDIsSet(s, set)) {
    set->fd_array[set->fd_count++] = s;
  }
}

static inline void isapi_fd_remove(SOCKET s, FD_SET *set) {
  u_int kept = 0;
  for (u_int index = 0; index < set->fd_count; index += 1) {
    if (set->fd_array[index] != s) {
      set->fd_array[kept++] = set->fd_array[index];
    }
  }
  set->fd_count = kept;
}

#undef FD_SETSIZE
#undef FD_ZERO
#undef FD_SET
#undef FD_CLR
#undef FD_ISSET
#define FD_SETSIZE ISAPI_FD_SETSIZE
#define FD_ZERO(set) ((void)((set)->fd_count = 0))
#define FD_SET(s, set) isapi_fd_add((SOCKET)(s), (set))
#define FD_CLR(s, set) isapi_fd_remove((SOCKET)(s), (set))
#define FD_ISSET(s, set) __WSAFDIsSet((SOCKET)(s), (FD_SET *)(set))
#define fd_set isapi_fd_set

/* The library itself uses the system's functions. */
#ifndef ISAPI_SYSTEM_SOCKETS

#define select isagate_select
#define recv isagate_recv
#define recvfrom isagate_recvfrom

/*
 * The names of the system's functions are mapped to functions that set the last error and support Winsock's options:
 * times are DWORDs in milliseconds, SO_ERROR is a WSAE number, an accepted socket is blocking or non-blocking as the
 * listening one is.
 */
#ifdef __cplusplus
#define ISAPI_WINSOCK_NOTHROW(name) __THROW __asm__("isagate_" #name)
#else
#define ISAPI_WINSOCK_NOTHROW(name) __asm__("isagate_" #name)
#endif
#define ISAPI_WINSOCK(name) __asm__("isagate_" #name)

ISAPI_BEGIN

int socket(int domain, int type, int protocol) ISAPI_WINSOCK_NOTHROW(socket);
int bind(int s, __CONST_SOCKADDR_ARG address, socklen_t length) ISAPI_WINSOCK_NOTHROW(bind);
int listen(int s, int backlog) ISAPI_WINSOCK_NOTHROW(listen);
int shutdown(int s, int how) ISAPI_WINSOCK_NOTHROW(shutdown);
int getsockname(int s, __SOCKADDR_ARG address, socklen_t *__restrict length) ISAPI_WINSOCK_NOTHROW(getsockname);
int getpeername(int s, __SOCKADDR_ARG address, socklen_t *__restrict length) ISAPI_WINSOCK_NOTHROW(getpeername);
int getsockopt(int s, int level, int name, void *__restrict value, socklen_t *__restrict length) ISAPI_WINSOCK_NOTHROW(getsockopt);
int setsockopt(int s, int level, int name, const void *value, socklen_t length) ISAPI_WINSOCK_NOTHROW(setsockopt);
int accept(int s, __SOCKADDR_ARG address, socklen_t *__restrict length) ISAPI_WINSOCK(accept);
int connect(int s, __CONST_SOCKADDR_ARG address, socklen_t length) ISAPI_WINSOCK(connect);
ssize_t send(int s, const void *bytes, size_t count, int flags) ISAPI_WINSOCK(send);
ssize_t sendto(int s, const void *bytes, size_t count, int flags, __CONST_SOCKADDR_ARG to, socklen_t length)
    ISAPI_WINSOCK(sendto);
/* The result belongs to the calling thread, and is valid until its next call. */
struct hostent *gethostbyname(const char *name) ISAPI_WINSOCK(gethostbyname);
struct hostent *gethostbyaddr(const void *address, socklen_t length, int type) ISAPI_WINSOCK(gethostbyaddr);

ISAPI_END

#ifdef __cplusplus
/* Winsock's lengths are ints. */
extern "C++" {
inline int accept(SOCKET s, struct sockaddr *address, int *length) {
  return accept((int)s, address, (socklen_t *)length);
}
inline int getsockname(SOCKET s, struct sockaddr *address, int *length) {
  return getsockname((int)s, address, (socklen_t *)length);
}
inline int getpeername(SOCKET s, struct sockaddr *address, int *length) {
  return getpeername((int)s, address, (socklen_t *)length);
}
inline int getsockopt(SOCKET s, int level, int name, char *value, int *length) {
  return getsockopt((int)s, level, name, (void *)value, (socklen_t *)length);
}
inline ssize_t isagate_recvfrom(SOCKET s, void *buf, size_t len, int flags, struct sockaddr *from, int *fromlen) {
  return isagate_recvfrom((int)s, buf, len, flags, from, (socklen_t *)fromlen);
}
}
#endif

#endif

#endif
