/*
 * early_data PORT AUTHORITY COUNT: resumes a session of TLS 1.3 and sends COUNT bytes, which begin with a request, as early data
 * although the server's ticket allows none, then the same request behind the handshake. Prints whether the early data was accepted, and the answers.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char request[] = "GET /ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
static SSL_SESSION *ticket;

static int keep(SSL *session, SSL_SESSION *given) {
  (void)session;
  SSL_SESSION_free(ticket);
  ticket = given;
  return 1;
}

static void fail(const char *what) {
  fprintf(stderr, "%s failed\n", what);
  ERR_print_errors_fp(stderr);
  exit(1);
}

static SSL *open_session(SSL_CTX *context, int port) {
  struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
  server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int descriptor = socket(AF_INET, SOCK_STREAM, 0);
  SSL *session = SSL_new(context);
  if (connect(descriptor, (struct sockaddr *)&server, sizeof server) != 0 || !SSL_set_fd(session, descriptor) ||
      !SSL_set1_host(session, "localhost") || !SSL_set_tlsext_host_name(session, "localhost")) {
    fail("connecting");
  }
  return session;
}

static void converse(SSL *session) {
  char answer[4096];
  int count;
  if (SSL_connect(session) != 1 || SSL_write(session, request, sizeof request - 1) <= 0) {
    fail("the handshake or the request");
  }
  while ((count = SSL_read(session, answer, sizeof answer)) > 0) {
    fwrite(answer, 1, (size_t)count, stdout);
  }
  SSL_shutdown(session);
  close(SSL_get_fd(session));
  SSL_free(session);
}

int main(int count, char **arguments) {
  if (count != 4) {
    return 64;
  }
  int port = atoi(arguments[1]);
  size_t early = strtoul(arguments[3], NULL, 10);
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
  if (SSL_CTX_load_verify_locations(context, arguments[2], NULL) != 1) {
    fail("reading the authority");
  }
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, keep);
  converse(open_session(context, port));
  if (ticket == NULL) {
    fail("getting a ticket");
  }
  SSL *session = open_session(context, port);
  SSL_SESSION *allowing = SSL_SESSION_dup(ticket);
  size_t written;
  char *data = calloc(1, early);
  memcpy(data, request, early < sizeof request - 1 ? early : sizeof request - 1);
  if (!SSL_SESSION_set_max_early_data(allowing, 1 << 20) || !SSL_set_session(session, allowing) ||
      SSL_write_early_data(session, data, early, &written) != 1) {
    fail("sending early data");
  }
  int status = -1;
  if (SSL_connect(session) == 1) {
    status = SSL_get_early_data_status(session);
  }
  const char *outcome = status == SSL_EARLY_DATA_REJECTED ? "rejected" : status < 0 ? "failed" : "accepted";
  printf("early data %s, session %s\n", outcome, SSL_session_reused(session) ? "resumed" : "new");
  converse(session);
  return 0;
}
