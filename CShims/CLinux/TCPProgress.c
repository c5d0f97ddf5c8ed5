// In a separate file, because the C library's declaration of tcp_info lacks the counters and excludes the system's.
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

int CLinux_tcp_progress(int descriptor, uint64_t *acknowledged, uint64_t *received);

int CLinux_tcp_progress(int descriptor, uint64_t *acknowledged, uint64_t *received) {
  struct tcp_info information;
  socklen_t length = sizeof information;
  if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &information, &length) != 0) return -1;
  if (length < offsetof(struct tcp_info, tcpi_segs_out)) return errno = ENOTSUP, -1;
  *acknowledged = information.tcpi_bytes_acked;
  *received = information.tcpi_bytes_received;
  return 0;
}
