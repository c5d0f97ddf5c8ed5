/* The checks of a test program: a failed one is printed with its line and changes the exit status. */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#include <windows.h>

static int failures;

#define CHECK(condition)                                                                                               \
  ((condition) ? (void)0 : (void)(failures += 1, printf("%s:%d: %s (last error %u)\n", __FILE__, __LINE__, #condition, \
                                                        GetLastError())))

/* The call fails with this error. */
#define FAILS(call, error)                                                                                             \
  (SetLastError(0), (call) ? (void)(failures += 1, printf("%s:%d: %s succeeds\n", __FILE__, __LINE__, #call))          \
                           : (void)0,                                                                                  \
   GetLastError() == (error)                                                                                           \
       ? (void)0                                                                                                       \
       : (void)(failures += 1, printf("%s:%d: %s: error %u\n", __FILE__, __LINE__, #call, GetLastError())))

#endif
