// Stacks as text, without any memory that is allocated.
#ifndef CLINUX_FRAMES_H
#define CLINUX_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include "CLinux.h"

// Of the program's own files: extensions have names of their own.
#pragma GCC visibility push(hidden)

enum { frame_limit = CLinux_STACK_LIMIT };

typedef struct {
  char bytes[512];
  size_t count;
} text;

void text_put(text *to, const char *from);
void text_put_number(text *to, uint64_t number, unsigned base, int width);
void text_put_address(text *to, uintptr_t address);
// `#0 0x7f89b488a672 HttpExtensionProc+0x37 in /usr/lib/app/shop.so+0x1672`
void text_put_frame(text *to, int number, void *frame);

// The frames from the one that a signal has interrupted on: the first is where that happened.
int frames_take(void **frames, int limit, const void *context);
// Where the signal has interrupted the code.
void *frames_fault(const void *context);
// The extension whose library is nearest to the top of the stack; NULL for none.
const char *frames_extension(void *const *frames, int count);

// The calling thread may be asked for its stack (Stacks.c).
void stacks_note_thread(void);

#pragma GCC visibility pop

#endif
