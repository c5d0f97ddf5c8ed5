// What a host in Swift cannot express itself: calls through an address that dlsym found, and the fixed character arrays
// that Swift imports as tuples. Extensions do not use it.
#ifndef CISAPI_HOST_H
#define CISAPI_HOST_H

#include "httpext.h"

// Entry points are addresses as dlsym returns them; calling a NULL one is the caller's mistake.

static inline BOOL CISAPI_call_GetExtensionVersion(void *function, HSE_VERSION_INFO *version) {
  return ((PFN_GETEXTENSIONVERSION)function)(version);
}

static inline DWORD CISAPI_call_HttpExtensionProc(void *function, EXTENSION_CONTROL_BLOCK *block) {
  return ((PFN_HTTPEXTENSIONPROC)function)(block);
}

static inline BOOL CISAPI_call_TerminateExtension(void *function, DWORD flags) {
  return ((PFN_TERMINATEEXTENSION)function)(flags);
}

// The HSE_MAX_EXT_DLL_NAME_LEN bytes of the description, NUL-terminated only if the extension did.
static inline char *CISAPI_description(HSE_VERSION_INFO *version) { return version->lpszExtensionDesc; }

// The HSE_LOG_BUFFER_LEN bytes of the log note, NUL-terminated only if the extension did.
static inline char *CISAPI_log_data(EXTENSION_CONTROL_BLOCK *block) { return block->lpszLogData; }

// The MAX_PATH bytes of a mapped path.
static inline char *CISAPI_mapped_path(HSE_URL_MAPEX_INFO *mapping) { return mapping->lpszPath; }

#endif
