// OpenSSL 3.0 for Swift: the library's own headers, and one function for each macro and constant that the importer
// cannot see. Shims are named Type_function after the macro they wrap.
#ifndef COPENSSL_H
#define COPENSSL_H

// MARK: What Swift is told about OpenSSL's types and functions

#if defined(__has_attribute) && __has_attribute(swift_attr)
#define COpenSSL_ATTRIBUTE(text) __attribute__((swift_attr(text)))
#else
#define COpenSSL_ATTRIBUTE(text)
#endif
#define COpenSSL_REFERENCE(retain, release)                                    \
  COpenSSL_ATTRIBUTE("import_reference") COpenSSL_ATTRIBUTE("retain:" #retain) \
  COpenSSL_ATTRIBUTE("release:" #release) COpenSSL_ATTRIBUTE("returned_as_unretained_by_default")

/// A type that counts its references: in Swift a class, whose references the compiler takes and drops. Generic code may
/// not treat it as AnyObject: compiled for any class, such as Unmanaged's in debug builds, it counts as Swift's classes
/// are counted.
#define COpenSSL_COUNTED(type) COpenSSL_REFERENCE(COpenSSL_##type##_retain, COpenSSL_##type##_release)
/// A type whose objects are never freed: in Swift a class, whose references are not counted.
#define COpenSSL_IMMORTAL COpenSSL_REFERENCE(immortal, immortal) COpenSSL_SHARED
/// Threads may share its objects, which they do not change after they have made them.
#define COpenSSL_SHARED COpenSSL_ATTRIBUTE("@Sendable")
/// The function returns a reference that the caller owns; that of another function belongs to something else.
#define COpenSSL_OWNED COpenSSL_ATTRIBUTE("returns_retained")
/// The only pointers that the function takes are objects and texts; it does not keep the texts, which are Swift's own.
#define COpenSSL_TAKES_TEXT COpenSSL_ATTRIBUTE("@safe")
/// The function takes or drops a reference without the compiler's knowledge.
#define COpenSSL_COUNTS COpenSSL_ATTRIBUTE("unsafe")

struct COpenSSL_COUNTED(BIO) bio_st;
struct COpenSSL_COUNTED(EVP_CIPHER) COpenSSL_SHARED evp_cipher_st;
struct COpenSSL_COUNTED(EVP_PKEY) COpenSSL_SHARED evp_pkey_st;
struct COpenSSL_COUNTED(SSL) ssl_st;
struct COpenSSL_COUNTED(SSL_CTX) COpenSSL_SHARED ssl_ctx_st;
struct COpenSSL_COUNTED(SSL_SESSION) ssl_session_st;
struct COpenSSL_COUNTED(X509) COpenSSL_SHARED x509_st;
struct COpenSSL_COUNTED(X509_CRL) X509_crl_st;
struct COpenSSL_COUNTED(X509_STORE) COpenSSL_SHARED x509_store_st;
// The library's own, and the gateway's, which keeps them.
struct COpenSSL_IMMORTAL bio_method_st;
struct COpenSSL_IMMORTAL evp_md_st;
struct COpenSSL_IMMORTAL ssl_cipher_st;
struct COpenSSL_IMMORTAL ssl_method_st;

#include <openssl/bio.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/ocsp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define COpenSSL_COUNT(type)                                                                           \
  COpenSSL_COUNTS int type##_up_ref(type *object);                                                     \
  COpenSSL_COUNTS static inline void COpenSSL_##type##_retain(type *object) { type##_up_ref(object); } \
  COpenSSL_COUNTS static inline void COpenSSL_##type##_release(type *object) { type##_free(object); }

COpenSSL_COUNT(BIO)
COpenSSL_COUNT(EVP_CIPHER)
COpenSSL_COUNT(EVP_PKEY)
COpenSSL_COUNT(SSL)
COpenSSL_COUNT(SSL_CTX)
COpenSSL_COUNT(SSL_SESSION)
COpenSSL_COUNT(X509)
COpenSSL_COUNT(X509_CRL)
COpenSSL_COUNT(X509_STORE)

// What the library's own declarations do not tell.
COpenSSL_COUNTS int BIO_free(BIO *object);
COpenSSL_COUNTS void BIO_free_all(BIO *object);
COpenSSL_COUNTS void EVP_CIPHER_free(EVP_CIPHER *object);
COpenSSL_COUNTS void EVP_PKEY_free(EVP_PKEY *object);
COpenSSL_COUNTS void SSL_free(SSL *object);
COpenSSL_COUNTS void SSL_CTX_free(SSL_CTX *object);
COpenSSL_COUNTS void SSL_SESSION_free(SSL_SESSION *object);
COpenSSL_COUNTS void X509_free(X509 *object);
COpenSSL_COUNTS void X509_CRL_free(X509_CRL *object);
COpenSSL_COUNTS void X509_STORE_free(X509_STORE *object);
COpenSSL_COUNTS void SSL_CTX_set_cert_store(SSL_CTX *context, X509_STORE *store);
COpenSSL_COUNTS void SSL_set_bio(SSL *session, BIO *source, BIO *sink);
COpenSSL_COUNTS void SSL_set0_rbio(SSL *session, BIO *source);
COpenSSL_COUNTS void SSL_set0_wbio(SSL *session, BIO *sink);

COpenSSL_OWNED BIO *BIO_new(const BIO_METHOD *type);
COpenSSL_OWNED BIO *BIO_new_mem_buf(const void *bytes, int count);
COpenSSL_OWNED COpenSSL_TAKES_TEXT
EVP_CIPHER *EVP_CIPHER_fetch(OSSL_LIB_CTX *, const char *name, const char *properties);
COpenSSL_OWNED EVP_PKEY *d2i_AutoPrivateKey(EVP_PKEY **, const unsigned char **position, long count);
COpenSSL_OWNED EVP_PKEY *PEM_read_bio_PrivateKey(BIO *, EVP_PKEY **, pem_password_cb *, void *);
COpenSSL_OWNED SSL *SSL_new(SSL_CTX *context);
COpenSSL_OWNED SSL_CTX *SSL_CTX_new(const SSL_METHOD *method);
COpenSSL_OWNED SSL_SESSION *SSL_get1_session(SSL *session);
COpenSSL_OWNED X509 *SSL_get1_peer_certificate(const SSL *session);
COpenSSL_OWNED X509 *X509_new(void);
COpenSSL_OWNED X509 *d2i_X509(X509 **, const unsigned char **position, long count);
COpenSSL_OWNED X509 *PEM_read_bio_X509(BIO *, X509 **, pem_password_cb *, void *);
COpenSSL_OWNED X509_CRL *X509_CRL_new(void);
COpenSSL_OWNED X509_CRL *d2i_X509_CRL(X509_CRL **, const unsigned char **position, long count);
COpenSSL_OWNED X509_STORE *X509_STORE_new(void);

COpenSSL_TAKES_TEXT int SSL_CTX_set_cipher_list(SSL_CTX *context, const char *list);
COpenSSL_TAKES_TEXT int SSL_CTX_set_ciphersuites(SSL_CTX *context, const char *list);
COpenSSL_TAKES_TEXT int SSL_set_cipher_list(SSL *session, const char *list);
COpenSSL_TAKES_TEXT int SSL_set_ciphersuites(SSL *session, const char *list);
COpenSSL_TAKES_TEXT int SSL_set1_host(SSL *session, const char *name);
COpenSSL_TAKES_TEXT int X509_STORE_load_path(X509_STORE *store, const char *path);
COpenSSL_TAKES_TEXT int X509_STORE_load_file(X509_STORE *store, const char *path);

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
COpenSSL_TAKES_TEXT static inline int COpenSSL_CTX_set1_groups_list(SSL_CTX *context, const char *list) {
  return (int)SSL_CTX_set1_groups_list(context, list);
}
static inline void COpenSSL_CTX_set_dh_auto(SSL_CTX *context, int on) { SSL_CTX_set_dh_auto(context, on); }
COpenSSL_TAKES_TEXT static inline int COpenSSL_CTX_set1_sigalgs_list(SSL_CTX *context, const char *list) {
  return (int)SSL_CTX_set1_sigalgs_list(context, list);
}
static inline void COpenSSL_CTX_set_servername_callback(SSL_CTX *context, int (*callback)(SSL *, int *, void *)) {
  SSL_CTX_set_tlsext_servername_callback(context, callback);
}
static inline void COpenSSL_CTX_set_status_callback(SSL_CTX *context, int (*callback)(SSL *, void *)) {
  SSL_CTX_set_tlsext_status_cb(context, callback);
}
static inline int COpenSSL_CTX_ciphers_count(const SSL_CTX *context) {
  return sk_SSL_CIPHER_num(SSL_CTX_get_ciphers(context));
}
static inline const SSL_CIPHER *COpenSSL_CTX_cipher(const SSL_CTX *context, int index) {
  return sk_SSL_CIPHER_value(SSL_CTX_get_ciphers(context), index);
}
static inline void COpenSSL_CTX_require_peer(SSL_CTX *context) { SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL); }
static inline void COpenSSL_CTX_accept_any_peer(SSL_CTX *context) {
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
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

// Of a session by its address, for which the compiler counts no reference.
static inline int COpenSSL_read(void *session, void *bytes, int count) { return SSL_read(session, bytes, count); }
static inline int COpenSSL_write(void *session, const void *bytes, int count) {
  return SSL_write(session, bytes, count);
}
static inline int COpenSSL_error_of(void *session, int result) { return SSL_get_error(session, result); }
static inline int COpenSSL_has_pending(void *session) { return SSL_has_pending(session); }

/// As SSL_set_bio, which takes ownership of both; here the session takes references of its own.
static inline void COpenSSL_set_bios(SSL *session, BIO *source, BIO *sink) {
  BIO_up_ref(source);
  SSL_set0_rbio(session, source);
  BIO_up_ref(sink);
  SSL_set0_wbio(session, sink);
}
static inline void COpenSSL_set_verify(SSL *session, int mode) { SSL_set_verify(session, mode, NULL); }
COpenSSL_TAKES_TEXT static inline int COpenSSL_expect_address(SSL *session, const char *address) {
  return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), address);
}
static inline const char *COpenSSL_get_cipher_name(const SSL *session) { return SSL_get_cipher_name(session); }
static inline int COpenSSL_get_cipher_bits(const SSL *session) { return SSL_get_cipher_bits(session, 0); }

static inline int COpenSSL_set_min_proto_version(SSL *session, int version) {
  return (int)SSL_set_min_proto_version(session, version);
}
static inline int COpenSSL_set_max_proto_version(SSL *session, int version) {
  return (int)SSL_set_max_proto_version(session, version);
}
COpenSSL_TAKES_TEXT static inline int COpenSSL_set1_groups_list(SSL *session, const char *list) {
  return (int)SSL_set1_groups_list(session, list);
}
COpenSSL_TAKES_TEXT static inline int COpenSSL_set_server_name(SSL *session, const char *name) {
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

/// The functions by which a provider implements a cipher (provider-cipher(7)).
typedef struct {
  void *provider;
  OSSL_FUNC_cipher_newctx_fn *new_context;
  OSSL_FUNC_cipher_freectx_fn *free_context;
  OSSL_FUNC_cipher_encrypt_init_fn *encrypt_init;
  OSSL_FUNC_cipher_decrypt_init_fn *decrypt_init;
  OSSL_FUNC_cipher_update_fn *update;
  OSSL_FUNC_cipher_final_fn *final;
  OSSL_FUNC_cipher_get_ctx_params_fn *get_parameters;
  OSSL_FUNC_cipher_set_ctx_params_fn *set_parameters;
} COpenSSL_cipher;

/// Finds the functions of a cipher; 0 if its provider does not have all of them.
int COpenSSL_cipher_find(const EVP_CIPHER *cipher, COpenSSL_cipher *found);

/// Encrypts or decrypts; 1 for success. Without `output` the bytes are authenticated only.
static inline int COpenSSL_cipher_update(
    const COpenSSL_cipher *cipher, void *context, unsigned char *output, const unsigned char *input, size_t count) {
  size_t done;
  return cipher->update(context, output, &done, count, input, count);
}
static inline int COpenSSL_cipher_final(const COpenSSL_cipher *cipher, void *context) {
  unsigned char nothing[16];
  size_t done;
  return cipher->final(context, nothing, &done, sizeof nothing);
}
static inline int COpenSSL_cipher_get_tag(const COpenSSL_cipher *cipher, void *context, void *tag, size_t count) {
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, count),
      OSSL_PARAM_construct_end(),
  };
  return cipher->get_parameters(context, parameters);
}
static inline int COpenSSL_cipher_set_tag(const COpenSSL_cipher *cipher, void *context, const void *tag, size_t count) {
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, (void *)tag, count),
      OSSL_PARAM_construct_end(),
  };
  return cipher->set_parameters(context, parameters);
}

COpenSSL_OWNED COpenSSL_TAKES_TEXT
static inline EVP_PKEY *COpenSSL_EC_gen(const char *curve) { return EVP_EC_gen(curve); }
COpenSSL_OWNED static inline EVP_PKEY *COpenSSL_RSA_gen(unsigned bits) { return EVP_RSA_gen(bits); }
static inline int COpenSSL_PEM_write_key(BIO *output, EVP_PKEY *key) {
  return PEM_write_bio_PKCS8PrivateKey(output, key, NULL, NULL, 0, NULL, NULL);
}
/// The library's PBKDF2 with AES-256.
COpenSSL_TAKES_TEXT
static inline int COpenSSL_PEM_write_encrypted_key(BIO *output, EVP_PKEY *key, const char *passphrase) {
  return PEM_write_bio_PKCS8PrivateKey(output, key, EVP_aes_256_cbc(), NULL, 0, NULL, (void *)passphrase);
}

static const int COpenSSL_PKEY_KEYPAIR = EVP_PKEY_KEYPAIR;

// MARK: BIO

static inline void COpenSSL_BIO_set_retry_read(BIO *bio) { BIO_set_retry_read(bio); }
static inline void COpenSSL_BIO_clear_retry_flags(BIO *bio) { BIO_clear_retry_flags(bio); }
static inline BIO_METHOD *COpenSSL_BIO_METHOD_new(int type) { return BIO_meth_new(type, "endpoint"); }
/// The other end of the pair that a BIO is one end of.
COpenSSL_OWNED static inline BIO *COpenSSL_BIO_new_pair_end(BIO *end) {
  BIO *other = BIO_new(BIO_s_bio());
  if (other != NULL && BIO_make_bio_pair(end, other) != 1) {
    BIO_free(other);
    return NULL;
  }
  return other;
}
static const int COpenSSL_BIO_CTRL_FLUSH = BIO_CTRL_FLUSH;
static const int COpenSSL_BIO_CTRL_EOF = BIO_CTRL_EOF;

// MARK: X509

static inline void COpenSSL_X509_print_subject(const X509 *certificate, BIO *output) {
  X509_NAME_print_ex(output, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
}
static inline void COpenSSL_X509_print_issuer(const X509 *certificate, BIO *output) {
  X509_NAME_print_ex(output, X509_get_issuer_name(certificate), 0, XN_FLAG_RFC2253);
}
/// Makes a certificate valid for some seconds from now on.
static inline void COpenSSL_X509_set_validity(X509 *certificate, long seconds) {
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), seconds);
}
/// Gives a certificate a random serial number, a common name, and the names of a list such as `DNS:a.test, IP:::1`; it
/// becomes its own issuer. 0 when OpenSSL does not accept them.
COpenSSL_TAKES_TEXT int COpenSSL_X509_set_names(X509 *certificate, const char *name, const char *names);
static inline int COpenSSL_X509_has_expired(const X509 *certificate) {
  return X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0;
}
/// The number of the hash of the signature.
static inline int COpenSSL_X509_signature_hash(X509 *certificate) {
  int hash = 0;
  X509_get_signature_info(certificate, &hash, NULL, NULL, NULL);
  return hash;
}
/// The issuer of a certificate in the store that the context was initialized with.
COpenSSL_OWNED static inline X509 *COpenSSL_STORE_CTX_issuer(X509_STORE_CTX *context, X509 *certificate) {
  X509 *issuer = NULL;
  return X509_STORE_CTX_get1_issuer(&issuer, context, certificate) == 1 ? issuer : NULL;
}
static inline void COpenSSL_STORE_set_time(X509_STORE *store, time_t time) {
  X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), time);
}
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
/// Writes the object identifier of a policy as text that ends with a zero.
static inline void COpenSSL_write_policy(
    const CERTIFICATEPOLICIES *policies, int index, unsigned char *text, size_t count
) {
  OBJ_obj2txt((char *)text, (int)count, sk_POLICYINFO_value(policies, index)->policyid, 1);
}
/// Writes the name of a key's curve as text that ends with a zero.
static inline int COpenSSL_PKEY_write_group(const EVP_PKEY *key, unsigned char *text, size_t count) {
  return EVP_PKEY_get_group_name(key, (char *)text, count, NULL);
}

// MARK: OCSP

static inline const OCSP_CERTID *COpenSSL_OCSP_identifier(OCSP_BASICRESP *response, int index) {
  return OCSP_SINGLERESP_get0_id(OCSP_resp_get0(response, index));
}
static inline const ASN1_INTEGER *COpenSSL_OCSP_serial(OCSP_BASICRESP *response, int index) {
  ASN1_INTEGER *serial = NULL;
  OCSP_id_get0_info(NULL, NULL, NULL, &serial, (OCSP_CERTID *)COpenSSL_OCSP_identifier(response, index));
  return serial;
}
/// The hash of the issuer's name.
static inline const ASN1_OCTET_STRING *COpenSSL_OCSP_name(OCSP_BASICRESP *response, int index) {
  ASN1_OCTET_STRING *name = NULL;
  OCSP_id_get0_info(&name, NULL, NULL, NULL, (OCSP_CERTID *)COpenSSL_OCSP_identifier(response, index));
  return name;
}
/// The algorithm of that hash; NULL when OpenSSL does not know it.
static inline const EVP_MD *COpenSSL_OCSP_digest(OCSP_BASICRESP *response, int index) {
  ASN1_OBJECT *algorithm = NULL;
  OCSP_id_get0_info(NULL, &algorithm, NULL, NULL, (OCSP_CERTID *)COpenSSL_OCSP_identifier(response, index));
  return EVP_get_digestbyobj(algorithm);
}

static const int COpenSSL_MBSTRING_UTF8 = MBSTRING_UTF8;
static const unsigned long COpenSSL_XN_FLAG_RFC2253 = XN_FLAG_RFC2253;

#endif
