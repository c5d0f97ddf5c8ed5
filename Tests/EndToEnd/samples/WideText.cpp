// WideText.cpp : a UNICODE build, which asks and answers in wide characters

#define UNICODE
#define _UNICODE
#include <windows.h>
#include <httpext.h>
#include <strsafe.h>
#include <tchar.h>
#include <iostream>
#include <string>

static TCHAR g_szModule[MAX_PATH];

BOOL WINAPI DllMain(__in HINSTANCE hinstDLL, __in DWORD fdwReason, __in_opt LPVOID)
{
    if (fdwReason == DLL_PROCESS_ATTACH)
    {
        GetModuleFileName(hinstDLL, g_szModule, ARRAYSIZE(g_szModule));
    }
    return TRUE;
}

BOOL WINAPI GetExtensionVersion(__out HSE_VERSION_INFO *pVer)
{
    pVer->dwExtensionVersion = HSE_VERSION;
    StringCchCopyA(pVer->lpszExtensionDesc, HSE_MAX_EXT_DLL_NAME_LEN, "Wide text sample");
    return TRUE;
}

static BOOL WriteLine(__in EXTENSION_CONTROL_BLOCK *pECB, __in LPCWSTR pwszLine)
{
    BOOL fWritten = FALSE;
    int cb = WideCharToMultiByte(CP_UTF8, 0, pwszLine, -1, NULL, 0, NULL, NULL);
    LPSTR pszLine = (LPSTR)LocalAlloc(LPTR, cb + 2);
    if (pszLine != NULL)
    {
        DWORD cbWrite = cb + 1;
        WideCharToMultiByte(CP_UTF8, 0, pwszLine, -1, pszLine, cb, NULL, NULL);
        StringCchCatA(pszLine, cb + 2, "\r\n");
        fWritten = pECB->WriteClient(pECB->ConnID, pszLine, &cbWrite, HSE_IO_SYNC);
        LocalFree(pszLine);
    }
    return fWritten;
}

DWORD WINAPI HttpExtensionProc(__in EXTENSION_CONTROL_BLOCK *pECB)
{
    WCHAR wszUrl[256];
    WCHAR wszLine[512];
    WCHAR wszPath[MAX_PATH] = L"/caf\x00e9";
    TCHAR szDate[64];
    SYSTEMTIME st = {2009, 7, 3, 22, 12, 30, 5, 0};
    DWORD cb = sizeof(wszUrl);
    std::string strStatus("200 OK");

    pECB->ServerSupportFunction(pECB->ConnID, HSE_REQ_SEND_RESPONSE_HEADER, (LPVOID)strStatus.c_str(), NULL,
                                (LPDWORD) "Content-Type: text/plain; charset=utf-8\r\n\r\n");
    if (!pECB->GetServerVariable(pECB->ConnID, (LPSTR) "UNICODE_URL", wszUrl, &cb))
    {
        StringCchPrintf(wszUrl, ARRAYSIZE(wszUrl), L"error %u", GetLastError());
    }
    StringCchPrintf(wszLine, ARRAYSIZE(wszLine), L"%s in %u bytes", wszUrl, cb);
    WriteLine(pECB, wszLine);

    cb = sizeof(wszPath);
    if (pECB->ServerSupportFunction(pECB->ConnID, HSE_REQ_MAP_UNICODE_URL_TO_PATH, wszPath, &cb, NULL))
    {
        _snwprintf_s(wszLine, _TRUNCATE, L"file %s", wcsrchr(wszPath, L'/') + 1);
        WriteLine(pECB, wszLine);
    }
    GetDateFormat(LOCALE_SYSTEM_DEFAULT, 0, &st, _T("ddd, dd MMM yyyy"), szDate, ARRAYSIZE(szDate));
    swprintf_s(wszLine, L"date %s", szDate);
    WriteLine(pECB, wszLine);

    wcscpy_s(wszLine, _tcsstr(g_szModule, _T("WideText")) != NULL ? L"module " : L"");
    wcscat_s(wszLine, _tcschr(g_szModule, _T('?')) == NULL ? L"known" : L"unknown");
    WriteLine(pECB, wszLine);
    return HSE_STATUS_SUCCESS;
}
