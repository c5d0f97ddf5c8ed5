#define _GNU_SOURCE
#include "CLinux.h"
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>

static __thread void *current_worker;

void *CLinux_current_worker(void) { return current_worker; }
void CLinux_set_current_worker(void *worker) { current_worker = worker; }

int CLinux_accept(int listener, struct sockaddr_storage *address, socklen_t *length) {
  return accept4(listener, (struct sockaddr *)address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

void CLinux_set_thread_name(const char *name) { prctl(PR_SET_NAME, name); }

int CLinux_memfd_create(const char *name) { return memfd_create(name, MFD_CLOEXEC); }

long CLinux_sendfile(int destination, int source, unsigned long count) {
  return sendfile(destination, source, 0, count);
}
