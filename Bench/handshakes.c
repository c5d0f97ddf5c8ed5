/*
 * handshakes PORT SECONDS: makes new connections to 127.0.0.1 for that long, each with a full TLS 1.3 handshake, one
 * request and `Connection: close`. Prints how many were answered with status 200.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define THREADS 8

static const char request[] = "GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

static SSL_CTX *context;
static struct sockaddr_in server;
static struct timespec end;
static atomic_long answered;

static int is_over(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec > end.tv_sec || (now.tv_sec == end.tv_sec && now.tv_nsec >= end.tv_nsec);
}

/* Reads to the end of the stream and tells whether it begins as a success does. */
static int read_answer(SSL *session) {
  char answer[4096];
  int length = 0;
  int count;
  while ((count = SSL_read(session, answer + length, (int)sizeof answer - length)) > 0) {
    length += count;
  }
  return length > 12 && memcmp(answer, "HTTP/1.1 200", 12) == 0;
}

static int converse(int descriptor) {
  SSL *session = SSL_new(context);
  SSL_set_fd(session, descriptor);
  int done = SSL_connect(session) == 1 && SSL_write(session, request, sizeof request - 1) > 0 && read_answer(session);
  SSL_free(session);
  return done;
}

static void *connect_again_and_again(void *unused) {
  while (!is_over()) {
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(descriptor, (struct sockaddr *)&server, sizeof server) == 0 && converse(descriptor)) {
      answered += 1;
    }
    close(descriptor);
  }
  return unused;
}

int main(int count, char **arguments) {
  if (count != 3) {
    fprintf(stderr, "usage: handshakes PORT SECONDS\n");
    return 64;
  }
  server.sin_family = AF_INET;
  server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  server.sin_port = htons((in_port_t)atoi(arguments[1]));
  signal(SIGPIPE, SIG_IGN);
  context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  clock_gettime(CLOCK_MONOTONIC, &end);
  end.tv_sec += atoi(arguments[2]);

  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i += 1) {
    if (pthread_create(&threads[i], NULL, connect_again_and_again, NULL) != 0) {
      abort();
    }
  }
  for (int i = 0; i < THREADS; i += 1) {
    pthread_join(threads[i], NULL);
  }
  printf("%ld\n", (long)answered);
  return 0;
}
