// OpenSSL 3.0 for Swift: the library's own headers, and one function for each macro and constant that the importer
// cannot see. Shims are named Type_function after the macro they wrap.
#ifndef COPENSSL_H
#define COPENSSL_H

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/ocsp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

// MARK: SSL_CTX

static inline int COpenSSL_CTX_set_min_proto_version(SSL_CTX *context, int version) {
  return (int)SSL_CTX_set_min_proto_version(context, version);
}
static inline int COpenSSL_CTX_set_max_proto_version(SSL_CTX *context, int version) {
  return (int)SSL_CTX_set_max_proto_version(context, version);
}
static inline void COpenSSL_CTX_set_mode(SSL_CTX *context, long mode) { SSL_CTX_set_mode(context, mode); }
static inline void COpenSSL_CTX_set_read_ahead(SSL_CTX *context, int yes) { SSL_CTX_set_read_ahead(context, yes); }
static inline void COpenSSL_CTX_set_session_cache_mode(SSL_CTX *context, long mode) {
  SSL_CTX_set_session_cache_mode(context, mode);
}
static inline int COpenSSL_CTX_set1_groups_list(SSL_CTX *context, const char *list) {
  return (int)SSL_CTX_set1_groups_list(context, list);
}
static inline void COpenSSL_CTX_set_dh_auto(SSL_CTX *context, int on) { SSL_CTX_set_dh_auto(context, on); }
static inline int COpenSSL_CTX_set1_sigalgs_list(SSL_CTX *context, const char *list) {
  return (int)SSL_CTX_set1_sigalgs_list(context, list);
}
static inline void COpenSSL_CTX_set_servername_callback(SSL_CTX *context, int (*callback)(SSL *, int *, void *)) {
  SSL_CTX_set_tlsext_servername_callback(context, callback);
}
static inline void COpenSSL_CTX_set_status_callback(SSL_CTX *context, int (*callback)(SSL *, void *)) {
  SSL_CTX_set_tlsext_status_cb(context, callback);
}
static inline SSL_CTX *COpenSSL_set_context(SSL *session, SSL_CTX *context) {
  return SSL_set_SSL_CTX(session, context);
}

static const uint64_t COpenSSL_OP_NO_RENEGOTIATION = SSL_OP_NO_RENEGOTIATION;
static const uint64_t COpenSSL_OP_NO_COMPRESSION = SSL_OP_NO_COMPRESSION;
static const uint64_t COpenSSL_OP_IGNORE_UNEXPECTED_EOF = SSL_OP_IGNORE_UNEXPECTED_EOF;
static const uint64_t COpenSSL_OP_CIPHER_SERVER_PREFERENCE = SSL_OP_CIPHER_SERVER_PREFERENCE;
static const uint64_t COpenSSL_OP_PRIORITIZE_CHACHA = SSL_OP_PRIORITIZE_CHACHA;
static const uint64_t COpenSSL_OP_NO_TICKET = SSL_OP_NO_TICKET;
static const uint64_t COpenSSL_OP_ENABLE_KTLS = SSL_OP_ENABLE_KTLS;
static const long COpenSSL_MODE_RELEASE_BUFFERS = SSL_MODE_RELEASE_BUFFERS;
static const int COpenSSL_TLSEXT_NAMETYPE_host_name = TLSEXT_NAMETYPE_host_name;

// MARK: SSL

static inline const char *COpenSSL_get_cipher_name(const SSL *session) { return SSL_get_cipher_name(session); }
static inline int COpenSSL_get_cipher_bits(const SSL *session) { return SSL_get_cipher_bits(session, 0); }

static inline int COpenSSL_set_min_proto_version(SSL *session, int version) {
  return (int)SSL_set_min_proto_version(session, version);
}
static inline int COpenSSL_set_max_proto_version(SSL *session, int version) {
  return (int)SSL_set_max_proto_version(session, version);
}
static inline int COpenSSL_set1_groups_list(SSL *session, const char *list) {
  return (int)SSL_set1_groups_list(session, list);
}
static inline int COpenSSL_set_server_name(SSL *session, const char *name) {
  return (int)SSL_set_tlsext_host_name(session, name);
}
/// Takes ownership of `response`, which COpenSSL_malloc allocated.
static inline void COpenSSL_set_ocsp_response(SSL *session, unsigned char *response, long count) {
  SSL_set_tlsext_status_ocsp_resp(session, response, count);
}

static inline void COpenSSL_request_staple(SSL *session) {
  SSL_set_tlsext_status_type(session, TLSEXT_STATUSTYPE_ocsp);
}
static inline long COpenSSL_get_ocsp_response(SSL *session, const unsigned char **response) {
  return SSL_get_tlsext_status_ocsp_resp(session, response);
}

// MARK: Errors and memory

/// Makes threads keep the last record buffers that OpenSSL freed, for the next record; before all other calls.
///
/// Returns 0 when OpenSSL has allocated memory already.
int COpenSSL_keep_record_buffers(void);

static inline int COpenSSL_error_reason(unsigned long code) { return ERR_GET_REASON(code); }
static inline void *COpenSSL_malloc(size_t count) { return OPENSSL_malloc(count); }
static inline void COpenSSL_free(void *pointer) { OPENSSL_free(pointer); }
static inline void COpenSSL_clear_free(void *pointer, size_t count) { OPENSSL_clear_free(pointer, count); }

// MARK: EVP

/// In C because the parameters point to their names.
static inline int COpenSSL_MAC_set_hmac_sha256_key(EVP_MAC_CTX *context, const unsigned char *key, size_t count) {
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)key, count),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
      OSSL_PARAM_construct_end(),
  };
  return EVP_MAC_CTX_set_params(context, parameters);
}

/// A context for HMAC with this digest; NULL when OpenSSL has none.
static inline EVP_MAC_CTX *COpenSSL_MAC_CTX_new_hmac(const char *digest) {
  EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
  EVP_MAC_CTX *context = EVP_MAC_CTX_new(hmac);
  EVP_MAC_free(hmac);
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)digest, 0),
      OSSL_PARAM_construct_end(),
  };
  if (context != NULL && EVP_MAC_CTX_set_params(context, parameters) != 1) {
    EVP_MAC_CTX_free(context);
    return NULL;
  }
  return context;
}

/// As EVP_CIPHER_CTX_ctrl with EVP_CTRL_AEAD_GET_TAG, in half the time.
static inline int COpenSSL_CIPHER_CTX_get_tag(EVP_CIPHER_CTX *context, void *tag, size_t count) {
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, count),
      OSSL_PARAM_construct_end(),
  };
  return EVP_CIPHER_CTX_get_params(context, parameters);
}

/// As EVP_CIPHER_CTX_ctrl with EVP_CTRL_AEAD_SET_TAG, in half the time.
static inline int COpenSSL_CIPHER_CTX_set_tag(EVP_CIPHER_CTX *context, const void *tag, size_t count) {
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, (void *)tag, count),
      OSSL_PARAM_construct_end(),
  };
  return EVP_CIPHER_CTX_set_params(context, parameters);
}

static inline EVP_PKEY *COpenSSL_EC_gen(const char *curve) { return EVP_EC_gen(curve); }

static const int COpenSSL_PKEY_KEYPAIR = EVP_PKEY_KEYPAIR;

// MARK: BIO

static inline void COpenSSL_BIO_set_retry_read(BIO *bio) { BIO_set_retry_read(bio); }
static inline void COpenSSL_BIO_clear_retry_flags(BIO *bio) { BIO_clear_retry_flags(bio); }
static const int COpenSSL_BIO_CTRL_FLUSH = BIO_CTRL_FLUSH;
static const int COpenSSL_BIO_CTRL_EOF = BIO_CTRL_EOF;

// MARK: X509

static inline STACK_OF(X509) *COpenSSL_certificates_new(void) { return sk_X509_new_null(); }
/// The stack does not own its elements.
static inline int COpenSSL_certificates_push(STACK_OF(X509) *stack, X509 *certificate) {
  return sk_X509_push(stack, certificate);
}
static inline int COpenSSL_certificates_count(const STACK_OF(X509) *stack) { return sk_X509_num(stack); }
static inline X509 *COpenSSL_certificates_value(const STACK_OF(X509) *stack, int index) {
  return sk_X509_value(stack, index);
}
static inline void COpenSSL_certificates_free(STACK_OF(X509) *stack) { sk_X509_free(stack); }
static inline int COpenSSL_names_count(const GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }
static inline const GENERAL_NAME *COpenSSL_names_value(const GENERAL_NAMES *names, int index) {
  return sk_GENERAL_NAME_value(names, index);
}
static inline const ASN1_STRING *COpenSSL_name_string(const GENERAL_NAME *name) {
  return (const ASN1_STRING *)GENERAL_NAME_get0_value(name, NULL);
}
static inline int COpenSSL_policies_count(const CERTIFICATEPOLICIES *policies) { return sk_POLICYINFO_num(policies); }
static inline const ASN1_OBJECT *COpenSSL_policy_identifier(const CERTIFICATEPOLICIES *policies, int index) {
  return sk_POLICYINFO_value(policies, index)->policyid;
}

static const int COpenSSL_MBSTRING_UTF8 = MBSTRING_UTF8;
static const unsigned long COpenSSL_XN_FLAG_RFC2253 = XN_FLAG_RFC2253;

#endif
