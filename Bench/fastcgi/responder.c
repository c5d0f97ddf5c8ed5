/* A FastCGI responder that answers as the hello extension does: responder SOCKET. A thread serves a connection at a time. */
#include <fcgiapp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* More than a server with 64 clients keeps open. */
#define THREADS 160

static int listener;

static void *serve(void *unused) {
  FCGX_Request request;
  (void)unused;
  FCGX_InitRequest(&request, listener, 0);
  while (FCGX_Accept_r(&request) == 0) {
    FCGX_PutS("Content-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, world\n", request.out);
    FCGX_Finish_r(&request);
  }
  return NULL;
}

int main(int count, char **arguments) {
  if (count != 2 || FCGX_Init() != 0 || (listener = FCGX_OpenSocket(arguments[1], 256)) < 0) {
    perror("fastcgi");
    return 1;
  }
  for (int number = 0; number < THREADS; number++) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, serve, NULL) != 0) return 1;
  }
  puts("ready");
  fflush(stdout);
  getchar();
  return 0;
}
