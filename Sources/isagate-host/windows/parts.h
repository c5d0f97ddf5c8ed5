// What the files of this folder share.
#ifndef ISAGATE_HOST_WINDOWS_PARTS_H
#define ISAGATE_HOST_WINDOWS_PARTS_H

#include "../host.h"

// ---- Text ----

// UTF-16 from UTF-8 in memory of its own; the process ends without it.
WCHAR *wide_copy(const char *text);
// What an error number means, valid until the next call.
const char *error_text(DWORD error);

// ---- Threads ----

// False, after a message, if threads cannot be noted.
bool threads_open(void);
// The record of the thread that runs code for the request, or NULL.
thread_record *thread_running(const uint64_t *request);

// ---- The handover ----

// The name of the control channel, in place of POOL_CONTROL_FD.
void handover_name_control(const char *name);

// ---- Frames ----

// A line of a report; bytes that do not fit are left out.
typedef struct {
  char bytes[512];
  size_t count;
} line;

void line_put(line *to, const char *text);
void line_put_number(line *to, uint64_t number, unsigned base, int width);
void line_put_address(line *to, uintptr_t address);
// `#0 0x7f89b488a672 HttpExtensionProc+0x37 in Z:\srv\app\shop.dll+0x1672`
void line_put_frame(line *to, int number, void *frame);

// False if the system refuses what frames_take needs.
bool frames_open(void);
// The return addresses on a stack from a state of registers on, which is changed; at most `limit`.
int frames_take(CONTEXT *registers, uintptr_t low, uintptr_t high, void **frames, int limit);
// The extension whose library is nearest to the top of the stack; NULL for none.
const char *frames_extension(void *const *frames, int count);

#endif
