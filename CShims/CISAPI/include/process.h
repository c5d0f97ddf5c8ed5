/* Threads of Microsoft's C library. */
#ifndef ISAPI_PROCESS_H
#define ISAPI_PROCESS_H

#include "windows.h"

ISAPI_BEGIN

/* A handle, to be closed, or 0 with errno set. */
uintptr_t _beginthreadex(void *security, unsigned stack_size, unsigned(__stdcall *start)(void *), void *argument,
                         unsigned flags, unsigned *thread_id);
void _endthreadex(unsigned exit_code) __attribute__((noreturn));
/* A handle that closes itself when the thread ends, or -1. */
uintptr_t _beginthread(void(__cdecl *start)(void *), unsigned stack_size, void *argument);
void _endthread(void) __attribute__((noreturn));

ISAPI_END

#endif
