// Waiting for several sockets, with Winsock's semantics.
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#define ISAPI_SYSTEM_SOCKETS
#include "../compat.h"
#include "winsock2.h"

#define EXPORTED __attribute__((visibility("default")))

// The number of sockets up to which no heap memory is needed.
#define FEW 192

// A set of any size: sources define the capacity of theirs.
typedef struct {
  u_int count;
  SOCKET sockets[];
} socket_list;

enum { TO_READ, TO_WRITE, EXCEPTIONS, KINDS };

static const short events[KINDS] = {POLLIN, POLLOUT, POLLPRI};

int WINAPI __WSAFDIsSet(SOCKET s, FD_SET *set) {
  const socket_list *list = (const socket_list *)(const void *)set;
  for (u_int index = 0; index < list->count; index += 1) {
    if (list->sockets[index] == s) {
      return TRUE;
    }
  }
  return FALSE;
}

// Whether the socket's connection failed; an established one has TCP metrics.
static bool has_failed_to_connect(int s) {
  struct tcp_info info;
  socklen_t size = sizeof info;
  memset(&info, 0, sizeof info);
  return getsockopt(s, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_state == TCP_CLOSE && info.tcpi_rtt == 0;
}

static bool is_ready(int kind, const struct pollfd *entry) {
  bool is_over = (entry->revents & (POLLERR | POLLHUP)) != 0;
  if (is_over && has_failed_to_connect(entry->fd)) {
    return kind == EXCEPTIONS;
  }
  return (entry->revents & events[kind]) != 0 || (is_over && kind != EXCEPTIONS);
}

static bool is_earlier(struct timespec left, struct timespec right) {
  return left.tv_sec != right.tv_sec ? left.tv_sec < right.tv_sec : left.tv_nsec < right.tv_nsec;
}

// The time left until `end`; zero when it has passed.
static struct timespec rest(struct timespec end) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  if (is_earlier(end, now)) {
    return (struct timespec){0, 0};
  }
  struct timespec left = {end.tv_sec - now.tv_sec, end.tv_nsec - now.tv_nsec};
  if (left.tv_nsec < 0) {
    left.tv_sec -= 1;
    left.tv_nsec += 1000000000;
  }
  return left;
}

static struct timespec deadline(const struct timeval *timeout) {
  struct timespec end;
  clock_gettime(CLOCK_MONOTONIC, &end);
  end.tv_sec += timeout->tv_sec;
  end.tv_nsec += timeout->tv_usec * 1000;
  end.tv_sec += end.tv_nsec / 1000000000;
  end.tv_nsec %= 1000000000;
  return end;
}

// Waits until one of the entries is ready; returns their number, 0 after a timeout, or -1 with errno set.
static int wait_for_any(struct pollfd *entries, const u_char *kinds, size_t count, const struct timeval *timeout) {
  struct timespec end = timeout != NULL ? deadline(timeout) : (struct timespec){0, 0};
  while (true) {
    struct timespec left = timeout != NULL ? rest(end) : (struct timespec){0, 0};
    bool is_last = timeout != NULL && left.tv_sec == 0 && left.tv_nsec == 0;
    int outcome = ppoll(entries, count, timeout != NULL ? &left : NULL, NULL);
    if (outcome < 0 && errno != EINTR) {
      return -1;
    }
    int ready = 0;
    for (size_t index = 0; index < count && outcome > 0; index += 1) {
      struct pollfd *entry = &entries[index];
      if (entry->fd >= 0 && (entry->revents & POLLNVAL) != 0) {
        errno = ENOTSOCK;
        return -1;
      }
      if (entry->fd >= 0 && entry->revents != 0 && !is_ready(kinds[index], entry)) {
        // This entry cannot become ready for what this set requests.
        entry->fd = -1;
        entry->revents = 0;
      }
      ready += entry->fd >= 0 && entry->revents != 0;
    }
    if (ready > 0 || is_last) {
      return ready;
    }
  }
}

// Keeps only the sockets that are ready in the set.
static void keep_ready(socket_list *list, const struct pollfd *entries) {
  u_int kept = 0;
  for (u_int index = 0; index < list->count; index += 1) {
    if (entries[index].fd >= 0 && entries[index].revents != 0) {
      list->sockets[kept++] = list->sockets[index];
    }
  }
  list->count = kept;
}

static int finish(struct pollfd *entries, struct pollfd *few, int result, DWORD error) {
  if (entries != few) {
    free(entries);
  }
  if (error != ERROR_SUCCESS) {
    SetLastError(error);
  }
  return error != ERROR_SUCCESS ? SOCKET_ERROR : result;
}

EXPORTED int WINAPI isagate_select(int nfds, FD_SET *readfds, FD_SET *writefds, FD_SET *exceptfds,
                                   const struct timeval *timeout) {
  (void)nfds;
  socket_list *lists[KINDS] = {(socket_list *)(void *)readfds, (socket_list *)(void *)writefds,
                               (socket_list *)(void *)exceptfds};
  size_t count = 0;
  for (int kind = 0; kind < KINDS; kind += 1) {
    count += lists[kind] != NULL ? lists[kind]->count : 0;
  }
  struct pollfd few[FEW];
  bool is_time = timeout == NULL || (timeout->tv_sec >= 0 && timeout->tv_usec >= 0);
  if (count == 0 || !is_time) {
    return finish(few, few, 0, WSAEINVAL);
  }
  // The entries are followed by their kinds, one byte each.
  size_t entry_size = sizeof(struct pollfd) + 1;
  struct pollfd *entries = count * entry_size <= sizeof few ? few : malloc(count * entry_size);
  if (entries == NULL) {
    return finish(few, few, 0, WSAENOBUFS);
  }
  u_char *kinds = (u_char *)&entries[count];
  size_t end = 0;
  for (int kind = 0; kind < KINDS; kind += 1) {
    for (u_int index = 0; lists[kind] != NULL && index < lists[kind]->count; index += 1) {
      kinds[end] = (u_char)kind;
      entries[end++] = (struct pollfd){(int)lists[kind]->sockets[index], events[kind], 0};
    }
  }
  int ready = wait_for_any(entries, kinds, count, timeout);
  if (ready < 0) {
    return finish(entries, few, 0, errno == ENOTSOCK ? WSAENOTSOCK : errno == EINVAL ? WSAEINVAL : WSAENOBUFS);
  }
  const struct pollfd *own = entries;
  for (int kind = 0; kind < KINDS; kind += 1) {
    if (lists[kind] != NULL) {
      u_int asked = lists[kind]->count;
      keep_ready(lists[kind], own);
      own += asked;
    }
  }
  return finish(entries, few, ready, ERROR_SUCCESS);
}
