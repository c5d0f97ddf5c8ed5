// A small server object that finds a command by its name and calls a method for it, as many extensions did before MFC's.
#include <windows.h>
#include <httpext.h>
#include <tchar.h>
#include <crtdbg.h>
#include <map>
#include <string>
#include <vector>

#pragma warning(disable : 4786)
#pragma comment(lib, "user32.lib")

using namespace std;

#define DECLARE_COMMAND(name) BOOL name(CHttpContext &ctx)
#define MAX_NAME_LEN (MAX_PATH - 1)

// Holds a critical section from its beginning to its end.
class CAutoLock
{
public:
    CAutoLock(CRITICAL_SECTION *pcs) : m_pcs(pcs) { ::EnterCriticalSection(m_pcs); }
    ~CAutoLock() { ::LeaveCriticalSection(m_pcs); }

private:
    CRITICAL_SECTION *m_pcs;
    CAutoLock(const CAutoLock &);
    CAutoLock &operator=(const CAutoLock &);
};

class CHttpContext
{
public:
    explicit CHttpContext(EXTENSION_CONTROL_BLOCK *pECB) : m_pECB(pECB), m_strStatus("200 OK")
    {
        _ASSERTE(pECB != NULL);
    }

    string GetVariable(LPCSTR lpszName) const
    {
        DWORD cb = 0;
        string str;
        if (!m_pECB->GetServerVariable(m_pECB->ConnID, (LPSTR)lpszName, NULL, &cb) &&
            ::GetLastError() == ERROR_INSUFFICIENT_BUFFER && cb > 0)
        {
            vector<char> buffer(cb);
            if (m_pECB->GetServerVariable(m_pECB->ConnID, (LPSTR)lpszName, &buffer[0], &cb))
                str.assign(&buffer[0], cb - 1);
        }
        return str;
    }

    string GetParameter(LPCSTR lpszName) const
    {
        string strQuery(m_pECB->lpszQueryString), strName(lpszName);
        strName += '=';
        string::size_type nPos = 0;
        while (nPos < strQuery.length())
        {
            string::size_type nEnd = min(strQuery.find('&', nPos), strQuery.length());
            if (_strnicmp(strQuery.c_str() + nPos, strName.c_str(), strName.length()) == 0)
                return strQuery.substr(nPos + strName.length(), nEnd - nPos - strName.length());
            nPos = nEnd + 1;
        }
        return "";
    }

    CHttpContext &operator<<(LPCTSTR lpsz)
    {
        m_strBody += lpsz;
        return *this;
    }

    CHttpContext &operator<<(LONG l)
    {
        TCHAR sz[32];
        _stprintf(sz, _T("%d"), (int)l);
        return *this << sz;
    }

    BOOL Flush()
    {
        HSE_SEND_HEADER_EX_INFO info;
        CHAR szHeader[256];
        DWORD dwSize = (DWORD)m_strBody.size();

        ZeroMemory(&info, sizeof(info));
        _snprintf(szHeader, sizeof(szHeader) - 1, "Content-Type: text/html\r\nContent-Length: %u\r\n\r\n", dwSize);
        szHeader[sizeof(szHeader) - 1] = '\0';
        info.pszStatus = m_strStatus.c_str();
        info.cchStatus = (DWORD)m_strStatus.length();
        info.pszHeader = szHeader;
        info.cchHeader = lstrlenA(szHeader);
        info.fKeepConn = TRUE;
        m_pECB->dwHttpStatusCode = atoi(m_strStatus.c_str());
        if (!m_pECB->ServerSupportFunction(m_pECB->ConnID, HSE_REQ_SEND_RESPONSE_HEADER_EX, &info, NULL, NULL))
            return FALSE;
        return m_pECB->WriteClient(m_pECB->ConnID, (LPVOID)m_strBody.data(), &dwSize, HSE_IO_SYNC);
    }

    void SetStatus(LPCSTR lpsz) { m_strStatus = lpsz; }

private:
    EXTENSION_CONTROL_BLOCK *m_pECB;
    string m_strStatus;
    string m_strBody;
};

class CHttpServer
{
public:
    CHttpServer() : m_lVisits(0)
    {
        ::InitializeCriticalSection(&m_cs);
        m_mapCommands["hello"] = &CHttpServer::OnHello;
        m_mapCommands["visits"] = &CHttpServer::OnVisits;
        m_mapCommands["nothing"] = &CHttpServer::OnNothing;
    }

    virtual ~CHttpServer() { ::DeleteCriticalSection(&m_cs); }

    BOOL GetExtensionVersion(HSE_VERSION_INFO *pVer)
    {
        pVer->dwExtensionVersion = MAKELONG(HSE_VERSION_MINOR, HSE_VERSION_MAJOR);
        ::lstrcpyn(pVer->lpszExtensionDesc, _T("Dispatcher sample"), HSE_MAX_EXT_DLL_NAME_LEN);
        return TRUE;
    }

    DWORD HttpExtensionProc(EXTENSION_CONTROL_BLOCK *pECB)
    {
        CHttpContext ctx(pECB);
        string strCommand = ctx.GetParameter("MfcISAPICommand");
        BOOL bFound = FALSE;

        CommandMap::const_iterator it = m_mapCommands.find(strCommand);
        if (it != m_mapCommands.end())
            bFound = Invoke(it->second, ctx);
        if (!bFound)
        {
            ctx.SetStatus("404 Not Found");
            ctx << _T("no command ") << strCommand.c_str() << _T("\r\n");
        }
        return ctx.Flush() ? HSE_STATUS_SUCCESS_AND_KEEP_CONN : HSE_STATUS_ERROR;
    }

protected:
    typedef BOOL (CHttpServer::*PFNCOMMAND)(CHttpContext &);
    typedef map<string, PFNCOMMAND, less<string> > CommandMap;

    BOOL Invoke(PFNCOMMAND pfn, CHttpContext &ctx)
    {
        BOOL bOk = FALSE;
        __try
        {
            bOk = (this->*pfn)(ctx);
        }
        __except (GetExceptionCode() == EXCEPTION_ACCESS_VIOLATION ? EXCEPTION_EXECUTE_HANDLER
                                                                   : EXCEPTION_CONTINUE_SEARCH)
        {
            ::OutputDebugString(_T("fault in a command\n"));
        }
        return bOk;
    }

    DECLARE_COMMAND(OnHello)
    {
        ctx << _T("<p>Hello, ") << ctx.GetParameter("Name").c_str() << _T(" at ")
            << ctx.GetVariable("SERVER_PROTOCOL").c_str() << _T("</p>\r\n");
        return TRUE;
    }

    DECLARE_COMMAND(OnVisits)
    {
        CAutoLock lock(&m_cs);
        {
            // The section belongs to this thread already.
            CAutoLock again(&m_cs);
            m_lVisits++;
        }
        ctx << _T("<p>") << m_lVisits << _T("</p>\r\n");
        return TRUE;
    }

    DECLARE_COMMAND(OnNothing)
    {
        UNREFERENCED_PARAMETER(ctx);
        return FALSE;
    }

private:
    CRITICAL_SECTION m_cs;
    CommandMap m_mapCommands;
    LONG m_lVisits;
};

static CHttpServer *g_pServer = NULL;

extern "C" BOOL WINAPI DllMain(HINSTANCE hInst, ULONG ulReason, LPVOID lpReserved)
{
    UNREFERENCED_PARAMETER(hInst);
    UNREFERENCED_PARAMETER(lpReserved);
    switch (ulReason)
    {
    case DLL_PROCESS_ATTACH:
        g_pServer = new CHttpServer;
        break;
    case DLL_PROCESS_DETACH:
        delete g_pServer;
        g_pServer = NULL;
        break;
    }
    return TRUE;
}

extern "C" __declspec(dllexport) BOOL WINAPI GetExtensionVersion(HSE_VERSION_INFO *pVer)
{
    return g_pServer->GetExtensionVersion(pVer);
}

extern "C" __declspec(dllexport) DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *pECB)
{
    return g_pServer->HttpExtensionProc(pECB);
}

extern "C" __declspec(dllexport) BOOL WINAPI TerminateExtension(DWORD dwFlags)
{
    UNREFERENCED_PARAMETER(dwFlags);
    return TRUE;
}
