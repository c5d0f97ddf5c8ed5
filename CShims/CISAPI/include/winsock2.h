/* The system's sockets under the names that sources for Windows have for them. Descriptors are those of the process. */
#ifndef ISAPI_WINSOCK2_H
#define ISAPI_WINSOCK2_H

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
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

typedef struct sockaddr SOCKADDR, *PSOCKADDR, *LPSOCKADDR;
typedef struct sockaddr_in SOCKADDR_IN, *PSOCKADDR_IN, *LPSOCKADDR_IN;
typedef struct in_addr IN_ADDR;
typedef struct hostent HOSTENT, *PHOSTENT, *LPHOSTENT;

typedef struct WSAData {
  WORD wVersion;
  WORD wHighVersion;
  unsigned short iMaxSockets;
  unsigned short iMaxUdpDg;
  char *lpVendorInfo;
  char szDescription[WSADESCRIPTION_LEN + 1];
  char szSystemStatus[WSASYS_STATUS_LEN + 1];
} WSADATA, *LPWSADATA;

ISAPI_BEGIN

/* 0; WSAVERNOTSUPPORTED for a version older than 1.1. There is nothing to begin or to end. */
int WINAPI WSAStartup(WORD wVersionRequested, LPWSADATA lpWSAData);
int WINAPI WSACleanup(void);
/* The WSAE number for errno; to be asked before another call changes that, as on Windows. */
int WINAPI WSAGetLastError(void);
void WINAPI WSASetLastError(int iError);
int WINAPI closesocket(SOCKET s);
/* FIONBIO, FIONREAD. */
int WINAPI ioctlsocket(SOCKET s, long cmd, u_long *argp);

ISAPI_END

#endif
