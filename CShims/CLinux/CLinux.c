#define _GNU_SOURCE
#include "CLinux.h"
#include <dlfcn.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/xattr.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <spawn.h>
#include <string.h>

static __thread void *current_worker;

void *CLinux_current_worker(void) { return current_worker; }
void CLinux_set_current_worker(void *worker) { current_worker = worker; }

uintptr_t CLinux_image_base(const void *address) {
  Dl_info information;
  return dladdr(address, &information) != 0 ? (uintptr_t)information.dli_fbase : 0;
}

int CLinux_usable_processors(void) {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : -1;
}

pid_t CLinux_ended_child(void) {
  siginfo_t information = {.si_pid = 0};
  return waitid(P_ALL, 0, &information, WEXITED | WNOHANG | WNOWAIT) == 0 ? information.si_pid : -1;
}

int CLinux_has_ended(int pid) {
  siginfo_t facts = {.si_pid = 0};
  return waitid(P_PID, (id_t)pid, &facts, WEXITED | WNOHANG | WNOWAIT) == 0 && facts.si_pid == pid;
}

int CLinux_accept(int listener, struct sockaddr_storage *address, socklen_t *length) {
  return accept4(listener, (struct sockaddr *)address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

void CLinux_set_thread_name(const char *name) { prctl(PR_SET_NAME, name); }

int CLinux_join_until(pthread_t thread, const struct timespec *deadline) {
  return pthread_timedjoin_np(thread, NULL, deadline);
}

int CLinux_memfd_create(const char *name) { return memfd_create(name, MFD_CLOEXEC); }

long CLinux_sendfile(int destination, int source, unsigned long count) {
  return sendfile(destination, source, 0, count);
}

long CLinux_sendfile_at(int destination, int source, uint64_t offset, unsigned long count) {
  off_t from = (off_t)offset;
  return sendfile(destination, source, &from, count);
}

long CLinux_pread_nowait(int descriptor, void *buffer, unsigned long count, uint64_t offset) {
  struct iovec part = {.iov_base = buffer, .iov_len = count};
  return preadv2(descriptor, &part, 1, (off_t)offset, RWF_NOWAIT);
}

int CLinux_open_unnamed(const char *folder) { return open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600); }

int CLinux_open_folder(const char *path) { return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC); }

int CLinux_open_beneath(int folder, const char *path, int follow_links) {
  struct open_how how = {
      .flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
      .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | (follow_links ? 0 : RESOLVE_NO_SYMLINKS)};
  return (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
}

int CLinux_open_step(int folder, const char *name) {
  return openat(folder, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int CLinux_open_last(int folder, const char *name) {
  return openat(folder, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
}

int CLinux_dup3(int from, int to) { return dup3(from, to, O_CLOEXEC); }

int CLinux_memfd_create_sealable(const char *name) { return memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING); }

enum { every_seal = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

int CLinux_seal(int descriptor) { return fcntl(descriptor, F_ADD_SEALS, every_seal); }

int CLinux_is_sealed(int descriptor) {
  int seals = fcntl(descriptor, F_GET_SEALS);
  return seals >= 0 && (seals & every_seal) == every_seal;
}

enum { most_descriptors = 253 };

long CLinux_send_packet(int socket, const void *bytes, unsigned long count, const int *descriptors, int descriptor_count,
                        int flags) {
  union {
    char bytes[CMSG_SPACE(most_descriptors * sizeof(int))];
    struct cmsghdr alignment;
  } control;
  struct iovec part = {.iov_base = (void *)bytes, .iov_len = count};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (descriptor_count > 0) {
    memset(&control, 0, sizeof control);
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE((unsigned)descriptor_count * sizeof(int));
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN((unsigned)descriptor_count * sizeof(int));
    memcpy(CMSG_DATA(header), descriptors, (unsigned)descriptor_count * sizeof(int));
  }
  return sendmsg(socket, &message, MSG_NOSIGNAL | flags);
}

int CLinux_pidfd_open(int pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int CLinux_spawn_in_folder(void *file_actions, const char *folder) {
  return posix_spawn_file_actions_addchdir_np(file_actions, folder);
}

long CLinux_receive_packet(int socket, void *bytes, unsigned long capacity, int *descriptors, int *descriptor_count,
                           int flags) {
  union {
    char bytes[CMSG_SPACE(most_descriptors * sizeof(int))];
    struct cmsghdr alignment;
  } control;
  struct iovec part = {.iov_base = bytes, .iov_len = capacity};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  int room = *descriptor_count;
  *descriptor_count = 0;
  long count = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | flags);
  if (count < 0) return count;
  int is_cut = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    int received = (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    for (int index = 0; index < received; index++) {
      int descriptor;
      memcpy(&descriptor, CMSG_DATA(header) + (unsigned)index * sizeof(int), sizeof(int));
      if (*descriptor_count < room) {
        descriptors[(*descriptor_count)++] = descriptor;
      } else {
        close(descriptor);
        is_cut = 1;
      }
    }
  }
  if (!is_cut) return count;
  while (*descriptor_count > 0) close(descriptors[--*descriptor_count]);
  errno = EMSGSIZE;
  return -1;
}

long CLinux_peer_user(int socket) {
  struct ucred peer;
  socklen_t length = sizeof peer;
  return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 ? (long)peer.uid : -1;
}

int CLinux_forbid_new_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }

int CLinux_drop_capabilities(void) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  return (int)syscall(SYS_capset, &header, none);
}

int CLinux_forbid_inspection(void) { return prctl(PR_SET_DUMPABLE, 0); }

int CLinux_signal_at_death_of_parent(int signal) { return prctl(PR_SET_PDEATHSIG, signal); }

int CLinux_thread_id(void) { return (int)syscall(SYS_gettid); }

int CLinux_is_delegated(const char *folder) {
  char value[2];
  return (getxattr(folder, "user.delegate", value, sizeof value) == 1 && value[0] == '1') ||
         (getxattr(folder, "trusted.delegate", value, sizeof value) == 1 && value[0] == '1');
}
