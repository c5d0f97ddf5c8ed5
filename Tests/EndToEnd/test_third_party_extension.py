"""An extension that uses nothing of this project but httpext.h."""

import conftest
SOURCE = r"""
#include <httpext.h>
#include <stdio.h>
#include <string.h>

BOOL WINAPI GetExtensionVersion(HSE_VERSION_INFO *pVer)
{
    pVer->dwExtensionVersion = MAKELONG(HSE_VERSION_MINOR, HSE_VERSION_MAJOR);
    strncpy(pVer->lpszExtensionDesc, "Third party", HSE_MAX_EXT_DLL_NAME_LEN);
    return TRUE;
}

DWORD WINAPI HttpExtensionProc(LPEXTENSION_CONTROL_BLOCK pECB)
{
    CHAR szAddress[64];
    CHAR szBody[256];
    DWORD dwSize = sizeof(szAddress);
    DWORD dwBody;

    if (!pECB->GetServerVariable(pECB->ConnID, "REMOTE_ADDR", szAddress, &dwSize))
        return HSE_STATUS_ERROR;
    dwBody = (DWORD)sprintf(szBody, "%s %s?%s from %s\n", pECB->lpszMethod, pECB->lpszPathInfo,
                            pECB->lpszQueryString, szAddress);
    pECB->dwHttpStatusCode = 200;
    pECB->ServerSupportFunction(pECB->ConnID, HSE_REQ_SEND_RESPONSE_HEADER, "200 OK", NULL,
                                (LPDWORD)"Content-Type: text/plain\r\n\r\n");
    pECB->WriteClient(pECB->ConnID, szBody, &dwBody, HSE_IO_SYNC);
    return HSE_STATUS_SUCCESS;
}

BOOL WINAPI TerminateExtension(DWORD dwFlags)
{
    return dwFlags == HSE_TERM_MUST_UNLOAD || TRUE;
}
"""


def test_an_extension_from_elsewhere_compiles_and_serves(start_gateway, tmp_path):
    source = tmp_path / "third.c"
    source.write_text(SOURCE)
    library = conftest.compile_extension(source, tmp_path / "third.so")
    server = start_gateway([{"path": "/third/*", "extension": "third"}], {"third": {"library": library}})
    response = server.secure().get("/third/path?query")
    assert response.text == "GET /path?query from 127.0.0.1\n"
    server.log.wait_for("extension third: Third party, ISAPI 6.0")
