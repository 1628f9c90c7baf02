// libnl-3 can turn host and protocol names into numbers. Nothing here asks it to, but in a static
// binary that code would bring glibc's name service along, which loads shared libraries at run
// time: none may be there. These stand in its place and know no name.
#include <netdb.h>

extern "C" {

int getaddrinfo(const char*, const char*, const addrinfo*, addrinfo**) { return EAI_NONAME; }
void freeaddrinfo(addrinfo*) {}
protoent* getprotobyname(const char*) { return nullptr; }
protoent* getprotobynumber(int) { return nullptr; }

}  // extern "C"
