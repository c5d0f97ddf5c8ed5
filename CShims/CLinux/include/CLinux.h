// The Linux interfaces Swift's Glibc overlay does not import well: each function here is the
// system call, macro or thread-local variable it is named for. No logic.
#ifndef CLINUX_H
#define CLINUX_H

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// MARK: randomness

static inline long CLinux_getrandom(void *buffer, unsigned long count) { return getrandom(buffer, count, 0); }

// MARK: the stack

static inline int CLinux_backtrace(void **frames, int count) { return backtrace(frames, count); }

// The base address of the library or program that contains `address`; 0 for none (dladdr).
uintptr_t CLinux_image_base(const void *address);

// MARK: epoll

static const uint32_t CLinux_EPOLLIN = EPOLLIN;
static const uint32_t CLinux_EPOLLOUT = EPOLLOUT;
static const uint32_t CLinux_EPOLLRDHUP = EPOLLRDHUP;
static const uint32_t CLinux_EPOLLHUP = EPOLLHUP;
static const uint32_t CLinux_EPOLLERR = EPOLLERR;
static const uint32_t CLinux_EPOLLET = EPOLLET;
static const uint32_t CLinux_EPOLLEXCLUSIVE = EPOLLEXCLUSIVE;

static inline int CLinux_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

static inline int CLinux_epoll_add(int epoll, int descriptor, uint32_t events, void *data) {
  struct epoll_event event = {.events = events, .data.ptr = data};
  return epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
}

static inline int CLinux_epoll_modify(int epoll, int descriptor, uint32_t events, void *data) {
  struct epoll_event event = {.events = events, .data.ptr = data};
  return epoll_ctl(epoll, EPOLL_CTL_MOD, descriptor, &event);
}

static inline int CLinux_epoll_remove(int epoll, int descriptor) {
  return epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, 0);
}

static inline uint32_t CLinux_epoll_event_flags(const struct epoll_event *event) { return event->events; }
static inline void *CLinux_epoll_event_data(const struct epoll_event *event) { return event->data.ptr; }

// MARK: processes

/// A child that has ended and has not been reaped (waitid(2) with WNOWAIT and WNOHANG); 0 or less for none.
pid_t CLinux_ended_child(void);
/// Whether the child has ended and was not waited for.
int CLinux_has_ended(int pid);
/// The number of processors in this process's affinity mask (sched_getaffinity(2)); -1 if there are more than a set can
/// contain.
int CLinux_usable_processors(void);

// MARK: sockets

/// accept4(2) with SOCK_NONBLOCK and SOCK_CLOEXEC.
int CLinux_accept(int listener, struct sockaddr_storage *address, socklen_t *length);

static inline int CLinux_set_option(int descriptor, int level, int name, int value) {
  return setsockopt(descriptor, level, name, &value, sizeof value);
}

/// pidfd_open(2): a descriptor that is readable once the process has ended; -1 with errno.
int CLinux_pidfd_open(int pid);

/// posix_spawn_file_actions_addchdir_np(3), which Swift does not see.
int CLinux_spawn_in_folder(void *file_actions, const char *folder);

/// sendmsg(2) of one packet with MSG_NOSIGNAL and `flags`, and with descriptors (SCM_RIGHTS, at most 253).
long CLinux_send_packet(int socket, const void *bytes, unsigned long count, const int *descriptors, int descriptor_count,
                        int flags);
/// recvmsg(2) of one packet, or of what a stream has, with `flags`; `descriptor_count` is the capacity on entry and the number received on
/// return. A cut packet or list of descriptors is -1 with EMSGSIZE, and closes the descriptors.
long CLinux_receive_packet(int socket, void *bytes, unsigned long capacity, int *descriptors, int *descriptor_count,
                           int flags);
/// The effective user of the process that connected (SO_PEERCRED); -1 when unknown.
long CLinux_peer_user(int socket);

/// Bytes that the peer has acknowledged and that have been received from it (TCP_INFO); -1 with errno if the system
/// does not report them.
int CLinux_tcp_progress(int descriptor, uint64_t *acknowledged, uint64_t *received);

static const int CLinux_SO_REUSEPORT = SO_REUSEPORT;
static const int CLinux_SOCK_STREAM = SOCK_STREAM;
static const int CLinux_SOCK_STREAM_FLAGS = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
static const int CLinux_SOCK_BLOCKING_STREAM_FLAGS = SOCK_STREAM | SOCK_CLOEXEC;
static const int CLinux_SOCK_PACKET_FLAGS = SOCK_SEQPACKET | SOCK_CLOEXEC;
static const int CLinux_SOCK_DATAGRAM_FLAGS = SOCK_DGRAM | SOCK_CLOEXEC;
static const int CLinux_MSG_DONTWAIT = MSG_DONTWAIT;
static const int CLinux_MSG_NOSIGNAL = MSG_NOSIGNAL;

// MARK: ownership of descriptors

// Debug builds record which descriptors the gateway owns, and end the process when anything but the owner closes one:
// the gateway, a library, an extension. In release builds only the close(2) remains.

/// A descriptor has an owner from now on; if it already has one, it was closed without that owner.
void CLinux_descriptor_opened(int descriptor);
/// Its owner releases it without closing.
void CLinux_descriptor_released(int descriptor);
/// So many more users, or with a negative number fewer, use a descriptor that other code keeps open.
void CLinux_descriptor_kept(int descriptor, int users);
/// close(2) by the owner.
void CLinux_descriptor_close(int descriptor);
/// Whether a close by code other than the owner would be refused; never in release builds.
int CLinux_descriptor_is_held(int descriptor);

// MARK: files

/// A new file without a name in a folder, which is deleted with its descriptor (O_TMPFILE).
int CLinux_open_unnamed(const char *folder);
/// memfd_create(2) with MFD_CLOEXEC.
int CLinux_memfd_create(const char *name);
/// open(2) of a folder with O_PATH and O_CLOEXEC.
int CLinux_open_folder(const char *path);
/// openat2(2) for reading with RESOLVE_BENEATH and RESOLVE_NO_MAGICLINKS, without links unless `follow_links`.
int CLinux_open_beneath(int folder, const char *path, int follow_links);
/// openat(2) of one name with O_PATH and O_NOFOLLOW.
int CLinux_open_step(int folder, const char *name);
/// openat(2) of one name for reading with O_NOFOLLOW and O_NONBLOCK.
int CLinux_open_last(int folder, const char *name);
/// dup3(2) with O_CLOEXEC.
int CLinux_dup3(int from, int to);
/// memfd_create(2) with MFD_CLOEXEC and MFD_ALLOW_SEALING.
int CLinux_memfd_create_sealable(const char *name);
/// fcntl(2) F_ADD_SEALS with all seals that prevent changes of a memfd.
int CLinux_seal(int descriptor);
/// Whether a memfd has all of these seals.
int CLinux_is_sealed(int descriptor);
/// sendfile(2) from the source's own offset.
long CLinux_sendfile(int destination, int source, unsigned long count);
/// sendfile(2) from `offset`.
long CLinux_sendfile_at(int destination, int source, uint64_t offset, unsigned long count);
/// preadv2(2) with RWF_NOWAIT: -1 with EAGAIN when the bytes are not in memory.
long CLinux_pread_nowait(int descriptor, void *buffer, unsigned long count, uint64_t offset);

// MARK: files in memory

/// Lets the process survive that a mapped file becomes shorter: on SIGBUS for an address in a watched range, the
/// handler replaces the rest of the range by zeros and marks it as broken. For any other address the previous action is
/// taken. Installed once, however often it is called; 0, or -1 with errno.
int CLinux_catch_bus_errors(void);
/// Whether a SIGBUS of the calling thread still reaches this handler first.
int CLinux_catches_bus_errors(void);

static const int CLinux_MAPPING_LIMIT = 64;
/// Watches a range; returns its number, or -1 when CLinux_MAPPING_LIMIT are watched or this one is too large.
int CLinux_watch_mapping(const void *start, unsigned long count);
void CLinux_unwatch_mapping(int number);
/// Whether bytes of a watched range that were read until now may have been zeros in place of the file's.
int CLinux_is_mapping_broken(int number);

/// Whether all pages of a range are in memory (mincore(2)), which the system reports for all files of other owners; -1
/// if the call is forbidden.
int CLinux_are_pages_present(const void *start, unsigned long count);
/// Reads a byte to load its page.
static inline void CLinux_touch(const void *address) { (void)*(const volatile char *)address; }

// MARK: watching folders

static inline int CLinux_inotify(void) { return inotify_init1(IN_NONBLOCK | IN_CLOEXEC); }

static const uint32_t CLinux_IN_CREATE = IN_CREATE;
static const uint32_t CLinux_IN_CLOSE_WRITE = IN_CLOSE_WRITE;
static const uint32_t CLinux_IN_MOVED_TO = IN_MOVED_TO;
static const uint32_t CLinux_IN_MOVED_FROM = IN_MOVED_FROM;
static const uint32_t CLinux_IN_DELETE = IN_DELETE;
static const uint32_t CLinux_IN_MOVE_SELF = IN_MOVE_SELF;
static const uint32_t CLinux_IN_DELETE_SELF = IN_DELETE_SELF;
static const uint32_t CLinux_IN_ONLYDIR = IN_ONLYDIR;

// MARK: wake-ups

static inline int CLinux_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }
static inline int CLinux_signalfd(const sigset_t *set) { return signalfd(-1, set, SFD_CLOEXEC); }

/// The size of a terminal's window; 0, or -1 with errno.
static inline int CLinux_terminal_size(int fd, unsigned short *rows, unsigned short *columns) {
  struct winsize size = {0};
  int status = ioctl(fd, TIOCGWINSZ, &size);
  *rows = size.ws_row;
  *columns = size.ws_col;
  return status;
}

/// FUTEX_WAIT_PRIVATE; `timeout_ns` < 0 waits without limit. 0, or -1 with errno.
static inline int CLinux_futex_wait(void *word, uint32_t expected, int64_t timeout_ns) {
  struct timespec timeout = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
  return (int)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, timeout_ns < 0 ? 0 : &timeout, 0, 0);
}

/// FUTEX_WAKE_PRIVATE; the number of threads woken.
static inline int CLinux_futex_wake(void *word, int count) {
  return (int)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, 0, 0, 0);
}

/// Tells the processor that the calling thread waits for another one in a short loop.
static inline void CLinux_spin_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// MARK: clock, in nanoseconds

static inline uint64_t CLinux_monotonic_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

// MARK: processes

/// prctl(2) PR_SET_NO_NEW_PRIVS for the calling thread and those it starts.
int CLinux_forbid_new_privileges(void);
/// capset(2) with all capabilities dropped, ambient ones included, for the calling thread and those it starts.
int CLinux_drop_capabilities(void);
/// prctl(2) PR_SET_DUMPABLE with 0: other processes of the same user cannot look into this one, and it writes no core.
int CLinux_forbid_inspection(void);
/// prctl(2) PR_SET_PDEATHSIG.
int CLinux_signal_at_death_of_parent(int signal);

// MARK: threads

/// gettid(2).
int CLinux_thread_id(void);
/// Sets the name of the calling thread in tools like top and gdb; at most 15 bytes count.
void CLinux_set_thread_name(const char *name);
/// pthread_timedjoin_np(3), by the real-time clock; 0 when the thread has ended.
int CLinux_join_until(pthread_t thread, const struct timespec *deadline);

/// Whether the control group in this folder is delegated to the user of the process, by the extended attribute that
/// systemd sets.
int CLinux_is_delegated(const char *folder);

// MARK: crashes

/// Installs a handler for crashes (SIGSEGV, SIGABRT and similar) that immediately sends `count` bytes, at most 256, to
/// a socket, unless that is -1, then writes the crash report to standard error, and ends the process by its signal.
/// With `passes_on`, the previous handler is called in between. 0, or -1 with errno.
int CLinux_catch_crashes(int socket, const void *notice, unsigned long count, int passes_on);
/// Has the handler call `action` before it writes the report.
void CLinux_before_crash_report(void (*action)(void));
/// Gives the calling thread, once, an alternate signal stack; without it a stack overflow ends the process without a
/// report.
void CLinux_guard_stack(void);

/// What the calling thread runs, for the crash report.
typedef struct {
  /// NULL if it runs no extension's code.
  const char *extension;
  /// Where `ControlBlockTable` stores the id of the request.
  const uint64_t *request;
} CLinux_running_code;

extern _Thread_local CLinux_running_code CLinux_running;

static inline void CLinux_run_begins(const char *extension, const uint64_t *request) {
  CLinux_running.request = request;
  CLinux_running.extension = extension;
}

static inline void CLinux_run_ends(void) { CLinux_running.extension = 0; }

/// Sets the name of the library that contains an address, for the crash report, and the path of its file.
void CLinux_name_library(const void *address, const char *name, const char *path);
void CLinux_forget_library(const void *address);

// MARK: stacks of other threads

enum { CLinux_STACK_LIMIT = 48 };

/// The thread that runs the code for a request, at the moment it was asked.
typedef struct {
  void *frames[CLinux_STACK_LIMIT];
  int count;
  /// As CLinux_set_thread_name gave it.
  char thread[16];
} CLinux_stack;

/// Has the thread that runs the code for `request`, the address given to CLinux_run_begins, tell its stack, by a signal
/// that only this uses: 1 if it did, 0 if no thread runs that code, -1 if the thread does not answer within 100 ms, or
/// other code has taken the signal. One at a time; threads are found once CLinux_guard_stack was called on them.
int CLinux_stack_of(const uint64_t *request, CLinux_stack *stack);
/// Writes a frame as the crash report does, without a NUL; the number of bytes, at most `room`.
unsigned long CLinux_describe_frame(int number, void *frame, char *bytes, unsigned long room);

// MARK: the worker of the calling thread

void *CLinux_current_worker(void);
void CLinux_set_current_worker(void *worker);

#endif
