/* Completion ports, as queues between threads. Operations on files are complete when their call returns; none posts. */
#ifndef ISAPI_IOAPISET_H
#define ISAPI_IOAPISET_H

#include "minwinbase.h"

ISAPI_BEGIN

/*
 * A new port for `FileHandle` INVALID_HANDLE_VALUE; a file cannot be bound to one: ERROR_NOT_SUPPORTED. Any number of
 * threads run. Close it when no thread waits at it any more.
 */
HANDLE WINAPI CreateIoCompletionPort(HANDLE FileHandle, HANDLE ExistingCompletionPort, ULONG_PTR CompletionKey,
                                     DWORD NumberOfConcurrentThreads);
/* ERROR_NO_SYSTEM_RESOURCES when 65,536 packets are waiting. */
BOOL WINAPI PostQueuedCompletionStatus(HANDLE CompletionPort, DWORD dwNumberOfBytesTransferred,
                                       ULONG_PTR dwCompletionKey, LPOVERLAPPED lpOverlapped);
/* The oldest of those posted; FALSE and WAIT_TIMEOUT, with no OVERLAPPED, when none came in time. */
BOOL WINAPI GetQueuedCompletionStatus(HANDLE CompletionPort, LPDWORD lpNumberOfBytesTransferred,
                                      PULONG_PTR lpCompletionKey, LPOVERLAPPED *lpOverlapped, DWORD dwMilliseconds);

ISAPI_END

#endif
