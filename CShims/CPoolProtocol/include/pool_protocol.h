// The protocol between the gateway and the process that runs the extensions of an application pool (isagate-host).
//
// Both ends run on one machine and are installed together: numbers have the machine's byte order and the first message
// tells the version. The gateway does not trust the process: it checks each length, offset, index and number that comes
// from it.
//
// There is one control channel, and a number of call channels, each a stream socket. A call channel carries one call of
// extension code at a time: the gateway sends POOL_RUN or POOL_COMPLETE, the process sends the extension's calls, of
// which each is answered with POOL_REPLY unless it has POOL_NO_REPLY, and then POOL_RETURN. Threads that the extension
// has created share further call channels, on which nothing is run and the process begins.
//
// Several POOL_RUN may follow each other at once. The process runs them in their order, and may send the POOL_RETURN of
// one together with what follows. As long as it has not entered the code of one, the gateway may take it back: see
// `pool_memory`.
#ifndef POOL_PROTOCOL_H
#define POOL_PROTOCOL_H

#include <stdint.h>

#define POOL_VERSION 4

// The process's control channel. Every other descriptor comes by it, behind POOL_HELLO.
#define POOL_CONTROL_FD 3

// Libraries of a pool at most.
#define POOL_LIBRARIES 64
// Call channels at most, of both kinds together.
#define POOL_CHANNELS 512
// Bytes of a payload at most.
#define POOL_PAYLOAD_LIMIT (4u << 20)
// Control blocks: the indices of requests are below.
#define POOL_REQUESTS (1u << 20)
// The index of a call whose ConnID was never that of a request.
#define POOL_NO_REQUEST 0xFFFFFFFFu
// Bytes of a synchronous write that are sent with one message.
#define POOL_WRITE_SIZE (256u << 10)
// Bytes of an asynchronous write that are sent with its message; the rest is passed as a file.
#define POOL_ASYNC_SIZE (1u << 20)
// Bytes of an asynchronous read at most.
#define POOL_READ_SIZE (256u << 10)
// Files that accompany a message at most.
#define POOL_FILES 64

enum {
  // On the control channel, from the gateway.

  // Items: `pool_hello`, the name of the pool, its working folder; then as many environment variables (NAME=VALUE),
  // paths that may be read, and paths that may be written, as `pool_hello` says; then for each library `pool_library`,
  // the name of the extension, the path of the library.
  POOL_HELLO = 1,
  // The message has files. All of them, in this order: the memory shared with the gateway, the libraries, then the call
  // channels, first those on which the gateway runs extension code.
  POOL_DESCRIPTORS,
  POOL_PING,
  // TerminateExtension of the library `request` with `value`.
  POOL_TERMINATE,
  // Ends the process, with DllMain's notifications.
  POOL_STOP,
  // Asks for the stack of the thread that runs the code of `request`.
  POOL_LOOK,
  // In place of POOL_DESCRIPTORS, to a Windows process, which cannot receive descriptors. Items, in the same order, each a
  // text: `#` and a number for what the process has inherited, a descriptor under Wine and a handle elsewhere; or a path
  // of its system, as that of a library always is.
  POOL_NAMES,

  // On the control channel, from the process.

  // The library `request` was loaded. Items: a word, what GetExtensionVersion gave; the description.
  POOL_LOADED = 16,
  // The library `request` cannot be used, or with POOL_NO_REQUEST the process: `value` is a POOL_REFUSED_ number. Items:
  // a word, the last error; a text.
  POOL_REFUSED,
  // Each library was loaded or refused.
  POOL_READY,
  // Item: a text for the log, of a protection that the system does not offer.
  POOL_NOTICE,
  POOL_PONG,
  // `request`: the library. `value`: whether the extension agrees.
  POOL_TERMINATED,
  // The process is crashing; it ends soon.
  POOL_CRASHED,
  // The answer to POOL_LOOK for `request`. `value`: a POOL_STACK_ number. With POOL_STACK_TAKEN items: the name of the
  // thread, then each frame as text.
  POOL_STACK,

  // On a call channel, from the gateway.

  // Runs HttpExtensionProc. `value`: cbTotalBytes. Items: `pool_run`, method, query string, path info, translated path,
  // content type, the body's beginning, and for each variable its name, its error number as a word, its value.
  POOL_RUN = 32,
  // Calls the completion function of the request. Items: `pool_completion`, the bytes read.
  POOL_COMPLETE,
  // The answer to a call. `value`: the last error, 0 for TRUE. The payload depends on the call.
  POOL_REPLY,

  // On a call channel, from the process. `request` is the index of the request.

  // Item: the name. Reply: an item, the value.
  POOL_GET_VARIABLE = 48,
  // The payload is the data. Reply: a word, the bytes taken.
  POOL_WRITE,
  // The payload is the data, a file the rest of it. `value`: bytes of the rest.
  POOL_WRITE_ASYNC,
  // `value`: the buffer's size. Reply: the payload is the data.
  POOL_READ,
  // ServerSupportFunction with the request `value`. Items: `pool_support`, and what the request requires (support.c).
  // Reply, also to a refusal: `pool_support` as it is afterwards; an item, what is stored for the extension.
  POOL_SUPPORT,
  // Reply: that everything before has arrived; `value`: the first error of the request's calls without an answer.
  POOL_SYNCHRONIZE,
  // The code that POOL_RUN or POOL_COMPLETE called has returned. `value`: the result of HttpExtensionProc. Items, after
  // POOL_RUN: a word, dwHttpStatusCode; a word, the microseconds that the code took; the text for the log.
  POOL_RETURN
};

// The call needs no answer: it succeeds, as far as the extension is concerned.
#define POOL_NO_REPLY 1
// The number of files that accompany the message is above these bits.
#define POOL_FILES_SHIFT 8

// Why a library cannot be used.
enum {
  POOL_REFUSED_CANNOT_OPEN = 1,
  POOL_REFUSED_NO_ENTRY_POINT,
  POOL_REFUSED_ATTACH,
  POOL_REFUSED_VERSION,
  POOL_REFUSED_SETUP
};

enum {
  // No thread runs code of the request.
  POOL_STACK_NONE = 0,
  POOL_STACK_TAKEN,
  // The thread does not answer.
  POOL_STACK_REFUSED
};

// The beginning of each message.
typedef struct {
  // Bytes that follow.
  uint32_t length;
  uint16_t type;
  uint16_t flags;
  uint32_t request;
  uint32_t value;
} pool_header;

// A payload consists of items: this length, the bytes, and NULs up to a multiple of four. POOL_NULL stands for NULL.
#define POOL_NULL 0xFFFFFFFFu

// What the process may use.
enum {
  // The sandbox is not applied.
  POOL_NO_SANDBOX = 1,
  // The process refuses to start where the system lacks a part of the sandbox.
  POOL_REQUIRES_SANDBOX = 2,
  // Only the paths that are listed, and what programs need of the system.
  POOL_CONFINES_FILES = 4,
  // No sockets but pairs.
  POOL_NO_NETWORK = 8,
  // Core files may be written.
  POOL_CORES = 16
};

#define POOL_NO_LIMIT UINT64_MAX

typedef struct {
  // POOL_VERSION.
  uint32_t version;
  // POOL_NO_SANDBOX and the like.
  uint32_t flags;
  // Call channels on which the gateway runs extension code, and the others.
  uint32_t run_channels, shared_channels;
  // Items that follow, by their kind.
  uint32_t variables, readable, writable, libraries;
  // Limits of the system (setrlimit(2)), POOL_NO_LIMIT for none: bytes of address space, descriptors, processes of the
  // user, bytes of a file.
  uint64_t memory, descriptors, processes, file_size;
} pool_hello;

typedef struct {
  // Whether paths have backslashes.
  uint32_t has_backslashes;
} pool_library;

typedef struct {
  // Which of the three arguments are not NULL: the bits POOL_HAS_.
  uint32_t present;
  // *lpdwSize and *lpdwDataType.
  uint32_t size, type;
  uint32_t reserved;
  // The process's name for a completion function, or its buffer for a read.
  uint64_t token;
} pool_support;

#define POOL_HAS_BUFFER 1
#define POOL_HAS_SIZE 2
#define POOL_HAS_TYPE 4

// HSE_TF_INFO without its pointers. Items: the status text, the head, the tail; a file if `has_file` is 1.
typedef struct {
  // The process's name for the completion function, 0 for NULL.
  uint64_t target;
  uint32_t bytes_to_write, offset, flags;
  // 0 for NULL, 1 if the message has the file, 2 for a handle that is not a file's.
  uint32_t has_file;
} pool_transmit;

// HSE_RESPONSE_VECTOR without its pointers. Items: the status text, the field lines, and for each element
// `pool_element` and, for memory, the bytes.
typedef struct {
  uint32_t flags, count;
} pool_vector;

typedef struct {
  uint64_t offset, size;
  uint32_t type;
  // As `pool_transmit.has_file`; of memory, 0 for NULL.
  uint32_t has_content;
} pool_element;

// HSE_EXEC_URL_INFO without its pointers. Items: URL, method, field lines, body.
typedef struct {
  uint32_t flags;
  uint32_t has_entity, has_data, available;
} pool_child;

typedef struct {
  // The id of the request, for the crash report.
  uint64_t trace[5];
  // Its number among those of the channel: see `pool_memory`.
  uint32_t sequence;
  // Variables that follow.
  uint32_t variables;
  // The library whose HttpExtensionProc it is.
  uint32_t library;
  uint32_t reserved;
} pool_run;

typedef struct {
  // What the process gave with the operation: its name for the completion function, and the buffer of a read.
  uint64_t target, buffer;
  uint32_t bytes, error;
} pool_completion;

// Which POOL_RUN of a run channel may be entered: the process enters the code of one whose number is above `entered` and
// not above `admitted`, and replaces the first by it, in one step; any other POOL_RUN it ignores. The gateway lowers the
// second to take back what was not entered. Numbers are compared by the sign of their difference.
//
// The word has `entered` in its lower half, `admitted` in its upper one.
typedef struct {
  uint64_t word;
  // Each has a cache line of its own.
  uint64_t reserved[7];
} pool_admission;

// The memory that both see.
typedef struct {
  // By run channel.
  pool_admission admissions[POOL_CHANNELS];
} pool_memory;

#endif
