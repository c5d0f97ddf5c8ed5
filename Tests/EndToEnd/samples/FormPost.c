/* Reads a posted form and settings from an .ini file beside the library; answers with what it has found. */
#define WIN32_LEAN_AND_MEAN
#define STRICT
#include <Windows.h>
#include <HttpExt.h>
#include <stdlib.h>
#include <ctype.h>

#define MAX_FORM 65536
#define SECTION "Form"

static HMODULE g_hModule;
static char g_szIniFile[_MAX_PATH];
static LONG g_lPosts;

#ifdef __cplusplus
extern "C"
#endif
BOOL APIENTRY DllMain(HINSTANCE hModule, DWORD ul_reason_for_call, LPVOID lpReserved)
{
    (void)lpReserved;
    if (ul_reason_for_call == DLL_PROCESS_ATTACH)
    {
        LPSTR lpszDot;
        g_hModule = hModule;
        GetModuleFileName(g_hModule, g_szIniFile, sizeof(g_szIniFile));
        lpszDot = strrchr(g_szIniFile, '.');
        if (lpszDot != NULL)
            lstrcpy(lpszDot, ".ini");
    }
    return TRUE;
}

BOOL WINAPI GetExtensionVersion(HSE_VERSION_INFO *pVer)
{
    pVer->dwExtensionVersion = HSE_VERSION;
    GetPrivateProfileString(SECTION, "Description", "Form sample", pVer->lpszExtensionDesc,
                            HSE_MAX_EXT_DLL_NAME_LEN, g_szIniFile);
    return TRUE;
}

static void WriteString(EXTENSION_CONTROL_BLOCK *pECB, LPCSTR lpsz)
{
    DWORD dwLen = (DWORD)lstrlen(lpsz);
    pECB->WriteClient(pECB->ConnID, (LPVOID)lpsz, &dwLen, HSE_IO_SYNC);
}

static void WriteVariable(EXTENSION_CONTROL_BLOCK *pECB, LPSTR lpszName)
{
    char szValue[512];
    char szLine[600];
    DWORD dwSize = sizeof(szValue);

    if (pECB->GetServerVariable(pECB->ConnID, lpszName, szValue, &dwSize))
    {
        wsprintf(szLine, "%s=%s\r\n", lpszName, szValue);
    }
    else
    {
        LPVOID lpMessage = NULL;
        DWORD dwError = GetLastError();
        FormatMessage(FORMAT_MESSAGE_ALLOCATE_BUFFER | FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS,
                      NULL, dwError, MAKELANGID(LANG_NEUTRAL, SUBLANG_DEFAULT), (LPTSTR)&lpMessage, 0, NULL);
        wsprintf(szLine, "%s: error %lu%s\r\n", lpszName, dwError, lpMessage != NULL ? " with a message" : "");
        LocalFree((HLOCAL)lpMessage);
    }
    WriteString(pECB, szLine);
}

static int HexDigit(char ch)
{
    ch = (char)(DWORD_PTR)CharUpper((LPSTR)(DWORD_PTR)(BYTE)ch);
    return ch >= 'A' ? ch - 'A' + 10 : ch - '0';
}

static void Unescape(LPSTR lpsz)
{
    LPSTR lpszTo = lpsz;
    while (*lpsz)
    {
        if (*lpsz == '+')
        {
            *lpszTo++ = ' ';
            lpsz++;
        }
        else if (*lpsz == '%' && isxdigit((BYTE)lpsz[1]) && isxdigit((BYTE)lpsz[2]))
        {
            *lpszTo++ = (char)(HexDigit(lpsz[1]) * 16 + HexDigit(lpsz[2]));
            lpsz += 3;
        }
        else
        {
            *lpszTo++ = *lpsz++;
        }
    }
    *lpszTo = '\0';
}

/* The whole body, for HeapFree; NULL when it is too long or does not come. */
static LPSTR ReadForm(EXTENSION_CONTROL_BLOCK *pECB)
{
    DWORD cbTotal = pECB->cbTotalBytes;
    DWORD cbRead = pECB->cbAvailable;
    LPSTR lpszForm;

    if (cbTotal > MAX_FORM)
        return NULL;
    lpszForm = (LPSTR)HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, cbTotal + 1);
    if (lpszForm == NULL)
        return NULL;
    CopyMemory(lpszForm, pECB->lpbData, cbRead);
    while (cbRead < cbTotal)
    {
        DWORD cbChunk = cbTotal - cbRead;
        if (!pECB->ReadClient(pECB->ConnID, lpszForm + cbRead, &cbChunk) || cbChunk == 0)
        {
            HeapFree(GetProcessHeap(), 0, lpszForm);
            return NULL;
        }
        cbRead += cbChunk;
    }
    return lpszForm;
}

static void WriteFields(EXTENSION_CONTROL_BLOCK *pECB, LPSTR lpszForm)
{
    int nMax = (int)GetPrivateProfileInt(SECTION, "MaxFields", 10, g_szIniFile);
    char szPrefix[64];
    LPSTR lpszField;

    GetPrivateProfileString(SECTION, "Prefix", "field ", szPrefix, sizeof(szPrefix), g_szIniFile);
    for (lpszField = strtok(lpszForm, "&"); lpszField != NULL && nMax-- > 0; lpszField = strtok(NULL, "&"))
    {
        char szLine[1100];
        char szName[64];
        LPSTR lpszValue = strchr(lpszField, '=');

        if (lpszValue == NULL)
            continue;
        *lpszValue++ = '\0';
        Unescape(lpszField);
        Unescape(lpszValue);
        lstrcpyn(szName, lpszField, sizeof(szName));
        CharLower(szName);
        _snprintf(szLine, sizeof(szLine), "%s%s=%.900s\r\n", szPrefix, szName, lpszValue);
        WriteString(pECB, szLine);
    }
}

DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *pECB)
{
    static LPCSTR rgszNames[] = {"REQUEST_METHOD", "CONTENT_TYPE", "CONTENT_LENGTH", "HTTP_X_NONE", NULL};
    char szHeader[] = "Content-Type: text/plain\r\n\r\n";
    char szCount[32];
    LPSTR lpszForm;
    int i;

    if (lstrcmpi(pECB->lpszMethod, "post") != 0)
    {
        DWORD dwLen = 0;
        pECB->dwHttpStatusCode = 405;
        pECB->ServerSupportFunction(pECB->ConnID, HSE_REQ_SEND_RESPONSE_HEADER, (LPVOID) "405 Method Not Allowed",
                                    &dwLen, (LPDWORD) "Allow: POST\r\nContent-Length: 0\r\n\r\n");
        return HSE_STATUS_SUCCESS;
    }
    lpszForm = ReadForm(pECB);
    if (lpszForm == NULL)
        return HSE_STATUS_ERROR;
    pECB->ServerSupportFunction(pECB->ConnID, HSE_REQ_SEND_RESPONSE_HEADER, NULL, NULL, (LPDWORD)szHeader);
    for (i = 0; rgszNames[i] != NULL; i++)
        WriteVariable(pECB, (LPSTR)rgszNames[i]);
    WriteFields(pECB, lpszForm);
    HeapFree(GetProcessHeap(), 0, lpszForm);
    _itoa(InterlockedIncrement(&g_lPosts), szCount, 10);
    WritePrivateProfileString("State", "Posts", szCount, g_szIniFile);
    return HSE_STATUS_SUCCESS;
}
