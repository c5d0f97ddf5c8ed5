#include "COpenSSL.h"

#include <string.h>

// Whether the first of the names, which are separated by colons, is one of the cipher's.
static int has_name(const EVP_CIPHER *cipher, const char *names) {
  char name[64];
  size_t count = strcspn(names, ":");
  if (count >= sizeof name) return 0;
  memcpy(name, names, count);
  name[count] = 0;
  return EVP_CIPHER_is_a(cipher, name);
}

static void take(const OSSL_DISPATCH *functions, COpenSSL_cipher *found) {
  for (; functions->function_id != 0; functions++) {
    switch (functions->function_id) {
    case OSSL_FUNC_CIPHER_NEWCTX: found->new_context = OSSL_FUNC_cipher_newctx(functions); break;
    case OSSL_FUNC_CIPHER_FREECTX: found->free_context = OSSL_FUNC_cipher_freectx(functions); break;
    case OSSL_FUNC_CIPHER_ENCRYPT_INIT: found->encrypt_init = OSSL_FUNC_cipher_encrypt_init(functions); break;
    case OSSL_FUNC_CIPHER_DECRYPT_INIT: found->decrypt_init = OSSL_FUNC_cipher_decrypt_init(functions); break;
    case OSSL_FUNC_CIPHER_UPDATE: found->update = OSSL_FUNC_cipher_update(functions); break;
    case OSSL_FUNC_CIPHER_FINAL: found->final = OSSL_FUNC_cipher_final(functions); break;
    case OSSL_FUNC_CIPHER_GET_CTX_PARAMS: found->get_parameters = OSSL_FUNC_cipher_get_ctx_params(functions); break;
    case OSSL_FUNC_CIPHER_SET_CTX_PARAMS: found->set_parameters = OSSL_FUNC_cipher_set_ctx_params(functions); break;
    default: break;
    }
  }
}

int COpenSSL_cipher_find(const EVP_CIPHER *cipher, COpenSSL_cipher *found) {
  const OSSL_PROVIDER *provider = EVP_CIPHER_get0_provider(cipher);
  int is_volatile = 0;
  memset(found, 0, sizeof *found);
  if (provider == NULL) return 0;
  const OSSL_ALGORITHM *all = OSSL_PROVIDER_query_operation(provider, OSSL_OP_CIPHER, &is_volatile);
  for (const OSSL_ALGORITHM *next = all; next != NULL && next->algorithm_names != NULL; next++) {
    if (!has_name(cipher, next->algorithm_names)) continue;
    take(next->implementation, found);
    break;
  }
  OSSL_PROVIDER_unquery_operation(provider, OSSL_OP_CIPHER, all);
  found->provider = OSSL_PROVIDER_get0_provider_ctx(provider);
  return found->new_context && found->free_context && found->encrypt_init && found->decrypt_init && found->update &&
         found->final && found->get_parameters && found->set_parameters;
}
