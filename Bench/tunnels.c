/*
 * tunnels PORT COUNT: opens that many TLS connections to 127.0.0.1, asks each for /tunnel with `Upgrade: websocket`,
 * prints "ready" when all have switched, and holds them until its standard input ends.
 *
 * tunnels serve: prints the port on which it switches every connection that asks, and holds them likewise.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static const char request[] = "GET /tunnel HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                              "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
static const char response[] = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                               "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static struct sockaddr_in loopback(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((in_port_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

static void wait_for_end_of_input(void) {
  char byte;
  while (read(0, &byte, 1) > 0) {
  }
}

static void *switch_every_connection(void *listener) {
  for (;;) {
    int client = accept(*(int *)listener, NULL, NULL);
    char head[4096];
    ssize_t length = 0;
    while (client >= 0 && !memmem(head, (size_t)length, "\r\n\r\n", 4)) {
      ssize_t count = read(client, head + length, sizeof head - (size_t)length);
      if (count <= 0) {
        break;
      }
      length += count;
    }
    if (client < 0 || write(client, response, sizeof response - 1) < 0) {
      perror("accept");
    }
  }
  return NULL;
}

static void serve(void) {
  struct sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  pthread_t thread;
  if (bind(listener, (struct sockaddr *)&address, length) != 0 || listen(listener, 4096) != 0 ||
      getsockname(listener, (struct sockaddr *)&address, &length) != 0 ||
      pthread_create(&thread, NULL, switch_every_connection, &listener) != 0) {
    fail("listen");
  }
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  wait_for_end_of_input();
}

static void open_tunnel(SSL_CTX *context, const struct sockaddr_in *server) {
  int descriptor = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(descriptor, (const struct sockaddr *)server, sizeof *server) != 0) {
    fail("connect");
  }
  SSL *session = SSL_new(context);
  char answer[4096];
  SSL_set_fd(session, descriptor);
  if (SSL_connect(session) != 1 || SSL_write(session, request, sizeof request - 1) <= 0 ||
      SSL_read(session, answer, sizeof answer) < 12 || memcmp(answer, "HTTP/1.1 101", 12) != 0) {
    fprintf(stderr, "a connection was not switched\n");
    exit(1);
  }
}

static void open_tunnels(int port, int count) {
  struct sockaddr_in server = loopback(port);
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  for (int i = 0; i < count; i += 1) {
    open_tunnel(context, &server);
  }
  printf("ready\n");
  fflush(stdout);
  wait_for_end_of_input();
}

int main(int count, char **arguments) {
  struct rlimit descriptors;
  getrlimit(RLIMIT_NOFILE, &descriptors);
  descriptors.rlim_cur = descriptors.rlim_max;
  setrlimit(RLIMIT_NOFILE, &descriptors);
  signal(SIGPIPE, SIG_IGN);
  if (count == 2 && strcmp(arguments[1], "serve") == 0) {
    serve();
  } else if (count == 3) {
    open_tunnels(atoi(arguments[1]), atoi(arguments[2]));
  } else {
    fprintf(stderr, "usage: tunnels serve | tunnels PORT COUNT\n");
    return 64;
  }
  return 0;
}
