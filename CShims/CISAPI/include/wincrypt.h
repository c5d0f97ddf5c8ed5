/* Certificates, as HSE_REQ_GET_CERT_INFO_EX returns them. */
#ifndef ISAPI_WINCRYPT_H
#define ISAPI_WINCRYPT_H

#include "windef.h"

/* One encoded certificate: cbCertEncoded bytes of DER at pbCertEncoded. */
typedef struct _CERT_CONTEXT {
  DWORD dwCertEncodingType;
  BYTE *pbCertEncoded;
  DWORD cbCertEncoded;
  PVOID pCertInfo;
  PVOID hCertStore;
} CERT_CONTEXT, *PCERT_CONTEXT;
typedef const CERT_CONTEXT *PCCERT_CONTEXT;

/* The encoding of a CERT_CONTEXT's bytes. */
#define X509_ASN_ENCODING 0x00000001
#define PKCS_7_ASN_ENCODING 0x00010000

#endif
