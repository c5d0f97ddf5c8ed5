/* Another spelling that sources use. */
#include "winsock2.h"
