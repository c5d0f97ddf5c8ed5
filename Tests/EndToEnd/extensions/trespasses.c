/* Tries what a process of a pool must not do. The query string is `what=argument`; the answer is the result: `done`, or
   the error. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "httpext.h"

BOOL WINAPI GetExtensionVersion(HSE_VERSION_INFO *version) {
  version->dwExtensionVersion = HSE_VERSION;
  strcpy(version->lpszExtensionDesc, "Trespasses");
  return TRUE;
}

static int read_file(const char *path) {
  char byte;
  int file = open(path, O_RDONLY);
  if (file < 0) return -1;
  int result = read(file, &byte, 1) < 0 ? -1 : 0;
  close(file);
  return result;
}

static int write_file(const char *path) {
  int file = open(path, O_WRONLY | O_CREAT, 0600);
  if (file < 0) return -1;
  int result = write(file, "x", 1) == 1 ? 0 : -1;
  close(file);
  return result;
}

static int list_folder(const char *path) {
  DIR *folder = opendir(path);
  if (!folder) return -1;
  closedir(folder);
  return 0;
}

/* A name that begins with @ is an abstract one. */
static int connect_local(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  socklen_t length = sizeof address;
  if (path[0] == '@') {
    length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    address.sun_path[0] = 0;
  }
  int one = socket(AF_UNIX, SOCK_STREAM, 0);
  if (one < 0) return -1;
  int result = connect(one, (struct sockaddr *)&address, length);
  close(one);
  return result;
}

static int connect_port(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int one = socket(AF_INET, SOCK_STREAM, 0);
  if (one < 0) return -1;
  int result = connect(one, (struct sockaddr *)&address, sizeof address);
  close(one);
  return result;
}

/* Sends a datagram from one end of a pair to an address of its own choice. */
static int send_datagram(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) != 0) return -1;
  return sendto(pair[0], "x", 1, 0, (struct sockaddr *)&address, sizeof address) == 1 ? 0 : -1;
}

static int read_memory(int pid) {
  char byte;
  struct iovec here = {&byte, 1}, there = {(void *)0x400000, 1};
  return process_vm_readv(pid, &here, 1, &there, 1, 0) < 0 ? -1 : 0;
}

static int run_program(const char *path) {
  pid_t child = fork();
  if (child == 0) {
    execl(path, path, (char *)NULL);
    _exit(127);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return -1;
  errno = EACCES;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

static int allocate(size_t mebibytes) {
  char *memory = malloc(mebibytes << 20);
  if (!memory) return -1;
  memset(memory, 1, mebibytes << 20);
  free(memory);
  return 0;
}

static int open_many(int count) {
  static int files[4096];
  int opened = 0, result = 0;
  for (; opened < count && opened < 4096; opened++) {
    if ((files[opened] = open("/dev/null", O_RDONLY)) < 0) {
      result = -1;
      break;
    }
  }
  int error = errno;
  while (opened > 0) close(files[--opened]);
  errno = error;
  return result;
}

static int attempt(const char *what, const char *argument) {
  int number = atoi(argument);
  if (strcmp(what, "read") == 0) return read_file(argument);
  if (strcmp(what, "write") == 0) return write_file(argument);
  if (strcmp(what, "list") == 0) return list_folder(argument);
  if (strcmp(what, "local") == 0) return connect_local(argument);
  if (strcmp(what, "port") == 0) return connect_port(number);
  if (strcmp(what, "datagram") == 0) return send_datagram(argument);
  if (strcmp(what, "signal") == 0) return kill(number, 0);
  if (strcmp(what, "ptrace") == 0) return (int)ptrace(PTRACE_SEIZE, number, NULL, NULL);
  if (strcmp(what, "memory") == 0) return read_memory(number);
  if (strcmp(what, "run") == 0) return run_program(argument);
  if (strcmp(what, "mount") == 0) return mount("none", argument, "tmpfs", 0, NULL);
  if (strcmp(what, "unshare") == 0) return unshare(CLONE_NEWUSER);
  if (strcmp(what, "become") == 0) return setuid((uid_t)number);
  if (strcmp(what, "own") == 0) return chown(argument, 1, 1);
  if (strcmp(what, "uring") == 0) return (int)syscall(425, 1, NULL);
  if (strcmp(what, "packet") == 0) return socket(AF_PACKET, SOCK_RAW, 0);
  if (strcmp(what, "allocate") == 0) return allocate((size_t)number);
  if (strcmp(what, "descriptors") == 0) return open_many(number);
  if (strcmp(what, "core") == 0) {
    struct rlimit limit;
    getrlimit(RLIMIT_CORE, &limit);
    errno = EPERM;
    return limit.rlim_max == 0 ? -1 : 0;
  }
  errno = ENOSYS;
  return -1;
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  char what[32] = "", body[64], head[128];
  const char *argument = strchr(block->lpszQueryString, '=');
  size_t length = argument ? (size_t)(argument - block->lpszQueryString) : 0;
  if (!argument || length >= sizeof what) return HSE_STATUS_ERROR;
  memcpy(what, block->lpszQueryString, length);
  int result = attempt(what, argument + 1);
  DWORD written = (DWORD)snprintf(body, sizeof body, "%s", result < 0 ? strerrorname_np(errno) : "done");
  HSE_SEND_HEADER_EX_INFO response = {"200 OK", head, 6, 0, TRUE};
  response.cchHeader = (DWORD)sprintf(head, "Content-Type: text/plain\r\nContent-Length: %u\r\n\r\n", written);
  block->ServerSupportFunction(block->ConnID, HSE_REQ_SEND_RESPONSE_HEADER_EX, &response, NULL, NULL);
  block->WriteClient(block->ConnID, body, &written, HSE_IO_SYNC);
  return HSE_STATUS_SUCCESS_AND_KEEP_CONN;
}
