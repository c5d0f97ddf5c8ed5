#define _GNU_SOURCE
#include "CCrypt.h"
#include <crypt.h>
#include <stdlib.h>
#include <string.h>

int CCrypt_hash(const char *password, const char *setting, char hash[384]) {
  // Too large for a thread's stack.
  struct crypt_data *data = calloc(1, sizeof *data);
  if (!data) return -1;
  char *result = crypt_r(password, setting, data);
  int is_known = result && result[0] != '*' && strlen(result) < 384;
  if (is_known) strcpy(hash, result);
  explicit_bzero(data, sizeof *data);
  free(data);
  return is_known ? 0 : -1;
}

int CCrypt_knows(const char *setting) {
  int result = crypt_checksalt(setting);
  return result == CRYPT_SALT_OK || result == CRYPT_SALT_METHOD_LEGACY;
}
