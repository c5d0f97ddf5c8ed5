/* The first page a visitor sees: links to the other examples and the request's server variables. */
#include <stdio.h>
#include <stdlib.h>

#include "httpext.h"

/* No value shown on the page is longer; a longer one is left out. */
#define LONGEST_VALUE 65536

static const char page_start[] =
    "<!doctype html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<title>Isagate</title>\n"
    "<style>\n"
    ":root { color-scheme: light dark; --line: light-dark(#d9dde3, #343a42); --faint: light-dark(#5b6572, #98a2b0);\n"
    "  --accent: light-dark(#0b5cad, #7db8f5); --card: light-dark(#fff, #1d2126); }\n"
    "body { margin: 0 auto; max-width: 60rem; padding: 3rem 1.25rem; background: light-dark(#f6f7f9, #15181c);\n"
    "  color: light-dark(#1b1f24, #e6e9ed); font: 1rem/1.5 system-ui, sans-serif; }\n"
    "h1 { margin: 0; font-size: 2rem; } h2 { margin: 2.5rem 0 .75rem; font-size: 1.1rem; }\n"
    "p { margin: .25rem 0 0; color: var(--faint); } a { color: var(--accent); text-decoration: none; }\n"
    "ul { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: .75rem; margin: 0;\n"
    "  padding: 0; list-style: none; }\n"
    "li a { display: block; height: 100%; box-sizing: border-box; padding: .9rem 1rem; border: 1px solid var(--line);\n"
    "  border-radius: .6rem; background: var(--card); font-weight: 600; }\n"
    "li a:hover, li a:focus-visible { border-color: var(--accent); }\n"
    "li span { display: block; color: var(--faint); font-size: .875rem; font-weight: 400; }\n"
    "table { width: 100%; border-collapse: collapse; border: 1px solid var(--line); background: var(--card);\n"
    "  font: .8125rem/1.5 ui-monospace, monospace; }\n"
    "th, td { padding: .3rem .75rem; border-top: 1px solid var(--line); text-align: left; vertical-align: top; }\n"
    "th { width: 14rem; color: var(--faint); font-weight: 400; }\n"
    "td { overflow-wrap: anywhere; white-space: pre-wrap; }\n"
    "</style>\n"
    "</head>\n"
    "<body>\n"
    "<h1>It works</h1>\n"
    "<p>This page was written by an ISAPI extension in C.</p>\n"
    "<h2>Examples</h2>\n"
    "<ul>\n"
    "<li><a href=\"/hello\">hello<span>One fixed page, in C</span></a></li>\n"
    "<li><a href=\"/echo\">echo<span>Returns what it is sent, in C</span></a></li>\n"
    "<li><a href=\"/pending\">pending<span>Answers from its own thread, in C</span></a></li>\n"
    "<li><a href=\"/guestbook\">guestbook<span>Leave a message, in Swift</span></a></li>\n"
    "</ul>\n"
    "<h2>Server variables of this request</h2>\n"
    "<table>\n";

static const char page_end[] = "</table>\n</body>\n</html>\n";

static const char *const variables[] = {
    "REQUEST_METHOD",  "URL",         "HTTP_URL",     "QUERY_STRING",    "SCRIPT_NAME",     "PATH_INFO",
    "PATH_TRANSLATED", "SERVER_NAME", "SERVER_PORT",  "SERVER_PROTOCOL", "SERVER_SOFTWARE", "GATEWAY_INTERFACE",
    "LOCAL_ADDR",      "REMOTE_ADDR", "REMOTE_PORT",  "CONTENT_TYPE",    "CONTENT_LENGTH",  "HTTPS",
    "HTTPS_KEYSIZE",   "CERT_SUBJECT", "CERT_ISSUER", "CRYPT_PROTOCOL",  "INSTANCE_ID",     "APP_POOL_ID",
    "ALL_RAW",
};

/* ---- A text that grows ---- */

/* After a failed allocation nothing more is added and failed stays set. */
typedef struct {
  char *bytes;
  size_t length;
  size_t capacity;
  BOOL failed;
} TEXT;

static void append(TEXT *text, const char *bytes, size_t length) {
  if (text->failed) {
    return;
  }
  if (text->capacity - text->length < length) {
    size_t capacity = 2 * text->capacity + length + 1024;
    char *grown = realloc(text->bytes, capacity);
    if (grown == NULL) {
      text->failed = TRUE;
      return;
    }
    text->bytes = grown;
    text->capacity = capacity;
  }
  memcpy(text->bytes + text->length, bytes, length);
  text->length += length;
}

static void append_string(TEXT *text, const char *string) { append(text, string, strlen(string)); }

static void append_escaped(TEXT *text, const char *string) {
  for (; *string != '\0'; string += 1) {
    switch (*string) {
    case '&': append_string(text, "&amp;"); break;
    case '<': append_string(text, "&lt;"); break;
    case '>': append_string(text, "&gt;"); break;
    case '"': append_string(text, "&quot;"); break;
    case '\'': append_string(text, "&#39;"); break;
    case '\r': break;
    default: append(text, string, 1);
    }
  }
}

/* ---- The page ---- */

/* The variable's value, to be freed by the caller. NULL if the server has none. */
static char *server_variable(EXTENSION_CONTROL_BLOCK *block, const char *name) {
  DWORD size = 256;
  char *value = malloc(size);
  if (value == NULL || block->GetServerVariable(block->ConnID, (LPSTR)name, value, &size)) {
    return value;
  }
  free(value);
  if (GetLastError() != ERROR_INSUFFICIENT_BUFFER || size > LONGEST_VALUE) {
    return NULL;
  }
  /* size is now what the value needs. */
  value = malloc(size);
  if (value != NULL && !block->GetServerVariable(block->ConnID, (LPSTR)name, value, &size)) {
    free(value);
    return NULL;
  }
  return value;
}

static void append_variables(TEXT *page, EXTENSION_CONTROL_BLOCK *block) {
  for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i += 1) {
    char *value = server_variable(block, variables[i]);
    if (value != NULL && value[0] != '\0') {
      append_string(page, "<tr><th scope=\"row\">");
      append_string(page, variables[i]);
      append_string(page, "</th><td>");
      append_escaped(page, value);
      append_string(page, "</td></tr>\n");
    }
    free(value);
  }
}

static BOOL send_page(EXTENSION_CONTROL_BLOCK *block, TEXT *page) {
  char head[320];
  DWORD length = (DWORD)page->length;
  int size = snprintf(head, sizeof head,
                      "Content-Type: text/html; charset=utf-8\r\n"
                      "Content-Length: %u\r\n"
                      "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n"
                      "Cache-Control: no-store\r\n"
                      "\r\n",
                      length);
  HSE_SEND_HEADER_EX_INFO response = {"200 OK", head, sizeof "200 OK" - 1, (DWORD)size, TRUE};

  return block->ServerSupportFunction(block->ConnID, HSE_REQ_SEND_RESPONSE_HEADER_EX, &response, NULL, NULL) &&
         block->WriteClient(block->ConnID, page->bytes, &length, HSE_IO_SYNC);
}

BOOL WINAPI GetExtensionVersion(HSE_VERSION_INFO *version) {
  version->dwExtensionVersion = HSE_VERSION;
  strcpy(version->lpszExtensionDesc, "Index page with server variables");
  return TRUE;
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  TEXT page = {0};
  append_string(&page, page_start);
  append_variables(&page, block);
  append_string(&page, page_end);

  BOOL sent = !page.failed && send_page(block, &page);
  free(page.bytes);
  return sent ? HSE_STATUS_SUCCESS_AND_KEEP_CONN : HSE_STATUS_ERROR;
}
