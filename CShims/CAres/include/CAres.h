// Names and addresses by DNS, without blocking: c-ares (ares_getaddrinfo(3)).
#ifndef CARES_H
#define CARES_H

#include <ares.h>
#include <netdb.h>

// A macro in some versions of c-ares, an enumeration case in others.
static const int CAres_SUCCESS = ARES_SUCCESS;

/// Called once with the answer in wire form (RFC 1035 §4), or with the status of the failure and no message.
typedef void (*CAres_answer)(void *argument, int status, const unsigned char *message, int count);

/// Queries the records of a type and of class IN of a name.
void CAres_query(ares_channel channel, const char *name, int type, CAres_answer answered, void *argument);

#endif
