// An Apache handler in the server's own process that answers what Examples/hello does, for comparison.
#include <httpd.h>

#include <http_config.h>
#include <http_protocol.h>

static const char body[] = "Hello, world\n";

static int hello(request_rec *request) {
  if (request->handler == NULL || strcmp(request->handler, "hello") != 0) {
    return DECLINED;
  }
  ap_set_content_type(request, "text/plain");
  ap_set_content_length(request, sizeof body - 1);
  if (!request->header_only) {
    ap_rwrite(body, sizeof body - 1, request);
  }
  return OK;
}

static void hooks(apr_pool_t *pool) {
  (void)pool;
  ap_hook_handler(hello, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(hello) = {STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, hooks, 0};
