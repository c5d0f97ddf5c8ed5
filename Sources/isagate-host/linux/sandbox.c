// What the process may do, and may use, from before its libraries are loaded.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "CLinux.h"
#include "../host.h"

static const char *failure;
static char failure_text[512];

// The system lacks a part: that is said, or refused if the sandbox is required.
static bool is_missing(const pool_hello *hello, const char *what) {
  if (hello->flags & POOL_REQUIRES_SANDBOX) {
    snprintf(failure_text, sizeof failure_text, "sandbox: %s", what);
    failure = failure_text;
    return false;
  }
  send_notice(what);
  return true;
}

// ---- Landlock ----
//
// Numbers of linux/landlock.h, which older headers lack. Rights of later versions are used where the kernel has them.

enum {
  MAY_EXECUTE = 1 << 0,
  MAY_WRITE_FILE = 1 << 1,
  MAY_READ_FILE = 1 << 2,
  MAY_READ_FOLDER = 1 << 3,
  MAY_MAKE_CHARACTER_DEVICE = 1 << 6,
  MAY_MAKE_BLOCK_DEVICE = 1 << 11,
  MAY_TRUNCATE = 1 << 14,
  MAY_CONTROL_DEVICE = 1 << 15,
  // Those that a file, which is no folder, can have.
  RIGHTS_OF_FILES = MAY_EXECUTE | MAY_WRITE_FILE | MAY_READ_FILE | MAY_TRUNCATE | MAY_CONTROL_DEVICE,
  RIGHTS_OF_READERS = MAY_EXECUTE | MAY_READ_FILE | MAY_READ_FOLDER,
};

// By version of the interface, 1 to 5: the rights that it knows.
static const uint64_t known_rights[] = {0x1FFF, 0x3FFF, 0x7FFF, 0x7FFF, 0xFFFF};

#define SCOPE_SIGNALS_AND_ABSTRACT_SOCKETS 3u
#define NETWORK_BIND_AND_CONNECT 3u
#define RULE_BENEATH 1

typedef struct {
  uint64_t files, network, scoped;
} landlock_rules;

typedef struct __attribute__((packed)) {
  uint64_t rights;
  int32_t parent;
} landlock_beneath;

// What programs need of the system, without which nothing could be loaded or resolved.
static const char *const system_paths[] = {
    "/usr",           "/bin",          "/lib",         "/lib64",         "/etc/ld.so.cache", "/etc/nsswitch.conf",
    "/etc/hosts",     "/etc/host.conf", "/etc/resolv.conf", "/etc/services", "/etc/protocols", "/etc/passwd",
    "/etc/group",     "/etc/localtime", "/etc/timezone", "/etc/gai.conf", "/etc/ssl/certs",  "/etc/ssl/openssl.cnf",
    "/etc/locale.alias", "/dev/urandom", "/dev/random", "/dev/zero",     "/proc/self",       "/proc/meminfo",
    "/proc/cpuinfo",  "/proc/stat",    "/proc/sys/vm/overcommit_memory", "/sys/devices/system/cpu",
};

// Whether the path can be used; one that does not exist is an error only if `is_named`.
static bool allow(int ruleset, const char *path, uint64_t rights, bool is_named) {
  int parent = open(path, O_PATH | O_CLOEXEC);
  if (parent < 0) {
    if (!is_named) return true;
    snprintf(failure_text, sizeof failure_text, "filesystem: %s: %s", path, strerror(errno));
    failure = failure_text;
    return false;
  }
  struct stat facts;
  if (fstat(parent, &facts) == 0 && !S_ISDIR(facts.st_mode)) rights &= RIGHTS_OF_FILES;
  landlock_beneath rule = {.rights = rights, .parent = parent};
  long status = syscall(SYS_landlock_add_rule, ruleset, RULE_BENEATH, &rule, 0);
  if (status != 0 && is_named) {
    snprintf(failure_text, sizeof failure_text, "filesystem: %s: landlock_add_rule: %s", path, strerror(errno));
    failure = failure_text;
  }
  close(parent);
  return status == 0 || !is_named;
}

static bool restrict_files(const pool_hello *hello, const char *folder, const paths *readable, const paths *writable) {
  bool confines_files = hello->flags & POOL_CONFINES_FILES;
  bool has_network = !(hello->flags & POOL_NO_NETWORK);
  long version = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
  if (version < 1) {
    return is_missing(hello, confines_files ? "the system has no Landlock: files are not confined"
                                            : "the system has no Landlock: signals are not confined");
  }
  if (version < 6 && !is_missing(hello, "this Landlock does not confine signals and abstract sockets")) return false;
  if (version < 6 && !confines_files) return true;
  uint64_t known = known_rights[version < 5 ? version - 1 : 4];
  landlock_rules rules = {
      .files = confines_files ? known : 0,
      .network = version >= 4 && !has_network ? NETWORK_BIND_AND_CONNECT : 0,
      .scoped = version >= 6 ? SCOPE_SIGNALS_AND_ABSTRACT_SOCKETS : 0,
  };
  size_t size = version >= 6 ? 24 : version >= 4 ? 16 : 8;
  int ruleset = (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
  if (ruleset < 0) return is_missing(hello, "the system refuses Landlock: files and signals are not confined");
  bool is_right = true;
  if (confines_files) {
    uint64_t writing = known & ~(uint64_t)(MAY_MAKE_CHARACTER_DEVICE | MAY_MAKE_BLOCK_DEVICE | MAY_CONTROL_DEVICE);
    for (size_t index = 0; index < sizeof system_paths / sizeof *system_paths; index++) {
      allow(ruleset, system_paths[index], RIGHTS_OF_READERS, false);
    }
    allow(ruleset, "/dev/null", MAY_READ_FILE | MAY_WRITE_FILE, false);
    allow(ruleset, folder, RIGHTS_OF_READERS, false);
    for (uint32_t index = 0; is_right && index < readable->count; index++) {
      is_right = allow(ruleset, readable->list[index], RIGHTS_OF_READERS, true);
    }
    for (uint32_t index = 0; is_right && index < writable->count; index++) {
      is_right = allow(ruleset, writable->list[index], writing, true);
    }
  }
  if (is_right && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0) {
    snprintf(failure_text, sizeof failure_text, "landlock_restrict_self: %s", strerror(errno));
    failure = failure_text;
    is_right = false;
  }
  close(ruleset);
  return is_right;
}

// ---- System calls ----

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#ifdef ARCHITECTURE
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
// The low half of an argument: both architectures have it first.
#define LOAD_ARGUMENT(number) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[number]))
#define ANSWER(number) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (number))
#define ADMIT BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define REFUSE(call) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1), ANSWER(EPERM)

#define NAMESPACES                                                                                                   \
  (CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)

// Nothing that a program which serves requests has to call: it concerns other processes, the system, or parts of the
// kernel that are reached by nothing else.
static const struct sock_filter call_rules[] = {
    LOAD(arch),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
    ANSWER(ENOSYS),
    LOAD(nr),
#if defined(__x86_64__)
    // The calls of x32 have other numbers.
    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1),
    ANSWER(ENOSYS),
    REFUSE(iopl),
    REFUSE(ioperm),
#endif
    // Other processes.
    REFUSE(ptrace),
    REFUSE(process_vm_readv),
    REFUSE(process_vm_writev),
    REFUSE(pidfd_getfd),
    REFUSE(kcmp),
    REFUSE(process_madvise),
    // Namespaces and mounts.
    REFUSE(unshare),
    REFUSE(setns),
    REFUSE(mount),
    REFUSE(umount2),
    REFUSE(pivot_root),
    REFUSE(chroot),
    REFUSE(move_mount),
    REFUSE(open_tree),
    REFUSE(fsopen),
    REFUSE(fsconfig),
    REFUSE(fsmount),
    REFUSE(fspick),
    REFUSE(mount_setattr),
    REFUSE(open_by_handle_at),
    // The kernel and the machine.
    REFUSE(bpf),
    REFUSE(perf_event_open),
    REFUSE(userfaultfd),
    REFUSE(io_uring_setup),
    REFUSE(io_uring_enter),
    REFUSE(io_uring_register),
    REFUSE(add_key),
    REFUSE(request_key),
    REFUSE(keyctl),
    REFUSE(init_module),
    REFUSE(finit_module),
    REFUSE(delete_module),
    REFUSE(kexec_load),
    REFUSE(kexec_file_load),
    REFUSE(reboot),
    REFUSE(swapon),
    REFUSE(swapoff),
    REFUSE(acct),
    REFUSE(quotactl),
    REFUSE(syslog),
    REFUSE(settimeofday),
    REFUSE(clock_settime),
    REFUSE(clock_adjtime),
    REFUSE(adjtimex),
    REFUSE(sethostname),
    REFUSE(setdomainname),
    REFUSE(fanotify_init),
    REFUSE(vhangup),
    // Its arguments are in memory, which a filter cannot see; the C library uses clone instead.
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
    ANSWER(ENOSYS),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3),
    LOAD_ARGUMENT(0),
    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, NAMESPACES, 0, 1),
    ANSWER(EPERM),
    LOAD(nr),
    // Input to a terminal that the log is written to.
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 4),
    LOAD_ARGUMENT(1),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TIOCSTI, 1, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TIOCLINUX, 0, 1),
    ANSWER(EPERM),
    LOAD(nr),
};

// Sockets of ordinary kinds.
static const struct sock_filter network_rules[] = {
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 6),
    LOAD_ARGUMENT(0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 4, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 3, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 2, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 1, 0),
    ANSWER(EAFNOSUPPORT),
    ADMIT,
};

// No sockets but pairs that lead nowhere else: those of datagrams could be sent to any address.
static const struct sock_filter no_network_rules[] = {
    REFUSE(socket),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socketpair, 0, 4),
    LOAD_ARGUMENT(1),
    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xF),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SOCK_STREAM, 1, 0),
    ANSWER(EPERM),
    ADMIT,
};

static bool restrict_calls(const pool_hello *hello) {
  struct sock_filter rules[sizeof call_rules / sizeof *call_rules + sizeof network_rules / sizeof *network_rules + 8];
  bool has_network = !(hello->flags & POOL_NO_NETWORK);
  size_t first = sizeof call_rules / sizeof *call_rules;
  size_t second = (has_network ? sizeof network_rules : sizeof no_network_rules) / sizeof(struct sock_filter);
  memcpy(rules, call_rules, sizeof call_rules);
  memcpy(rules + first, has_network ? network_rules : no_network_rules, second * sizeof *rules);
  struct sock_fprog program = {.len = (unsigned short)(first + second), .filter = rules};
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0) return true;
  return is_missing(hello, "the system has no seccomp filters: system calls are not confined");
}
#else
static bool restrict_calls(const pool_hello *hello) {
  return is_missing(hello, "system calls are not confined on this architecture");
}
#endif

// ---- Limits ----

static bool limit(__rlimit_resource_t resource, uint64_t value, const char *name) {
  if (value == POOL_NO_LIMIT) return true;
  struct rlimit limits = {.rlim_cur = value, .rlim_max = value}, present;
  if (setrlimit(resource, &limits) == 0) return true;
  // A service manager may have set it, and have forbidden changes.
  if (getrlimit(resource, &present) == 0 && present.rlim_max <= value) return true;
  snprintf(failure_text, sizeof failure_text, "limits.%s: %s", name, strerror(errno));
  failure = failure_text;
  return false;
}

static bool set_limits(const pool_hello *hello) {
  return limit(RLIMIT_DATA, hello->memory, "memory") && limit(RLIMIT_NOFILE, hello->descriptors, "descriptors") &&
         limit(RLIMIT_NPROC, hello->processes, "processes") && limit(RLIMIT_FSIZE, hello->file_size, "file_size") &&
         (hello->flags & POOL_CORES || limit(RLIMIT_CORE, 0, "core"));
}

const char *sandbox_enter(const pool_hello *hello, const char *folder, const paths *readable, const paths *writable) {
  failure = NULL;
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  // Root without capabilities is an owner of files like others.
  if (CLinux_drop_capabilities() != 0) return "capabilities cannot be dropped";
  if (!set_limits(hello)) return failure;
  if (hello->flags & POOL_NO_SANDBOX) return NULL;
  if (!restrict_files(hello, folder, readable, writable)) return failure;
  return restrict_calls(hello) ? NULL : failure;
}
