/*
 * The Internet Server API, version 6.0: everything an extension shares with the server that
 * runs it. An extension is a shared library that exports GetExtensionVersion and
 * HttpExtensionProc, and TerminateExtension if it has resources to release.
 *
 * Names, values and layouts are those of the ISAPI extension reference; every size and offset
 * is the same on 64-bit Windows and 64-bit Linux.
 */
#ifndef ISAPI_HTTPEXT_H
#define ISAPI_HTTPEXT_H

#include "windows.h"

/* ---- Version and sizes ---- */

#define HSE_VERSION_MAJOR 6
#define HSE_VERSION_MINOR 0
/* Major version in the high word, minor in the low one: a literal, so that Swift imports it. */
#define HSE_VERSION 0x00060000

#define HSE_LOG_BUFFER_LEN 80
#define HSE_MAX_EXT_DLL_NAME_LEN 256

/* ---- What HttpExtensionProc returns ---- */

#define HSE_STATUS_SUCCESS 1
#define HSE_STATUS_SUCCESS_AND_KEEP_CONN 2
#define HSE_STATUS_PENDING 3
#define HSE_STATUS_ERROR 4

/* ---- Requests to ServerSupportFunction ---- */

/* Numbers up to 1000 are supported by every server, those above by servers with the service. */
#define HSE_REQ_BASE 0
#define HSE_REQ_END_RESERVED 1000

/* The response. */
#define HSE_REQ_SEND_URL_REDIRECT_RESP 1
#define HSE_REQ_SEND_URL 2
#define HSE_REQ_SEND_RESPONSE_HEADER 3
#define HSE_REQ_SEND_RESPONSE_HEADER_EX 1016
#define HSE_REQ_SEND_CUSTOM_ERROR 1028
#define HSE_REQ_VECTOR_SEND 1037
#define HSE_REQ_TRANSMIT_FILE 1006
#define HSE_REQ_SET_FLUSH_FLAG 1043

/* The end of a pending request, and asynchronous operations. */
#define HSE_REQ_DONE_WITH_SESSION 4
#define HSE_REQ_IO_COMPLETION 1005
#define HSE_REQ_ASYNC_READ_CLIENT 1010
#define HSE_REQ_CANCEL_IO 1049

/* The connection. */
#define HSE_REQ_IS_KEEP_CONN 1008
#define HSE_REQ_IS_CONNECTED 1018
#define HSE_REQ_ABORTIVE_CLOSE 1014
#define HSE_REQ_CLOSE_CONNECTION 1017
#define HSE_REQ_GET_CERT_INFO_EX 1015
#define HSE_REQ_GET_CHANNEL_BINDING_TOKEN 1050

/* URLs and child requests. */
#define HSE_REQ_MAP_URL_TO_PATH 1001
#define HSE_REQ_MAP_URL_TO_PATH_EX 1012
#define HSE_REQ_MAP_UNICODE_URL_TO_PATH 1023
#define HSE_REQ_MAP_UNICODE_URL_TO_PATH_EX 1024
#define HSE_REQ_NORMALIZE_URL 1033
#define HSE_REQ_EXEC_UNICODE_URL 1025
#define HSE_REQ_EXEC_URL 1026
#define HSE_REQ_GET_EXEC_URL_STATUS 1027

/* The user of the request. */
#define HSE_REQ_GET_SSPI_INFO 1002
#define HSE_REQ_GET_IMPERSONATION_TOKEN 1011
#define HSE_REQ_GET_ANONYMOUS_TOKEN 1038
#define HSE_REQ_GET_UNICODE_ANONYMOUS_TOKEN 1041

/* The server: its log, its process, its caches and its tracing. */
#define HSE_APPEND_LOG_PARAMETER 1003
#define HSE_REQ_REFRESH_ISAPI_ACL 1007
#define HSE_REQ_IS_IN_PROCESS 1030
#define HSE_REQ_REPORT_UNHEALTHY 1032
#define HSE_REQ_GET_CACHE_INVALIDATION_CALLBACK 1040
#define HSE_REQ_GET_TRACE_INFO 1042
#define HSE_REQ_GET_TRACE_INFO_EX 1044
#define HSE_REQ_RAISE_TRACE_EVENT 1045
#define HSE_REQ_GET_CONFIG_OBJECT 1046
#define HSE_REQ_GET_WORKER_PROCESS_SETTINGS 1047
#define HSE_REQ_GET_PROTOCOL_MANAGER_CUSTOM_INTERFACE_CALLBACK 1048

/* ---- Flags ---- */

/* Arguments of TerminateExtension: the extension may refuse the first and not the second. */
#define HSE_TERM_ADVISORY_UNLOAD 0x00000001
#define HSE_TERM_MUST_UNLOAD 0x00000002

/* The mode of an operation, and what follows it. */
#define HSE_IO_SYNC 0x00000001
#define HSE_IO_ASYNC 0x00000002
#define HSE_IO_DISCONNECT_AFTER_SEND 0x00000004
#define HSE_IO_SEND_HEADERS 0x00000008
#define HSE_IO_FINAL_SEND 0x00000010
#define HSE_IO_CACHE_RESPONSE 0x00000020
#define HSE_IO_TRY_SKIP_CUSTOM_ERRORS 0x00000040
#define HSE_IO_NODELAY 0x00001000

/* What may be done under a mapped URL. */
#define HSE_URL_FLAGS_READ 0x00000001
#define HSE_URL_FLAGS_WRITE 0x00000002
#define HSE_URL_FLAGS_EXECUTE 0x00000004
#define HSE_URL_FLAGS_SSL 0x00000008
#define HSE_URL_FLAGS_DONT_CACHE 0x00000010
#define HSE_URL_FLAGS_NEGO_CERT 0x00000020
#define HSE_URL_FLAGS_REQUIRE_CERT 0x00000040
#define HSE_URL_FLAGS_MAP_CERT 0x00000080
#define HSE_URL_FLAGS_SSL128 0x00000100
#define HSE_URL_FLAGS_SCRIPT 0x00000200
#define HSE_URL_FLAGS_MASK 0x000003FF

/* How a child request differs from the one it replaces. */
#define HSE_EXEC_URL_NO_HEADERS 0x00000002
#define HSE_EXEC_URL_IGNORE_CURRENT_INTERCEPTOR 0x00000004
#define HSE_EXEC_URL_IGNORE_VALIDATION_AND_RANGE 0x00000010
#define HSE_EXEC_URL_DISABLE_CUSTOM_ERROR 0x00000020
#define HSE_EXEC_URL_SSI_CMD 0x00000040
#define HSE_EXEC_URL_HTTP_CACHE_ELIGIBLE 0x00000080

/* What an HSE_VECTOR_ELEMENT points to. */
#define HSE_VECTOR_ELEMENT_TYPE_MEMORY_BUFFER 0
#define HSE_VECTOR_ELEMENT_TYPE_FILE_HANDLE 1

/* The answers of HSE_REQ_IS_IN_PROCESS. */
#define HSE_APP_FLAG_IN_PROCESS 0
#define HSE_APP_FLAG_ISOLATED_OOP 1
#define HSE_APP_FLAG_POOLED_OOP 2

/* ---- Structures of the entry points ---- */

/* Identifies one request in every callback to the server. */
typedef LPVOID HCONN;

/* What GetExtensionVersion fills in. */
typedef struct _HSE_VERSION_INFO {
  DWORD dwExtensionVersion;
  CHAR lpszExtensionDesc[HSE_MAX_EXT_DLL_NAME_LEN];
} HSE_VERSION_INFO, *LPHSE_VERSION_INFO;

/*
 * One request, valid until HttpExtensionProc returns or, after HSE_STATUS_PENDING, until
 * HSE_REQ_DONE_WITH_SESSION.
 */
typedef struct _EXTENSION_CONTROL_BLOCK {
  DWORD cbSize;
  DWORD dwVersion;
  HCONN ConnID;
  /* Out: the status and a note for the access log; the client sees neither. */
  DWORD dwHttpStatusCode;
  CHAR lpszLogData[HSE_LOG_BUFFER_LEN];

  /* In: the request, as NUL-terminated strings, which are empty if there is no value. */
  LPSTR lpszMethod;
  LPSTR lpszQueryString;
  LPSTR lpszPathInfo;
  LPSTR lpszPathTranslated;

  /*
   * In: the body. cbAvailable bytes are at lpbData, the rest is read with ReadClient. cbTotalBytes
   * is 0xFFFFFFFF when the length is unknown or does not fit.
   */
  DWORD cbTotalBytes;
  DWORD cbAvailable;
  LPBYTE lpbData;
  LPSTR lpszContentType;

  /* Each of these returns FALSE on failure; GetLastError then returns the reason. */

  /* *lpdwSize: the buffer's size in bytes; after the call the value's, with its NUL. */
  BOOL(WINAPI *GetServerVariable)(HCONN hConn, LPSTR lpszVariableName, LPVOID lpvBuffer, LPDWORD lpdwSize);
  /* *lpdwBytes: bytes to send; after a synchronous call those sent. dwSync: HSE_IO_SYNC or HSE_IO_ASYNC. */
  BOOL(WINAPI *WriteClient)(HCONN ConnID, LPVOID Buffer, LPDWORD lpdwBytes, DWORD dwSync);
  /* *lpdwSize: the buffer's size in bytes; after the call the bytes read, 0 at the body's end. */
  BOOL(WINAPI *ReadClient)(HCONN ConnID, LPVOID lpvBuffer, LPDWORD lpdwSize);
  /* The meaning of the last three arguments depends on the request, an HSE_REQ_ number. */
  BOOL(WINAPI *ServerSupportFunction)(HCONN hConn, DWORD dwHSERequest, LPVOID lpvBuffer, LPDWORD lpdwSize,
                                      LPDWORD lpdwDataType);
} EXTENSION_CONTROL_BLOCK, *LPEXTENSION_CONTROL_BLOCK;

/* ---- Structures of ServerSupportFunction ---- */

/* HSE_REQ_MAP_URL_TO_PATH_EX: where a URL leads. Matching lengths are in characters. */
typedef struct _HSE_URL_MAPEX_INFO {
  CHAR lpszPath[MAX_PATH];
  DWORD dwFlags;
  DWORD cchMatchingPath;
  DWORD cchMatchingURL;
  DWORD dwReserved1;
  DWORD dwReserved2;
} HSE_URL_MAPEX_INFO, *LPHSE_URL_MAPEX_INFO;

/* HSE_REQ_MAP_UNICODE_URL_TO_PATH_EX: the same in UTF-16, without the reserved members. */
typedef struct _HSE_UNICODE_URL_MAPEX_INFO {
  WCHAR lpszPath[MAX_PATH];
  DWORD dwFlags;
  DWORD cchMatchingPath;
  DWORD cchMatchingURL;
} HSE_UNICODE_URL_MAPEX_INFO, *LPHSE_UNICODE_URL_MAPEX_INFO;

/* Called by the server when an asynchronous operation has ended: bytes moved, Win32 error. */
typedef VOID(WINAPI *PFN_HSE_IO_COMPLETION)(EXTENSION_CONTROL_BLOCK *pECB, PVOID pContext, DWORD cbIO,
                                            DWORD dwError);

/* HSE_REQ_TRANSMIT_FILE: part of an open file, with bytes before and after it. */
typedef struct _HSE_TF_INFO {
  PFN_HSE_IO_COMPLETION pfnHseIO;
  PVOID pContext;
  HANDLE hFile;
  LPCSTR pszStatusCode;
  DWORD BytesToWrite;
  DWORD Offset;
  PVOID pHead;
  DWORD HeadLength;
  PVOID pTail;
  DWORD TailLength;
  DWORD dwFlags;
} HSE_TF_INFO, *LPHSE_TF_INFO;

/* HSE_REQ_SEND_RESPONSE_HEADER_EX: "200 OK" and "Name: value\r\n...\r\n", with their lengths. */
typedef struct _HSE_SEND_HEADER_EX_INFO {
  LPCSTR pszStatus;
  LPCSTR pszHeader;
  DWORD cchStatus;
  DWORD cchHeader;
  BOOL fKeepConn;
} HSE_SEND_HEADER_EX_INFO, *LPHSE_SEND_HEADER_EX_INFO;

/* The user a child request runs as. */
typedef struct _HSE_EXEC_URL_USER_INFO {
  HANDLE hImpersonationToken;
  LPSTR pszCustomUserName;
  LPSTR pszCustomAuthType;
} HSE_EXEC_URL_USER_INFO, *LPHSE_EXEC_URL_USER_INFO;

typedef struct _HSE_EXEC_UNICODE_URL_USER_INFO {
  HANDLE hImpersonationToken;
  LPWSTR pszCustomUserName;
  LPSTR pszCustomAuthType;
} HSE_EXEC_UNICODE_URL_USER_INFO, *LPHSE_EXEC_UNICODE_URL_USER_INFO;

/* The body of a child request. */
typedef struct _HSE_EXEC_URL_ENTITY_INFO {
  DWORD cbAvailable;
  LPVOID lpbData;
} HSE_EXEC_URL_ENTITY_INFO, *LPHSE_EXEC_URL_ENTITY_INFO;

/* HSE_REQ_GET_EXEC_URL_STATUS: how the last child request ended. */
typedef struct _HSE_EXEC_URL_STATUS {
  USHORT uHttpStatusCode;
  USHORT uHttpSubStatus;
  DWORD dwWin32Error;
} HSE_EXEC_URL_STATUS, *LPHSE_EXEC_URL_STATUS;

/* HSE_REQ_EXEC_URL: a child request; a member that is NULL is inherited. */
typedef struct _HSE_EXEC_URL_INFO {
  LPSTR pszUrl;
  LPSTR pszMethod;
  LPSTR pszChildHeaders;
  LPHSE_EXEC_URL_USER_INFO pUserInfo;
  LPHSE_EXEC_URL_ENTITY_INFO pEntity;
  DWORD dwExecUrlFlags;
} HSE_EXEC_URL_INFO, *LPHSE_EXEC_URL_INFO;

/* HSE_REQ_EXEC_UNICODE_URL: the same with a URL in UTF-16. */
typedef struct _HSE_EXEC_UNICODE_URL_INFO {
  LPWSTR pszUrl;
  LPSTR pszMethod;
  LPSTR pszChildHeaders;
  LPHSE_EXEC_UNICODE_URL_USER_INFO pUserInfo;
  LPHSE_EXEC_URL_ENTITY_INFO pEntity;
  DWORD dwExecUrlFlags;
} HSE_EXEC_UNICODE_URL_INFO, *LPHSE_EXEC_UNICODE_URL_INFO;

/* HSE_REQ_SEND_CUSTOM_ERROR: the server's own page for a status and sub-status. */
typedef struct _HSE_CUSTOM_ERROR_INFO {
  CHAR *pszStatus;
  USHORT uHttpSubError;
  BOOL fAsync;
} HSE_CUSTOM_ERROR_INFO, *LPHSE_CUSTOM_ERROR_INFO;

/* One piece of a response: memory, or a part of a file. */
typedef struct _HSE_VECTOR_ELEMENT {
  DWORD ElementType;
  PVOID pvContext;
  ULONGLONG cbOffset;
  ULONGLONG cbSize;
} HSE_VECTOR_ELEMENT, *LPHSE_VECTOR_ELEMENT;

/* HSE_REQ_VECTOR_SEND: a head, when dwFlags has HSE_IO_SEND_HEADERS, and pieces in order. */
typedef struct _HSE_RESPONSE_VECTOR {
  DWORD dwFlags;
  LPSTR pszStatus;
  LPSTR pszHeaders;
  DWORD nElementCount;
  LPHSE_VECTOR_ELEMENT lpElementArray;
} HSE_RESPONSE_VECTOR, *LPHSE_RESPONSE_VECTOR;

/* HSE_REQ_GET_CERT_INFO_EX: the client's certificate, copied to the caller's cbAllocated bytes. */
typedef struct _CERT_CONTEXT_EX {
  CERT_CONTEXT CertContext;
  DWORD cbAllocated;
  DWORD dwCertificateFlags;
} CERT_CONTEXT_EX, *LPCERT_CONTEXT_EX;

/* HSE_REQ_GET_TRACE_INFO: whether this request is traced. */
typedef struct _HSE_TRACE_INFO {
  BOOL fTraceRequest;
  BYTE TraceContextId[16];
  DWORD dwReserved1;
  DWORD dwReserved2;
} HSE_TRACE_INFO, *LPHSE_TRACE_INFO;

/* HSE_REQ_GET_CACHE_INVALIDATION_CALLBACK: drops a URL from the server's response cache. */
typedef HRESULT(WINAPI *PFN_HSE_CACHE_INVALIDATION_CALLBACK)(WCHAR *pszUrl);

/* HSE_REQ_GET_PROTOCOL_MANAGER_CUSTOM_INTERFACE_CALLBACK. */
typedef HRESULT(WINAPI *PFN_HSE_GET_PROTOCOL_MANAGER_CUSTOM_INTERFACE_CALLBACK)(LPCWSTR pszProtocolManagerDll,
                                                                                LPCWSTR pszProtocolManagerName,
                                                                                DWORD dwCustomInterfaceId,
                                                                                PVOID *ppCustomInterface);

/* ---- Entry points ---- */

typedef BOOL(WINAPI *PFN_GETEXTENSIONVERSION)(HSE_VERSION_INFO *pVer);
typedef DWORD(WINAPI *PFN_HTTPEXTENSIONPROC)(EXTENSION_CONTROL_BLOCK *pECB);
typedef BOOL(WINAPI *PFN_TERMINATEEXTENSION)(DWORD dwFlags);

#ifdef __cplusplus
extern "C" {
#endif
/* Default visibility exports these functions of a library built with -fvisibility=hidden. */
#pragma GCC visibility push(default)

/* Called once after loading. FALSE, with the last error set, refuses to serve. */
BOOL WINAPI GetExtensionVersion(HSE_VERSION_INFO *pVer);

/* Called for each request, on any thread and on many at the same time. Returns an HSE_STATUS_ number. */
DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *pECB);

/* Optional. Called once before unloading, with an HSE_TERM_ flag. */
BOOL WINAPI TerminateExtension(DWORD dwFlags);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
