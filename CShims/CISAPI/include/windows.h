/*
 * What sources of ISAPI extensions use of Windows besides the Internet Server API itself. The
 * library isagate-compat has the functions; the gateway has them too, for the extensions it loads.
 *
 * A function that is declared here behaves as its Windows reference states, or fails and sets
 * the last error. Functions of Windows that are not supported are not declared.
 */
#ifndef ISAPI_WINDOWS_H
#define ISAPI_WINDOWS_H

#include "windef.h"
#include "winerror.h"
#include "winnt.h"

#include "winbase.h"
#include "wincrypt.h"
#include "winnls.h"
#include "winreg.h"
#include "winuser.h"

#include "isapicrt.h"

ISAPI_BEGIN

/*
 * The optional entry point of a library, called with a DLL_ reason: once when it is loaded
 * (FALSE refuses the load), once before it is unloaded, before a thread runs its code for the first
 * time, when such a thread ends, and for every thread of CreateThread. Visible by default, so that a
 * library built with -fvisibility=hidden exports it.
 */
BOOL WINAPI DllMain(HINSTANCE hinstDLL, DWORD fdwReason, LPVOID lpvReserved);

ISAPI_END

#endif
