// What the program needs of the system. The folders `linux` and `windows` implement it, everything else is the same C
// for both. What a system does not have it refuses by name: nothing is skipped silently.
#ifndef ISAGATE_HOST_SYSTEM_H
#define ISAGATE_HOST_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The types, and what costs too much as a call: locks, and the notes of what a thread runs.
#ifdef _WIN32
#include "windows/types.h"
#else
#include "linux/types.h"
#endif

#include "pool_protocol.h"

struct channel;

// ---- The process ----

// Takes what the arguments require before anything is read; false after a message on standard error.
bool process_begin(int count, char **arguments);
// Ends the process at once, without notifying anyone.
_Noreturn void process_end(int status);
// Whether this is a copy of the process that an extension has made.
bool process_is_copy(void);
void process_set_variable(char *assignment);
// NULL, or why the folder cannot be the working folder.
const char *process_enter_folder(const char *path);

// ---- The sandbox ----

typedef struct {
  uint32_t count;
  char **list;
} paths;

// Gives up what the process need not have, for good. NULL, or why it cannot be done.
const char *sandbox_enter(const pool_hello *hello, const char *folder, const paths *readable, const paths *writable);

// ---- Threads and time ----

// Starts a thread of its own; false if the system has none left.
bool thread_start(void (*body)(void *context), void *context, size_t stack_size);
// The calling thread runs extension code from now on: its name is for reports.
void thread_begins(const char *name);
// Ends what keeps a library loaded: idle threads that run extension code, and those that have been told to end.
void threads_end(void);
void thread_yield(void);
void thread_sleep(uint64_t nanoseconds);
// Nanoseconds since some time.
uint64_t monotonic_now(void);

// ---- Memory ----

// Addresses without memory; the process ends where there are none.
uint8_t *memory_reserve(size_t size);
// Makes a part of them usable; the process ends without memory.
void memory_use(uint8_t *bytes, size_t size);

// ---- Streams and files ----

// Sends some of the bytes, with the files; how many. 0: the gateway has closed the stream.
size_t stream_send(system_stream stream, const void *bytes, size_t count, const system_file *files, unsigned file_count);
// Sends what can be sent without waiting: the process is about to end.
void stream_send_last(system_stream stream, const void *bytes, size_t count);
// Receives some bytes and the files with them: how many bytes; 0 if the gateway has closed the stream, -1 if there are
// none yet. It may say so only if `may_wait` is false, or when a signal came.
long stream_receive(system_stream stream, void *bytes, size_t room, system_file *files, unsigned *file_count,
                    bool may_wait);

// A file in memory with these bytes; NO_FILE, and the last error that a call has then.
system_file memory_file(const void *bytes, size_t count, uint32_t *error);
void file_close(system_file file);

// The file behind a handle of the extension, with a reference until the release.
typedef enum { FILE_TAKEN, FILE_IS_NONE, FILES_CANNOT_PASS } file_outcome;
file_outcome file_retain(void *handle, file_reference *reference, system_file *file);
void file_release(file_reference reference);

// ---- What the gateway hands over, in this order ----

system_stream handover_control(void);
pool_memory *handover_memory(struct channel *control);
library_file handover_library(struct channel *control);
system_stream handover_stream(struct channel *control);
// What the extensions have to do without on this system, for the log; NULL for nothing.
extern const char *const handover_notice;

// ---- Libraries ----

// Why code cannot be loaded.
typedef struct {
  // POOL_REFUSED_CANNOT_OPEN and the like.
  uint32_t reason;
  uint32_t error;
  // Valid as long as nothing else is loaded.
  const char *text;
} code_refusal;

// Loads a library; NULL and a reason if it cannot be. Its paths have backslashes if that is said.
void *code_open(library_file file, const char *path, bool has_backslashes, uint64_t *identity, code_refusal *refusal);
// An exported function, or NULL.
void *code_function(void *code, const char *name);
// Names it in reports by a function of it.
void code_name(const void *function, const char *name, const char *path);
// Notifies it of the process. False: it refuses, with the last error.
bool code_attach(uint64_t identity);
void code_close(uint64_t identity);
// The calling thread ends: libraries are notified, by now or as it ends.
void code_thread_ends(void);

// ---- Reports ----

// From now on a crash sends the notice, calls `before`, and is described on standard error. False if the system refuses.
bool crashes_catch(system_stream control, const void *notice, size_t count, void (*before)(void));

// The stack of the thread that runs code for the request, named by the address given to run_begins: 1 if it was taken, 0
// if no thread runs that code, -1 if the thread does not answer.
int stack_take(const uint64_t *request, stack_report *report);
// Writes a frame without a NUL; the number of bytes, at most `room`.
size_t stack_describe(int number, void *frame, char *text, size_t room);

#endif
