/* Ends its process in the way that the query string names; otherwise tells the number of the process. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "httpext.h"

BOOL WINAPI GetExtensionVersion(HSE_VERSION_INFO *version) {
  version->dwExtensionVersion = HSE_VERSION;
  strcpy(version->lpszExtensionDesc, "Crashes");
  return TRUE;
}

static volatile int depth;

static int overflow(int level) {
  volatile char page[4096];
  page[0] = (char)level;
  depth += page[0];
  return overflow(level + 1) + page[0];
}

static void fault(void) { *(volatile int *)8 = 1; }

static void send(EXTENSION_CONTROL_BLOCK *block, const char *body, DWORD length) {
  char head[128];
  HSE_SEND_HEADER_EX_INFO response = {"200 OK", head, 6, 0, TRUE};
  DWORD written = (DWORD)strlen(body);
  response.cchHeader = (DWORD)sprintf(head, "Content-Type: text/plain\r\nContent-Length: %u\r\n\r\n", length);
  block->ServerSupportFunction(block->ConnID, HSE_REQ_SEND_RESPONSE_HEADER_EX, &response, NULL, NULL);
  block->WriteClient(block->ConnID, (LPVOID)body, &written, HSE_IO_SYNC);
}

static void corrupt_heap(void) {
  char *volatile block = malloc(64);
  free(block);
  free(block);
}

/* Writes what is no message to every channel of the process. */
static void babble(void) {
  char noise[256];
  memset(noise, 0xA5, sizeof noise);
  for (int number = 3; number < 64; number++) {
    if (write(number, noise, sizeof noise) < 0) continue;
  }
  sleep(10);
}

/* Leaves a process behind that has all descriptors of this one. */
static void leave_child(void) {
  if (fork() == 0) {
    for (;;) pause();
  }
  kill(getpid(), SIGKILL);
}

/* Leaves a process in a session of its own behind; its number. */
static int leave_daemon(void) {
  int pid = fork();
  if (pid == 0) {
    setsid();
    for (;;) pause();
  }
  return pid;
}

static void loop(void) {
  for (volatile int round = 0;; round++) continue;
}

/* Keeps every descriptor that there is. */
static void use_descriptors_up(void) {
  while (dup(1) >= 0) continue;
}

/* Keeps all memory that it may have (RLIMIT_DATA), to the last bytes. */
static void use_memory_up(void) {
  for (size_t size = 1 << 20; size >= 16; size /= 2) {
    for (char *block; (block = malloc(size));) memset(block, 1, size);
  }
}

static void end(const char *how) {
  if (strcmp(how, "loop") == 0) loop();
  if (strcmp(how, "files") == 0) use_descriptors_up();
  if (strcmp(how, "memory") == 0) use_memory_up();
  if (strcmp(how, "child") == 0) leave_child();
  if (strcmp(how, "babble") == 0) babble();
  if (strcmp(how, "segv") == 0) fault();
  if (strcmp(how, "abort") == 0) abort();
  if (strcmp(how, "kill") == 0) kill(getpid(), SIGKILL);
  if (strcmp(how, "exit") == 0) exit(0);
  if (strcmp(how, "stack") == 0) overflow(0);
  if (strcmp(how, "heap") == 0) corrupt_heap();
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  char body[256];

  if (strcmp(block->lpszQueryString, "begun") == 0) {
    send(block, "part", 100);
    /* What was written is sent after two milliseconds. */
    usleep(100000);
    fault();
  }
  if (strcmp(block->lpszQueryString, "pending") == 0) return HSE_STATUS_PENDING;
  if (strcmp(block->lpszQueryString, "environment") == 0) {
    const char *given = getenv("GIVEN"), *secret = getenv("SECRET");
    char folder[128] = "";
    if (!getcwd(folder, sizeof folder)) strcpy(folder, "?");
    snprintf(body, sizeof body, "%s %s %s\n", given ? given : "-", secret ? secret : "-", folder);
  } else if (strcmp(block->lpszQueryString, "descriptors") == 0) {
    char *end = body;
    end += sprintf(end, "open:");
    for (int number = 0; number < 1024 && end - body < 200; number++) {
      char path[64], target[64] = "";
      snprintf(path, sizeof path, "/proc/self/fd/%d", number);
      if (readlink(path, target, sizeof target - 1) > 0 && strncmp(target, "socket:", 7) != 0) {
        end += sprintf(end, " %d=%.40s", number, target);
      }
    }
    sprintf(end, "\n");
  } else if (strcmp(block->lpszQueryString, "daemon") == 0) {
    sprintf(body, "%d\n", leave_daemon());
  } else {
    end(block->lpszQueryString);
    sprintf(body, "%d\n", getpid());
  }
  send(block, body, (DWORD)strlen(body));
  return HSE_STATUS_SUCCESS_AND_KEEP_CONN;
}
