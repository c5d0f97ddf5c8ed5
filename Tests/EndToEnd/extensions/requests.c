/*
 * Calls ServerSupportFunction with the request that the path names and prints the return value, the error, and the
 * output.
 */
#include "extension.h"

EXTENSION("Requests of ServerSupportFunction")

static void print_hex(EXTENSION_CONTROL_BLOCK *block, const unsigned char *bytes, DWORD count) {
  for (DWORD i = 0; i < count; i += 1) {
    write_format(block, "%02x", bytes[i]);
  }
  write_text(block, "\n");
}

static size_t widen(const char *text, WCHAR *wide) {
  size_t length = strlen(text);
  for (size_t i = 0; i <= length; i += 1) {
    wide[i] = (unsigned char)text[i];
  }
  return length;
}

static const char *narrow(const WCHAR *wide) {
  static __thread char text[1024];
  size_t i = 0;
  for (; wide[i] != 0 && i < sizeof text - 1; i += 1) {
    text[i] = (char)wide[i];
  }
  text[i] = '\0';
  return text;
}

#define CALL(request, buffer, size, type) block->ServerSupportFunction(block->ConnID, request, buffer, size, type)
/* Whether a client disconnected while it was watched. */
static int saw_client_go;

#define SAY(done) say(block, (done))

static void say(EXTENSION_CONTROL_BLOCK *block, BOOL done) {
  DWORD error = done ? 0 : GetLastError();
  write_format(block, "%d %u ", done, error);
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  const char *name = block->lpszPathInfo + 1;
  char query[1024];
  WCHAR wide[1024];
  BOOL done;
  snprintf(query, sizeof query, "%s", block->lpszQueryString);
  decode_query(query);

  /* Requests that send the response, or affect it. */
  if (strcmp(name, "send_url") == 0) {
    DWORD size = (DWORD)strlen(query);
    done = CALL(HSE_REQ_SEND_URL, query, &size, NULL);
    memset(query, 'x', sizeof query);
    if (!done) {
      send_text_head(block);
      SAY(done);
    } else if (*block->lpszQueryString == '/' && (write_text(block, "too late") || send_text_head(block))) {
      return HSE_STATUS_ERROR;
    }
    return HSE_STATUS_SUCCESS;
  }
  if (strcmp(name, "custom_error") == 0) {
    char *substatus = strrchr(query, ' ');
    HSE_CUSTOM_ERROR_INFO information = {query, 0, FALSE};
    if (substatus != NULL) {
      information.uHttpSubError = (USHORT)atoi(substatus);
      *substatus = '\0';
    }
    done = CALL(HSE_REQ_SEND_CUSTOM_ERROR, &information, NULL, NULL);
    if (!done) {
      send_text_head(block);
      SAY(done);
    }
    return HSE_STATUS_SUCCESS;
  }
  if (strcmp(name, "abortive") == 0) {
    send_text_head(block);
    SAY(CALL(HSE_REQ_ABORTIVE_CLOSE, NULL, NULL, NULL));
    return HSE_STATUS_SUCCESS;
  }
  if (strcmp(name, "own_chunks") == 0) {
    send_head(block, "200 OK", "Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n");
    if (strcmp(query, "broken") == 0) {
      write_text(block, "5\r\nhello\r\nxyz\r\n");
      return HSE_STATUS_SUCCESS;
    }
    write_text(block, "5\r\nhel");
    write_text(block, "lo\r");
    write_text(block, "\n7\r\n, world\r\n0\r\n\r\n");
    return HSE_STATUS_SUCCESS;
  }

  send_text_head(block);
  if (strcmp(name, "unhealthy") == 0) {
    SAY(CALL(HSE_REQ_REPORT_UNHEALTHY, query, NULL, NULL));
  } else if (strcmp(name, "map") == 0) {
    DWORD size = sizeof query;
    SAY(CALL(HSE_REQ_MAP_URL_TO_PATH, query, &size, NULL));
  } else if (strcmp(name, "unicode_map") == 0) {
    widen(query, wide);
    DWORD size = (DWORD)(2 * (strlen(query) + 1));
    done = CALL(HSE_REQ_MAP_UNICODE_URL_TO_PATH, wide, &size, NULL);
    SAY(done);
    write_format(block, "%u\n", size);
    widen(query, wide);
    size = sizeof wide;
    done = CALL(HSE_REQ_MAP_UNICODE_URL_TO_PATH, wide, &size, NULL);
    SAY(done);
    write_format(block, "%u %s\n", size, narrow(wide));
  } else if (strcmp(name, "map_ex") == 0) {
    HSE_URL_MAPEX_INFO mapped;
    DWORD size = (DWORD)strlen(query);
    done = CALL(HSE_REQ_MAP_URL_TO_PATH_EX, query, &size, (LPDWORD)&mapped);
    SAY(done);
    if (done) {
      write_format(block, "%s %x %s %s\n", mapped.lpszPath, mapped.dwFlags, mapped.lpszPath + mapped.cchMatchingPath,
                   query + mapped.cchMatchingURL);
    }
  } else if (strcmp(name, "unicode_map_ex") == 0) {
    HSE_UNICODE_URL_MAPEX_INFO mapped;
    widen(query, wide);
    done = CALL(HSE_REQ_MAP_UNICODE_URL_TO_PATH_EX, wide, NULL, (LPDWORD)&mapped);
    SAY(done);
    if (done) {
      write_format(block, "%s %x\n", narrow(mapped.lpszPath), mapped.dwFlags);
    }
  } else if (strcmp(name, "normalize") == 0) {
    SAY(CALL(HSE_REQ_NORMALIZE_URL, query, NULL, NULL));
    write_format(block, "%s\n", query);
  } else if (strcmp(name, "flush") == 0) {
    SAY(CALL(HSE_REQ_SET_FLUSH_FLAG, (LPVOID)TRUE, NULL, NULL));
    write_text(block, "one\n");
    char input[16];
    DWORD size = sizeof input;
    /* The client sends the rest of its body when it has seen the first line. */
    block->ReadClient(block->ConnID, input, &size);
    write_text(block, "two\n");
  } else if (strcmp(name, "connected") == 0) {
    BOOL connected = 7;
    SAY(CALL(HSE_REQ_IS_CONNECTED, &connected, NULL, NULL));
    write_format(block, "%d\n", connected);
  } else if (strcmp(name, "watch") == 0) {
    BOOL connected = TRUE;
    CALL(HSE_REQ_SET_FLUSH_FLAG, (LPVOID)(UINT_PTR)TRUE, NULL, NULL);
    write_text(block, "watching\n");
    while (connected && CALL(HSE_REQ_IS_CONNECTED, &connected, NULL, NULL)) {
      nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    __atomic_store_n(&saw_client_go, !connected, __ATOMIC_RELEASE);
  } else if (strcmp(name, "watched") == 0) {
    write_format(block, "%d\n", __atomic_load_n(&saw_client_go, __ATOMIC_ACQUIRE));
  } else if (strcmp(name, "certificate") == 0) {
    BYTE der[8192];
    CERT_CONTEXT_EX context = {{0, der, 0, NULL, NULL}, 10, 7};
    done = CALL(HSE_REQ_GET_CERT_INFO_EX, &context, NULL, NULL);
    SAY(done);
    context.cbAllocated = sizeof der;
    done = CALL(HSE_REQ_GET_CERT_INFO_EX, &context, NULL, NULL);
    SAY(done);
    write_format(block, "%u %u ", context.dwCertificateFlags, context.CertContext.cbCertEncoded);
    print_hex(block, der, done ? context.CertContext.cbCertEncoded : 0);
  } else if (strcmp(name, "binding") == 0) {
    unsigned char token[256];
    DWORD size = 8;
    SAY(CALL(HSE_REQ_GET_CHANNEL_BINDING_TOKEN, token, &size, NULL));
    size = sizeof token;
    done = CALL(HSE_REQ_GET_CHANNEL_BINDING_TOKEN, token, &size, NULL);
    SAY(done);
    print_hex(block, token, done ? size : 0);
  } else if (strcmp(name, "empty_answers") == 0) {
    HSE_TRACE_INFO trace = {TRUE, {1}, 1, 1};
    PFN_HSE_CACHE_INVALIDATION_CALLBACK invalidate = NULL;
    char path[] = "x.so";
    SAY(CALL(HSE_REQ_REFRESH_ISAPI_ACL, path, NULL, NULL));
    SAY(CALL(HSE_REQ_GET_TRACE_INFO, &trace, NULL, NULL));
    write_format(block, "trace %d ", trace.fTraceRequest);
    trace.fTraceRequest = TRUE;
    SAY(CALL(HSE_REQ_GET_TRACE_INFO_EX, &trace, NULL, NULL));
    write_format(block, "trace %d ", trace.fTraceRequest);
    SAY(CALL(HSE_REQ_RAISE_TRACE_EVENT, &trace, NULL, NULL));
    SAY(CALL(HSE_REQ_GET_CACHE_INVALIDATION_CALLBACK, &invalidate, NULL, NULL));
    widen("/url", wide);
    write_format(block, "invalidated %d\n", invalidate == NULL ? -1 : invalidate(wide));
  } else if (strcmp(name, "windows_only") == 0) {
    const DWORD requests[] = {HSE_REQ_GET_SSPI_INFO, HSE_REQ_GET_IMPERSONATION_TOKEN, HSE_REQ_GET_ANONYMOUS_TOKEN,
                              HSE_REQ_GET_UNICODE_ANONYMOUS_TOKEN, HSE_REQ_GET_CONFIG_OBJECT,
                              HSE_REQ_GET_WORKER_PROCESS_SETTINGS,
                              HSE_REQ_GET_PROTOCOL_MANAGER_CUSTOM_INTERFACE_CALLBACK};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i += 1) {
      SetLastError(0);
      SAY(CALL(requests[i], wide, NULL, NULL));
    }
  } else if (strcmp(name, "totals") == 0) {
    write_format(block, "%u %u ", block->cbTotalBytes, block->cbAvailable);
    char length[32] = "-";
    DWORD size = sizeof length;
    SAY(block->GetServerVariable(block->ConnID, "CONTENT_LENGTH", length, &size));
    DWORD total = block->cbAvailable;
    for (;;) {
      char input[65536];
      size = sizeof input;
      if (!block->ReadClient(block->ConnID, input, &size) || size == 0) {
        break;
      }
      total += size;
    }
    write_format(block, "%s %u\n", length, total);
  }
  return HSE_STATUS_SUCCESS;
}
