// Names and addresses by DNS, without blocking: c-ares (ares_getaddrinfo(3)).
#ifndef CARES_H
#define CARES_H

#include <ares.h>
#include <netdb.h>

static inline int CAres_is_readable(int mask, int index) { return ARES_GETSOCK_READABLE(mask, index) != 0; }
static inline int CAres_is_writable(int mask, int index) { return ARES_GETSOCK_WRITABLE(mask, index) != 0; }

#endif
