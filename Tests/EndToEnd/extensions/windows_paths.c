/* Every path an extension receives, a line each, and whether a file is found by the one of the control block. */
#include "extension.h"

EXTENSION("Windows paths")

static HMODULE self;

BOOL WINAPI DllMain(HINSTANCE library, DWORD reason, LPVOID reserved) {
  (void)reserved;
  if (reason == DLL_PROCESS_ATTACH) {
    self = library;
  }
  return TRUE;
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *block) {
  static const char *const variables[] = {"PATH_TRANSLATED", "APPL_PHYSICAL_PATH", "DOCUMENT_ROOT", "SCRIPT_TRANSLATED",
                                          "SCRIPT_FILENAME", "REQUEST_FILENAME"};
  char text[1024];
  DWORD size;
  send_text_head(block);
  write_format(block, "block %s\n", block->lpszPathTranslated);
  for (size_t index = 0; index < sizeof variables / sizeof variables[0]; index += 1) {
    size = sizeof text;
    block->GetServerVariable(block->ConnID, (LPSTR)variables[index], text, &size);
    write_format(block, "%s %s\n", variables[index], text);
  }
  strcpy(text, "/a/b.txt");
  size = sizeof text;
  block->ServerSupportFunction(block->ConnID, HSE_REQ_MAP_URL_TO_PATH, text, &size, NULL);
  write_format(block, "mapped %s\n", text);
  HSE_URL_MAPEX_INFO information;
  size = 0;
  char url[] = "/a/b.txt";
  block->ServerSupportFunction(block->ConnID, HSE_REQ_MAP_URL_TO_PATH_EX, url, &size, (LPDWORD)(LPVOID)&information);
  write_format(block, "mapped-ex %s\n", information.lpszPath);
  GetModuleFileName(self, text, sizeof text);
  write_format(block, "module %s\n", text);
  write_format(block, "same %d\n", GetModuleHandle(text) == self);
  GetCurrentDirectory(sizeof text, text);
  write_format(block, "folder %s\n", text);
  GetFullPathName("a/b", sizeof text, text, NULL);
  write_format(block, "full %s\n", text);
  GetTempPath(sizeof text, text);
  write_format(block, "temporary %s\n", text);
  write_format(block, "found %d\n", GetFileAttributes(block->lpszPathTranslated) != INVALID_FILE_ATTRIBUTES);
  return HSE_STATUS_SUCCESS;
}
