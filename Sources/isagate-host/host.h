// Shared declarations of the program that runs the extensions of an application pool.
#ifndef ISAGATE_HOST_H
#define ISAGATE_HOST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "httpext.h"
#include "pool_protocol.h"
#include "system.h"

// ---- Messages ----

// Bytes that grow at their end.
typedef struct {
  uint8_t *bytes;
  size_t count, capacity;
} buffer;

// One end of a stream, used by one thread at a time.
typedef struct channel {
  system_stream stream;
  // The messages to be sent, and the beginning of the one that is composed.
  buffer output;
  size_t message;
  // The files that accompany it.
  system_file files[POOL_FILES];
  unsigned file_count;
  // What was received, of which the part from `start` was not read.
  buffer input;
  size_t start;
  // Messages that came while the answer to a call was waited for, of which those from `early_start` on were not read.
  buffer early;
  size_t early_start;
  // Messages that are sent with the next ones; `held_since` is 0 as long as there are none.
  mutex held_lock;
  buffer held;
  atomic_ullong held_since;
  // The files that came with it.
  system_file received[POOL_FILES];
  unsigned received_count;
  struct channel *next;
} channel;

// A message that was received; the payload is valid until the next one.
typedef struct {
  pool_header header;
  const uint8_t *payload;
  // Where the next item begins.
  size_t position;
} message;

// An item of a payload, NULL if it stands for that.
typedef struct {
  const uint8_t *bytes;
  uint32_t count;
} item;

// Appends to a buffer; the process ends where there is no memory.
void buffer_append(buffer *target, const void *bytes, size_t count);
void buffer_clear(buffer *target, size_t kept);

void channel_open(channel *self, system_stream stream);
// Composes a message: its beginning, its payload, its end. Without an end it is not sent.
void message_begin(channel *self, uint16_t type, uint16_t flags, uint32_t request, uint32_t value);
void message_bytes(channel *self, const void *bytes, size_t count);
void message_item(channel *self, const void *bytes, size_t count);
void message_null(channel *self);
void message_word(channel *self, uint32_t word);
// The file stays the caller's, open until the message is sent; false if there are too many.
bool message_file(channel *self, system_file file);
void message_end(channel *self);
// Appends messages that were composed before.
void channel_append(channel *self, const void *messages, size_t count);
// Sends what was composed. Where the gateway has gone the process ends.
void channel_flush(channel *self);
// Lets what was composed be sent together with the next messages.
void channel_hold(channel *self);
// Sends what was held before the time, in nanoseconds; whether anything is still held. Any thread may call it.
bool channel_release_held(channel *self, uint64_t before);
// Sends what is held, if that takes no time: the process is about to end.
void channel_send_last(channel *self);
// Receives the next message.
message channel_receive(channel *self);
// Receives the answer to a call.
message channel_receive_reply(channel *self);
// Whether the next message has arrived, as far as that is known without asking the system.
bool channel_has_message(channel *self);
// The next file that came with the messages so far: the caller owns it. NO_FILE if there is none.
system_file channel_take_file(channel *self);

item message_next(message *self);
uint32_t message_next_word(message *self);

// A text of its own; the process ends where there is no memory.
char *item_copy(item text);

// ---- The process ----

// Has a text logged.
void send_notice(const char *text);
// The process cannot serve: it says why and ends.
_Noreturn void host_refuse(const char *text);

// ---- Libraries ----

typedef struct {
  char *name, *path;
  bool has_backslashes;
  library_file file;
  // Of code_open; 0 if it was not loaded.
  uint64_t identity;
  PFN_GETEXTENSIONVERSION version;
  PFN_HTTPEXTENSIONPROC run;
  PFN_TERMINATEEXTENSION terminate;
} library;

// Loads it and calls GetExtensionVersion, and tells the gateway on `control` what came of it.
void library_load(library *self, uint32_t index, channel *control);

// ---- Requests ----

// A server variable: its name, and its value or its error number.
typedef struct variable {
  struct variable *next;
  uint32_t error;
  uint32_t count;
  // The value is behind it.
  char *name;
  uint8_t value[];
} variable;

// A completion function with its context. The gateway gets the address as its name, and returns it.
typedef struct completion {
  struct completion *next;
  PFN_HSE_IO_COMPLETION function;
  void *context;
} completion;

// A request as long as the extension may call for it, and as long as a call is in progress.
typedef struct request {
  uint32_t index;
  atomic_uint references;
  // Guards everything below, and the order of calls: see calls.c.
  mutex lock;
  // Messages of calls that have succeeded for the extension, and that were not sent.
  buffer deferred;
  atomic_ullong deferred_since;
  // The extension has called SEND_RESPONSE_HEADER, or has written.
  bool has_begun_response;
  // DONE_WITH_SESSION has succeeded, HttpExtensionProc has not returned.
  bool is_done, is_running;
  // The completion functions of its operations.
  completion *completions;
  variable *variables;
  // Whether calls may still be deferred: the gateway has not been asked for anything that changes what they do.
  bool may_defer;
  // The library whose code it runs.
  const library *library;
  // The id, for the crash report.
  uint64_t trace[5];
  // The beginning of the body, and the texts, for the control block.
  _Alignas(16) uint8_t texts[];
} request;

// Makes the request of a POOL_RUN known by its control block.
EXTENSION_CONTROL_BLOCK *request_begin(message *run, const library *library, request **made);
// The request that a ConnID stands for, with a reference for the caller; NULL if none is in progress. `index` is that of
// the last request, or POOL_NO_REQUEST.
request *request_find(HCONN connection, uint32_t *index);
request *request_at(uint32_t index);
void request_release(request *self);
// The extension's part of it has ended: it is not found any more.
void request_end(request *self);
EXTENSION_CONTROL_BLOCK *request_block(request *self);
void request_add_variable(request *self, const char *name, uint32_t error, const void *value, uint32_t count);
// NULL if it is not known here.
variable *request_variable(request *self, const char *name);
// The same for the same function and context; NULL without memory.
completion *request_completion(request *self, PFN_HSE_IO_COMPLETION function, void *context);
void requests_open(void);

// ---- Calls ----

// The functions of every control block.
BOOL WINAPI host_get_server_variable(HCONN connection, LPSTR name, LPVOID value, LPDWORD size);
BOOL WINAPI host_write_client(HCONN connection, LPVOID bytes, LPDWORD count, DWORD flags);
BOOL WINAPI host_read_client(HCONN connection, LPVOID bytes, LPDWORD size);
BOOL WINAPI host_server_support(HCONN connection, DWORD number, LPVOID bytes, LPDWORD size, LPDWORD type);

// Sets the last error, and returns FALSE.
BOOL call_refuse(uint32_t error);

// A call of the extension on its way to the gateway.
typedef struct {
  // With a reference; NULL if the ConnID is not that of a request in progress.
  request *request;
  uint32_t index;
  channel *channel;
  // The request's lock is held until the answer.
  bool is_locked;
} call;

// Begins a call, and composes the messages that were deferred before it; `may_wait`: it may take long.
call call_begin(HCONN connection, bool may_wait);
// Begins the message of a call.
void call_message(call *self, uint16_t type, uint32_t value);
// Sends the message and receives the answer.
message call_perform(call *self);
// Ends it, after everything was read from its answer: TRUE, or FALSE with the last error set.
BOOL call_end(call *self, uint32_t error);

// Begins a call that need not be sent before the next one of the request, if it has at most `count` bytes; false if it
// has to be performed.
bool call_begin_deferred(call *self, HCONN connection, size_t count);
// Defers the message, and ends the call.
BOOL call_defer(call *self);

// Sends what was deferred, and waits until it has arrived: with the request's lock held.
void call_deliver(request *request, channel *by);

// The channel of the calling thread, on which the gateway runs extension code; NULL for other threads.
extern _Thread_local channel *own_channel;
// The request whose code runs on the thread.
extern _Thread_local request *own_request;

// Shares channels between the threads that have none of their own, and starts the thread that sends what was deferred
// for too long on the `run_count` run channels.
void calls_open(channel *shared, unsigned count, channel *run, unsigned run_count);
// The thread of a run channel begins to run a request, NULL: has ended that.
void calls_set_running(unsigned run_channel, request *running);
// Something was deferred, and must not be for too long.
void calls_note_deferred(void);

#endif
