// A C++ extension, to be compiled with -fvisibility=hidden: the headers alone export its entry points.
#include <string>

#include <HttpExt.h>
#include <Windows.h>

static bool attached = false;

BOOL WINAPI DllMain(HINSTANCE, DWORD reason, LPVOID) {
  attached = attached || reason == DLL_PROCESS_ATTACH;
  return TRUE;
}

BOOL WINAPI GetExtensionVersion(HSE_VERSION_INFO *version) {
  version->dwExtensionVersion = HSE_VERSION;
  strcpy(version->lpszExtensionDesc, "C++ with hidden visibility");
  return TRUE;
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  std::string body = std::string("from C++, attached ") + (attached ? "1" : "0") + "\n";
  std::string fields = "Content-Type: text/plain\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  HSE_SEND_HEADER_EX_INFO head = {"200 OK", fields.c_str(), 6, static_cast<DWORD>(fields.size()), TRUE};
  DWORD length = static_cast<DWORD>(body.size());

  BOOL sent = block->ServerSupportFunction(block->ConnID, HSE_REQ_SEND_RESPONSE_HEADER_EX, &head, nullptr, nullptr) &&
              block->WriteClient(block->ConnID, &body[0], &length, HSE_IO_SYNC);
  return sent ? HSE_STATUS_SUCCESS : HSE_STATUS_ERROR;
}
