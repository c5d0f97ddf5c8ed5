/* The capitalised spelling that many sources include. */
#include "windows.h"
